/** Answers in this process, one by one, beside Python's `implicit` on the same data. */
import { loadKernel } from '../models/recommend/load.js';
import { createRecommender } from '../models/recommend/recommender.js';
import type { SuiteOptions } from './main.js';
import { millionInteractions } from './million.js';
import { createChannels } from './recommend-channels.js';
import { askImplicit, type Timing } from './recommend-implicit.js';
import { readSplit, untimed, type Split } from './recommend-ml100k.js';
import { quantile, row, type Row } from './report.js';

const k = 10;
/** Each customer this often; the first rounds are for the compiler. */
const [warmUpRounds, rounds] = [3, 12];

function time(customers: string[], ask: (customer: string) => { length: number }): Timing {
  const took = new Float64Array(customers.length * rounds);
  let n = 0;
  for (let round = -warmUpRounds; round < rounds; round += 1) {
    for (const customer of customers) {
      const startMs = performance.now();
      const { length } = ask(customer);
      const ms = performance.now() - startMs;
      if (length !== k) throw new Error(`bench: ${customer} got ${length} items, not ${k}`);
      if (round >= 0) took[n++] = ms;
    }
  }
  const seconds = took.reduce((sum, ms) => sum + ms, 0) / 1000;
  took.sort();
  return { perS: took.length / seconds, p50Ms: quantile(took, 0.5), p99Ms: quantile(took, 0.99) };
}

interface Shop {
  /** '' of the one whose rows the others stand beside */
  name: string;
  split: Split;
}

/** movielens-100k, and a shop of the size that `implicit` was measured on for this project: a million interactions. */
function shops(say: SuiteOptions['say']): Shop[] {
  const split = readSplit();
  if (split === undefined) say('recommend.inprocess is skipped on movielens-100k: it is not here');
  const { interactions } = millionInteractions();
  const train = interactions.map(({ customer, item }) => ({ customer: `c${customer}`, item: `p${item}` }));
  // A tenth of the customers are asked: as many answers as on the other.
  const test = new Map([...new Set(train.map(({ customer }) => customer))].filter((_, n) => n % 6 === 0).map((customer) => [customer, new Set<string>()]));
  return [...(split === undefined ? [] : [{ name: '', split }]), { name: '.million', split: { train, test } }];
}

export async function inProcessRows(say: SuiteOptions['say']): Promise<Row[]> {
  const rows: Row[] = [];
  for (const shop of shops(say)) rows.push(...(await shopRows(shop, say)));
  return rows;
}

async function shopRows({ name: shop, split }: Shop, say: SuiteOptions['say']): Promise<Row[]> {
  const model = createRecommender(untimed, loadKernel());
  const channels = createChannels(untimed);
  for (const { customer, item } of split.train) for (const learner of [model, channels]) learner.observe(customer, item, 1, 0);
  const customers = [...split.test.keys()];
  const all = time(customers, (customer) => model.recommend(customer, k, 0));
  const itemItem = time(customers, (customer) => channels.itemItem(customer, k));
  const userUser = time(customers, (customer) => channels.userUser(customer, k));
  for (const [name, timing] of Object.entries({ recommend: all, 'item-item alone': itemItem, 'user-user alone': userUser })) {
    say(`in process${shop}, ${name}: ${timing.perS.toFixed(0)} answers/s, p50 ${timing.p50Ms.toFixed(3)} ms, p99 ${timing.p99Ms.toFixed(3)} ms`);
  }
  const peer = await askImplicit(split, k, rounds, say);
  const note = 'implicit, CosineRecommender K=50';
  const beside = (name: string, mine: number, theirs: number | undefined, unit: string): Row => row(`recommend${name}`, mine, unit, theirs ?? null, theirs === undefined ? undefined : note);
  return [
    beside(`.inprocess${shop}.p50_ms`, all.p50Ms, peer?.p50Ms, 'ms'),
    beside(`.inprocess${shop}.p99_ms`, all.p99Ms, peer?.p99Ms, 'ms'),
    row(`recommend.inprocess${shop}.itemitem.p99_ms`, itemItem.p99Ms, 'ms', all.p99Ms, 'all channels'),
    row(`recommend.inprocess${shop}.useruser.p99_ms`, userUser.p99Ms, 'ms', all.p99Ms, 'all channels'),
    ...(peer === undefined ? [] : [
      beside(`.vs_implicit${shop}`, all.perS, peer.perS, 'answers/s'),
      beside(`.vs_implicit${shop}.itemitem`, itemItem.perS, peer.perS, 'answers/s'),
      row(`recommend.vs_implicit${shop}.prepared`, all.perS, 'answers/s', peer.prepared.perS, `${note}, every row at hand`),
      row(`recommend.vs_implicit${shop}.itemitem_prepared`, itemItem.perS, 'answers/s', peer.prepared.perS, `${note}, every row at hand`),
    ]),
  ];
}
