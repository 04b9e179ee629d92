import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AftercareError } from '../schemas/errors.js';

/**
 * The path in `dist/` of a compiled program of ours that runs as a process of its own. This file itself runs from
 * `dist/servers/` in use and from `servers/` under the tests' own compiler.
 * @throws AftercareError `bad_config` when it has not been built
 */
export function compiledPath(relative: string): string {
  const above = dirname(dirname(fileURLToPath(import.meta.url)));
  const root = import.meta.url.endsWith('.ts') ? join(above, 'dist') : above;
  const path = join(root, relative);
  if (!existsSync(path)) throw new AftercareError('bad_config', `${path} is not there: run npm run build`);
  return path;
}
