/** The recipes of what recommends, on rows as the cut gives them. Pure; the naive twins are here. */
import { Float64, Int64, Table, Utf8, vectorFromArray, type RecordBatch } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { createCutWriter, readCut, type Cut } from '../../activities/arrow-cut.js';
import { judge, trainingRows } from '../../activities/judge.js';
import { gate, refusalOf } from '../../activities/gate.js';
import { blendRecipe } from '../../activities/recipes/blend.js';
import { recipeOf } from '../../activities/recipes/index.js';
import type { Epoch, Range, Recipe } from '../../activities/recipes/recipe.js';
import { historiesOf, readSvdRows } from '../../activities/recipes/svd-data.js';
import { rankingScore, svdRecipe } from '../../activities/recipes/svd.js';
import { compareBlends } from '../../models/blend/evaluate.js';
import { decodeBlend, encodeBlend } from '../../models/blend/artefact.js';
import { fitBlend } from '../../models/blend/fit.js';
import { createImpressions, between, decisionsOf } from '../../models/blend/impressions.js';
import { channels, equalBlend } from '../../models/recommend/fuse.js';
import { createUniform } from '../../models/random.js';
import { readSvd } from '../../pipelines/recommend/svd.js';

const startMs = Date.UTC(2026, 0, 1);
const minute = 60_000;
const holdout = 0.2;

/** Columns as ClickHouse would give them. */
function partsOf(recipe: Pick<Recipe, 'plan'>, rows: readonly Record<string, number | string>[]): Uint8Array[] {
  const columns = Object.fromEntries(Object.entries(recipe.plan.columns).map(([name, kind]) => [
    name, kind === 'text' ? vectorFromArray(rows.map((row) => String(row[name])), new Utf8()) : kind === 'i64' ? vectorFromArray(rows.map((row) => BigInt(row[name])), new Int64()) : vectorFromArray(rows.map((row) => Number(row[name])), new Float64()),
  ]));
  const writer = createCutWriter(recipe.plan.columns);
  return [...(rows.length === 0 ? [] : new Table(columns).batches.flatMap((batch: RecordBatch) => writer.push(batch))), ...writer.end()].map((part) => part.slice());
}

interface Run { epochs: Epoch[]; parts: Uint8Array[]; bytes: Buffer }

function run<Data>(recipe: Recipe<Data>, cut: Cut, rows: Range, checkpoint?: readonly Uint8Array[]): Run {
  const training = recipe.train(recipe.read(cut, recipe.plan.settings), rows, checkpoint) as Generator<Epoch, Uint8Array[]>;
  const epochs: Epoch[] = [];
  for (;;) {
    const next = training.next();
    // Each in a buffer of its own, as the store gives it.
    if (next.done === true) return { epochs, parts: [new Uint8Array(Buffer.concat(next.value))], bytes: Buffer.concat(next.value) };
    epochs.push({ ...next.value, checkpoint: next.value.checkpoint.map((part) => part.slice()) });
  }
}

function resumes<Data>(recipe: Recipe<Data>, cut: Cut, rows: Range, whole: Run): void {
  for (const { checkpoint, epoch } of whole.epochs) {
    const resumed = run(recipe, cut, rows, checkpoint);
    expect(resumed.epochs.map((one) => one.epoch)).toEqual(whole.epochs.map((one) => one.epoch).filter((one) => one > epoch));
    expect(resumed.bytes.equals(whole.bytes), `from epoch ${epoch}`).toBe(true);
  }
}

// ---- svd ----

// A type, so that it is a record of its values too.
type Touch = { at_ms: number; seq: number; customer: number; item: string; strength: number };

/** Customers of three kinds, who come back to their kind; one of seven came late. */
function touches(customers = 240, each = 8): Touch[] {
  const uniform = createUniform(4);
  const rows: Touch[] = [];
  for (let n = 0; n < customers * each; n += 1) {
    const customer = Math.floor(uniform() * customers);
    if (customer % 7 === 0 && n < 0.8 * customers * each) continue;
    const skewed = Math.floor(25 * uniform() * uniform());
    rows.push({ at_ms: startMs + n * minute, seq: n + 1, customer: 1000 + customer, item: `${['tea', 'lamp', 'rug'][customer % 3]}-${skewed}`, strength: 1 + Math.floor(3 * uniform()) });
  }
  return rows;
}

