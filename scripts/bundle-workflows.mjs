// Usage: node scripts/bundle-workflows.mjs <compiled workflows> <bundle>
// A bundle made beforehand lets a worker start in 0.5 s instead of 3 s.
import { resolve } from 'node:path';
import { bundleWorkflowCode } from '@temporalio/worker';
import { writeWhole } from './stamps.mjs';

const [workflowsPath, output] = process.argv.slice(2);
const { code } = await bundleWorkflowCode({ workflowsPath: resolve(workflowsPath) });
writeWhole(output, code);
