import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A directory for one test file; `remove` it when the servers in it have stopped. */
export function tempDir(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'aftercare-test-'));
  return { path, remove: () => { rmSync(path, { recursive: true, force: true }); } };
}
