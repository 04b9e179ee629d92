/**
 * Where an activity leaves bytes for a later one: data sets, exports, in time weights. Through Temporal goes only the
 * reference, and whoever follows it proves by the hash that these are the bytes that were meant.
 *
 *   Artefacts   artefact-files.ts   artefact-memory.ts   one suite for both: test/workflows/artefacts.test.ts
 */
import { AftercareError } from '../schemas/errors.js';

export interface ArtefactRef {
  name: string;
  /** whole number that grows; when several runs make the same version, the hash tells them apart */
  version: number;
  /** of the whole artefact, in hexadecimal */
  sha256: string;
  bytes: number;
}

/** An artefact that was opened and proven whole. It stays readable until closed, even when it is dropped meanwhile. */
export interface Artefact {
  readonly parts: number;
  /** @param index  from 0 */
  part(index: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface Artefacts {
  /**
   * Stores the parts in order, as they come; durable when it resolves. Of a name's versions the newest few are kept.
   * @param version  a late one, older than all that are kept, is dropped at once
   */
  put(name: string, version: number, parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<ArtefactRef>;
  /** @throws AftercareError bad_file, with the artefact's name, when it is gone or its bytes are not those of the hash */
  get(ref: ArtefactRef): Promise<Artefact>;
}

/** A run that started late may still write the version before; a third is for an analyst who asks what changed. */
export const versionsKept = 3;

export const artefactLabel = (ref: ArtefactRef): string => `artefact ${ref.name} ${ref.version} (sha256 ${ref.sha256.slice(0, 12)})`;

/**
 * A reference comes from another process, and its fields become a path.
 * @throws AftercareError bad_request that names the field
 */
export function checkName(name: string, version: number): void {
  if (!/^[a-z][a-z0-9_]{0,63}$/.test(name)) throw new AftercareError('bad_request', `artefact name "${name}" must be small letters, digits and _`);
  if (!(Number.isSafeInteger(version) && version >= 0)) throw new AftercareError('bad_request', `artefact version ${version} must be a whole number from 0`);
}

export function checkRef(ref: ArtefactRef): void {
  checkName(ref.name, ref.version);
  if (!/^[0-9a-f]{64}$/.test(ref.sha256)) throw new AftercareError('bad_request', `artefact sha256 "${ref.sha256}" must be 64 hexadecimal digits`);
}
