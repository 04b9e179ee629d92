import { spawn } from 'node:child_process';

/** A step failed; the message holds all it printed and what to do about it. */
export class StepError extends Error {}

const shownAfterMs = 2_000;
const lineEveryMs = 5_000;

/**
 * Runs a program with its output kept back, and shows elapsed seconds on standard error while it takes long: one
 * line that counts on a terminal, a new line now and then in a log.
 * @param {{ name: string, command: string, args: string[], cwd: string, remedy: string, quiet?: boolean, env?: NodeJS.ProcessEnv }} step
 * @returns {Promise<string>} what it printed
 * @throws {StepError} with the whole output and the remedy
 */
export async function runStep(step) {
  const { code, output } = await watched(step);
  if (code === 0) return output;
  throw new StepError(`${step.name} failed (${step.command} ${step.args.join(' ')}, code ${code}):\n\n${output.trim()}\n\n${step.remedy}`);
}

/** As runStep, but the exit code is an answer and not an error. @returns {Promise<{ code: number, output: string }>} */
export function watched({ name, command, args, cwd, quiet = false, env = process.env }) {
  const stopShowing = showElapsed(name, quiet);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => { output += chunk; });
    child.stderr.on('data', (chunk) => { output += chunk; });
    child.once('error', (cause) => reject(new StepError(`${name}: cannot run ${command}: ${cause.message}`, { cause })));
    child.once('close', (code, signal) => resolve({ code: code ?? 1, output: signal === null ? output : `${output}\nended by ${signal}` }));
  }).finally(stopShowing);
}

/** @returns {() => void} ends the display */
function showElapsed(name, quiet) {
  const startedAt = Date.now();
  const elapsed = () => `${Math.round((Date.now() - startedAt) / 1000)} s`;
  if (process.stderr.isTTY) {
    const timer = setInterval(() => {
      if (Date.now() - startedAt >= shownAfterMs) process.stderr.write(`\r\x1b[K${name} ... ${elapsed()}`);
    }, 500);
    return () => {
      clearInterval(timer);
      if (Date.now() - startedAt >= shownAfterMs) process.stderr.write(`\r\x1b[K${name}: ${elapsed()}\n`);
    };
  }
  if (!quiet) process.stderr.write(`${name} ...\n`);
  const first = setTimeout(() => { if (quiet) process.stderr.write(`${name} ...\n`); }, shownAfterMs);
  const timer = setInterval(() => process.stderr.write(`${name} ... ${elapsed()}\n`), lineEveryMs);
  return () => {
    clearTimeout(first);
    clearInterval(timer);
    if (Date.now() - startedAt >= lineEveryMs) process.stderr.write(`${name}: ${elapsed()}\n`);
  };
}
