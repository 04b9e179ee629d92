/** Where a replay puts its state down: what it finds again, what it passes over, and what is left of it. */
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dropAllStops, dropStops, replayStops, sweepStops } from '../../activities/replay-stops.js';
import { Folding } from '../../pipelines/runtime/folding.js';
import { silentLogger } from '../../pipelines/runtime/log-line.js';
import { memoryArtefacts } from '../../pipelines/runtime/memory/artefacts.js';
import { click } from '../support/events.js';
import { tempDir } from '../support/temp.js';
import { toyStep, type Toy } from '../support/toy-step.js';

const nowMs = Date.now();
const message = (seq: number) => ({ subject: 'ev.0.click', seq, receivedMs: nowMs, body: Buffer.from(JSON.stringify(click(`e${seq}`, 'c1', { atMs: nowMs }))) });
const folding = (state: Toy): Folding<Toy> => new Folding({ shard: 0, shards: 1, step: toyStep, state, seq: 0, artefacts: memoryArtefacts(), emit: () => undefined, logger: silentLogger });
const stopsOf = (folder: string, everyMs = 0) => replayStops(folder, 0, everyMs, toyStep, silentLogger);

/** @returns the state after `count` events, put down before each message where it is time */
async function play(folder: string, count: number, everyMs = 0): Promise<Toy> {
  const state = toyStep.empty();
  const fold = folding(state);
  const stops = stopsOf(folder, everyMs);
  for (let seq = 1; seq <= count; seq += 1) {
    await stops.before(fold, state);
    await fold.fold(message(seq));
    await new Promise((resolve) => setTimeout(resolve, 50)); // writing takes a fifth of the time at most
  }
  return state;
}

describe('a replay that puts its state down', () => {
  it('finds the newest at or below the end, with what was counted, and keeps two', async () => {
    const folder = tempDir();
    expect(await stopsOf(folder).newest(100)).toBeUndefined();
    await play(folder, 12);
    const names = readdirSync(join(folder, 'shard-0'));
    expect(names.length).toBe(2);
    const seqs = names.map((name) => Number.parseInt(name, 10)).sort((a, b) => a - b);
    const found = await stopsOf(folder).newest(100);
    expect(found).toMatchObject({ seq: seqs[1], events: seqs[1], rejects: 0, gone: [] });
    expect(found?.state).toEqual(await play(tempDir(), seqs[1], 1e9));
    expect(await stopsOf(folder).newest(seqs[1] - 1)).toMatchObject({ seq: seqs[0] });
    await dropStops(folder);
    expect(existsSync(folder)).toBe(false);
  });

  it('puts nothing down before its time, nor before the first message', async () => {
    const folder = tempDir();
    await play(folder, 5, 1e9);
    expect(readdirSync(folder)).toEqual([]);
    expect(stopsOf(folder).before(folding(toyStep.empty()), toyStep.empty())).toBeUndefined();
  });

  it('begins from nothing where it cannot be read, and removes what was half written', async () => {
    const folder = tempDir();
    mkdirSync(join(folder, 'shard-0'));
    writeFileSync(join(folder, 'shard-0', '0000000000000007.snap'), 'cut short');
    writeFileSync(join(folder, 'shard-0', '0000000000000009.snap.tmp'), 'half');
    expect(await stopsOf(folder).newest(100)).toBeUndefined();
    expect(readdirSync(join(folder, 'shard-0'))).toEqual(['0000000000000007.snap']);
  });

  it('goes on where nothing can be written', async () => {
    const file = join(tempDir(), 'file');
    writeFileSync(file, '');
    expect(await play(file, 3)).toEqual(await play(tempDir(), 3, 1e9));
  });
});

it('what nobody comes back for is swept a day later', async () => {
  const folder = tempDir();
  const nowMs = Date.now();
  for (const [run, ageMs] of [['old', 25 * 3_600_000], ['young', 3_600_000]] as const) {
    mkdirSync(join(folder, run, 'shard-0'), { recursive: true });
    for (const path of [join(folder, run, 'shard-0'), join(folder, run)]) utimesSync(path, (nowMs - ageMs) / 1000, (nowMs - ageMs) / 1000);
  }
  await sweepStops(folder, nowMs);
  expect(readdirSync(folder)).toEqual(['young']);
  expect(await dropAllStops(folder), 'a customer is forgotten').toBe(1);
  expect(readdirSync(folder)).toEqual([]);
  await sweepStops(join(folder, 'none'), nowMs);
});
