/** The loop against in-memory ports: every promise of the commit protocol, and a kill at each of its awaits. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ArtefactRef, Artefacts } from '../../pipelines/runtime/artefacts.js';
import { decodeCommit, type Commit } from '../../pipelines/runtime/commit.js';
import { promotionEvent } from '../../pipelines/runtime/jetstream/promote.js';
import { silentLogger, type Logger } from '../../pipelines/runtime/log-line.js';
import { memoryArtefacts, type MemoryArtefacts } from '../../pipelines/runtime/memory/artefacts.js';
import { memoryCommits, memoryLog, type MemoryLog } from '../../pipelines/runtime/memory/log.js';
import { memoryLeases, memorySnapshots } from '../../pipelines/runtime/memory/stores.js';
import type { CommitLog, Snapshots } from '../../pipelines/runtime/ports.js';
import { defaultShardSettings, runShard, type LiveShard, type ShardParts } from '../../pipelines/runtime/shard.js';
import { AftercareError } from '../../schemas/errors.js';
import { answersSubject } from '../../schemas/subjects.js';
import { bytes, click, purchase } from '../support/events.js';
import { mortal } from '../support/mortal.js';
import { idOfPromotion, next, toyStep, type Toy } from '../support/toy-step.js';

interface World {
  artefacts: MemoryArtefacts;
  events: MemoryLog;
  out: MemoryLog;
  commits: CommitLog;
  snapshots: Snapshots;
}

function world(): World {
  const out = memoryLog();
  return { artefacts: memoryArtefacts(), events: memoryLog(), out, commits: memoryCommits(out), snapshots: memorySnapshots() };
}

function parts(world: World, more: Partial<ShardParts<Toy>> = {}): ShardParts<Toy> {
  return {
    shard: 0, shards: 1, holder: 'test', ...world, leases: memoryLeases(1000), step: toyStep,
    settings: { ...defaultShardSettings, batchEventsMax: 7, snapshotMessages: 10 }, logger: silentLogger, ...more,
  };
}

async function commitsOf({ out }: World): Promise<Commit[]> {
  const cursor = await out.open(1);
  const messages = (await out.lastSeq()) === 0 ? [] : await cursor.take(10_000, 10);
  return messages.map((m) => decodeCommit(m.body));
}

/** Runs a shard until it has committed up to `seq`. */
async function runTo(shard: ShardParts<Toy>, seq: number): Promise<Toy> {
  const stop = new AbortController();
  let state: Toy | undefined;
  const onLive = (live: LiveShard<Toy>) => {
    void (async () => {
      while (live.committedTo < seq && !stop.signal.aborted) await delay(1);
      if (live.committedTo < seq) return; // a former life, which failed on its way
      state = live.state;
      stop.abort();
    })();
    return Promise.resolve(() => Promise.resolve());
  };
  await runShard({ ...shard, onLive }, stop.signal);
  if (state === undefined) throw new Error('the shard was never live');
  return state;
}

function publish({ events }: World, count: number, from = 0): void {
  for (let i = from; i < from + count; i++) {
    if (i % 5 === 4) events.append('ev.0.batch', bytes(click(`e${i}a`), purchase(`e${i}b`)), Date.now());
    else if (i % 7 === 6) events.append('ev.0.click', Buffer.from('not json'), Date.now());
    else events.append('ev.0.click', bytes(click(`e${i}`)), Date.now());
  }
}

/** What an uninterrupted fold of those events leaves. */
function expected(count: number): Toy {
  const state = { digest: '', folded: 0 };
  const fold = (id: string): void => { state.digest = next(state.digest, id); state.folded += 1; };
  for (let i = 0; i < count; i++) {
    if (i % 5 === 4) { fold(`e${i}a`); fold(`e${i}b`); }
    else if (i % 7 !== 6) fold(`e${i}`);
  }
  return state;
}

/** A stream in which a model goes live, and another cannot: the versions that are there, and what the whole leaves. */
interface PromotedWorld extends World {
  lastSeq: number;
  expected: Toy;
}

async function promotedWorld(): Promise<PromotedWorld> {
  const w = world();
  const state = expected(0);
  const fold = (id: string): void => { state.digest = next(state.digest, id); state.folded += 1; };
  const clicks = (from: number): void => {
    for (let i = from; i < from + 9; i++) {
      w.events.append('ev.0.click', bytes(click(`e${i}`)), Date.now());
      fold(`e${i}`);
    }
  };
  const promote = (ref: ArtefactRef): string => {
    const event = promotionEvent({ ref, atMs: 1_700_000_000_000 }, 0, 1);
    w.events.append('ev.0.control', bytes(event), Date.now());
    return event.id;
  };
  const model = (version: number): Uint8Array[] => [Buffer.from(`model ${version}`), Buffer.alloc(2_000_000, version)];
  clicks(0);
  const first = await w.artefacts.put('toy', 1, model(1));
  await w.artefacts.keep(first); // three newer versions come
  fold(idOfPromotion(promote(first), model(1)));
  clicks(10);
  promote({ ...(await w.artefacts.put('toy', 2, model(2))), version: 3 }); // never was there
  clicks(20);
  const damaged = await w.artefacts.put('toy', 4, model(4));
  (w.artefacts.bytesOf(damaged) as Uint8Array)[1000] ^= 1;
  promote(damaged);
  clicks(30);
  fold(idOfPromotion(promote(await w.artefacts.put('toy', 5, model(5))), model(5)));
  clicks(40);
  return { ...w, lastSeq: await w.events.lastSeq(), expected: state };
}

