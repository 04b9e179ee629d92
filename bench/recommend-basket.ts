/**
 * What is added to a cart next, over every order of online-retail: ask first, then learn.
 *
 *   a query    a line that joins an order of the test period that holds something already, one in `sample`
 *   basket     what the model answers for the lines so far
 *   cosine     item-item cosine over the baskets of the stream so far, all pairs, summed over the lines so far
 *   cosine5    the same, summed over the latest five: what was added last tells most
 *   popular    the items of most baskets so far, without the cart's own
 *   reliability  of the ten answers to each query: what was promised, by tenths, and how often it came true
 *
 * The method and its numbers were chosen on the validation period, which this file can be told to run instead.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { datasets } from '../datasets/dataset.js';
import { createBaskets, defaultBasketSettings, type Baskets, type Prediction } from '../models/baskets/baskets.js';
import { loadKernel } from '../models/recommend/load.js';
import { recommendSettings } from '../pipelines/recommend/settings.js';
import { recommendStep } from '../pipelines/recommend/step.js';
import { readConfig } from '../schemas/config.js';
import type { Event, Purchase } from '../schemas/events.js';
import type { SuiteOptions } from './main.js';
import { quantile, row, type Row } from './report.js';

const file = join('..', 'shared', 'data', 'online-retail', 'online_retail.csv.gz');
const k = 10;
const periods = {
  validation: { fromMs: Date.UTC(2011, 7, 1), toMs: Date.UTC(2011, 9, 1) },
  test: { fromMs: Date.UTC(2011, 9, 1), toMs: Date.UTC(2012, 0, 1) },
};
const sample = 19;
const ways = ['basket', 'cosine', 'cosine5', 'popular'] as const;
type Way = (typeof ways)[number];

async function readPurchases(): Promise<Purchase[]> {
  const events: Purchase[] = [];
  for await (const batch of datasets['online-retail'].read(file)) {
    for (const { event } of batch) if ((event as Event | undefined)?.type === 'purchase') events.push(event as Purchase);
  }
  return events;
}

/** All pairs in one matrix, in plain words. */
function createCosine() {
  const ids = new Map<string, number>();
  const names: string[] = [];
  const most = 5000;
  const together = new Float32Array(most * most);
  const holders = new Float64Array(most);
  const idOf = (item: string): number => {
    let id = ids.get(item);
    if (id === undefined) ids.set(item, (id = names.push(item) - 1));
    if (id >= most) throw new Error(`bench: more than ${most} items`);
    return id;
  };
  const bestOf = (scoreOf: (id: number) => number, cart: readonly string[]): string[] => {
    const out = new Set(cart.map(idOf));
    const scored = names.map((_, id) => ({ id, score: out.has(id) ? 0 : scoreOf(id) })).filter(({ score }) => score > 0);
    return scored.sort((a, b) => b.score - a.score || a.id - b.id).slice(0, k).map(({ id }) => names[id]);
  };
  return {
    add(cart: readonly string[], item: string): void {
      const id = idOf(item);
      holders[id] += 1;
      for (const other of cart.map(idOf)) {
        together[other * most + id] += 1;
        together[id * most + other] += 1;
      }
    },
    cosine(cart: readonly string[], latest = cart.length): string[] {
      const mine = cart.slice(-latest).map(idOf);
      return bestOf((id) => mine.reduce((sum, other) => sum + together[other * most + id] / Math.sqrt(holders[other] * holders[id]), 0), cart);
    },
    popular: (cart: readonly string[]): string[] => bestOf((id) => holders[id], cart),
  };
}

