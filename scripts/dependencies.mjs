import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runStep } from './progress.mjs';
import { readOr, writeWhole } from './stamps.mjs';

const stampOf = (root) => join(root, 'node_modules', '.aftercare-lock');

/** True when node_modules is what package-lock.json asks for. */
export function areCurrent(root) {
  return readOr(stampOf(root), '') === lockHash(root);
}

/** Brings node_modules to what package-lock.json asks for: the very versions, with their checksums. */
export async function install(root, quiet) {
  if (!matchesInstalled(root)) {
    await runStep({
      name: 'installing packages', command: 'npm', args: ['ci', '--no-audit', '--no-fund'], cwd: root, quiet,
      remedy: 'The packages come from the npm registry: check the network and `npm config get registry`, then run the same command again.',
    });
  }
  writeWhole(stampOf(root), lockHash(root));
}

function lockHash(root) {
  return createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex');
}

/**
 * Somebody who has just run `npm install` by hand has no stamp and needs no second install, which would empty the
 * folder under the feet of whatever runs. npm's own record of what it installed tells.
 */
function matchesInstalled(root) {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return false;
  const installed = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  // optional packages are other platforms' builds; the root itself is the entry with the empty name
  return Object.entries(wanted).every(([path, { version, optional }]) => path === '' || optional === true || installed[path]?.version === version);
}
