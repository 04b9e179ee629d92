/**
 * The factorisation: how long it takes, beside scikit-learn's on the same matrix; how good its answers are, and how fast.
 *
 * The weighting was chosen on a validation cut: a fifth of each customer's training items held out, ranked by the factors of
 * the rest. The table of that choice is printed with each run; the test part is asked once, with the defaults.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { factorise } from '../models/svd/factors.js';
import { createInteractions } from '../models/svd/interactions.js';
import { loadKernel } from '../models/svd/load.js';
import { matrixOf, type SparseMatrix } from '../models/svd/matrix.js';
import { naiveDot, naiveFold } from '../models/svd/naive.js';
import { truncatedSvd } from '../models/svd/randomised.js';
import { createSvd, type Svd } from '../models/svd/rank.js';
import { defaultSvdSettings, type SvdSettings } from '../models/svd/settings.js';
import { createRandom } from '../simulator/random.js';
import type { SuiteOptions } from './main.js';
import { millionInteractions } from './million.js';
import { askPython } from './python.js';
import { cutoff, popularity, quality, readSplit, type Ask, type Split } from './recommend-ml100k.js';
import { quantile, row, type Row } from './report.js';

type Say = SuiteOptions['say'];

const wasm = loadKernel();
const rank = 50;
/** As deep as a channel is asked (models/recommend/fuse.ts). */
const depth = 100;
const ratings = join('..', 'shared', 'data', 'movielens-100k', 'u.data.gz');

/** scikit-learn with its default effort and with ours, and ARPACK's values, which are right to rounding. */
const program = `
import json, sys, time
import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds
from sklearn.utils.extmath import randomized_svd
job = json.load(sys.stdin)
m = csr_matrix((np.array(job['values'], dtype=np.float64), np.array(job['items']), np.array(job['starts'])), shape=(job['rows'], job['columns']))
def run(**effort):
    took = []
    for r in range(3):
        t = time.perf_counter()
        u, s, vt = randomized_svd(m, n_components=job['rank'], random_state=0, **effort)
        took.append(time.perf_counter() - t)
    return {'s': sorted(took)[1], 'singular': s.tolist()}
print(json.dumps({'default': run(), 'same': run(n_oversamples=job['rank'], n_iter=10), 'exact': sorted(svds(m, k=job['rank'])[1].tolist(), reverse=True)}))
`;
const packages = ['scikit-learn==1.9.1', 'numpy==2.4.6', 'scipy==1.17.1', 'joblib==1.6.0', 'threadpoolctl==3.8.0', 'narwhals==2.29.0'];

interface Effort { s: number; singular: number[] }
interface Peer { default: Effort; same: Effort; exact: number[] }

export async function svdRows(say: Say): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, matrix] of Object.entries({ ml100k: readRatings(), million: millionMatrix() })) {
    if (matrix === undefined) say(`recommend.svd.${name}_s is skipped: ${ratings} is not here`);
    else rows.push(await factorisation(name, matrix, say));
  }
  const split = readSplit();
  if (split === undefined) {
    say('recommend.ml100k.svd is skipped: the split is not here');
    return rows;
  }
  validate(split, say);
  return [...rows, ...test(split, say)];
}

function readRatings(): SparseMatrix | undefined {
  if (!existsSync(ratings)) return undefined;
  const lines = gunzipSync(readFileSync(ratings)).toString('utf8').trimEnd().split('\n').map((line) => line.split('\t').map(Number));
  const [rows, columns] = [0, 1].map((at) => Math.max(...lines.map((line) => line[at])));
  return matrixOf(rows, columns, lines.map(([user, item, value]) => ({ row: user - 1, column: item - 1, value })));
}

function millionMatrix(): SparseMatrix {
  const { customers, items, interactions } = millionInteractions();
  return matrixOf(customers, items, interactions.map(({ customer, item, value }) => ({ row: customer, column: item, value })));
}

async function factorisation(name: string, matrix: SparseMatrix, say: Say): Promise<Row> {
  const took: number[] = [];
  let singular: Float64Array = new Float64Array();
  for (let n = 0; n < 4; n += 1) { // the first is for the compiler
    const startMs = performance.now();
    ({ singular } = truncatedSvd(matrix, { rank }, wasm));
    if (n > 0) took.push((performance.now() - startMs) / 1000);
  }
  const [seconds] = took.sort((a, b) => a - b).slice(1);
  const { rows, columns, values, items, starts } = matrix;
  const peer = await askPython<Peer>({ name: 'sklearn-1.9.1', packages }, program, { rows, columns, rank, values: [...values], items: [...items], starts: [...starts] }, `recommend.svd.${name}_s`, say);
  const exact = peer?.exact ?? truncatedSvd(matrix, { rank, iterations: 60, seed: 2 }, wasm).singular;
  const worst = (found: ArrayLike<number>): number => Math.max(...Array.from(exact, (sigma, d) => Math.abs(found[d] / sigma - 1)));
  if (!(worst(singular) <= 1e-3)) throw new Error(`bench: a singular value of ${name} is off by ${worst(singular)}, not by a thousandth at most`);
  say(`svd ${name}: ${values.length} entries, rank ${rank}, ${seconds.toFixed(3)} s, largest relative error ${worst(singular).toExponential(1)}${peer === undefined ? '' : Object.entries({ 'as many vectors and iterations': peer.same, 'its defaults': peer.default }).map(([effort, { s, singular: found }]) => `; scikit-learn, ${effort}, ${s.toFixed(3)} s, ${worst(found).toExponential(1)}`).join('')}`);
  return row(`recommend.svd.${name}_s`, seconds, 's', peer?.same.s ?? null, peer === undefined ? undefined : 'scikit-learn randomized_svd, one thread, as many vectors and iterations');
}

