import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** Makes a directory that only its owner can enter, with its parents; an existing one is tightened. */
export function makePrivateDir(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  chmodSync(path, 0o700); // mkdir leaves the mode of a directory that was there
}

/** Writes a file that only its owner can read, whole or not at all: it is written aside and renamed. */
export function writePrivateFile(path: string, text: string): void {
  makePrivateDir(dirname(path));
  const aside = `${path}.${process.pid}.tmp`;
  writeFileSync(aside, text, { mode: 0o600 });
  chmodSync(aside, 0o600); // a file left by an earlier crash keeps its own mode
  renameSync(aside, path);
}

/** The parsed JSON of a file, or undefined when it is absent or damaged: everything kept this way can be made again. */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as unknown;
  } catch {
    return undefined;
  }
}
