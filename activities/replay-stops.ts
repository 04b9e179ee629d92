/**
 * Where a replay that takes long puts its state down now and then, so that the attempt after a kill goes on from there:
 *
 *   <folder>/<run>/shard-0/000000541909.snap     its first chunk {events, rejects, gone}, then the state's
 *
 * Two of a shard at most, and one that is being written; a run's folder goes with the run. A worker on another machine finds none,
 * and begins from nothing. Customers are in them: what no run
 * comes back for is removed a day later, and all of this machine where a customer is forgotten.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../schemas/errors.js';
import type { Promote } from '../schemas/events.js';
import type { Folding } from '../pipelines/runtime/folding.js';
import type { Logger } from '../pipelines/runtime/log-line.js';
import { snapshotFiles } from '../pipelines/runtime/snapshot-files.js';
import type { Step } from '../pipelines/step.js';

/** An attempt takes no longer (`replaying` in workflows/retry.ts), and writes every few minutes. */
const leftMs = 86_400_000;
/** Of the time that a replay takes, what putting its state down may take: a machine that is busy puts it down less often. */
const shareMax = 1 / 5;

/** What a replay has counted, besides its state. */
export interface Counted {
  events: number;
  rejects: number;
  gone: readonly Promote[];
}

export interface Found<State> extends Counted {
  state: State;
  seq: number;
}

export interface ReplayStops<State> {
  /** The newest that is whole and of this build and settings; undefined: begin from nothing. */
  newest(to: number): Promise<Found<State> | undefined>;
  /** Before a message is folded: puts the state down where it is time, and nothing may be folded until that resolves. */
  before(folding: Folding<State>, state: State): Promise<void> | undefined;
}

/** @param folder  of the run @param everyMs  milliseconds between two at least */
export function replayStops<State>(folder: string, shard: number, everyMs: number, step: Step<State>, logger: Logger): ReplayStops<State> {
  const files = snapshotFiles(folder, logger);
  let [savedMs, tookMs] = [performance.now(), 0];

  async function save({ seq, events, rejects, gone }: Folding<State>, state: State): Promise<void> {
    const startMs = performance.now();
    try {
      await files.save(shard, { seq, chunks: [Buffer.from(JSON.stringify({ events, rejects, gone } satisfies Counted)), ...step.snapshot(state)] });
    } catch (error) {
      // It can be done without: a disk that is full costs the next attempt its time.
      logger('warn', 'replay: its state could not be put down', { shard, seq, reason: messageOf(error) });
      await dropUnfinished(folder, shard);
    }
    savedMs = performance.now();
    tookMs = savedMs - startMs;
  }

  return {
    async newest(to) {
      await dropUnfinished(folder, shard); // of an attempt that was killed while it wrote
      const snapshot = await files.newest(shard, to);
      savedMs = performance.now();
      if (snapshot === undefined) return undefined;
      const [counted, ...chunks] = snapshot.chunks;
      try {
        return { ...(JSON.parse(Buffer.from(counted).toString()) as Counted), state: step.restore(chunks), seq: snapshot.seq };
      } catch (error) {
        logger('warn', 'replay: begins from nothing, as what was put down cannot be read', { shard, seq: snapshot.seq, reason: messageOf(error) });
        return undefined;
      }
    },
    before(folding, state) {
      return folding.seq > 0 && performance.now() - savedMs >= Math.max(everyMs, tookMs / shareMax) ? save(folding, state) : undefined;
    },
  };
}

async function dropUnfinished(folder: string, shard: number): Promise<void> {
  const path = join(folder, `shard-${shard}`);
  for (const name of await namesIn(path)) if (name.endsWith('.tmp')) await rm(join(path, name), { force: true });
}

/** Removes what a run has put down. */
export const dropStops = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });

/** Removes the folders of runs that nobody comes back for. @param folder  of all runs */
export const sweepStops = (folder: string, nowMs: number): Promise<number> => dropStopsBefore(folder, nowMs - leftMs);

/** Removes what every run has put down, as a customer is in it that is forgotten. A run that is killed later begins from nothing, or from a state after that. @returns how many runs */
export const dropAllStops = (folder: string): Promise<number> => dropStopsBefore(folder, Infinity);

async function dropStopsBefore(folder: string, beforeMs: number): Promise<number> {
  let dropped = 0;
  for (const run of await namesIn(folder)) {
    const path = join(folder, run);
    const touched = await Promise.all([path, ...(await namesIn(path)).map((name) => join(path, name))].map(async (each) => (await stat(each).catch(() => undefined))?.mtimeMs ?? 0));
    if (Math.max(...touched) >= beforeMs) continue;
    await dropStops(path);
    dropped += 1;
  }
  return dropped;
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
  throw error;
});
