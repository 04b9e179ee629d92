/**
 * Where a workflow leaves bytes for a later activity or for the shards: data sets, exports, models. Only the reference
 * travels, through Temporal or on the stream, and whoever follows it proves by the hash that these are the bytes that
 * were meant.
 *
 *   Artefacts   jetstream/artefacts.ts   memory/artefacts.ts   one suite for both: test/contract/artefacts.test.ts
 */
import { AftercareError } from '../../schemas/errors.js';

export interface ArtefactRef {
  /** of a model: the model's name */
  name: string;
  /** whole number that grows; when several runs make the same version, the hash tells them apart */
  version: number;
  /** of the whole artefact, in hexadecimal */
  sha256: string;
  bytes: number;
}

/** An artefact that was opened and proven whole. Its parts are read when they are asked for. */
export interface Artefact {
  readonly parts: number;
  /** @param index  from 0  @throws AftercareError bad_file when it was dropped meanwhile */
  part(index: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** All its methods throw AftercareError unavailable when the store does not answer: then nothing is known of the artefact. */
export interface Artefacts {
  /**
   * Stores the parts in order, as they come; nobody sees it before it is whole, and it is durable when this resolves. Of a
   * name the newest few versions are kept, and those that were promoted last.
   * @param version  a late one, older than all that are kept, is dropped at once
   * @throws AftercareError refused when the store is full
   */
  put(name: string, version: number, parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): Promise<ArtefactRef>;
  /** @throws AftercareError bad_file, with the artefact's name, when it is gone or its bytes are not those of the hash */
  get(ref: ArtefactRef): Promise<Artefact>;
  /** All of its parts, each in a buffer of its own, so that typed arrays can be laid over them. @throws as `get` */
  load(ref: ArtefactRef): Promise<Uint8Array[]>;
  /** The whole ones of a name, the newest version first; whether their bytes are undamaged `get` and `load` prove. */
  list(name: string): Promise<ArtefactRef[]>;
  /** Removes a version; it is no error when there is none. */
  drop(name: string, version: number): Promise<void>;
  /** Marks it as promoted, so that it is kept however many come after. @throws AftercareError bad_file when it is gone */
  keep(ref: ArtefactRef): Promise<void>;
}

/** A run that started late may still write the version before; a third is for an analyst who asks what changed. */
export const versionsKept = 3;
/** The live one, and two to roll back to. */
export const promotedKept = 3;

export const artefactLabel = (ref: ArtefactRef): string => `artefact ${ref.name} ${ref.version} (sha256 ${ref.sha256.slice(0, 12)})`;

export const goneArtefact = (ref: ArtefactRef, options?: { cause: unknown }): AftercareError =>
  new AftercareError('bad_file', `${artefactLabel(ref)} is not there: newer versions have taken its place`, options);

/**
 * What is dropped after a put.
 * @param versions  those of which something is stored, whole or not
 * @param whole  those that are whole
 * @param promoted  those that were promoted, the latest first
 */
export function versionsToDrop(versions: readonly number[], whole: readonly number[], promoted: readonly number[]): number[] {
  const newest = [...new Set(whole)].sort((a, b) => b - a);
  if (newest.length < versionsKept) return [];
  const oldest = newest[versionsKept - 1];
  const kept = new Set(promoted.slice(0, promotedKept));
  return [...new Set(versions)].filter((version) => version < oldest && !kept.has(version));
}

/**
 * A reference comes from another process, and its fields become a subject.
 * @throws AftercareError bad_request that names the field
 */
export function checkName(name: string, version: number): void {
  if (!/^[a-z][a-z0-9_-]{0,63}$/.test(name)) throw new AftercareError('bad_request', `artefact name "${name}" must be small letters, digits, _ and -`);
  if (!(Number.isSafeInteger(version) && version >= 0)) throw new AftercareError('bad_request', `artefact version ${version} must be a whole number from 0`);
}

export function checkRef(ref: ArtefactRef): void {
  checkName(ref.name, ref.version);
  if (!/^[0-9a-f]{64}$/.test(ref.sha256)) throw new AftercareError('bad_request', `artefact sha256 "${ref.sha256}" must be 64 hexadecimal digits`);
}
