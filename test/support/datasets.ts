import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** A public data set beside the repository; a test that needs one skips, and says so, where it is absent. */
export function sharedData(...path: string[]): { file: string; missing: boolean } {
  const file = join('..', 'shared', 'data', ...path);
  const missing = !existsSync(file);
  if (missing) console.log(`skipped: ${file} is not here (the data sets are not a part of this repository)`);
  return { file, missing };
}