const outcomes = (commits: Commit[]): unknown[] => commits.flatMap((c) => c.decisions).map(({ value }) => (value as { version: number; outcome: string }))
  .map(({ version, outcome }) => `${version} ${outcome}`);
const everyOutcome = ['1 live', '3 missing', '4 missing', '5 live'];

/** Commits cover the stream without a gap or an overlap, and no decision stands twice. */
function checkCommits(commits: Commit[], lastSeq: number): void {
  let to = 0;
  for (const commit of commits) {
    expect(commit.from).toBe(to + 1);
    expect(commit.to).toBeGreaterThanOrEqual(to);
    to = commit.to;
  }
  expect(to).toBe(lastSeq);
  const decided = commits.flatMap((c) => c.decisions.map((d) => (d.value as { seq: number }).seq));
  expect(decided).toEqual([...new Set(decided)].sort((a, b) => a - b));
}

describe('a promotion', () => {
  it('is folded with its artefact, at its place; one that is gone or damaged changes nothing, and is said', async () => {
    const w = await promotedWorld();
    const said: string[] = [];
    const logger: Logger = (level, message, fields) => { if (level === 'warn') said.push(`${message}: ${String(fields?.reason)}`); };
    expect(await runTo(parts(w, { logger }), w.lastSeq)).toEqual(w.expected);
    const commits = await commitsOf(w);
    checkCommits(commits, w.lastSeq);
    expect(outcomes(commits)).toEqual(everyOutcome);
    expect(said).toEqual([expect.stringMatching(/what is live stays: artefact toy 3 .* is not there/), expect.stringMatching(/what is live stays: artefact toy 4 .* is damaged/)]);
  });

  it('is folded the same in a silent replay, without a second decision', async () => {
    const w = await promotedWorld();
    await runTo(parts(w), w.lastSeq);
    expect(await runTo(parts({ ...w, snapshots: memorySnapshots() }), w.lastSeq)).toEqual(w.expected);
    expect(outcomes(await commitsOf(w))).toEqual(everyOutcome);
  });

  it('waits for a store that does not answer, starting again; it is never passed over for that', async () => {
    const w = await promotedWorld();
    const asked: number[] = [];
    const artefacts: Artefacts = {
      ...w.artefacts,
      async load(ref) {
        const before = asked.filter((version) => version === ref.version).length;
        asked.push(ref.version);
        if (before === 0) throw new AftercareError('unavailable', 'no answer');
        if (before === 1) throw new TypeError('a bug');
        return w.artefacts.load(ref);
      },
    };
    expect(await runTo(parts(w, { artefacts }), w.lastSeq)).toEqual(w.expected);
    expect(outcomes(await commitsOf(w))).toEqual(everyOutcome);
    for (const version of [1, 3, 4, 5]) expect(asked.filter((v) => v === version).length).toBeGreaterThanOrEqual(3);
  });

  it('killed at each await in turn: the same state, each outcome once', async () => {
    let kills = 0;
    for (let killAt = 1; ; killAt++) {
      const w = await promotedWorld();
      const killed = await runUntilKilled(w, killAt, w.lastSeq);
      kills += killed ? 1 : 0;
      expect(await runTo(parts(w), w.lastSeq)).toEqual(w.expected);
      const commits = await commitsOf(w);
      checkCommits(commits, w.lastSeq);
      expect(outcomes(commits)).toEqual(everyOutcome);
      if (!killed) break;
    }
    expect(kills).toBeGreaterThan(15);
  });
});

