/**
 * A budget of memory: ten million events of the simulator's through a model that may take 512 MiB, beside one that may take
 * what it wants. Both are asked before they learn, over the last events: does the item that the customer turns to next stand
 * among the first twenty?
 */
import { loadKernel } from '../models/recommend/load.js';
import { createRecommender, defaultSettings, type RecommendLimits } from '../models/recommend/recommender.js';
import { row, type Row } from './report.js';
import { simulated, type Stream } from './step.js';

const events = 10_000_000;
/** The last events, of which each twentieth is asked about. */
const askedFrom = events - 400_000;
const askEvery = 20;
const k = 20;
const mib = 2 ** 20;

/** What fits 512 MiB: half of the neighbours, a tenth of the pairs, and as many customers and postings as the rest holds. */
const small: RecommendLimits = { customers: 1_000_000, items: 100_000, pairs: 5_000_000, history: 200, neighbours: 50, postings: 1000, memory: 512 * mib };
const large: RecommendLimits = { ...defaultSettings.limits, items: 100_000 };

interface Outcome {
  hitRate: number;
  asked: number;
  memoryMiB: number;
  pairs: number;
  customers: number;
  evictedCustomers: number;
}

function run(stream: Stream, limits: RecommendLimits): Outcome {
  const model = createRecommender({ ...defaultSettings, limits }, loadKernel());
  let [hits, asked, memoryBytes] = [0, 0, 0];
  for (let n = 0; n < events; n++) {
    const [customer, item] = [stream.customerOf(stream.customer[n]), stream.itemOf(stream.item[n])];
    if (n >= askedFrom && n % askEvery === 0 && model.profile(customer)?.items.every((known) => known.item !== item) === true) {
      asked += 1;
      if (model.recommend(customer, k, stream.atMs[n]).some((found) => found.item === item)) hits += 1;
    }
    if (stream.strength[n] > 0) model.observe(customer, item, stream.strength[n], stream.atMs[n]);
    else model.retract(customer, item, stream.atMs[n]);
    if (n % 10_000 === 0) memoryBytes = Math.max(memoryBytes, model.stats().memoryBytes);
  }
  if (memoryBytes > limits.memory) throw new Error(`bench: ${memoryBytes} bytes were held, and the limit is ${limits.memory}`);
  const { pairs, customers, evicted } = model.stats();
  return { hitRate: hits / asked, asked, memoryMiB: memoryBytes / mib, pairs, customers, evictedCustomers: evicted.customers };
}

export function budgetRows(say: (line: string) => void): Row[] {
  say('ten million events in 512 MiB, and without a budget');
  const stream = simulated(events, 1_000_000, 100_000);
  const within = run(stream, small);
  const without = run(stream, large);
  for (const [name, o] of [['512 MiB', within], ['free', without]] as const) {
    say(`${name}: HR@${k} ${o.hitRate.toFixed(4)} over ${o.asked}, ${o.memoryMiB.toFixed(0)} MiB, ${o.pairs} pairs, ${o.customers} customers, ${o.evictedCustomers} evicted`);
  }
  return [
    row('recommend.budget.hr_ratio', within.hitRate / without.hitRate, 'ratio', 1, 'the same events without a budget'),
    row('recommend.budget.hr20', within.hitRate, 'hit rate', without.hitRate, 'the same events without a budget'),
    row('recommend.budget.memory_mib', within.memoryMiB, 'MiB', without.memoryMiB, 'the same events without a budget'),
  ];
}
