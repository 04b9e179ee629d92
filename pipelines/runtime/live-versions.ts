/**
 * Which version of each model shall be live: one record a model, written by compare-and-set, so that of two promotions that
 * were decided on the same champion the second is refused. The shards follow the stream; this is what the stream was told.
 *
 *   LiveVersions   jetstream/live-versions.ts   memory/live-versions.ts   one suite for both: test/contract/live-versions.test.ts
 */
import type { ArtefactRef } from './artefacts.js';

/** Without its name, which is the model's. */
export type VersionRef = Omit<ArtefactRef, 'name'>;

export interface LiveRecord {
  /** absent: none is live, and what decided before the first version decides */
  live?: VersionRef;
  /** whose place it took; absent: none was live */
  instead?: VersionRef;
  /** those before it, the latest first: what a roll-back goes to */
  before: VersionRef[];
  /** when it was decided: the time of the promotion's event */
  atMs: number;
  by: string;
  reason: string;
}

export interface Versioned {
  record: LiveRecord;
  /** grows with each write; 0: never written */
  revision: number;
}

export interface LiveVersions {
  read(model: string): Promise<Versioned>;
  /**
   * @param revision  of the record that the decision was made on
   * @returns the new revision
   * @throws AftercareError fenced when it has been written since; unavailable when nobody knows
   */
  write(model: string, record: LiveRecord, revision: number): Promise<number>;
}

export const nobody: LiveRecord = { before: [], atMs: 0, by: '', reason: '' };

/** The live one and two before it are kept by the store (`promotedKept`). */
const beforeKept = 2;

const same = (a: VersionRef, b: VersionRef): boolean => a.version === b.version && a.sha256 === b.sha256;

/** The record after a promotion. A version that is promoted again leaves its earlier place. */
export function promotedRecord({ live, before }: LiveRecord, next: VersionRef, why: Pick<LiveRecord, 'atMs' | 'by' | 'reason'>): LiveRecord {
  const earlier = [...(live === undefined ? [] : [live]), ...before].filter((ref) => !same(ref, next));
  return { live: next, ...(live !== undefined && { instead: live }), before: earlier.slice(0, beforeKept), ...why };
}

/** The record after a roll-back: the version before is live, and the one that was is forgotten. */
export function rolledBackRecord({ live: instead, before }: LiveRecord, why: Pick<LiveRecord, 'atMs' | 'by' | 'reason'>): LiveRecord {
  const [live, ...rest] = before;
  return { ...(live !== undefined && { live }), ...(instead !== undefined && { instead }), before: rest, ...why };
}
