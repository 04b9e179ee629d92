/** Answers in this process, one by one, beside Python's `implicit` on the same data. */
import { loadKernel } from '../models/recommend/load.js';
import { createRecommender, type Recommender } from '../models/recommend/recommender.js';
import type { SuiteOptions } from './main.js';
import { millionInteractions } from './million.js';
import { createChannels, type Channels } from './recommend-channels.js';
import { askImplicit, type PeerTiming, type Timing } from './recommend-implicit.js';
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

/** movielens-100k, and a shop of the size that `implicit` was measured on for this project: a million interactions. */
const shops: { name: string; split: () => Split | undefined }[] = [{ name: '', split: readSplit }, { name: '.million', split: million }];

function million(): Split {
  const train = millionInteractions().interactions.map(({ customer, item }) => ({ customer: `c${customer}`, item: `p${item}` }));
  // A sixth of the customers are asked: as many answers as on the other.
  return { train, test: new Map([...new Set(train.map(({ customer }) => customer))].filter((_, n) => n % 6 === 0).map((customer) => [customer, new Set<string>()])) };
}

interface Taught {
  model: Recommender;
  channels: Channels;
  customers: string[];
  peer: PeerTiming | undefined;
}

/** What was taught is not kept: a million objects on the heap would show in every answer. */
async function taught(split: Split, say: SuiteOptions['say']): Promise<Taught> {
  const [model, channels] = [createRecommender(untimed, loadKernel()), createChannels(untimed)];
  for (const { customer, item } of split.train) for (const learner of [model, channels]) learner.observe(customer, item, 1, 0);
  return { model, channels, customers: [...split.test.keys()], peer: await askImplicit(split, k, rounds, say) };
}

export async function inProcessRows(say: SuiteOptions['say']): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { name, split } of shops) {
    const read = split();
    if (read === undefined) say('recommend.inprocess is skipped on movielens-100k: it is not here');
    else rows.push(...shopRows(name, await taught(read, say), say));
  }
  return rows;
}

function shopRows(shop: string, { model, channels, customers, peer }: Taught, say: SuiteOptions['say']): Row[] {
  const all = time(customers, (customer) => model.recommend(customer, k, 0));
  const itemItem = time(customers, (customer) => channels.itemItem(customer, k));
  const userUser = time(customers, (customer) => channels.userUser(customer, k));
  for (const [name, timing] of Object.entries({ recommend: all, 'item-item alone': itemItem, 'user-user alone': userUser })) {
    say(`in process${shop}, ${name}: ${timing.perS.toFixed(0)} answers/s, p50 ${timing.p50Ms.toFixed(3)} ms, p99 ${timing.p99Ms.toFixed(3)} ms`);
  }
  const note = 'implicit, CosineRecommender K=50';
  const beside = (name: string, mine: number, theirs: number | undefined, unit: string): Row => row(`recommend${name}`, mine, unit, theirs ?? null, theirs === undefined ? undefined : note);
  return [
    beside(`.inprocess${shop}.p50_ms`, all.p50Ms, peer?.p50Ms, 'ms'),
    beside(`.inprocess${shop}.p99_ms`, all.p99Ms, peer?.p99Ms, 'ms'),
    row(`recommend.inprocess${shop}.itemitem.p99_ms`, itemItem.p99Ms, 'ms', all.p99Ms, 'all channels'),
    row(`recommend.inprocess${shop}.useruser.p99_ms`, userUser.p99Ms, 'ms', all.p99Ms, 'all channels'),
    // Like for like: both give the ids of one item-item ranking. `.whole` is what a customer gets: all channels, names and reasons.
    ...(peer === undefined ? [] : [
      beside(`.vs_implicit${shop}`, itemItem.perS, peer.perS, 'answers/s'),
      beside(`.vs_implicit${shop}.whole`, all.perS, peer.perS, 'answers/s'),
      row(`recommend.vs_implicit${shop}.prepared`, itemItem.perS, 'answers/s', peer.prepared.perS, `${note}, every row at hand`),
      row(`recommend.vs_implicit${shop}.whole_prepared`, all.perS, 'answers/s', peer.prepared.perS, `${note}, every row at hand`),
    ]),
  ];
}
