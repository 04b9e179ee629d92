/**
 * The shard: one ordered stream, one loop, one state, one commit log.
 *
 *   lease -> epoch marker -> newest snapshot -> silent replay up to the last commit's `to` -> live -> ... -> release
 *
 * Whatever fails on the way, the state is thrown away and the same path is walked again: recovery is the start.
 */
import { setImmediate as yieldToIo, setTimeout as delay } from 'node:timers/promises';
import type { StoredMessage } from '../../schemas/decode.js';
import { AftercareError, messageOf } from '../../schemas/errors.js';
import { shardFilter } from '../../schemas/subjects.js';
import type { Decision, Step } from '../step.js';
import type { Artefacts } from './artefacts.js';
import { decodeCommit, encodeCommit } from './commit.js';
import { appendSurely, createCommitter, type Committer } from './committer.js';
import { createRecorder, type Recorder } from './recorder.js';
import { Folding } from './folding.js';
import type { Logger } from './log-line.js';
import type { CommitLog, Lease, Leases, LogCursor, MessageLog, Snapshot, Snapshots } from './ports.js';
import { partHashes, type PartHashes } from './state-hashes.js';

export interface ShardSettings {
  /** events of one commit at most: bounds what a crash folds again, and the size of the message */
  batchEventsMax: number;
  /** milliseconds of folding before I/O is looked at again, so that leases are renewed and requests answered */
  sliceMs: number;
  /** a snapshot is taken after this many messages ... */
  snapshotMessages: number;
  /** ... or this many milliseconds, whichever comes first */
  snapshotMs: number;
}

export const defaultShardSettings: ShardSettings = { batchEventsMax: 1000, sliceMs: 4, snapshotMessages: 500_000, snapshotMs: 300_000 };

export interface ShardParts<State> {
  shard: number;
  shards: number;
  /** who owns it, for people who look at the lease */
  holder: string;
  events: MessageLog;
  commits: CommitLog;
  /** where the models of promotions are */
  artefacts: Artefacts;
  leases: Leases;
  snapshots: Snapshots;
  /** Sequence below which no snapshot may be used any more: those hold who was forgotten, and the stream does not say so again. 0 without one. */
  floorOf?: (shard: number) => Promise<number>;
  step: Step<State>;
  settings: ShardSettings;
  logger: Logger;
  /** Called when the shard is live; what it returns is called, and awaited, before the shard is given up. */
  onLive?: (live: LiveShard<State>) => Promise<() => Promise<void>>;
}

/** What may be asked of a live shard. Asking never changes the state. */
export interface LiveShard<State> {
  shard: number;
  epoch: number;
  state: State;
  /** sequence of the last message folded */
  readonly seq: number;
  readonly committedTo: number;
  readonly events: number;
  readonly rejects: number;
  readonly snapshotSeq: number;
  hash(): string;
  /**
   * The hashes of the state's parts at one sequence. The loop stops for the copy that a snapshot takes, no longer: the bytes are
   * hashed beside it.
   * @throws AftercareError closed when the shard is given up before
   */
  hashes(): Promise<PartHashes>;
  /**
   * Another state of the same stream takes the place of this one and of every snapshot; the shard starts again from it, as after a
   * crash.
   * @throws AftercareError bad_request when its sequence is not committed yet
   */
  adopt(snapshot: Snapshot): Promise<void>;
  /** Puts answers on record; resolves when they are durable. */
  record(decisions: Decision[]): Promise<{ commitSeq: number; first: number }>;
}

/** Owns the shard, again and again, until the signal. */
export async function runShard<State>(parts: ShardParts<State>, signal: AbortSignal): Promise<void> {
  const { shard, leases, logger } = parts;
  while (!signal.aborted) {
    let lease: Lease | undefined;
    try {
      lease = await leases.acquire(`shard-${shard}`, parts.holder);
      if (lease === undefined) {
        await delay(leases.ttlMs / 4, undefined, { signal }).catch(() => undefined);
        continue;
      }
      await ownShard(parts, lease, signal);
    } catch (error) {
      if (error instanceof AftercareError && error.code === 'bad_config') throw error;
      logger('warn', 'shard starts again from its snapshot', { shard, reason: messageOf(error) });
      await delay(200, undefined, { signal }).catch(() => undefined);
    } finally {
      await lease?.release().catch((error: unknown) => logger('warn', 'lease could not be released, it will expire', { shard, reason: messageOf(error) }));
    }
  }
}

