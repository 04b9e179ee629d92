/**
 * The recommend step alone: events a second, the longest pause while the tables grow, bytes a pair; beside the naive twin
 * on a prefix of the same stream, in the same run.
 *
 *   node dist/bench/step.js retail|simulator|zipf
 */
import { createReadStream, existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { loadKernel } from '../models/recommend/load.js';
import { createNaive, type Oracle } from '../models/recommend/naive.js';
import { strengths } from '../pipelines/recommend/step.js';
import type { Event } from '../schemas/events.js';
import { createSimulator } from '../simulator/simulator.js';
import { createRecommender, defaultSettings, type RecommendSettings } from '../models/recommend/recommender.js';

export interface StepResult {
  stream: string;
  events: number;
  seconds: number;
  eventsPerS: number;
  /** By the process's own user time: what a machine that others use as well would give without them. */
  eventsPerCpuS: number;
  /** Of a single event, in ms, the growth of tables included. */
  p50Ms: number;
  p99Ms: number;
  pauseMsMax: number;
  /** The longest by the process's own time: the clock also counts what other processes took. */
  pauseCpuMsMax: number;
  customers: number;
  items: number;
  pairs: number;
  pairBytes: number;
  rssMiB: number;
  naiveEventsPerS: number;
  naivePrefix: number;
  ratio: number;
}

/** Columns, not objects: the stream must not cost more than what it measures. */
export interface Stream {
  customerOf(id: number): string;
  itemOf(id: number): string;
  customer: Int32Array;
  item: Int32Array;
  /** 0: a refund. */
  strength: Uint8Array;
  atMs: Float64Array;
}

const retailFile = new URL('../shared/data/online-retail/online_retail.csv.gz', pathToFileURL(`${process.cwd()}/`));

/** undefined when the data set is not here: it is never copied into the repository. */
export async function readRetail(file = fileURLToPath(retailFile)): Promise<Stream | undefined> {
  if (!existsSync(file)) return undefined;
  const [customers, items] = [new Map<string, number>(), new Map<string, number>()];
  const rows: { customer: number; item: number; strength: number; atMs: number }[] = [];
  const idOf = (names: Map<string, number>, name: string): number => {
    const id = names.get(name) ?? names.size;
    names.set(name, id);
    return id;
  };
  interface Row { InvoiceNo: string; StockCode: string; Quantity: string; InvoiceDate: string; CustomerID: string }
  for await (const row of createReadStream(file).pipe(createGunzip()).pipe(parse({ columns: true })) as AsyncIterable<Row>) {
    rows.push({
      customer: idOf(customers, row.CustomerID === '' ? `guest-${row.InvoiceNo}` : String(Number(row.CustomerID))),
      item: idOf(items, row.StockCode),
      strength: Number(row.Quantity) > 0 ? 5 : 0,
      atMs: Date.parse(`${row.InvoiceDate.replace(' ', 'T')}Z`),
    });
  }
  const [customerNames, itemNames] = [[...customers.keys()], [...items.keys()]];
  return {
    customerOf: (id) => customerNames[id],
    itemOf: (id) => itemNames[id],
    customer: Int32Array.from(rows, (row) => row.customer),
    item: Int32Array.from(rows, (row) => row.item),
    strength: Uint8Array.from(rows, (row) => row.strength),
    atMs: Float64Array.from(rows, (row) => row.atMs),
  };
}

/** mulberry32: the same events on every machine. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Customers and items by Zipf's law with exponent `skew`, by inverting the continuous distribution; 100 events a second. */
export function zipf(events: number, customers: number, items: number, skew: { customers: number; items: number }): Stream {
  const random = generator(7);
  const rank = (count: number, exponent: number): number => {
    const a = 1 - exponent;
    return Math.min(count - 1, Math.floor(((count ** a - 1) * random() + 1) ** (1 / a)) - 1);
  };
  const stream: Stream = {
    customerOf: (id) => `customer-${id}`,
    itemOf: (id) => `item-${id}`,
    customer: new Int32Array(events),
    item: new Int32Array(events),
    strength: new Uint8Array(events),
    atMs: new Float64Array(events),
  };
  for (let n = 0; n < events; n += 1) {
    stream.customer[n] = rank(customers, skew.customers);
    stream.item[n] = rank(items, skew.items);
    const luck = random();
    stream.strength[n] = luck < 0.8 ? 1 : luck < 0.9 ? 3 : 5;
    stream.atMs[n] = 1_700_000_000_000 + n * 10;
  }
  return stream;
}

/** What the simulator's shop sells in a month, as the step sees it: one entry for each item that an event touches. */
export function simulated(events: number, customers: number, items: number): Stream {
  const itemIds = new Map<string, number>();
  const itemNames: string[] = [];
  const [customer, item, strength, atMs] = [new Int32Array(events), new Int32Array(events), new Uint8Array(events), new Float64Array(events)];
  let n = 0;
  const add = (event: Event, name: string, worth: number): void => {
    if (n === events) return;
    let id = itemIds.get(name);
    if (id === undefined) itemIds.set(name, (id = itemNames.push(name) - 1));
    customer[n] = Number(event.customer.slice(1));
    item[n] = id;
    strength[n] = worth;
    atMs[n++] = event.atMs;
  };
  // More than are wanted: some events touch no item.
  for (const event of createSimulator({ seed: 7, customers, items, startMs: Date.UTC(2026, 0, 1), hours: 720, events: events * 1.1 }).events()) {
    if (n === events) break;
    if (event.type === 'click' && event.action !== 'uncart') add(event, event.item, strengths[event.action]);
    else if (event.type === 'purchase') for (const line of event.lines) add(event, line.item, strengths.purchase);
    else if (event.type === 'refund') for (const line of event.lines) add(event, line.item, 0);
  }
  if (n < events) throw new Error(`bench: the simulator made ${n} events, not ${events}`);
  return { customerOf: (id) => `c${String(id).padStart(7, '0')}`, itemOf: (id) => itemNames[id], customer, item, strength, atMs };
}

/** Names are made block by block, outside the measured time, and fresh, as decoding makes them: a million kept ones would slow V8 down. */
const BLOCK = 4096;

/** Calls `fold` for each event, and `around` for each block of them. */
function play(model: Oracle, stream: Stream, events: number, around: (from: number, to: number, fold: (n: number) => void) => void): void {
  const customers = new Array<string>(BLOCK);
  const items = new Array<string>(BLOCK);
  const fold = (n: number): void => {
    const [customer, item] = [customers[n % BLOCK], items[n % BLOCK]];
    if (stream.strength[n] > 0) model.observe(customer, item, stream.strength[n], stream.atMs[n]);
    else model.retract(customer, item, stream.atMs[n]);
  };
  for (let from = 0; from < events; from += BLOCK) {
    const to = Math.min(events, from + BLOCK);
    for (let n = from; n < to; n += 1) {
      customers[n % BLOCK] = stream.customerOf(stream.customer[n]);
      items[n % BLOCK] = stream.itemOf(stream.item[n]);
    }
    around(from, to, fold);
  }
}

/** The fold alone. */
function timed(model: Oracle, stream: Stream, events: number): { seconds: number; cpuSeconds: number } {
  let [seconds, cpuSeconds] = [0, 0];
  play(model, stream, events, (from, to, fold) => {
    const used = process.cpuUsage();
    const started = performance.now();
    for (let n = from; n < to; n += 1) fold(n);
    seconds += (performance.now() - started) / 1000;
    cpuSeconds += process.cpuUsage(used).user / 1e6;
  });
  return { seconds, cpuSeconds };
}

/** A second run that looks at the clock around each event. */
function pauses(model: Oracle, stream: Stream, events: number): Pick<StepResult, 'p50Ms' | 'p99Ms' | 'pauseMsMax' | 'pauseCpuMsMax' | 'rssMiB'> {
  const took = new Float64Array(events);
  let pauseCpuMsMax = 0;
  play(model, stream, events, (from, to, fold) => {
    for (let n = from; n < to; n += 1) {
      const used = process.cpuUsage();
      const started = performance.now();
      fold(n);
      took[n] = performance.now() - started;
      const { user, system } = process.cpuUsage(used);
      pauseCpuMsMax = Math.max(pauseCpuMsMax, (user + system) / 1000);
    }
  });
  const rssMiB = (process.memoryUsage.rss() - took.byteLength) / 2 ** 20; // of the process with one recommender and the stream
  took.sort();
  return { p50Ms: took[events >> 1], p99Ms: took[Math.floor(events * 0.99)], pauseMsMax: took[events - 1], pauseCpuMsMax, rssMiB };
}

function measure(name: string, stream: Stream, settings: RecommendSettings, naivePrefix: number): StepResult {
  const kernel = loadKernel();
  const events = stream.customer.length;
  // First, while there is no earlier recommender whose gigabytes V8 would give back in the middle of an event.
  const times = pauses(createRecommender(settings, kernel), stream, events);
  const model = createRecommender(settings, kernel);
  const { seconds, cpuSeconds } = timed(model, stream, events);
  const { customers, items, pairs, pairBytes } = model.stats();
  if (pairs === 0) throw new Error(`bench: ${name} learnt no pair`);
  const naive = createNaive(settings);
  const slow = timed(naive, stream, naivePrefix);
  const prefix = createRecommender(settings, kernel);
  const ratio = slow.cpuSeconds / timed(prefix, stream, naivePrefix).cpuSeconds;
  if (prefix.stats().pairs !== naive.stats().pairs) throw new Error(`bench: ${name}: kernel ${prefix.stats().pairs} pairs, naive ${naive.stats().pairs}`);
  return {
    stream: name, events, seconds, eventsPerS: events / seconds, eventsPerCpuS: events / cpuSeconds, ...times,
    customers, items, pairs, pairBytes, naiveEventsPerS: naivePrefix / slow.seconds, naivePrefix, ratio,
  };
}

/** Online-retail, history 500; undefined when the data set is not here. */
export async function stepRetail(): Promise<StepResult | undefined> {
  const stream = await readRetail();
  return stream === undefined ? undefined : measure('online-retail', stream, defaultSettings, 60_000);
}

/** Ten million events of the simulator's: a million customers, 100,000 items. */
export function stepSimulated(events = 10_000_000): StepResult {
  return measure('simulator', simulated(events, 1_000_000, 100_000), defaultSettings, Math.min(events, 200_000));
}

/** The same size without a shop's habits, and with about ten updates an event: every access is a cache miss. */
export function stepZipf(events = 10_000_000): StepResult {
  return measure('zipf', zipf(events, 1_000_000, 100_000, { customers: 0.45, items: 0.99 }), defaultSettings, Math.min(events, 200_000));
}

const streams: Record<string, () => Promise<StepResult | undefined> | StepResult> = { retail: stepRetail, simulator: stepSimulated, zipf: stepZipf };

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const run = streams[process.argv[2] ?? ''];
  if (run === undefined) {
    console.error(`usage: node dist/bench/step.js ${Object.keys(streams).join('|')} [--json]`);
    process.exit(2);
  }
  const result = await run();
  process.stdout.write(`${JSON.stringify(result ?? { skipped: `${fileURLToPath(retailFile)} is not here` }, undefined, process.argv.includes('--json') ? 0 : 2)}\n`);
}