// ---- answers ----

export type Histories = Map<string, { item: string; strength: number }[]>;

export function historiesOf(train: Split['train']): Histories {
  const histories: Histories = new Map();
  for (const { customer, item } of train) {
    const mine = histories.get(customer) ?? [];
    mine.push({ item, strength: 1 });
    histories.set(customer, mine);
  }
  return histories;
}

export function learnt(histories: Histories, settings: SvdSettings): Svd {
  const interactions = createInteractions();
  for (const history of histories.values()) {
    for (const { item, strength } of history) interactions.add(item, strength);
    interactions.endCustomer();
  }
  return createSvd(factorise(interactions.cut(settings), settings, wasm), wasm);
}

function askOf(svd: Svd, histories: Histories): Ask {
  const owned = new Map([...histories].map(([customer, history]) => [customer, new Set(history.map(({ item }) => item))]));
  return (customer) => svd.rank(histories.get(customer) ?? [], cutoff, (item) => owned.get(customer)?.has(item) === true).map(({ item }) => item);
}

/** A fifth of each customer's training items, held out of the others. */
export function validationCut({ train }: Split): { kept: Histories; held: Split['test'] } {
  const random = createRandom(3);
  const [kept, held] = [historiesOf(train), new Map<string, Set<string>>()];
  for (const [customer, history] of kept) {
    const out = new Set<string>();
    for (let n = Math.round(history.length / 5); n > 0; n -= 1) out.add(history.splice(random.below(history.length), 1)[0].item);
    if (out.size > 0) held.set(customer, out);
  }
  return { kept, held };
}

/** One setting at a time beside the defaults. */
function validate(split: Split, say: Say): void {
  const { kept, held } = validationCut(split);
  const choices: Partial<SvdSettings>[] = [
    {}, { rank: 10 }, { rank: 32 }, { rank: 50 }, { itemPower: 0 }, { itemPower: 0.15 }, { itemPower: 0.5 }, { customerPower: 0 }, { customerPower: 0.6 },
    { spectrumPower: 0 }, { spectrumPower: 1 }, { itemPower: 0, customerPower: 0, spectrumPower: 0 },
  ];
  for (const choice of choices) {
    const { precision, recall } = quality(held, askOf(learnt(kept, { ...defaultSvdSettings, ...choice }), kept));
    say(`svd on the validation cut, ${Object.keys(choice).length === 0 ? 'defaults' : JSON.stringify(choice)}: precision ${precision.toFixed(4)}, recall ${recall.toFixed(4)}`);
  }
}

function test(split: Split, say: Say): Row[] {
  const histories = historiesOf(split.train);
  const svd = learnt(histories, defaultSvdSettings);
  const popular = quality(split.test, popularity(split));
  const { precision, recall } = quality(split.test, askOf(svd, histories));
  say(`ml100k svd: precision ${precision.toFixed(4)}, recall ${recall.toFixed(4)}`);
  return [
    row('recommend.ml100k.svd.precision10', precision, '', popular.precision, 'popularity'),
    row('recommend.ml100k.svd.recall10', recall, '', popular.recall, 'popularity'),
    ...queries(svd, histories, say),
  ];
}

/** A channel's whole answer with the reasons of the first ten, beside plain TypeScript that scores and sorts. */
function queries(svd: Svd, histories: Histories, say: Say): Row[] {
  const questions = [...histories.values()].map((history) => ({ history, owned: new Set(history.map(({ item }) => item)) }));
  const timed = (ask: (question: (typeof questions)[number]) => number): Float64Array => {
    const took: number[] = [];
    for (let round = -2; round < 5; round += 1) {
      for (const question of questions) {
        const startMs = performance.now();
        const length = ask(question);
        const ms = performance.now() - startMs;
        if (length !== depth) throw new Error(`bench: the SVD channel gave ${length} items, not ${depth}`);
        if (round >= 0) took.push(ms);
      }
    }
    return Float64Array.from(took).sort();
  };
  const mine = timed(({ history, owned }) => {
    const answer = svd.rank(history, depth, (item) => owned.has(item));
    for (const { because } of answer.slice(0, 10)) if (because().length === 0) throw new Error('bench: an answer without a reason');
    return answer.length;
  });
  const { factors } = svd;
  const weighted = factors.v.map((x, at) => x * factors.support[Math.floor(at / factors.rank)] ** factors.itemPower);
  const rowOf = new Map(factors.names.map((name, at) => [name, at]));
  const naive = timed(({ history, owned }) => {
    const rows = Uint32Array.from(history.flatMap(({ item }) => rowOf.get(item) ?? []));
    const taste = new Float32Array(factors.rank);
    naiveFold(rows, Float32Array.from(rows, (at) => factors.support[at] ** (-2 * factors.itemPower)), weighted, taste);
    for (let d = 0; d < factors.rank; d += 1) taste[d] *= (factors.singular[d] / factors.singular[0]) ** factors.spectrumPower;
    const scored = factors.names.map((item, at) => ({ item, score: naiveDot(weighted, at, taste) }));
    return scored.filter(({ item }) => !owned.has(item)).sort((a, b) => b.score - a.score).slice(0, depth).length;
  });
  say(`svd query, ${factors.names.length} items, rank ${factors.rank}: p50 ${quantile(mine, 0.5).toFixed(3)} ms, p99 ${quantile(mine, 0.99).toFixed(3)} ms`);
  const note = 'plain TypeScript, all items scored and sorted, no reasons';
  return [
    row('recommend.svd.query_p50_ms', quantile(mine, 0.5), 'ms', quantile(naive, 0.5), note),
    row('recommend.svd.query_p99_ms', quantile(mine, 0.99), 'ms', quantile(naive, 0.99), note),
  ];
}