/** What was promised and what came true, by tenths of the promise. */
function createReliability() {
  const bins = Array.from({ length: 10 }, () => ({ count: 0, promised: 0, came: 0 }));
  const sums = { brier: 0, logLoss: 0 };
  return {
    bins,
    add(promised: number, came: boolean): void {
      const bin = bins[Math.min(9, Math.floor(promised * 10))];
      bin.count += 1;
      bin.promised += promised;
      bin.came += came ? 1 : 0;
      const p = Math.min(1 - 1e-9, Math.max(1e-9, promised));
      sums.brier += (promised - (came ? 1 : 0)) ** 2;
      sums.logLoss -= Math.log(came ? p : 1 - p);
    },
    count: (): number => bins.reduce((sum, { count }) => sum + count, 0),
    /** Expected calibration error: mean distance of promise and rate, by the number of promises. */
    ece(): number {
      return bins.reduce((sum, { promised, came }) => sum + Math.abs(promised - came), 0) / this.count();
    },
    brier(): number { return sums.brier / this.count(); },
    logLoss(): number { return sums.logLoss / this.count(); },
  };
}

interface Replayed {
  queries: number;
  hits: Record<Way, number>;
  reciprocal: Record<Way, number>;
  calibrated: ReturnType<typeof createReliability>;
  shares: ReturnType<typeof createReliability>;
  tookMs: Float64Array;
}

function replay(purchases: Purchase[], { fromMs, toMs }: { fromMs: number; toMs: number }): Replayed {
  const [model, peer] = [createBaskets(defaultBasketSettings), createCosine()];
  const carts = new Map<string, string[]>();
  const zero = (): Record<Way, number> => ({ basket: 0, cosine: 0, cosine5: 0, popular: 0 });
  const [hits, reciprocal, calibrated, shares, took] = [zero(), zero(), createReliability(), createReliability(), [] as number[]];
  let [queries, additions] = [0, 0];
  const ask = (cart: string[], item: string): void => {
    queries += 1;
    const startMs = performance.now();
    const answer: Prediction[] = model.predict(cart, k).items;
    took.push(performance.now() - startMs);
    if (answer.length !== k || answer.some((found) => cart.includes(found.item))) throw new Error(`bench: ${answer.length} answers, or one of the cart's own`);
    for (const found of answer) {
      calibrated.add(found.probability, found.item === item);
      shares.add(found.share, found.item === item);
    }
    const places = {
      basket: answer.findIndex((found) => found.item === item),
      cosine: peer.cosine(cart).indexOf(item),
      cosine5: peer.cosine(cart, 5).indexOf(item),
      popular: peer.popular(cart).indexOf(item),
    };
    for (const way of ways) {
      if (places[way] < 0) continue;
      hits[way] += 1;
      reciprocal[way] += 1 / (places[way] + 1);
    }
  };
  for (const { customer, order, lines: [{ item }], atMs } of purchases) {
    if (atMs >= toMs) break;
    const key = `${customer}/${order}`;
    const cart = carts.get(key) ?? [];
    carts.set(key, cart);
    const isNew = !cart.includes(item);
    if (isNew && cart.length > 0 && atMs >= fromMs && ++additions % sample === 0) ask(cart.slice(-200), item);
    model.order(customer, order, [item], atMs);
    if (!isNew) continue;
    peer.add(cart, item);
    cart.push(item);
  }
  return { queries, hits, reciprocal, calibrated, shares, tookMs: Float64Array.from(took).sort() };
}

/** us of the process's own time for an event: the model alone, and the whole step with it and without, in turns. */
function costs(purchases: Purchase[]): { alone: number; loss: number } {
  const own = (work: () => void): number => {
    const used = process.cpuUsage();
    work();
    return process.cpuUsage(used).user / purchases.length;
  };
  const step = recommendStep(recommendSettings(readConfig({})), loadKernel());
  const fold = (without: boolean): number => {
    const state = step.empty();
    const nothing: Pick<Baskets, 'put' | 'takeBack' | 'order' | 'forget'> = { put: () => undefined, takeBack: () => undefined, order: () => undefined, forget: () => undefined };
    if (without) Object.assign(state, { baskets: nothing });
    return own(() => { for (const event of purchases) step.step(state, { event, shard: 0, position: 0, receivedMs: event.atMs }, () => undefined); });
  };
  const alone = (): number => {
    const model = createBaskets(defaultBasketSettings);
    return own(() => { for (const { customer, order, lines: [{ item }], atMs } of purchases) model.order(customer, order, [item], atMs); });
  };
  fold(true); // for the compiler
  fold(false);
  const rounds = [0, 1, 2].map(() => ({ alone: alone(), with: fold(false), without: fold(true) }));
  const least = (of: 'alone' | 'with' | 'without'): number => Math.min(...rounds.map((round) => round[of]));
  return { alone: least('alone'), loss: 1 - least('without') / least('with') };
}

