/**
 * What a replay does when it is a backfill: from a sequence on another version decides, and what comes of it goes into shadow tables.
 *
 *   1 ... done | from ...                      ... to
 *   folded in silence      the version is promoted, its own and its rivals' promotions on the stream are passed over; rows
 *
 * Rows go in cuts that begin where the one before ended: a replay that goes on at a cut's end makes the same ones, and ClickHouse
 * drops an insert whose token it knows.
 */
import type { ArtefactRef, Artefacts } from '../pipelines/runtime/artefacts.js';
import { decisionCollector } from '../pipelines/runtime/collectors.js';
import { encodeCommit } from '../pipelines/runtime/commit.js';
import type { Folding } from '../pipelines/runtime/folding.js';
import { promotionEvent, retirementEvent } from '../pipelines/runtime/jetstream/promote.js';
import type { RowStore } from '../pipelines/runtime/ports.js';
import type { Decision } from '../pipelines/step.js';
import { switchedBy, type StoredMessage } from '../schemas/decode.js';
import { AftercareError } from '../schemas/errors.js';
import { limits } from '../schemas/limits.js';
import { shadowOf } from '../schemas/shadow-tables.js';
import type { PromotionRow } from '../schemas/tables.js';

export interface BackfillDone {
  /** sequence of EVENTS: everything up to here is stored */
  seq: number;
  /** rows by table so far */
  rows: Record<string, number>;
}

export interface BackfillOptions {
  run: string;
  /** sequence from which the version decides */
  from: number;
  /** `name` is the model's name */
  model: ArtefactRef;
  /** models whose promotions and retirements on the stream are passed over from there on, and those of their challengers */
  instead: readonly string[];
  /** where an earlier attempt has got to */
  done?: BackfillDone | undefined;
}

export interface Backfill {
  readonly done: BackfillDone;
  readonly rows: Record<string, number>;
  /** @param folding  the replay that calls the others */
  start<State>(folding: Folding<State>): void;
  emit(decision: Decision): void;
  before(this: void, message: StoredMessage): Promise<void> | undefined;
  skips(this: void, message: StoredMessage): boolean;
  /** Stores what is left. */
  end(): Promise<void>;
}

interface Parts extends BackfillOptions {
  shard: number;
  shards: number;
  to: number;
  rows: RowStore;
  artefacts: Artefacts;
  /** challengers that decide for a share of the customers at this moment of the replay */
  shares: () => { name: string; version: number }[];
}

/** Rows of one insert, about: a message may hold a thousand events. */
const rowsMax = 20_000;
/** Messages of one cut at most: an attempt that goes on inserts no more of them again. */
const messagesMax = 2000;

export function createBackfill({ run, from, model, instead, done, shard, shards, to, rows, artefacts, shares }: Parts): Backfill {
  const collector = decisionCollector((table) => shadowOf(table, run));
  const stored: BackfillDone = { seq: Math.max(from - 1, done?.seq ?? 0), rows: { ...done?.rows } };
  // As old as an event can be: it moves nobody's clock.
  const event = promotionEvent({ ref: model, atMs: limits.atMsMin }, shard, shards);
  let [isPromoting, isPromoted] = [false, false];
  let folding: Folding<never> | undefined;
  let waiting: Decision[] = [];
  let messages = 0;

  const seqOf = (): number => folding?.seq ?? 0;
  /** As the shard's commit would hold them: JSON, in which NaN is null. */
  const gather = (seq: number): void => {
    if (waiting.length > 0) collector.add({ subject: '', seq, receivedMs: 0, body: encodeCommit({ v: 1, shard, epoch: 0, from: seq, to: seq, events: 0, atMs: 0, decisions: waiting }) });
    waiting = [];
  };
  /** Everything up to `upTo`, which is folded. */
  const flush = async (upTo: number): Promise<void> => {
    gather(upTo);
    for (const insert of collector.finish().inserts) {
      await rows.insert(insert.table, insert.columns, insert.arrow, `${insert.table}:${run}:${shard}:${stored.seq + 1}-${upTo}`);
      stored.rows[insert.table] = (stored.rows[insert.table] ?? 0) + insert.rows;
    }
    stored.seq = upTo;
    messages = 0;
  };
  const promote = async (message: StoredMessage): Promise<void> => {
    const artefact = await artefacts.load(model);
    isPromoting = true;
    // The version decides for all customers.
    for (const { name, version } of shares()) folding?.foldBefore(message, retirementEvent({ model: name, version, atMs: limits.atMsMin }, shard, shards));
    folding?.foldBefore(message, event, artefact);
    isPromoting = false;
    isPromoted = true;
  };
  const enter = async (message: StoredMessage): Promise<void> => {
    if (!isPromoted) await promote(message);
    const last = seqOf();
    if (last > stored.seq && (waiting.length >= rowsMax || messages >= messagesMax)) await flush(last);
    messages += 1;
  };
  return {
    done: stored,
    get rows() { return stored.rows; },
    start(given) { folding = given as unknown as Folding<never>; },
    emit(decision) {
      if (isPromoting) {
        const { outcome, detail } = decision.value as PromotionRow;
        if (outcome !== 'live' && outcome !== 'retired') throw new AftercareError('bad_request', `backfill: ${model.name} ${model.version} cannot decide: ${outcome} ${detail}`);
      } else if (seqOf() > stored.seq) waiting.push(decision);
    },
    before: (message) => (message.seq < from ? undefined : enter(message)),
    skips(message) {
      if (message.seq < from) return false;
      const switched = switchedBy(message, shards);
      return switched !== undefined && instead.some((name) => switched === name || switched.startsWith(`${name}-shadow`));
    },
    end: () => (to > stored.seq ? flush(to) : Promise.resolve()),
  };
}
