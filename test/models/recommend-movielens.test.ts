import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { loadKernel } from '../../models/recommend/load.js';
import { createRecommender, defaultSettings, type Recommender } from '../../models/recommend/recommender.js';

const file = new URL('../../../shared/data/movielens-100k/u.data.gz', import.meta.url);
const present = existsSync(file);
if (!present) console.log(`skipped: ${file.pathname} is not here, and the data set is not copied into the repository`);

interface Rating { customer: string; item: string; stars: number; atMs: number }

/** u.data: `196\t242\t3\t881250949`, customer, item, stars, seconds; in the order of time. */
function ratings(): Rating[] {
  const lines = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n');
  const rows = lines.map((line) => {
    const [customer, item, stars, seconds] = line.split('\t');
    return { customer: `u${customer}`, item: `i${item}`, stars: Number(stars), atMs: Number(seconds) * 1000 };
  });
  return rows.sort((a, b) => a.atMs - b.atMs);
}

/** Everything at once, as a nightly job would: the whole matrix of cosines, dense, 0 where no customer has both. */
function batch(rows: Rating[], halfLifeMs: number): { ids: Map<string, number>; cosine: Float64Array } {
  const last = rows[rows.length - 1].atMs;
  const ids = new Map<string, number>();
  const histories = new Map<string, { id: number; r: number }[]>();
  for (const { customer, item, stars, atMs } of rows) {
    const id = ids.get(item) ?? ids.size;
    ids.set(item, id);
    const history = histories.get(customer) ?? [];
    history.push({ id, r: stars * 2 ** ((atMs - last) / halfLifeMs) });
    histories.set(customer, history);
  }
  const n = ids.size;
  const dots = new Float64Array(n * n);
  for (const history of histories.values()) {
    for (const a of history) for (const b of history) dots[a.id * n + b.id] += a.r * b.r;
  }
  const norms = Float64Array.from({ length: n }, (_, id) => Math.sqrt(dots[id * n + id]));
  return { ids, cosine: dots.map((dot, at) => dot / (norms[Math.floor(at / n)] * norms[at % n])) };
}

function fold(rows: Rating[], halfLifeMs: number): Recommender {
  // The busiest customer has 737 ratings: nothing is pushed out, so that both sum over the same.
  const model = createRecommender({ ...defaultSettings, halfLifeMs, limits: { ...defaultSettings.limits, history: 1000, neighbours: 100 } }, loadKernel());
  for (const { customer, item, stars, atMs } of rows) model.observe(customer, item, stars, atMs);
  return model;
}

// With a half-life of three days the span of seven months covers 2^70: norms shrink so fast under the pairs that are not
// touched that the lists hold fewer of the true neighbours. What they hold is as exact.
describe.skipIf(!present).each([
  { halfLife: 'none', halfLifeMs: Infinity, at10: 0.99, at50: 0.98 },
  { halfLife: '90 days', halfLifeMs: 90 * 86_400_000, at10: 0.99, at50: 0.98 },
  { halfLife: '3 days', halfLifeMs: 3 * 86_400_000, at10: 0.95, at50: 0.85 },
])('movielens-100k with its timestamps, half-life $halfLife', ({ halfLifeMs, at10, at50 }) => {
  it('incremental equals batch to 1e-9, and the lists hold the true neighbours', () => {
    const rows = ratings();
    const { ids, cosine } = batch(rows, halfLifeMs);
    const model = fold(rows, halfLifeMs);
    expect(model.stats().items).toBe(ids.size);
    expect(model.stats().pairs).toBe((cosine.reduce((sum, value) => sum + (value > 0 ? 1 : 0), 0) - ids.size) / 2);
    let [items, found10, found50, worst] = [0, 0, 0, 0];
    for (const [item, id] of ids) {
      const row = cosine.subarray(id * ids.size, (id + 1) * ids.size);
      const mine = model.similar(item, 100) ?? [];
      for (const neighbour of mine) worst = Math.max(worst, Math.abs(neighbour.similarity - row[ids.get(neighbour.item) ?? Number.NaN]));
      const sorted = row.filter((value, other) => value > 0 && other !== id).sort().reverse();
      if (sorted.length < 100) continue;
      items += 1;
      // Ties are many among items that one customer rated: what counts is to be as near as the true n-th.
      found10 += mine.slice(0, 10).filter(({ similarity }) => similarity >= sorted[9] - 1e-9).length / 10;
      found50 += mine.slice(0, 50).filter(({ similarity }) => similarity >= sorted[49] - 1e-9).length / 50;
    }
    expect(worst <= 1e-9, `largest difference ${worst}`).toBe(true);
    expect(found10 / items >= at10, `overlap@10 ${found10 / items}`).toBe(true);
    expect(found50 / items >= at50, `overlap@50 ${found50 / items}`).toBe(true);
  });
});

describe.skipIf(!present)('movielens-100k, last rating held out', () => {
  it('hits more often than popularity', () => {
    const rows = ratings();
    const last = new Map(rows.map((row) => [row.customer, row]));
    const model = createRecommender(defaultSettings, loadKernel());
    const owned = new Map<string, Set<string>>();
    for (const row of rows) {
      if (last.get(row.customer) === row) continue;
      model.observe(row.customer, row.item, row.stars, row.atMs);
      owned.set(row.customer, (owned.get(row.customer) ?? new Set()).add(row.item));
    }
    const popular = model.recommend('nobody', 512, rows[rows.length - 1].atMs).map(({ item }) => item);
    let [hits, popularHits] = [0, 0];
    for (const { customer, item, atMs } of last.values()) {
      if (model.recommend(customer, 10, atMs).some((recommendation) => recommendation.item === item)) hits += 1;
      if (popular.filter((candidate) => !owned.get(customer)?.has(candidate)).slice(0, 10).includes(item)) popularHits += 1;
    }
    console.log(`HR@10 ${(hits / last.size).toFixed(4)}, popularity ${(popularHits / last.size).toFixed(4)}, ${last.size} customers`);
    expect(hits).toBeGreaterThan(1.25 * popularHits);
  });
});
