/**
 * The factorisation of what customers did. It is judged by what each customer turned to next: folded in from the items before, how
 * high are the new ones?
 *
 *   rows      | ... what neither version has seen ...
 *   history --+--> ten best that the customer has not got    nDCG of the items that came    an example is a customer
 *
 * nDCG@10 = sum over the items that came of 1 / log2(1 + rank) / the largest that sum could be (Jarvelin, Kekalainen, TOIS 20(4), 2002).
 * Where no version is live, it is judged beside popularity, out of the same histories. An epoch is a pass over the matrix.
 */
import { encodeFactors, factorisePasses } from '../../models/svd/factors.js';
import { loadKernel } from '../../models/svd/load.js';
import type { SvdStart } from '../../models/svd/randomised.js';
import { defaultSvdSettings } from '../../models/svd/settings.js';
import { DEPTH } from '../../models/recommend/fuse.js';
import { readSvd } from '../../pipelines/recommend/svd.js';
import { limits } from '../../schemas/limits.js';
import type { GateLimits } from '../gate.js';
import { latencyMsP99 } from './latency.js';
import { nextTouchWatch } from './next-touch.js';
import type { Epoch, Judged, Range, Recipe, Slice } from './recipe.js';
import { historiesOf, interactionsOf, readSvdRows, rowsByCustomer, svdPlan, type Histories, type SvdData } from './svd-data.js';

/** What is looked at of a ranking. */
const best = 10;

function tooFew(data: SvdData, rows: Range): string | undefined {
  const once = new Set<number>();
  // Each once of a customer.
  for (const item of historiesOf(data, rows).items) {
    if (once.has(item)) return undefined;
    once.add(item);
  }
  return `nothing to factorise: no item has two customers, in ${rows.to - rows.from} rows`;
}

function* train(data: SvdData, rows: Range, checkpoint?: readonly Uint8Array[]): Generator<Epoch, Uint8Array[]> {
  const { rank, items } = data.settings;
  const settings = { ...defaultSvdSettings, rank, items };
  const steps = factorisePasses(interactionsOf(data, historiesOf(data, rows)).cut(settings), settings, loadKernel(), startOf(checkpoint));
  for (;;) {
    const next = steps.next();
    if (next.done === true) return encodeFactors(next.value);
    const { pass, passes, left, block } = next.value;
    // A copy: the block lies in the kernel's memory, all of which would travel with it.
    yield { epoch: pass, epochs: passes, loss: left, checkpoint: [Buffer.from(JSON.stringify({ pass })), new Uint8Array(block.slice().buffer)] };
  }
}

/** @throws RangeError when it is none */
function startOf(checkpoint: readonly Uint8Array[] | undefined): SvdStart | undefined {
  if (checkpoint === undefined) return undefined;
  const [head, block] = checkpoint;
  try {
    const { pass } = JSON.parse(Buffer.from(head).toString()) as { pass?: unknown };
    if (typeof pass === 'number') return { pass, block: new Float64Array(block.slice().buffer) };
  } catch (cause) {
    throw new RangeError('svd: the checkpoint cannot be read', { cause });
  }
  throw new RangeError('svd: the checkpoint holds no pass');
}

/** A customer with something new among the rows that judge. */
interface Example {
  customer: number;
  /** what was there before; of those who came later what they touched first */
  items: readonly { item: string; strength: number }[];
  /** of `items`, those from before the rows that judge */
  before: number;
  targets: ReadonlySet<string>;
}

interface Examples { from: number; to: number; before: Histories; all: Example[] }
/** Champion, challenger and slices ask about the same rows. */
const asked = new WeakMap<SvdData, Examples>();

function examplesOf(data: SvdData, rows: Range): Examples {
  const found = asked.get(data);
  if (found?.from === rows.from && found.to === rows.to) return found;
  const [before, then] = [historiesOf(data, { from: 0, to: rows.from }), historiesOf(data, rows)];
  const byCustomer = rowsByCustomer(data, rows);
  const all: Example[] = [];
  for (let customer = 0; customer < data.customers; customer += 1) {
    const came = then.items.subarray(then.starts[customer], then.starts[customer + 1]);
    const had = listOf(data, before, customer);
    const first = had.length > 0 ? [] : firstOf(data, byCustomer.rows.subarray(byCustomer.starts[customer], byCustomer.starts[customer + 1]), came);
    const items = had.length > 0 ? had : first;
    const owned = new Set(items.map(({ item }) => item));
    const targets = new Set(Array.from(came, (item) => data.items[item]).filter((item) => !owned.has(item)));
    if (items.length > 0 && targets.size > 0) all.push({ customer, items, before: had.length, targets });
  }
  const examples = { ...rows, before, all };
  asked.set(data, examples);
  return examples;
}

