import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A folder that is gone when the file's tests are over. */
export function tempDir(): string {
  const path = mkdtempSync(join(tmpdir(), 'aftercare-test-'));
  afterAll(() => { rmSync(path, { recursive: true, force: true }); });
  return path;
}
