import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { withLock } from './build-lock.mjs';
import { build, outdated, targets } from './build.mjs';
import { areCurrent, install } from './dependencies.mjs';
import { StepError } from './progress.mjs';

const oldest = [20, 19];

/** The folder of this checkout, wherever the command is called from. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * Makes this checkout ready to run: the packages of package-lock.json, and `dist/` built from the sources. Takes a
 * fraction of a second when nothing has changed; two at the same time wait for each other.
 * @param {{ quiet?: boolean, keepGoing?: boolean }} options  `keepGoing`: type errors are answered, not thrown
 * @returns {Promise<{ typeErrors: string | undefined }>}
 * @throws {StepError} with the failed step's whole output and a remedy
 */
export async function setup({ quiet = false, keepGoing = false } = {}) {
  checkNode();
  let typeErrors;
  if (areCurrent(root) && outdated(root, targets(root, quiet)).length === 0) return { typeErrors };
  await withLock(join(root, 'dist', '.setup-lock'), async () => {
    if (!areCurrent(root)) await install(root, quiet);
    for (const target of outdated(root, targets(root, quiet))) typeErrors = (await build(root, target)) ?? typeErrors;
  });
  if (typeErrors !== undefined && !keepGoing) throw new StepError(`The sources have type errors:\n\n${typeErrors}\n\nCorrect them and run the same command again.`);
  return { typeErrors };
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return;
  throw new StepError(`Aftercare needs Node.js ${oldest.join('.')} or newer, and this is ${process.versions.node}: install a current one from https://nodejs.org and run the same command again.`);
}

/** For the programs that begin with the set-up: its error is a message, not a stack. */
export async function setupOrExit(options) {
  try {
    return await setup(options);
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await setupOrExit({});
