/**
 * Which version of each model shall be live: one record a model, written by compare-and-set, so that of two promotions that
 * were decided on the same champion the second is refused. The shards follow the stream; this is what the stream was told.
 *
 *   LiveVersions   jetstream/live-versions.ts   memory/live-versions.ts   one suite for both: test/contract/live-versions.test.ts
 */
import type { ArtefactRef } from './artefacts.js';

/** Without its name, which is the model's. */
export type VersionRef = Omit<ArtefactRef, 'name'>;

/** When it was decided, which is the time of its events, by whom and why. */
export interface Decision {
  atMs: number;
  by: string;
  reason: string;
}

/** A version beside the live one: it scores in the shadow, or decides for a share of the customers (pipelines/canary.ts). */
export interface Challenger extends VersionRef, Decision {
  /** of the customers; 0: it only scores */
  percent: number;
}

export interface LiveRecord extends Decision {
  /** absent: none is live, and what decided before the first version decides */
  live?: VersionRef;
  /** whose place it took; absent: none was live */
  instead?: VersionRef;
  /** those before it, the latest first: what a roll-back goes to */
  before: VersionRef[];
  challenger?: Challenger;
  /** the challenger that stepped aside last: where it goes live as the model itself, with that decision */
  ended?: VersionRef & Decision;
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
export function promotedRecord({ live, before, ...beside }: LiveRecord, next: VersionRef, why: Decision): LiveRecord {
  const earlier = [...(live === undefined ? [] : [live]), ...before].filter((ref) => !same(ref, next));
  return { live: next, ...(live !== undefined && { instead: live }), before: earlier.slice(0, beforeKept), ...challengersOf(beside, next, why), ...why };
}

/** The record after a roll-back: the version before is live, and the one that was is forgotten. */
export function rolledBackRecord({ live: instead, before, ...beside }: LiveRecord, why: Decision): LiveRecord {
  const [live, ...rest] = before;
  return { ...(live !== undefined && { live }), ...(instead !== undefined && { instead }), before: rest, ...challengersOf(beside, live, why), ...why };
}

/** The record after a challenger has begun, or has another share. What is live, and since when, stays. */
export const challengedRecord = (record: LiveRecord, { version, sha256, bytes }: VersionRef, percent: number, why: Decision): LiveRecord =>
  ({ ...record, challenger: { version, sha256, bytes, percent, ...why } });

/** The record after the challenger has stepped aside. */
export function endedRecord({ challenger, ...record }: LiveRecord, why: Decision): LiveRecord {
  return challenger === undefined ? record : { ...record, ended: { version: challenger.version, sha256: challenger.sha256, bytes: challenger.bytes, ...why } };
}

/** A challenger that goes live is none any more: it would be compared with itself. */
function challengersOf({ challenger, ended }: Pick<LiveRecord, 'challenger' | 'ended'>, live: VersionRef | undefined, why: Decision): Pick<LiveRecord, 'challenger' | 'ended'> {
  if (challenger === undefined) return ended === undefined ? {} : { ended };
  if (live === undefined || !same(challenger, live)) return { challenger, ...(ended !== undefined && { ended }) };
  return { ended: { version: challenger.version, sha256: challenger.sha256, bytes: challenger.bytes, ...why } };
}
