/** The twin of `jetstream/artefacts.ts` that forgets everything with the process. */
import { createHash } from 'node:crypto';
import { footer, loadArtefact, openArtefact, type Source } from '../artefact-format.js';
import { checkName, checkRef, goneArtefact, versionsToDrop, type ArtefactRef, type Artefacts } from '../artefacts.js';

export type MemoryArtefacts = Artefacts & {
  /** the stored bytes themselves, for tests that damage them */
  bytesOf(ref: ArtefactRef): Uint8Array | undefined;
};

export function memoryArtefacts(): MemoryArtefacts {
  const stored = new Map<string, { ref: ArtefactRef; bytes: Uint8Array }>();
  const keyOf = (ref: ArtefactRef): string => `${ref.name}/${ref.version}/${ref.sha256}`;
  /** versions of each name, the latest promotion first */
  const promoted = new Map<string, number[]>();
  const dropOld = (name: string): void => {
    const versions = [...stored.values()].filter(({ ref }) => ref.name === name).map(({ ref }) => ref.version);
    const dropped = new Set(versionsToDrop(versions, versions, promoted.get(name) ?? []));
    for (const [key, { ref }] of stored) if (ref.name === name && dropped.has(ref.version)) stored.delete(key);
  };
  const bytesOf = (ref: ArtefactRef): Uint8Array | undefined => {
    checkRef(ref);
    return stored.get(keyOf(ref))?.bytes;
  };
  const sourceOf = (ref: ArtefactRef): Source => {
    const bytes = bytesOf(ref);
    if (bytes === undefined) throw goneArtefact(ref);
    return {
      bytes: bytes.byteLength,
      read: (start, length) => (bytesOf(ref) === undefined ? Promise.reject(goneArtefact(ref)) : Promise.resolve(bytes.slice(start, start + length))),
    };
  };
  return {
    async put(name, version, parts) {
      checkName(name, version);
      const chunks: Uint8Array[] = [];
      for await (const part of parts) chunks.push(part.slice());
      const bytes = Buffer.concat([...chunks, footer(chunks.map((chunk) => chunk.byteLength))]);
      const ref = { name, version, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.byteLength };
      stored.set(keyOf(ref), { ref, bytes });
      dropOld(name);
      return ref;
    },
    get: async (ref) => openArtefact(ref, sourceOf(ref)),
    load: async (ref) => loadArtefact(ref, sourceOf(ref)),
    list(name) {
      checkName(name, 0);
      const refs = [...stored.values()].map(({ ref }) => ref).filter((ref) => ref.name === name);
      return Promise.resolve(refs.sort((a, b) => b.version - a.version || (a.sha256 < b.sha256 ? -1 : 1)));
    },
    drop(name, version) {
      for (const [key, { ref }] of stored) if (ref.name === name && ref.version === version) stored.delete(key);
      return Promise.resolve();
    },
    async keep(ref) {
      sourceOf(ref);
      promoted.set(ref.name, [ref.version, ...(promoted.get(ref.name) ?? []).filter((version) => version !== ref.version)]);
    },
    bytesOf,
  };
}
