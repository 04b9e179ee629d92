/** Shared by the tests of the importers: small files written on the spot, and the public ones where they exist. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll } from 'vitest';
import { datasets, type ImportedRow } from '../../datasets/dataset.js';

/** A folder for one test file's samples, removed when it is done. */
export function sampleFolder(): (name: string, text: string, options?: { gz?: boolean }) => string {
  const folder = mkdtempSync(join(tmpdir(), 'aftercare-datasets-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (name, text, { gz = false } = {}) => {
    const path = join(folder, name);
    writeFileSync(path, gz ? gzipSync(text) : text);
    return path;
  };
}

export async function rowsOf(dataset: string, file: string): Promise<ImportedRow[]> {
  const rows: ImportedRow[] = [];
  for await (const batch of datasets[dataset].read(file)) rows.push(...batch);
  return rows;
}

export const eventsOf = async (dataset: string, file: string): Promise<unknown[]> => (await rowsOf(dataset, file)).map((row) => row.event);

/** The public data sets stand beside the repository, read-only, and a fresh machine does without. */
const shared = fileURLToPath(new URL('../../../shared/data/', import.meta.url));

/** Whether to skip a test, with the reason printed. */
export function lacks(path: string): boolean {
  if (existsSync(publicFile(path))) return false;
  console.log(`skipped: ${publicFile(path)} is absent; fetch the public data sets to run this test`);
  return true;
}

export const publicFile = (path: string): string => join(shared, path);
