// Usage: node scripts/test.mjs [vitest arguments, such as a folder]
// Set-up, types, lint and every test; the last line counts them all, lint and types as one each.
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { watched } from './progress.mjs';
import { root, setupOrExit } from './setup.mjs';

const counts = { passed: 0, failed: 0, skipped: 0 };

const { typeErrors } = await setupOrExit({ keepGoing: true });
count('types', typeErrors ?? '', typeErrors === undefined);
await lint();
const testsRun = await runTests(process.argv.slice(2));

if (testsRun === 0) process.stdout.write('\nNo test ran: the arguments match no test file.\n');
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
process.stdout.write(`\n${counts.passed} passed, ${counts.failed} failed${skipped}\n`);
process.exitCode = counts.failed > 0 || testsRun === 0 ? 1 : 0;

function count(name, output, passed) {
  counts[passed ? 'passed' : 'failed'] += 1;
  process.stdout.write(`${passed ? 'ok' : 'FAILED'}  ${name}\n${passed ? '' : `\n${output}\n\n`}`);
}

async function lint() {
  const eslint = join('node_modules', 'eslint', 'bin', 'eslint.js');
  const { code, output } = await watched({ name: 'lint', command: process.execPath, args: [eslint, '--max-warnings', '0', '.'], cwd: root });
  count('lint', output.trim(), code === 0);
}

/** @returns {Promise<number>} the tests that ran, passed or failed */
async function runTests(args) {
  const report = join(root, 'dist', `.test-report-${process.pid}.json`);
  mkdirSync(join(root, 'dist'), { recursive: true });
  const vitest = join('node_modules', 'vitest', 'vitest.mjs');
  const code = await show(process.execPath, [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args]);
  const result = read(report);
  rmSync(report, { force: true });
  const { numPassedTests = 0, numFailedTests = 0, numPendingTests = 0, numTodoTests = 0, testResults = [] } = result;
  // a file that breaks before its first test has no test to count, and must not pass for that
  const brokenFiles = testResults.filter((file) => file.status === 'failed' && file.assertionResults.every((one) => one.status !== 'failed')).length;
  // an error outside any test (an unhandled rejection, a crash of vitest) shows in the exit code alone
  const elsewhere = code !== 0 && numFailedTests + brokenFiles === 0 && numPassedTests > 0 ? 1 : 0;
  counts.passed += numPassedTests;
  counts.failed += numFailedTests + brokenFiles + elsewhere;
  counts.skipped += numPendingTests + numTodoTests;
  return numPassedTests + numFailedTests + brokenFiles;
}

function show(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit' });
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return {};
  }
}