export async function basketRows(say: SuiteOptions['say'], period: keyof typeof periods = 'test'): Promise<Row[]> {
  if (!existsSync(file)) {
    say(`recommend.basket is skipped: ${file} is not here`);
    return [];
  }
  const purchases = await readPurchases();
  const { queries, hits, reciprocal, calibrated, shares, tookMs } = replay(purchases, periods[period]);
  if (!(queries > 1000 && hits.popular > 0 && hits.cosine > 0)) throw new Error(`bench: ${queries} queries, hits ${JSON.stringify(hits)}`);
  say(`baskets, ${period} period: ${queries} queries, one of ${sample} added lines`);
  for (const way of ways) say(`  ${way.padEnd(8)} HR@${k} ${(hits[way] / queries).toFixed(4)}  MRR@${k} ${(reciprocal[way] / queries).toFixed(4)}`);
  say(`  reliability  calibrated: promised, came true, answers     shares as they are: the same`);
  for (let bin = 0; bin < 10; bin += 1) say(`    ${(bin / 10).toFixed(1)}-${((bin + 1) / 10).toFixed(1)}  ${[calibrated, shares].map(({ bins }) => lineOf(bins[bin])).join('       ')}`);
  say(`  calibrated: ECE ${calibrated.ece().toFixed(4)}, Brier ${calibrated.brier().toFixed(5)}, log loss ${calibrated.logLoss().toFixed(5)}; shares: ${shares.ece().toFixed(4)}, ${shares.brier().toFixed(5)}, ${shares.logLoss().toFixed(5)}`);
  const { alone, loss } = costs(purchases);
  return [
    row('recommend.basket.retail.hr10', hits.basket / queries, '', hits.popular / queries, 'popularity'),
    row('recommend.basket.retail.mrr10', reciprocal.basket / queries, '', reciprocal.popular / queries, 'popularity'),
    row('recommend.basket.retail.vs_cosine.hr10', hits.basket / queries, '', hits.cosine / queries, 'item-item cosine by basket, all pairs, live'),
    row('recommend.basket.retail.vs_cosine.mrr10', reciprocal.basket / queries, '', reciprocal.cosine / queries, 'item-item cosine by basket, all pairs, live'),
    row('recommend.basket.retail.vs_cosine5.hr10', hits.basket / queries, '', hits.cosine5 / queries, 'the same, of the latest five lines alone'),
    row('recommend.basket.retail.vs_cosine5.mrr10', reciprocal.basket / queries, '', reciprocal.cosine5 / queries, 'the same, of the latest five lines alone'),
    row('recommend.basket.retail.ece', calibrated.ece(), '', shares.ece(), 'the shares of the votes as they are'),
    row('recommend.basket.retail.brier', calibrated.brier(), '', shares.brier(), 'the shares of the votes as they are'),
    row('recommend.basket.retail.log_loss', calibrated.logLoss(), '', shares.logLoss(), 'the shares of the votes as they are'),
    row('recommend.basket.query_p50_ms', quantile(tookMs, 0.5), 'ms'),
    row('recommend.basket.query_p99_ms', quantile(tookMs, 0.99), 'ms'),
    row('recommend.basket.update_us', alone, 'us/event'),
    row('recommend.basket.step_loss', loss, ''),
  ];
}

const lineOf = ({ count, promised, came }: { count: number; promised: number; came: number }): string =>
  (count === 0 ? '-'.padStart(22) : `${(promised / count).toFixed(3)} ${(came / count).toFixed(3)} ${String(count).padStart(10)}`);
