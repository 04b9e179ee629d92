/** What the public sets of labelled texts share: they are small, and read in one piece where they lie. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import { AftercareError, messageOf } from '../schemas/errors.js';

/** Beside the repository, read-only; a fresh machine does without. */
export const sharedFolder = '../shared/data';

/** A span of the text as it stands in the file, end exclusive. */
export interface EntitySpan {
  kind: string;
  start: number;
  end: number;
}

export interface LabelledText {
  text: string;
  label: string;
}

/** @returns undefined when one of the files is absent: the caller says what it skips */
export function readTexts<Name extends string>(folder: string, names: readonly Name[]): Record<Name, string> | undefined {
  if (!names.every((name) => existsSync(join(folder, name)))) return undefined;
  return Object.fromEntries(names.map((name) => [name, textOf(join(folder, name))])) as Record<Name, string>;
}

function textOf(file: string): string {
  try {
    const bytes = readFileSync(file);
    return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
  } catch (error) {
    throw new AftercareError('bad_file', `${file} cannot be read: ${messageOf(error)}; fetch it again`, { cause: error });
  }
}

/** Rows below a header that must be this one. @throws AftercareError bad_file with the line */
export function csvRows(file: string, text: string, header: readonly string[]): string[][] {
  let rows: string[][];
  try {
    rows = parse(text, { bom: true, cast: false, skip_empty_lines: true, relax_quotes: true });
  } catch (error) {
    throw new AftercareError('bad_file', `${file}: ${messageOf(error)}`, { cause: error });
  }
  const first = rows[0]?.join(',') ?? '';
  if (first !== header.join(',')) throw new AftercareError('bad_file', `${file}: line 1 is "${first.slice(0, 100)}", expected ${header.join(',')}`);
  return rows.slice(1);
}

/** A text that ends in a line end has no empty last line; a carriage return at a line's end is dropped. */
export const linesOf = (text: string): string[] => text.replace(/\r?\n$/, '').split(/\r?\n/);
