/** Answers in this process, one by one, beside Python's `implicit` on the same data. */
import { loadKernel } from '../models/recommend/load.js';
import { createRecommender } from '../models/recommend/recommender.js';
import type { SuiteOptions } from './main.js';
import { createChannels } from './recommend-channels.js';
import { askImplicit } from './recommend-implicit.js';
import { readSplit, untimed } from './recommend-ml100k.js';
import { quantile, row, type Row } from './report.js';

const k = 10;
/** Each customer this often; the first rounds are for the compiler. */
const [warmUpRounds, rounds] = [3, 12];

interface Timing { perS: number; p50Ms: number; p99Ms: number }

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

export async function inProcessRows(say: SuiteOptions['say']): Promise<Row[]> {
  const split = readSplit();
  if (split === undefined) {
    say('recommend.inprocess is skipped: movielens-100k is not here');
    return [];
  }
  const model = createRecommender(untimed, loadKernel());
  const channels = createChannels(untimed);
  for (const { customer, item } of split.train) for (const learner of [model, channels]) learner.observe(customer, item, 1, 0);
  const customers = [...split.test.keys()];
  const all = time(customers, (customer) => model.recommend(customer, k, 0));
  const itemItem = time(customers, (customer) => channels.itemItem(customer, k));
  const userUser = time(customers, (customer) => channels.userUser(customer, k));
  for (const [name, timing] of Object.entries({ recommend: all, 'item-item alone': itemItem, 'user-user alone': userUser })) {
    say(`in process, ${name}: ${timing.perS.toFixed(0)} answers/s, p50 ${timing.p50Ms.toFixed(3)} ms, p99 ${timing.p99Ms.toFixed(3)} ms`);
  }
  const peer = await askImplicit(split, k, rounds, say);
  const note = 'implicit, CosineRecommender K=50';
  const beside = (name: string, mine: number, theirs: number | undefined, unit: string): Row => row(name, mine, unit, theirs ?? null, theirs === undefined ? undefined : note);
  return [
    beside('recommend.inprocess.p50_ms', all.p50Ms, peer?.p50Ms, 'ms'),
    beside('recommend.inprocess.p99_ms', all.p99Ms, peer?.p99Ms, 'ms'),
    row('recommend.inprocess.itemitem.p99_ms', itemItem.p99Ms, 'ms', all.p99Ms, 'all channels'),
    row('recommend.inprocess.useruser.p99_ms', userUser.p99Ms, 'ms', all.p99Ms, 'all channels'),
    ...(peer === undefined ? [] : [
      row('recommend.vs_implicit', all.perS, 'answers/s', peer.perS, note),
      row('recommend.vs_implicit.itemitem', itemItem.perS, 'answers/s', peer.perS, note),
    ]),
  ];
}