async function ownShard<State>(parts: ShardParts<State>, lease: Lease, signal: AbortSignal): Promise<void> {
  const { shard, logger } = parts;
  const startMs = performance.now();
  const { commitSeq, to } = await takeOver(parts, lease);
  const { state, seq } = await restore(parts, to);
  const committer = createCommitter({ shard, lease, commits: parts.commits, commitSeq, to });
  const cursor = await parts.events.open(seq + 1, shardFilter(shard));
  const owned = new OwnedShard(parts, lease, committer, cursor, state, { seq, committedTo: to });
  try {
    await owned.catchUp(signal);
    logger('info', 'shard is live', { shard, epoch: lease.epoch, snapshot: seq, seq: owned.live.seq, seconds: (performance.now() - startMs) / 1000 });
    await owned.run(signal);
  } finally {
    await cursor.close();
  }
}

/** Re-publishes the last commit's place as an epoch marker: from here on the commits of a former owner are refused. */
async function takeOver<State>(parts: ShardParts<State>, lease: Lease): Promise<{ commitSeq: number; to: number }> {
  const { shard, commits } = parts;
  const newest = await commits.last(shard);
  const to = newest === undefined ? 0 : decodeCommit(newest.body).to;
  const marker = encodeCommit({ v: 1, shard, epoch: lease.epoch, from: to + 1, to, events: 0, atMs: Date.now(), decisions: [] });
  return { to, commitSeq: await appendSurely({ shard, lease, commits, body: marker, expectedSeq: newest?.seq ?? 0 }) };
}

async function restore<State>(parts: ShardParts<State>, to: number): Promise<{ state: State; seq: number }> {
  const { shard, step, logger } = parts;
  const floor = (await parts.floorOf?.(shard)) ?? 0;
  for (let seqMax = to; ;) {
    const snapshot = await parts.snapshots.newest(shard, seqMax);
    if (snapshot === undefined || snapshot.seq < floor) return { state: step.empty(), seq: 0 };
    try {
      return { state: step.restore(snapshot.chunks), seq: snapshot.seq };
    } catch (error) {
      logger('warn', 'snapshot is passed over', { shard, snapshot: snapshot.seq, reason: messageOf(error) });
      seqMax = snapshot.seq - 1;
    }
  }
}

/** A shard from restore to release. A class, because the loop, the serving side and the snapshots share its fields. */
class OwnedShard<State> {
  #snapshotSeq: number;
  #messagesSinceSnapshot = 0;
  #snapshotMs = performance.now();
  #saving: Promise<void> | undefined;
  /** who waits for the hashes of the next snapshot */
  #asking: { resolve: (hashes: Promise<PartHashes>) => void; reject: (error: Error) => void }[] = [];
  #adopting: { snapshot: Snapshot; resolve: () => void; reject: (error: unknown) => void } | undefined;
  /** what is folded up to here was committed before: its decisions are known, and are not committed again */
  readonly #silentTo: number;
  readonly #folding: Folding<State>;
  readonly #recorder: Recorder;
  readonly live: LiveShard<State>;