describe('the shard', () => {
  it('folds in order, commits without gaps, and skips what does not decode', async () => {
    const w = world();
    publish(w, 40);
    const state = await runTo(parts(w), 40);
    expect(state).toEqual(expected(40));
    const commits = await commitsOf(w);
    checkCommits(commits, 40);
    expect(commits.flatMap((c) => c.decisions)).toHaveLength(8);
    expect(Math.max(...commits.map((c) => c.events)), 'a batch ends with the message that fills it').toBeLessThanOrEqual(8);
  });

  it('takes a flood: a full batch that fills while the next commit gathers', async () => {
    const w = world();
    for (let i = 0; i < 20_000; i++) w.events.append('ev.0.click', bytes(click(`e${i}`)), Date.now());
    const state = await runTo(parts(w, { settings: defaultShardSettings }), 20_000);
    expect(state.folded).toBe(20_000);
    const commits = await commitsOf(w);
    checkCommits(commits, 20_000);
    expect(commits.length, 'in large batches').toBeLessThan(200);
  });

  it('goes on from its snapshot, with the same state and no decision twice', async () => {
    const w = world();
    publish(w, 23);
    await runTo(parts(w), 23);
    expect((await w.snapshots.newest(0, 23))?.seq, 'a graceful stop takes a snapshot').toBe(23);
    publish(w, 20, 23);
    expect(await runTo(parts(w), 43)).toEqual(expected(43));
    checkCommits(await commitsOf(w), 43);
  });

  it('without any snapshot it folds everything again, silently', async () => {
    const w = world();
    publish(w, 30);
    await runTo(parts(w), 30);
    const before = (await commitsOf(w)).flatMap((c) => c.decisions).length;
    publish(w, 1, 30);
    expect(await runTo(parts({ ...w, snapshots: memorySnapshots() }), 31)).toEqual(expected(31));
    const commits = await commitsOf(w);
    checkCommits(commits, 31);
    expect(commits.flatMap((c) => c.decisions)).toHaveLength(before);
  });

  it('a snapshot that cannot be restored is passed over', async () => {
    const w = world();
    publish(w, 30);
    await runTo(parts(w), 30);
    const step = { ...toyStep, restore: () => { throw new AftercareError('snapshot_damaged', 'other settings'); } };
    expect(await runTo(parts(w, { step }), 30)).toEqual(expected(30));
  });

  it('records a decision asked for while live, and answers after it is durable', async () => {
    const w = world();
    publish(w, 3);
    const stop = new AbortController();
    const onLive = async (live: LiveShard<Toy>) => {
      const { commitSeq, first } = await live.record([{ table: 'recommendations', value: { seq: -1 } }]);
      const stored = w.out.lastOf(answersSubject(0));
      expect(stored?.seq).toBe(commitSeq);
      expect(decodeCommit(stored?.body ?? new Uint8Array()).decisions[first].value).toEqual({ seq: -1 });
      stop.abort();
      return () => Promise.resolve();
    };
    await runShard(parts(w, { onLive }), stop.signal);
  });

  it('a former owner cannot commit after a takeover; what it still answered is on record', async () => {
    const w = world();
    publish(w, 5);
    const stop = new AbortController();
    let zombie: LiveShard<Toy> | undefined;
    const reasons: string[] = [];
    const logger: Logger = (_level, _message, fields) => { reasons.push(String(fields?.reason)); };
    const first = runShard(parts(w, { logger, onLive: (live) => { zombie ??= live; return Promise.resolve(() => Promise.resolve()); } }), stop.signal);
    while (zombie === undefined || zombie.committedTo < 5) await delay(1);
    // Another lease store: the first owner does not notice that it has lost the shard.
    await runTo(parts(w), 5);
    const { commitSeq } = await zombie.record([{ table: 'recommendations', value: { seq: 1 } }]);
    expect(w.out.lastOf(answersSubject(0))?.seq).toBe(commitSeq);
    publish(w, 1, 5);
    while (!reasons.some((reason) => reason.includes('another owner has taken over'))) await delay(1);
    stop.abort();
    await first;
    const decisions = (await commitsOf(w)).flatMap((c) => c.decisions);
    expect(decisions, 'the answer, and the one purchase').toHaveLength(2);
  });

  it.each([['before', false], ['after', true]])('a commit whose answer is lost %s it was stored is made once', async (_when, stored) => {
    const w = world();
    publish(w, 40);
    let calls = 0;
    const commits: CommitLog = {
      ...w.commits,
      async append(shard, body, expectedSeq) {
        calls += 1;
        if (calls % 3 !== 2) return w.commits.append(shard, body, expectedSeq);
        if (stored) await w.commits.append(shard, body, expectedSeq);
        throw new AftercareError('unavailable', 'no answer');
      },
    };
    expect(await runTo(parts({ ...w, commits }), 40)).toEqual(expected(40));
    checkCommits(await commitsOf(w), 40);
  });

  it('killed at each await in turn: the same state, no decision lost or doubled', async () => {
    const count = 60;
    let kills = 0;
    for (let killAt = 1; ; killAt++) {
      const w = world();
      publish(w, count);
      const killed = await runUntilKilled(w, killAt, count);
      kills += killed ? 1 : 0;
      expect(await runTo(parts(w), count)).toEqual(expected(count));
      const commits = await commitsOf(w);
      checkCommits(commits, count);
      expect(commits.flatMap((c) => c.decisions)).toHaveLength(12);
      if (!killed) break;
    }
    expect(kills).toBeGreaterThan(15);
  });
});

/** A process that dies at its `killAt`-th call of a port, half of the time after the call took effect. @returns whether it died */
async function runUntilKilled(w: World, killAt: number, count: number): Promise<boolean> {
  const { wrap, orDone } = mortal(killAt);
  const mortalPorts = {
    events: { open: wrap((...args: Parameters<MemoryLog['open']>) => w.events.open(...args)), lastSeq: () => w.events.lastSeq() },
    artefacts: { ...w.artefacts, load: wrap(w.artefacts.load) },
    commits: { ...w.commits, append: wrap(w.commits.append), last: wrap(w.commits.last) },
    snapshots: { ...w.snapshots, newest: wrap(w.snapshots.newest), save: wrap(w.snapshots.save) },
  };
  return orDone(runTo(parts(w, mortalPorts), count));
}
