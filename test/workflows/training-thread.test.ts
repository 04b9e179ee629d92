/** The LSTM is trained in a thread: it reports, it can be stopped, and goes on from a checkpoint to the same bytes. */
import { Float64, Int64, Table, Utf8, vectorFromArray, type RecordBatch } from 'apache-arrow';
import { afterEach, describe, expect, it } from 'vitest';
import { createCutWriter } from '../../activities/arrow-cut.js';
import { startRecipeThread, type RecipeThread, type Trained } from '../../activities/recipe-thread.js';
import { intentRecipe } from '../../activities/recipes/intent.js';
import type { Epoch } from '../../activities/recipes/recipe.js';
import { readIntent } from '../../models/support/intent.js';
import { tokenise } from '../../models/text/tokenise.js';
import { labelledTickets } from '../support/labelled-tickets.js';

/** As ClickHouse would give them: what was read then is right four times in five. */
function cutOf(count: number): Uint8Array[] {
  const tickets = labelledTickets(count, 5);
  const writer = createCutWriter(intentRecipe.plan.columns);
  const table = new Table({
    at_ms: vectorFromArray(tickets.map((_, i) => BigInt(1_700_000_000_000 + i * 60_000)), new Int64()),
    seq: vectorFromArray(tickets.map((_, i) => BigInt(i + 1)), new Int64()),
    text: vectorFromArray(tickets.map(({ text }) => text), new Utf8()),
    language: vectorFromArray(tickets.map(({ language }) => language), new Utf8()),
    intent: vectorFromArray(tickets.map(({ intent }) => intent), new Utf8()),
    predicted: vectorFromArray(tickets.map(({ intent }, i) => (i % 5 === 0 ? '' : intent)), new Utf8()),
    confidence: vectorFromArray(tickets.map(() => 0.8), new Float64()),
  });
  return [...table.batches.flatMap((batch: RecordBatch) => writer.push(batch)), ...writer.end()];
}

const model = 'intent';
const [rows, holdout] = [300, 0.2];
/** The thread takes them over. */
const data = (): Uint8Array[] => cutOf(rows).map((part) => part.slice());

describe('training in a thread', () => {
  const threads: RecipeThread[] = [];
  const start = (): RecipeThread => {
    threads.push(startRecipeThread());
    return threads[threads.length - 1];
  };
  afterEach(() => Promise.all(threads.splice(0).map((thread) => thread.close())));

  it('reports each epoch beside a free event loop, and ends with the same bytes when it was stopped and resumed, on two threads', async () => {
    const epochs: Epoch[] = [];
    let ticks = 0;
    const clock = setInterval(() => { ticks += 1; }, 5);
    const whole = (await start().train({ model, data: data(), holdout }, async (epoch) => { epochs.push(epoch); })) as Trained;
    clearInterval(clock);
    expect(ticks).toBeGreaterThan(epochs.length);
    expect(epochs.map(({ epoch }) => epoch)).toEqual(Array.from({ length: epochs[0].epochs }, (_, i) => i + 1));
    expect(epochs[epochs.length - 1].loss).toBeLessThan(0.7 * epochs[0].loss);
    expect(whole).toMatchObject({ rows: 240, epochs: epochs.length });

    const stopped = start();
    let kept: Uint8Array[] = [];
    const broken = stopped.train({ model, data: data(), holdout, threads: 2 }, async ({ epoch, checkpoint }) => {
      if (epoch !== 3) return;
      kept = checkpoint;
      void stopped.close(); // in the middle of the fourth
    });
    await expect(broken).rejects.toThrow('the thread has ended');
    const seen: number[] = [];
    const resumed = (await start().train({ model, data: data(), holdout, threads: 2, checkpoint: kept }, async ({ epoch }) => { seen.push(epoch); })) as Trained;
    expect(seen[0]).toBe(4);
    expect(Buffer.concat(resumed.parts).equals(Buffer.concat(whole.parts))).toBe(true);

    const read = readIntent(whole.parts);
    expect(read.labels).toEqual(['cancel_order', 'change_address', 'get_refund', 'track_order']);
    expect(read.predict(tokenise('where is my lamp', 'en')).intent).toBe('track_order');
    expect(read.predict(tokenise('请把背包的钱退给我', 'zh')).intent).toBe('get_refund');

    const judged = await start().judge(model, data(), { challenger: whole.parts, bytes: 1000, newerThanMs: whole.toMs });
    expect(judged).toMatchObject({ champion: 'baseline', measured: { rows: 60, bytes: 1000 } });
    // A tenth of the labels is wrong; what was read then was right in four fifths.
    const accuracy = judged.metrics.find(({ name }) => name === 'accuracy');
    expect(accuracy?.challenger).toBeGreaterThan(0.85);
    expect(accuracy?.champion).toBeCloseTo(0.8, 1);
    expect(judged.measured.calibrationError).toBeLessThanOrEqual(0.15);
    expect(judged.measured.latencyMsP99).toBeGreaterThan(0);
  }, 120_000);

  it('says when there is too little to learn from', async () => {
    const few = await start().train({ model, data: cutOf(100).map((part) => part.slice()), holdout }, async () => undefined);
    expect(few).toEqual({ reason: expect.stringMatching(/^too few tickets whose true intent has arrived: 80, and 4 intents/) as unknown });
  });

  it('refuses a checkpoint that is damaged', async () => {
    let kept: Uint8Array[] = [];
    const first = start();
    await expect(first.train({ model, data: data(), holdout }, async ({ checkpoint }) => {
      kept = checkpoint;
      void first.close();
    })).rejects.toThrow('the thread has ended');
    const bytes = Buffer.concat(kept);
    bytes[bytes.length >> 1] ^= 1;
    await expect(start().train({ model, data: data(), holdout, checkpoint: [bytes] }, async () => undefined)).rejects.toThrow('support training snapshot: checksum differs');
  });
});
