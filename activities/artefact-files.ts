/**
 * Artefacts as files: written aside, synced, renamed.
 *
 *   <dir>/item_neighbours/1700000000000-<sha256>.artefact
 *                         1700000000000-<random>.tmp        being written, or left by a process that was killed
 *
 * The folder belongs to one machine. Workers on several share it, or take an adapter that they all reach.
 */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { appendHashed, syncFolder } from '../pipelines/runtime/durable-file.js';
import { AftercareError } from '../schemas/errors.js';
import { footer, openArtefact, type Source } from './artefact-format.js';
import { artefactLabel, checkName, checkRef, versionsKept, type ArtefactRef, type Artefacts } from './artefacts.js';

export function artefactFiles(directory: string): Artefacts {
  const pathOf = (ref: ArtefactRef): string => join(directory, ref.name, `${ref.version}-${ref.sha256}.artefact`);
  return {
    async put(name, version, parts) {
      checkName(name, version);
      const folder = join(directory, name);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const aside = join(folder, `${version}-${randomUUID()}.tmp`);
      try {
        const ref = { name, version, ...(await writeWhole(aside, parts)) };
        await rename(aside, pathOf(ref));
        await syncFolder(folder);
        await dropOld(folder);
        return ref;
      } finally {
        await rm(aside, { force: true });
      }
    },
    async get(ref) {
      checkRef(ref);
      return openArtefact(ref, await openSource(ref, pathOf(ref)));
    },
  };
}

async function writeWhole(path: string, parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<{ sha256: string; bytes: number }> {
  const file = await open(path, 'wx', 0o600);
  try {
    const hash = createHash('sha256');
    const lengths: number[] = [];
    let bytes = 0;
    for await (const part of parts) {
      lengths.push(part.byteLength);
      bytes += part.byteLength;
      await appendHashed(file, hash, part);
    }
    const end = footer(lengths);
    bytes += end.byteLength;
    await appendHashed(file, hash, end);
    await file.sync();
    return { sha256: hash.digest('hex'), bytes };
  } finally {
    await file.close();
  }
}

/**
 * All files of a version go together: an attempt that was given up, and finishes late, must not drop the file that
 * the next attempt has handed on.
 */
async function dropOld(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => /^\d+-[0-9a-f-]+\.(artefact|tmp)$/.test(name));
  const whole = names.filter((name) => name.endsWith('.artefact')).map((name) => Number.parseInt(name, 10));
  const versions = [...new Set(whole)].sort((a, b) => b - a);
  if (versions.length < versionsKept) return;
  const oldest = versions[versionsKept - 1];
  for (const name of names.filter((n) => Number.parseInt(n, 10) < oldest)) await rm(join(folder, name), { force: true });
}

async function openSource(ref: ArtefactRef, path: string): Promise<Source> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    throw new AftercareError('bad_file', `${artefactLabel(ref)} is not there: newer versions have taken its place, or ${path} was on another machine`, { cause: error });
  });
  return {
    bytes: (await file.stat()).size,
    async read(start, length) {
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const { bytesRead } = await file.read(bytes, done, length - done, start + done);
        if (bytesRead === 0) throw new AftercareError('bad_file', `${artefactLabel(ref)} was cut short while it was read`);
        done += bytesRead;
      }
      return bytes;
    },
    close: () => file.close(),
  };
}
