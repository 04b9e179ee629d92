import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** sha256 over the names and contents of files, so that neither a checkout nor a touch causes a build, and an edit always does. */
export function hashOf(files, salt = '') {
  const hash = createHash('sha256').update(salt);
  for (const file of [...files].sort()) {
    hash.update(`\0${file}\0`);
    hash.update(readOr(file, ''));
  }
  return hash.digest('hex');
}

/** All files under the folders whose names end in `ext`, leaving out folders named in `except`. */
export function filesUnder(root, folders, ext, except = []) {
  const found = [];
  const walk = (dir) => {
    for (const entry of entriesOf(dir)) {
      if (entry.isDirectory() && !except.includes(entry.name)) walk(join(dir, entry.name));
      else if (entry.isFile() && entry.name.endsWith(ext)) found.push(join(dir, entry.name));
    }
  };
  for (const folder of folders) walk(join(root, folder));
  return found;
}

export function entriesOf(dir) {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch {
    return [];
  }
}

export function readOr(path, otherwise) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}

/** Writes aside and renames, so that a reader never sees half. */
export function writeWhole(path, text) {
  mkdirSync(dirname(path), { recursive: true });
  const aside = `${path}.${process.pid}.tmp`;
  writeFileSync(aside, text);
  renameSync(aside, path);
}
