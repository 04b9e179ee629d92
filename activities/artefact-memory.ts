/** The twin of `artefact-files.ts` that forgets everything with the process. */
import { createHash } from 'node:crypto';
import { AftercareError } from '../schemas/errors.js';
import { footer, openArtefact } from './artefact-format.js';
import { artefactLabel, checkName, checkRef, versionsKept, type ArtefactRef, type Artefacts } from './artefacts.js';

export type MemoryArtefacts = Artefacts & {
  /** the stored bytes themselves, for tests that damage them */
  bytesOf(ref: ArtefactRef): Uint8Array | undefined;
};

export function memoryArtefacts(): MemoryArtefacts {
  const stored = new Map<string, { ref: ArtefactRef; bytes: Uint8Array }>();
  const keyOf = (ref: ArtefactRef): string => `${ref.name}/${ref.version}/${ref.sha256}`;
  const dropOld = (name: string): void => {
    const ofName = [...stored].filter(([, { ref }]) => ref.name === name);
    const versions = [...new Set(ofName.map(([, { ref }]) => ref.version))].sort((a, b) => b - a);
    for (const [key, { ref }] of ofName) if (versions.indexOf(ref.version) >= versionsKept) stored.delete(key);
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
    async get(ref) {
      checkRef(ref);
      const bytes = stored.get(keyOf(ref))?.bytes;
      if (bytes === undefined) throw new AftercareError('bad_file', `${artefactLabel(ref)} is not there: newer versions have taken its place`);
      return openArtefact(ref, {
        bytes: bytes.byteLength,
        read: (start, length) => Promise.resolve(bytes.slice(start, start + length)),
        close: () => Promise.resolve(),
      });
    },
    bytesOf: (ref) => stored.get(keyOf(ref))?.bytes,
  };
}
