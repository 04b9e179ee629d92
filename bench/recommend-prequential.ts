/**
 * Ask first, then learn, over two real streams: what a live model is worth beside one that is rebuilt at midnight.
 *
 *   a query    the first time that a customer touches an item: twenty items are asked for just before, from every way
 *   a hit      the item is among them
 *   live       what `recommend` answers: the fused channels, everything learnt up to the event before
 *   itemitem   the live item-item channel alone, the like of `daily`
 *   daily      item-item of the same kernel that has learnt up to the last midnight, on the customer's history up to now
 *   nightly    what `recommend` would have answered at the last midnight: history and model as of then
 *   popular    the live popularity channel
 * Every way fills up with what was popular when it learnt last. Midnight is that of UTC, by the events' own clock.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { datasets } from '../datasets/dataset.js';
import { loadKernel } from '../models/recommend/load.js';
import { createRecommender, defaultSettings } from '../models/recommend/recommender.js';
import { strengths } from '../pipelines/recommend/step.js';
import type { Event } from '../schemas/events.js';
import type { SuiteOptions } from './main.js';
import { createChannels, type Channels } from './recommend-channels.js';
import { row, type Row } from './report.js';

const dayMs = 86_400_000;
const cutoff = 20;
/** For the baseline that does the same from yesterday's lists. */
const { alpha, locality, seeds: seedsMax, screen: screenMax } = defaultSettings.weighting.itemItem;

interface Source {
  name: string;
  dataset: string;
  file: string;
  /** every how many queries one is asked: the whole stream is learnt in any case */
  sample: number;
  /** digits of the date that the progress lines group by */
  period: number;
  /** between two rebuilds of what waits */
  rebuild: { way: string; everyMs: number };
}

const taobao = { name: 'taobao', dataset: 'taobao-userbehavior', file: 'taobao-userbehavior/UserBehavior.csv.gz', sample: 1, period: 13 };
const sources: Source[] = [
  { ...taobao, rebuild: { way: 'daily', everyMs: dayMs } },
  // The file holds two hours of one day, so a matrix of the day before is empty: what a quarter of an hour costs stands beside it.
  { ...taobao, rebuild: { way: 'quarterhourly', everyMs: dayMs / 96 } },
  { name: 'retail', dataset: 'online-retail', file: 'online-retail/online_retail.csv.gz', sample: 20, period: 7, rebuild: { way: 'daily', everyMs: dayMs } },
];

/** strength 0: a refund */
export interface Touch { customer: string; item: string; strength: number; atMs: number }

export async function readTouches(dataset: string, file: string): Promise<Touch[]> {
  const touches: Touch[] = [];
  for await (const batch of datasets[dataset].read(file)) {
    for (const { event } of batch) if (event !== undefined) touches.push(...touchesOf(event as Event));
  }
  return touches;
}

/** As pipelines/recommend/step.ts sees an event. */
function touchesOf(event: Event): Touch[] {
  const { customer, atMs } = event;
  if (event.type === 'click' && event.action !== 'uncart') return [{ customer, item: event.item, strength: strengths[event.action], atMs }];
  if (event.type === 'purchase') return event.lines.map(({ item }) => ({ customer, item, strength: strengths.purchase, atMs }));
  if (event.type === 'refund') return event.lines.map(({ item }) => ({ customer, item, strength: 0, atMs }));
  return [];
}

type Observer = Pick<Channels, 'observe'> & { retract(customer: string, item: string, atMs: number): void };

export function learn(model: Observer, { customer, item, strength, atMs }: Touch): void {
  if (strength > 0) model.observe(customer, item, strength, atMs);
  else model.retract(customer, item, atMs);
}

interface Scorer {
  /** @param left  what the customer is not to get  @returns ids, best first */
  ask(history: { item: number; r: number }[], left: ReadonlySet<number>, k: number): number[];
  forget(): void;
}