  constructor(
    private readonly parts: ShardParts<State>,
    lease: Lease,
    private readonly committer: Committer,
    private readonly cursor: LogCursor,
    private readonly state: State,
    start: { seq: number; committedTo: number },
  ) {
    this.#snapshotSeq = start.seq;
    this.#silentTo = start.committedTo;
    this.#recorder = createRecorder({ shard: parts.shard, lease, commits: parts.commits, committedTo: () => committer.committedTo });
    this.live = liveView(this, parts.shard, lease.epoch, state, committer, this.#recorder);
    const emit = (decision: Decision): void => {
      if (this.#folding.seq > this.#silentTo) committer.emit(decision);
    };
    const folded = (seq: number, events: number): void => {
      this.#messagesSinceSnapshot += 1;
      if (seq > this.#silentTo) committer.folded(seq, events);
    };
    const { shard, shards, step, artefacts, logger } = parts;
    this.#folding = new Folding({ shard, shards, step, state, seq: start.seq, artefacts, emit, folded, logger });
  }

  get seq(): number { return this.#folding.seq; }
  get events(): number { return this.#folding.events; }
  get rejects(): number { return this.#folding.rejects; }
  get snapshotSeq(): number { return this.#snapshotSeq; }

  hash(): string { return this.parts.step.hash(this.state); }

  hashes(): Promise<PartHashes> {
    return new Promise((resolve, reject) => this.#asking.push({ resolve, reject }));
  }

  adopt(snapshot: Snapshot): Promise<void> {
    const { shard } = this.parts;
    if (this.#adopting !== undefined) return Promise.reject(new AftercareError('bad_request', `shard ${shard} is taking another state already`));
    if (snapshot.seq > this.committer.committedTo) return Promise.reject(new AftercareError('bad_request', `shard ${shard} has committed ${this.committer.committedTo}, and the state is of ${snapshot.seq}`));
    return new Promise((resolve, reject) => { this.#adopting = { snapshot, resolve, reject }; });
  }

  /** Folds what was committed before; an answer from an older state would be stale. */
  async catchUp(signal: AbortSignal): Promise<void> {
    while (this.seq < this.#silentTo && !signal.aborted) {
      const messages = await this.cursor.take(this.parts.settings.batchEventsMax, 1000);
      // The message `to` itself may have been deleted since, and nothing have come after it.
      if (messages.length === 0 && (await this.parts.events.lastSeq(shardFilter(this.parts.shard))) <= this.seq) break;
      await this.#foldSome(messages);
    }
  }

  async run(signal: AbortSignal): Promise<void> {
    const { committer } = this;
    const stopServing = await this.parts.onLive?.(this.live);
    try {
      while (!signal.aborted) {
        await this.#foldSome(await this.cursor.take(this.parts.settings.batchEventsMax, 50));
        committer.check();
        if (this.#adopting !== undefined && (await this.#adopt())) return;
        if (this.#asking.length > 0 || this.#snapshotDue()) await this.#snapshot();
      }
      await committer.drain();
      await this.#snapshot();
    } finally {
      const givenUp = new AftercareError('closed', `shard ${this.parts.shard} is given up; ask again`);
      for (const { reject } of this.#asking.splice(0)) reject(givenUp);
      this.#adopting?.reject(givenUp);
      await stopServing?.();
      await this.#recorder.drain();
      await this.#saving;
    }
  }

  /** @returns whether the state of this owner is over */
  async #adopt(): Promise<boolean> {
    const { snapshot, resolve, reject } = this.#adopting ?? {};
    if (snapshot === undefined) return false;
    const { shard, snapshots, logger } = this.parts;
    await this.#saving;
    await this.committer.drain();
    try {
      await snapshots.replace(shard, snapshot);
    } catch (error) {
      this.#adopting = undefined;
      reject?.(error);
      return false;
    }
    logger('info', 'shard starts again from a state that was made for it', { shard, snapshot: snapshot.seq });
    resolve?.();
    return true;
  }

  async #foldSome(messages: StoredMessage[]): Promise<void> {
    const { committer } = this;
    const { batchEventsMax, sliceMs } = this.parts.settings;
    let sliceEnd = performance.now() + sliceMs;
    for (const message of messages) {
      const fetching = this.#folding.fold(message);
      if (fetching !== undefined) {
        committer.kick(); // what was folded does not wait for it
        await fetching;
      }
      const full = committer.waiting >= batchEventsMax;
      if (!full && performance.now() < sliceEnd) continue;
      committer.kick();
      await yieldToIo();
      // A full batch waits for the one before it; a slice that is over only lets I/O pass.
      while (committer.waiting >= batchEventsMax) {
        await committer.turn();
        committer.check();
      }
      sliceEnd = performance.now() + sliceMs;
    }
    committer.kick();
  }

  #snapshotDue(): boolean {
    const { snapshotMessages, snapshotMs } = this.parts.settings;
    if (this.#messagesSinceSnapshot === 0) return false;
    return this.#messagesSinceSnapshot >= snapshotMessages || performance.now() - this.#snapshotMs >= snapshotMs;
  }

  /** Never ahead of the commit: everything folded is committed first, and only then copied. */
  async #snapshot(): Promise<void> {
    const { parts } = this;
    await this.#saving;
    await this.committer.drain();
    const asking = this.#asking.splice(0);
    const { seq } = this;
    if (seq === this.#snapshotSeq && asking.length === 0) return;
    const chunks = parts.step.snapshot(this.state);
    if (asking.length > 0) {
      const hashes = partHashes(seq, chunks);
      for (const { resolve } of asking) resolve(hashes);
    }
    this.#messagesSinceSnapshot = 0;
    this.#snapshotMs = performance.now();
    if (seq === this.#snapshotSeq) return;
    this.#saving = parts.snapshots
      .save(parts.shard, { seq, chunks })
      .then(() => { this.#snapshotSeq = seq; })
      .catch((error: unknown) => parts.logger('error', 'snapshot could not be saved; the next start folds more', { shard: parts.shard, reason: messageOf(error) }))
      .finally(() => { this.#saving = undefined; });
  }
}

function liveView<State>(owned: OwnedShard<State>, shard: number, epoch: number, state: State, committer: Committer, recorder: Recorder): LiveShard<State> {
  return {
    shard,
    epoch,
    state,
    get seq() { return owned.seq; },
    get events() { return owned.events; },
    get rejects() { return owned.rejects; },
    get snapshotSeq() { return owned.snapshotSeq; },
    get committedTo() { return committer.committedTo; },
    hash: () => owned.hash(),
    hashes: () => owned.hashes(),
    adopt: (snapshot) => owned.adopt(snapshot),
    record: (decisions) => recorder.record(decisions),
  };
}