/** What a live history holds, one event after the other in the order of their positions. */
function naiveHistories(rows: readonly Touch[]): Map<number, Map<string, number>> {
  const held = new Map<number, Map<string, number>>();
  for (const { customer, item, strength } of [...rows].sort((a, b) => a.seq - b.seq)) {
    const own = held.get(customer) ?? new Map<string, number>();
    held.set(customer, own);
    if (strength === 0) own.delete(item);
    else own.set(item, Math.max(own.get(item) ?? 0, strength));
  }
  return held;
}

describe('svd', () => {
  const rows = touches();
  const data = partsOf(svdRecipe, rows);
  const cut = readCut(data);
  const range = trainingRows(cut.numbers('at_ms'), holdout);
  const settings = { ...svdRecipe.plan.settings, rank: 8 };
  const whole = run(svdRecipe, cut, range);

  it('holds what the shard holds, whatever the clocks say', () => {
    // Positions that do not go with the times, refunds among them.
    const uniform = createUniform(8);
    const mixed = rows.slice(0, 600).map((row) => ({ ...row, seq: Math.floor(uniform() * 1e9), strength: uniform() < 0.2 ? 0 : row.strength }));
    const held = readSvdRows(readCut(partsOf(svdRecipe, mixed)), settings);
    const { starts, items, strengths } = historiesOf(held, { from: 0, to: mixed.length });
    const numbers = [...new Set(mixed.map(({ customer }) => customer))];
    const naive = naiveHistories(mixed);
    for (const [u, customer] of numbers.entries()) {
      const own = Array.from(items.subarray(starts[u], starts[u + 1]), (item, i): [string, number] => [held.items[item], strengths[starts[u] + i]]);
      expect(own.map(([, strength]) => strength), 'the strongest first').toEqual([...strengths.subarray(starts[u], starts[u + 1])].sort((a, b) => b - a));
      expect(new Map(own)).toEqual(naive.get(customer));
    }
    const capped = historiesOf({ ...held, settings: { ...settings, history: 2 } }, { from: 0, to: mixed.length });
    expect(Math.max(...[...capped.starts.subarray(1)].map((end, u) => end - capped.starts[u]))).toBe(2);
  });

  it('gives the same bytes from each of its checkpoints on', () => {
    expect(whole.epochs.map(({ epoch }) => epoch)).toEqual(Array.from({ length: 11 }, (_, i) => i + 1));
    const left = whole.epochs.slice(1).map(({ loss }) => loss);
    expect(left).toEqual([...left].sort((a, b) => b - a));
    expect(left.every((share) => share > 0 && share < 1)).toBe(true);
    resumes(svdRecipe, cut, range, whole);
    expect(() => run(svdRecipe, cut, range, [Buffer.from('{')])).toThrow('the checkpoint cannot be read');
    expect(() => run(svdRecipe, cut, range, [Buffer.from('{"pass":2}'), new Uint8Array(80)])).toThrow('a basis of 10 numbers after pass 2 is not of this matrix');
  });

  it('scores a ranking as the formula does', () => {
    // Hits at 1 and 3 of three targets: (1 + 1/2) / (1 + 1/log2(3) + 1/2)
    expect(rankingScore(['a', 'x', 'b'], new Set(['a', 'b', 'c'])).ndcg).toBeCloseTo(1.5 / (1.5 + 1 / Math.log2(3)), 12);
    expect(rankingScore(['a', 'x', 'b'], new Set(['a', 'b', 'c'])).recall).toBeCloseTo(2 / 3, 12);
    expect(rankingScore([], new Set(['a']))).toEqual({ ndcg: 0, recall: 0 });
    expect(rankingScore(Array.from({ length: 10 }, (_, i) => `i${i}`), new Set(Array.from({ length: 40 }, (_, i) => `i${i}`)))).toEqual({ ndcg: 1, recall: 1 });
  });

  it('is judged by what each customer turned to next, folded in from before, beside popularity', () => {
    const table = svdRecipe.read(cut, svdRecipe.plan.settings);
    const later = { from: range.to, to: rows.length };
    const mine = svdRecipe.judge(table, later, { model: 'svd', parts: whole.parts });
    const popular = svdRecipe.judge(table, later, undefined);
    // The same by hand.
    const svd = readSvd(whole.parts);
    const [before, then] = [naiveHistories(rows.slice(0, range.to)), naiveHistories(rows.slice(range.to))];
    const everybody = new Map<string, number>();
    for (const own of before.values()) for (const [item, strength] of own) everybody.set(item, (everybody.get(item) ?? 0) + strength);
    const order = [...everybody].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([item]) => item);
    const scores: number[][] = [];
    for (const customer of new Set(rows.map((row) => row.customer))) {
      const own = before.get(customer) ?? new Map(rows.slice(range.to).filter((row) => row.customer === customer).slice(0, 1).map((row) => [row.item, row.strength]));
      const targets = new Set([...(then.get(customer) ?? new Map<string, number>()).keys()].filter((item) => !own.has(item)));
      if (targets.size === 0) continue;
      const ranked = svd.rank([...own].map(([item, strength]) => ({ item, strength })), 10, (item) => own.has(item)).map(({ item }) => item);
      scores.push([rankingScore(ranked, targets).ndcg, rankingScore(order.filter((item) => !own.has(item)).slice(0, 10), targets).ndcg]);
    }
    expect(mine?.scores).toHaveLength(scores.length);
    for (const [n, [a, b]] of scores.entries()) {
      expect(Math.abs((mine?.scores[n] ?? NaN) - a) <= 1e-12, `customer ${n}`).toBe(true);
      expect(Math.abs((popular?.scores[n] ?? NaN) - b) <= 1e-12, `customer ${n}`).toBe(true);
    }
    expect(mine?.metrics.ndcg_10).toBeGreaterThan((popular?.metrics.ndcg_10 ?? NaN) + 0.1);
    expect(mine?.latencyMsP99).toBeGreaterThan(0);
    const slices = svdRecipe.slices(table, later);
    expect(slices.map(({ name }) => name)).toEqual(['new customers', 'customers of few items', 'active customers']);
    expect(slices.reduce((sum, slice) => sum + slice.rows.length, 0)).toBe(scores.length);
    expect(slices[0].rows.length).toBeGreaterThan(10);
  });

  it('passes the gate beside popularity; the same once more, one of shuffled items and one of half a shop do not', () => {
    const newerThanMs = rows[range.to - 1].at_ms;
    const verdict = (challenger: Uint8Array[], champion?: Uint8Array[]): string | undefined => {
      const { measured } = judge(recipeOf('svd'), data, { challenger, bytes: 9, newerThanMs, ...(champion !== undefined && { champion: { model: 'svd', parts: champion } }) });
      // How long an answer takes on a busy machine is not what this is about.
      return refusalOf(gate(measured, { ...svdRecipe.gate, latencyMsMax: 1000 }));
    };
    expect(verdict(whole.parts)).toBeUndefined();
    expect(verdict(whole.parts, whole.parts)).toBe('gain is 0 (95 % interval from 0) and must be > 0');
    const shuffled = run(svdRecipe, readCut(partsOf(svdRecipe, rows.map((row, n) => ({ ...row, item: rows[(n * 7919) % rows.length].item })))), range);
    expect(verdict(shuffled.parts, whole.parts)).toMatch(/^gain is -0\.\d+ .*; slice of /);
    const few = rows.filter(({ customer }) => customer < 1060);
    const small = run(svdRecipe, readCut(partsOf(svdRecipe, few)), { from: 0, to: few.length });
    expect(verdict(small.parts, whole.parts)).toMatch(/customers is 5\d and must be >= 10\d/);
  });

  it('says when there is nothing to factorise', () => {
    const lonely = readCut(partsOf(svdRecipe, [0, 1, 2].map((n) => ({ at_ms: startMs + n, seq: n, customer: n, item: `i${n}`, strength: 1 }))));
    expect(svdRecipe.tooFew(svdRecipe.read(lonely, settings), { from: 0, to: 3 })).toBe('nothing to factorise: no item has two customers, in 3 rows');
    const empty = readCut(partsOf(svdRecipe, []));
    expect(svdRecipe.tooFew(svdRecipe.read(empty, settings), { from: 0, to: 0 })).toBe('nothing to factorise: no item has two customers, in 0 rows');
  });
});