/** Item-item from lists that are kept until `forget`, on any history: the kernel's way of scoring, in plain words. */
function createScorer(channels: Channels, items: number): Scorer {
  // A similarity is dot / (norm2 of the candidate ^ alpha * norm2 of the other ^ (1 - alpha)): cosines times what makes them so.
  const lists = new Map<number, { ids: Int32Array; cosines: Float64Array }>();
  const [sums, share] = [new Float64Array(items), new Float64Array(items)];
  const norms = new Map<number, number>();
  const norm2Of = (item: number): number => entryOf(norms, item, () => channels.norm2Of(item));
  const similarity = (cosine: number, candidate: number, own: number): number => (cosine * (norm2Of(candidate) / norm2Of(own)) ** (0.5 - alpha)) ** locality;
  const listOf = (item: number): { ids: Int32Array; cosines: Float64Array } => {
    let list = lists.get(item);
    if (list === undefined) {
      const answers = channels.similar(item);
      lists.set(item, (list = { ids: Int32Array.from(answers, ({ id }) => id), cosines: Float64Array.from(answers, ({ score }) => score) }));
    }
    return list;
  };
  const byOwnList = (item: number): number => {
    const { ids, cosines } = listOf(item);
    let sum = 0;
    for (let i = 0; i < ids.length; i += 1) if (share[ids[i]] > 0) sum += similarity(cosines[i], item, ids[i]) * share[ids[i]];
    return sum;
  };
  const best = (scored: { item: number; score: number }[], k: number): number[] =>
    scored.filter(({ score }) => score > 0).sort((a, b) => b.score - a.score || a.item - b.item).slice(0, k).map(({ item }) => item);
  return {
    forget() {
      lists.clear();
      norms.clear();
    },
    ask(history, left, k) {
      const norm = Math.sqrt(history.reduce((sum, { r }) => sum + r * r, 0));
      for (const { item, r } of history) share[item] = r / norm;
      const seeds = history.map((entry, at) => ({ ...entry, at })).sort((a, b) => b.r - a.r || b.at - a.at).slice(0, seedsMax);
      const candidates: number[] = [];
      for (const { item } of seeds) {
        const { ids, cosines } = listOf(item);
        for (let i = 0; i < ids.length; i += 1) {
          if (left.has(ids[i])) continue;
          if (sums[ids[i]] === 0) candidates.push(ids[i]);
          sums[ids[i]] += similarity(cosines[i], ids[i], item) * share[item];
        }
      }
      const screened = best(candidates.map((item) => ({ item, score: sums[item] })), screenMax);
      const answer = best(screened.map((item) => ({ item, score: byOwnList(item) })), k);
      for (const item of candidates) sums[item] = 0;
      for (const { item } of history) share[item] = 0;
      return answer;
    },
  };
}

const ways = ['live', 'itemitem', 'daily', 'nightly', 'popular'] as const;
type Way = (typeof ways)[number];
type Hits = Record<Way | 'queries', number>;
const noHits = (): Hits => ({ live: 0, itemitem: 0, daily: 0, nightly: 0, popular: 0, queries: 0 });

/** `first` up to the cutoff, then `fillers` that are not in it. */
const filled = (first: number[], fillers: () => number[]): number[] =>
  (first.length >= cutoff ? first : [...new Set([...first, ...fillers()])].slice(0, cutoff));

/** What the model leaves out as well: what the customer has, and what was sent back. */
const leftOut = (history: { item: number }[], sentBack: ReadonlySet<number> = new Set()): Set<number> => new Set([...history.map(({ item }) => item), ...sentBack]);

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}

interface Replayed { total: Hits; parts: Map<string, Hits>; seconds: number }

function replay(touches: Touch[], { sample, period, rebuild }: Source): Replayed {
  const [live, nightly] = [createRecommender(defaultSettings, loadKernel()), createRecommender(defaultSettings, loadKernel())];
  const [channels, waiting] = [createChannels(defaultSettings), createChannels(defaultSettings)]; // of the same stream, so with the same ids
  const scorer = createScorer(waiting, defaultSettings.limits.items);
  const [touched, sentBack] = [new Map<string, Set<number>>(), new Map<string, Set<number>>()];
  const parts = new Map<string, Hits>();
  const total = noHits();
  let [midnight, rebuilt, firsts] = [0, 0, 0];
  const answersFor = ({ customer, atMs }: Touch): Record<Way, string[]> => {
    const left = leftOut(channels.history(customer), sentBack.get(customer));
    const popular = channels.popular(customer, cutoff);
    const itemItem = filled(channels.itemItem(customer, cutoff), () => popular);
    const daily = filled(scorer.ask(channels.history(customer), left, cutoff), () => waiting.popular('', 512).filter((id) => !left.has(id)));
    const names = (ids: number[]): string[] => ids.map((id) => channels.nameOf(id));
    return {
      live: live.recommend(customer, cutoff, atMs).map(({ item }) => item),
      itemitem: names(itemItem),
      daily: names(daily),
      nightly: nightly.recommend(customer, cutoff, midnight).map(({ item }) => item),
      popular: names(popular),
    };
  };
  const count = (touch: Touch): void => {
    const answers = answersFor(touch);
    if (answers.live.length === 0 && firsts > 1) throw new Error(`bench: an empty answer for ${touch.customer}`);
    const labels = [new Date(touch.atMs).toISOString().slice(0, period), touched.has(touch.customer) ? 'known customers' : 'newcomers'];
    for (const sum of [total, ...labels.map((label) => entryOf(parts, label, noHits))]) {
      sum.queries += 1;
      for (const way of ways) if (answers[way].includes(touch.item)) sum[way] += 1;
    }
  };
  const startMs = performance.now();
  touches.forEach((touch, n) => {
    const { customer, item, strength, atMs } = touch;
    if (atMs >= midnight + rebuild.everyMs) {
      midnight = Math.floor(atMs / rebuild.everyMs) * rebuild.everyMs;
      for (; rebuilt < n; rebuilt += 1) for (const model of [nightly, waiting]) learn(model, touches[rebuilt]);
      scorer.forget();
    }
    const known = channels.idOf(item);
    if (strength > 0 && (known === undefined || touched.get(customer)?.has(known) !== true) && ++firsts % sample === 0) count(touch);
    const had = strength === 0 && channels.history(customer).some((entry) => entry.item === known);
    for (const model of [live, channels]) learn(model, touch);
    const id = channels.idOf(item);
    if (id === undefined) return;
    entryOf(touched, customer, () => new Set()).add(id);
    if (had) entryOf(sentBack, customer, () => new Set()).add(id);
    else if (strength > 0) sentBack.get(customer)?.delete(id);
  });
  const seconds = (performance.now() - startMs) / 1000;
  checkScorer(channels, touches.slice(-100), sentBack);
  return { total, parts, seconds };
}

