#!/usr/bin/env node
import { setupOrExit } from '../scripts/setup.mjs';

await setupOrExit({ quiet: true });
await import('../dist/cli/main.js');
