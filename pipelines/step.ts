import type { Event } from '../schemas/events.js';
import type { TableName } from '../schemas/tables.js';

/** An event where the stream put it. */
export interface StoredEvent {
  event: Event;
  shard: number;
  /** see `positionOf` */
  position: number;
  /** broker's time, milliseconds since 1970 */
  receivedMs: number;
  /**
   * Of a promotion: the parts of its artefact, proven by its hash, each in a buffer that the state may keep. Undefined when it
   * is gone or damaged: what was live stays.
   */
  artefact?: readonly Uint8Array[] | undefined;
  /** why a promotion has no artefact, for people; no part of the fold */
  artefactGone?: string | undefined;
}

/** A decision on its way into a commit: the sink makes rows of it. */
export interface Decision {
  table: TableName;
  value: unknown;
}
export type Emit = (decision: Decision) => void;

/**
 * A deterministic fold. `step` may change the state, which one loop owns, and nothing else: no clock, no I/O,
 * no Math.random, no await. Time comes from the event. Same events, same snapshot bytes.
 */
export interface Step<State> {
  empty(): State;
  step(state: State, event: StoredEvent, emit: Emit): void;
  /** The caller's own bytes: the state goes on changing while they are written. */
  snapshot(state: State): Uint8Array[];
  /** @throws AftercareError snapshot_damaged, also when the settings differ */
  restore(chunks: Uint8Array[]): State;
  /** sha256, hexadecimal, of what a snapshot would hold: equal states have equal ones. */
  hash(state: State): string;
}