/** The baseline is the kernel's scoring but for the time it waits: from lists of this moment both answer the same. */
function checkScorer(channels: Channels, touches: Touch[], sentBack: Map<string, Set<number>>): void {
  const scorer = createScorer(channels, defaultSettings.limits.items);
  let [same, compared] = [0, 0];
  for (const { customer } of touches) {
    const history = channels.history(customer);
    const mine = scorer.ask(history, leftOut(history, sentBack.get(customer)), cutoff);
    const theirs = channels.itemItem(customer, cutoff);
    compared += Math.max(mine.length, theirs.length);
    same += mine.filter((item) => theirs.includes(item)).length;
  }
  // Equal but for items that score the same to the last digits, and for cosines above 1 (a refund leaves them), which `similar` cuts.
  if (!(same >= 0.98 * compared && compared > 0)) throw new Error(`bench: of ${compared} items the daily baseline scores ${same} as the kernel does`);
}

const rate = (hits: Hits, way: Way): number => hits[way] / hits.queries;

export async function prequentialRows(say: SuiteOptions['say']): Promise<Row[]> {
  const rows: Row[] = [];
  for (const source of sources) {
    const file = join('..', 'shared', 'data', source.file);
    if (!existsSync(file)) {
      say(`recommend.prequential.${source.name} is skipped: ${file} is not here`);
      continue;
    }
    const touches = await readTouches(source.dataset, file);
    say(`prequential ${source.name}: ${touches.length} events, one query in ${source.sample}; daily and nightly are of the last ${source.rebuild.everyMs / 3_600_000} h mark`);
    const replayed = replay(touches, source);
    tell(source, replayed, say);
    rows.push(...rowsOf(source, replayed.total));
  }
  return rows;
}

function tell({ name }: Source, { total, parts, seconds }: Replayed, say: SuiteOptions['say']): void {
  if (total.queries === 0 || total.popular === 0) throw new Error(`bench: ${name} had ${total.queries} queries and ${total.popular} hits of popularity`);
  for (const [label, hits] of [...parts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    say(`  ${label.padEnd(15)} ${String(hits.queries).padStart(6)} queries  ${ways.map((way) => `${way} ${rate(hits, way).toFixed(4)}`).join('  ')}`);
  }
  say(`prequential ${name}: ${total.queries} queries in ${seconds.toFixed(0)} s`);
}

function rowsOf({ name, rebuild: { way: waiting } }: Source, total: Hits): Row[] {
  const beside = (way: string, of: Way, baseline: Way, note: string): Row =>
    row(`recommend.prequential.${name}.${way}.hr20`, rate(total, of), '', total[baseline] === 0 ? null : rate(total, baseline), note);
  const rebuilt = beside(waiting, 'daily', 'itemitem', 'live item-item: the price of waiting, all else equal');
  if (waiting !== 'daily') return [rebuilt];
  return [
    beside('live', 'live', 'daily', total.daily === 0 ? 'daily knows nothing: the file is of one day' : 'daily: item-item rebuilt at midnight'),
    beside('itemitem', 'itemitem', 'popular', 'live popularity'),
    rebuilt,
    beside('nightly', 'nightly', 'live', 'live: the price of answers made at midnight'),
    beside('popular', 'popular', 'live', 'live'),
  ];
}