// ---- blend ----

/** Answers of five items, which two channels order the other way round; customers go for what user-user puts first, mostly. */
function answers(count: number): Record<string, number>[] {
  const uniform = createUniform(2);
  const rows: Record<string, number>[] = [];
  for (let d = 0; d < count; d += 1) {
    const taken = uniform() < 0.7 ? 4 : Math.floor(5 * uniform());
    for (let i = 0; i < 5; i += 1) {
      // Two answers of one moment: the border goes between moments.
      rows.push({ at_ms: startMs + Math.floor(d / 2) * minute, commit_seq: 7 + Math.floor(d / 2), answer: d % 2, customer: d % 40, position: i + 1, was_taken: i === taken ? 1 : 0, ...Object.fromEntries(channels.map((channel) => [`rank_${channel.replace('-', '_')}`, channel === 'session' && d % 4 < 3 ? i + 1 : channel === 'user-user' ? 5 - i : 0])) });
    }
  }
  return rows;
}

describe('blend', () => {
  const rows = answers(601);
  const data = partsOf(blendRecipe, rows);
  const cut = readCut(data);
  const range = trainingRows(cut.numbers('at_ms'), holdout);
  const whole = run(blendRecipe, cut, range);
  const log = createImpressions();
  for (const row of rows) {
    if (row.position === 1) log.end();
    log.add(channels.map((channel) => row[`rank_${channel.replace('-', '_')}`]), row.position, row.was_taken === 1);
  }
  log.end();
  const impressions = log.done();
  const middle = range.to / 5;

  it('learns the same as from the log itself, and the same bytes from each of its checkpoints on', () => {
    expect(Number.isInteger(middle)).toBe(true);
    expect(whole.bytes.equals(Buffer.concat(encodeBlend(fitBlend(between(impressions, 0, middle)).blend)))).toBe(true);
    const { weights } = decodeBlend(whole.parts);
    expect(weights['user-user']).toBeGreaterThan(2 * weights.session);
    resumes(blendRecipe, cut, range, whole);
    expect(() => run(blendRecipe, cut, range, [Buffer.from('{')])).toThrow('the checkpoint cannot be read');
    expect(() => run(blendRecipe, cut, range, [Buffer.from('{}')])).toThrow('the checkpoint holds no fits');
  });

  it('is judged as two blends are compared, its interval drawn by customer', () => {
    const newerThanMs = rows[range.to - 1].at_ms;
    const { measured, champion, metrics } = judge(recipeOf('blend'), data, { challenger: whole.parts, bytes: 9, newerThanMs });
    const { blend, positionBias } = fitBlend(between(impressions, 0, middle));
    const compared = compareBlends(between(impressions, middle, decisionsOf(impressions)), equalBlend, blend, positionBias);
    expect(champion).toBe('baseline');
    expect(measured.rows).toBe(40);
    expect(measured.gain?.mean).toBeCloseTo(compared.difference, 10);
    // Drawn another way, of the same answers: about as wide.
    for (const end of ['low', 'high'] as const) expect(Math.abs((measured.gain?.[end] ?? NaN) - compared[end])).toBeLessThan(0.5 * (compared.high - compared.low));
    expect(metrics.find(({ name }) => name === 'ndcg')?.challenger).toBeCloseTo(compared.challenger, 10);
    expect(metrics.find(({ name }) => name === 'ndcg')?.champion).toBeCloseTo(compared.live, 10);
    expect(metrics.find(({ name }) => name === 'answers')?.challenger).toBe(compared.decisions);
    expect(metrics.find(({ name }) => name === 'weight_user-user')).toEqual({ name: 'weight_user-user', challenger: blend.weights['user-user'], champion: 1 });
    expect(refusalOf(gate(measured, { ...blendRecipe.gate, latencyMsMax: 1000 }))).toBeUndefined();
    const again = judge(recipeOf('blend'), data, { challenger: whole.parts, bytes: 9, newerThanMs, champion: { model: 'blend', parts: whole.parts } });
    expect(refusalOf(gate(again.measured, { ...blendRecipe.gate, latencyMsMax: 1000 }))).toBe('gain is 0 (95 % interval from 0) and must be > 0');
    const table = blendRecipe.read(cut, blendRecipe.plan.settings);
    expect(blendRecipe.slices(table, { from: range.to, to: rows.length }).map(({ name, rows: own }) => [name, own.length])).toEqual([['customers with a session', 30], ['customers without a session', 10], ['customers who are shown what they saw', 0]]);
  });

  it('says when there is too little to learn from', () => {
    const few = readCut(partsOf(blendRecipe, answers(99)));
    const table = blendRecipe.read(few, blendRecipe.plan.settings);
    expect(blendRecipe.tooFew(table, { from: 0, to: few.rows })).toBe('too few answers of which something was taken, and something not: 99 of 99 to learn from; 100 are needed');
    const none = readCut(partsOf(blendRecipe, []));
    expect(blendRecipe.tooFew(blendRecipe.read(none, {}), { from: 0, to: 0 })).toMatch(/: 0 of 0 to learn from/);
  });
});
