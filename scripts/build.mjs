import { existsSync, mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { runStep, watched } from './progress.mjs';
import { entriesOf, filesUnder, hashOf, readOr, writeWhole } from './stamps.mjs';

const typed = ['schemas', 'models', 'pipelines', 'activities', 'workflows', 'servers', 'simulator', 'datasets', 'cli', 'bench', 'test'];
/** What a workflow bundle may be made of; the rest cannot change it. */
const bundled = ['workflows', 'activities', 'schemas'];

/** @typedef {{ name: string, hash: string, output: string, run: () => Promise<string | undefined> }} Target  `run` answers with the type errors, if any */

/** What has to be built, in order, each with the hash of all that it is made from. @returns {Target[]} */
export function targets(root, quiet) {
  const lock = readOr(join(root, 'package-lock.json'), '');
  const sources = filesUnder(root, typed, '.ts', ['assembly', 'node_modules']);
  const config = ['tsconfig.json', 'vitest.config.ts'].map((file) => join(root, file));
  const all = [{ name: 'types', hash: hashOf([...sources, ...config], lock), output: 'dist/servers', run: () => compile(root, quiet) }];
  for (const model of entriesOf(join(root, 'models')).filter((entry) => existsSync(join(root, 'models', entry.name, 'assembly', 'index.ts')))) {
    all.push(kernelOf(root, model.name, lock, quiet));
  }
  if (existsSync(join(root, 'workflows', 'index.ts'))) {
    const output = 'dist/workflows/bundle.js';
    all.push({ name: 'workflows', hash: hashOf(filesUnder(root, bundled, '.ts'), lock), output, run: () => bundle(root, output, quiet) });
  }
  return all;
}

/** The targets that are not what their sources are now. @param {Target[]} all */
export function outdated(root, all) {
  return all.filter(({ name, hash, output }) => readOr(stampOf(root, name), '') !== hash || !existsSync(join(root, output)));
}

/** Builds one target and stamps it, unless it has type errors. @returns {Promise<string | undefined>} the type errors */
export async function build(root, target) {
  const errors = await target.run();
  if (errors === undefined) writeWhole(stampOf(root, target.name), target.hash);
  return errors;
}

const stampOf = (root, name) => join(root, 'dist', '.stamps', name);

/** JavaScript comes out even when there are type errors, so that a test run can report them beside the tests. */
async function compile(root, quiet) {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { code, output } = await watched({ name: 'compiling', command: process.execPath, args: [tsc, '-p', 'tsconfig.json'], cwd: root, quiet });
  return code === 0 ? undefined : output.trim();
}

function kernelOf(root, model, lock, quiet) {
  const folder = join(root, 'models', model);
  const output = `dist/models/${model}/${model}.wasm`;
  const config = join(folder, 'asconfig.json');
  const files = [...filesUnder(folder, ['assembly'], '.ts'), config];
  return { name: `kernel-${model}`, hash: hashOf(files, lock), output, run: () => compileKernel(root, folder, config, output, quiet) };
}

async function compileKernel(root, folder, config, output, quiet) {
  mkdirSync(join(root, output, '..'), { recursive: true });
  const entry = relative(root, join(folder, 'assembly', 'index.ts'));
  const flags = existsSync(config) ? ['--config', relative(root, config), '--target', 'release'] : ['-O3'];
  await runStep({
    name: `compiling ${output}`, command: process.execPath, cwd: root, quiet,
    args: [join('node_modules', 'assemblyscript', 'bin', 'asc.js'), entry, ...flags, '--outFile', output],
    remedy: `Correct the AssemblyScript under ${relative(root, folder)}/assembly and run the same command again.`,
  });
  return undefined;
}

/** In a process of its own: the bundler holds the event loop for seconds, and the display must go on. */
async function bundle(root, output, quiet) {
  await runStep({
    name: 'bundling workflows', command: process.execPath, args: [join('scripts', 'bundle-workflows.mjs'), join('dist', 'workflows', 'index.js'), output], cwd: root, quiet,
    remedy: 'A workflow may import only what is deterministic: see the message above, correct it and run the same command again.',
  });
  return undefined;
}