const listOf = ({ items: names }: SvdData, { starts, items, strengths }: Histories, u: number): { item: string; strength: number }[] =>
  Array.from(items.subarray(starts[u], starts[u + 1]), (item, i) => ({ item: names[item], strength: strengths[starts[u] + i] }));

function firstOf({ item, items, strength }: SvdData, rows: Uint32Array, came: Uint32Array): { item: string; strength: number }[] {
  const row = rows.find((one) => strength[one] > 0 && came.includes(item[one]));
  return row === undefined ? [] : [{ item: items[item[row]], strength: strength[row] }];
}

type Ranker = (example: Example, k: number) => string[];

/** Everybody's: the items by their strength with all customers, without those that the customer has. */
function popularity(data: SvdData, { items, strengths }: Histories): Ranker {
  const sums = new Float64Array(data.items.length);
  for (const [e, item] of items.entries()) sums[item] += strengths[e];
  const order = [...sums.keys()].filter((item) => sums[item] > 0).sort((a, b) => sums[b] - sums[a] || (data.items[a] < data.items[b] ? -1 : 1)).map((item) => data.items[item]);
  return ({ items: own }, k) => {
    const owned = new Set(own.map(({ item }) => item));
    const found: string[] = [];
    for (let i = 0; i < order.length && found.length < k; i += 1) if (!owned.has(order[i])) found.push(order[i]);
    return found;
  };
}

/** @returns nDCG and recall, both from 0 to 1 */
export function rankingScore(ranked: readonly string[], targets: ReadonlySet<string>): { ndcg: number; recall: number } {
  let [gain, most, hits] = [0, 0, 0];
  for (let i = 0; i < best; i += 1) {
    const worth = 1 / Math.log2(i + 2);
    if (i < targets.size) most += worth;
    if (i < ranked.length && targets.has(ranked[i])) [gain, hits] = [gain + worth, hits + 1];
  }
  return { ndcg: gain / most, recall: hits / Math.min(best, targets.size) };
}

function judge(data: SvdData, rows: Range, version: { parts: readonly Uint8Array[] } | undefined): Judged {
  const { before, all } = examplesOf(data, rows);
  const svd = version === undefined ? undefined : readSvd(version.parts);
  const rank: Ranker = svd === undefined ? popularity(data, before) : ({ items }, k) => {
    const owned = new Set(items.map(({ item }) => item));
    return svd.rank(items, k, (item) => owned.has(item)).map(({ item }) => item);
  };
  const found = all.map((example) => rankingScore(rank(example, best), example.targets));
  const scores = Float64Array.from(found, ({ ndcg }) => ndcg);
  const mean = (values: Iterable<number>): number => [...values].reduce((sum, value) => sum + value, 0) / found.length;
  const { rank: components, customers, entries, names } = svd?.factors ?? { rank: NaN, customers: NaN, entries: NaN, names: undefined };
  return {
    scores,
    metrics: { ndcg_10: mean(scores), recall_10: mean(found.map(({ recall }) => recall)), rank: components, customers, items: names?.length ?? NaN, entries },
    calibrationError: NaN,
    latencyMsP99: svd === undefined ? NaN : latencyMsP99(all.length, (i) => { rank(all[i], DEPTH); }),
  };
}

/** Customers who have so many items are known well. */
const manyItems = 10;

function slices(data: SvdData, rows: Range): Slice[] {
  const { all } = examplesOf(data, rows);
  const where = (name: string, holds: (before: number) => boolean): Slice => ({ name, rows: Uint32Array.from(all.keys()).filter((i) => holds(all[i].before)) });
  return [
    where('new customers', (before) => before === 0),
    where('customers of few items', (before) => before > 0 && before < manyItems),
    where('active customers', (before) => before >= manyItems),
  ];
}

const gate: GateLimits = {
  // Customers: the interval of fewer is as wide as what may be gained.
  rowsMin: 50, positivesMin: 0,
  // nDCG: any gain that is none of chance
  margin: 0,
  sliceFall: 0.02, sliceRows: 30,
  calibrationMax: 1,
  // An answer takes two milliseconds in all; 20,000 items a ninth of one, 200,000 one.
  latencyMsMax: 2,
  bytesMax: limits.modelBytesMax,
};

export const svdRecipe: Recipe<SvdData> = {
  model: 'svd', rivals: ['svd'], plan: svdPlan, gate, watch: nextTouchWatch, baseline: 'popularity', half: ['customers', 'items'],
  read: readSvdRows, tooFew, train, judge, slices,
  positives: () => NaN,
  card: {
    purpose: 'Factors of the items, from what customers did: a customer\'s place among them is computed when they are asked for.',
    score: 'nDCG of the ten best among what the customer has not got, by the items that came next',
    limits: [
      'It is judged alone: what it adds to the other channels is the blend\'s to learn, from what customers took.',
      'Items that came after its training are not in it, until the next one; nor are those of one customer.',
      'What customers turned to was shown to them by something: a ranking that resembles what decided then is favoured.',
    ],
  },
};
