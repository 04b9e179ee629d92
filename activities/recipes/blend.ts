/**
 * How the channels of a recommendation are weighed, learnt from decisions on record and what followed, out of the tables
 * `recommendations` and `events`: each item of an answer with its rank in every channel, and whether the same customer went for it
 * (viewed, kept, put into the cart or bought it) within the window. Taken is taken, however little: a purchase without a click before it
 * is rare, and one after it is the same item.  N = rows, an item of an answer each, D = answers.
 *
 * It is judged by the later answers, put in the order of either version: an example is a customer,
 *
 *   score(u) = sum over the answers d to u of w_d nDCG(d)  /  mean over the customers of the sum of their w_d        w: models/blend/evaluate.ts
 *
 * so that the mean of the scores is the weighted mean over the answers, and the interval is drawn by customer, who is one
 * witness however often they asked. The bias that w takes up is learnt from the rows before those that judge. An epoch is one of the constants.
 */
import { decodeBlend, encodeBlend } from '../../models/blend/artefact.js';
import { ndcg, propensity } from '../../models/blend/evaluate.js';
import { bestOf, constants, fitBlend, fitWeights, type FittedBlend } from '../../models/blend/fit.js';
import { between, createImpressions, decisionsOf, telling, C, type Impressions } from '../../models/blend/impressions.js';
import { channels, equalBlend } from '../../models/recommend/fuse.js';
import type { Cut } from '../arrow-cut.js';
import type { GateLimits } from '../gate.js';
import { latencyMsP99 } from './latency.js';
import { nextTouchWatch } from './next-touch.js';
import { atColumn, type CutPlan, type Epoch, type Judged, type Range, type Recipe, type Slice } from './recipe.js';

interface BlendData {
  log: Impressions;
  /** D */
  customer: Float64Array;
}

const rankNames = channels.map((channel) => `rank_${channel.replace('-', '_')}`);
const within = 'seq * 1024 <= {seq:UInt64} AND at > fromUnixTimestamp64Milli(toInt64({asOf:Int64} - {days:Float64} * 86400000)) AND at <= fromUnixTimestamp64Milli(toInt64({asOf:Int64} - {windowHours:Float64} * 3600000))';
const since = 'seq <= {seq:UInt64} AND at > fromUnixTimestamp64Milli(toInt64({asOf:Int64} - {days:Float64} * 86400000))';

/**
 * The window of a later decision is still open: nothing taken says nothing yet. `seq` of a decision is the last message that it had
 * seen: what was stored later came after it, whatever clocks say.
 */
const plan: CutPlan = {
  query: `
WITH
  decided AS (SELECT shard, commit_seq, answer, rank, customer, item, at, seq, ${rankNames.join(', ')} FROM recommendations WHERE ${within}),
  touched AS (
    SELECT customer, item AS line, at AS touched_at, seq AS touched_seq FROM events WHERE type = 'click' AND action IN ('view', 'favourite', 'cart') AND ${since}
    UNION ALL
    SELECT customer, arrayJoin(line_items) AS line, at AS touched_at, seq AS touched_seq FROM events WHERE type = 'purchase' AND ${since}
  ),
  taken AS (
    SELECT DISTINCT decided.commit_seq AS commit_seq, decided.answer AS answer, decided.rank AS rank, decided.at AS at
    FROM decided INNER JOIN touched ON decided.customer = touched.customer AND decided.item = touched.line
    WHERE touched_at > decided.at AND touched_at <= decided.at + toIntervalMillisecond(toInt64({windowHours:Float64} * 3600000)) AND intDiv(touched_seq, 1024) > decided.seq
  ),
  latest AS (SELECT commit_seq, answer FROM taken GROUP BY commit_seq, answer ORDER BY max(at) DESC, commit_seq DESC, answer DESC LIMIT {decisions:UInt32})
SELECT ${atColumn}, commit_seq, answer, customer, position, was_taken, ${rankNames.join(', ')} FROM (
  SELECT toUnixTimestamp64Milli(decided.at) AS ${atColumn}, toInt64(decided.commit_seq) AS commit_seq, toInt64(decided.answer) AS answer, toInt64(bitAnd(cityHash64(decided.customer), ${Number.MAX_SAFE_INTEGER})) AS customer,
    toInt64(decided.rank) AS position, toInt64((decided.commit_seq, decided.answer, decided.rank) IN (SELECT commit_seq, answer, rank FROM taken)) AS was_taken,
    ${rankNames.map((name) => `toInt64(decided.${name}) AS ${name}`).join(', ')}
  FROM decided
  WHERE (decided.commit_seq, decided.answer) IN (SELECT commit_seq, answer FROM latest)
  ORDER BY ${atColumn} DESC, commit_seq DESC, answer DESC, position DESC LIMIT {most:UInt32}
)
ORDER BY ${atColumn}, commit_seq, answer, position`,
  columns: { [atColumn]: 'i64', commit_seq: 'i64', answer: 'i64', customer: 'i64', position: 'i64', was_taken: 'i64', ...Object.fromEntries(rankNames.map((name) => [name, 'i64' as const])) },
  // The latest answers: 100,000 of ten items fit in 3 s.
  parameters: { decisions: 100_000 },
  // 100 bytes each; twice what so many answers of ten items need.
  rowsMax: 2_000_000,
  // Four weeks hold every weekday alike; the next visit, not the next month (AFTERCARE_BLEND_DAYS, AFTERCARE_BLEND_WINDOW_HOURS).
  settings: { days: 28, windowHours: 24 },
};

function read(cut: Cut): BlendData {
  const log = createImpressions();
  const [commit, answer, customer, position, taken] = ['commit_seq', 'answer', 'customer', 'position', 'was_taken'].map((name) => cut.numbers(name));
  const ranks = rankNames.map((name) => cut.numbers(name));
  const own = new Uint16Array(C);
  const customers: number[] = [];
  for (let row = 0; row < cut.rows; row += 1) {
    const next = row === 0 || commit[row] !== commit[row - 1] || answer[row] !== answer[row - 1];
    if (next) {
      log.end();
      customers.push(customer[row]);
    }
    for (let j = 0; j < C; j += 1) own[j] = ranks[j][row];
    log.add(own, position[row], taken[row] === 1);
  }
  log.end();
  return { log: log.done(), customer: Float64Array.from(customers) };
}

/** The answers that begin in these rows: those of one moment are on one side of a border, and so is an answer. */
function answersOf({ log: { starts } }: BlendData, { from, to }: Range): Range {
  const first = (row: number): number => {
    let [low, high] = [0, starts.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle] >= row) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  return { from: first(from), to: first(to) };
}

const part = (data: BlendData, rows: Range): Impressions => {
  const { from, to } = answersOf(data, rows);
  return between(data.log, from, to);
};

/** Six weights and a bias cannot be told from chance by fewer. */
const trainMin = 100;

function tooFew(data: BlendData, rows: Range): string | undefined {
  const log = part(data, rows);
  const count = telling(log).length;
  return count >= trainMin ? undefined : `too few answers of which something was taken, and something not: ${count} of ${decisionsOf(log)} to learn from; ${trainMin} are needed`;
}

function* train(data: BlendData, rows: Range, checkpoint?: readonly Uint8Array[]): Generator<Epoch, Uint8Array[]> {
  const log = part(data, rows);
  const fits = fitsOf(checkpoint);
  while (fits.length < constants.length) {
    fits.push(fitWeights(log, constants[fits.length]));
    yield { epoch: fits.length, epochs: constants.length, loss: fits[fits.length - 1].loss, checkpoint: [Buffer.from(JSON.stringify(fits))] };
  }
  return encodeBlend(bestOf(fits).blend);
}

/** @throws RangeError when it is none */
function fitsOf(checkpoint: readonly Uint8Array[] | undefined): FittedBlend[] {
  if (checkpoint === undefined) return [];
  try {
    const fits: unknown = JSON.parse(Buffer.concat(checkpoint).toString());
    if (Array.isArray(fits) && fits.length <= constants.length) return fits as FittedBlend[];
  } catch (cause) {
    throw new RangeError('blend: the checkpoint cannot be read', { cause });
  }
  throw new RangeError('blend: the checkpoint holds no fits');
}

/** Customers with an answer that can tell two blends apart. */
interface Examples {
  from: number;
  to: number;
  log: Impressions;
  positionBias: number;
  /** those answers, and the customer of each as a place among the examples */
  telling: number[];
  place: Uint32Array;
  customers: number;
}
/** Champion, challenger and slices ask about the same rows. */
const asked = new WeakMap<BlendData, Examples>();

function examplesOf(data: BlendData, rows: Range): Examples {
  const found = asked.get(data);
  if (found?.from === rows.from && found.to === rows.to) return found;
  const log = part(data, rows);
  const { from: first } = answersOf(data, rows);
  const places = new Map<number, number>();
  const answers = telling(log);
  const place = Uint32Array.from(answers, (d) => {
    const customer = data.customer[first + d];
    return places.get(customer) ?? places.set(customer, places.size).size - 1;
  });
  const { positionBias } = fitBlend(part(data, { from: 0, to: rows.from }));
  const examples = { ...rows, log, positionBias, telling: answers, place, customers: places.size };
  asked.set(data, examples);
  return examples;
}

function judge(data: BlendData, rows: Range, version: { parts: readonly Uint8Array[] } | undefined): Judged {
  const { log, positionBias, telling: answers, place, customers } = examplesOf(data, rows);
  const blend = version === undefined ? equalBlend : decodeBlend([...version.parts]);
  const scores = new Float64Array(customers);
  let total = 0;
  for (const [n, d] of answers.entries()) {
    const weight = propensity(log, d, positionBias);
    scores[place[n]] += weight * ndcg(log, d, blend);
    total += weight;
  }
  for (let u = 0; u < customers; u += 1) scores[u] *= customers / total;
  return {
    scores,
    metrics: {
      ndcg: scores.reduce((sum, score) => sum + score, 0) / customers, answers: answers.length, position_bias: positionBias,
      ...Object.fromEntries(channels.map((channel) => [`weight_${channel}`, blend.weights[channel]])), constant: blend.constant,
    },
    calibrationError: NaN,
    latencyMsP99: latencyMsP99(answers.length, (i) => { ndcg(log, answers[i], blend); }),
  };
}

function slices(data: BlendData, rows: Range): Slice[] {
  const { log, telling: answers, place, customers } = examplesOf(data, rows);
  const [session, again] = ['session', 'again'].map((name) => channels.indexOf(name as (typeof channels)[number]));
  const proposedBy = (channel: number): Uint8Array => {
    const found = new Uint8Array(customers);
    for (const [n, d] of answers.entries()) for (let i = log.starts[d]; i < log.starts[d + 1]; i += 1) if (log.ranks[i * C + channel] > 0) found[place[n]] = 1;
    return found;
  };
  const [running, seen] = [proposedBy(session), proposedBy(again)];
  const where = (name: string, of: Uint8Array, value: number): Slice => ({ name, rows: Uint32Array.from(of.keys()).filter((u) => of[u] === value) });
  return [where('customers with a session', running, 1), where('customers without a session', running, 0), where('customers who are shown what they saw', seen, 1)];
}

const gate: GateLimits = {
  // Customers: an interval of fewer is no interval.
  rowsMin: 25, positivesMin: 0,
  margin: 0,
  sliceFall: 0.02, sliceRows: 25,
  calibrationMax: 1,
  // It orders what was shown: microseconds.
  latencyMsMax: 1,
  bytesMax: 65_536,
};

export const blendRecipe: Recipe<BlendData> = {
  model: 'blend', rivals: ['blend'], plan, gate, watch: nextTouchWatch, baseline: 'equal weights', read, tooFew, train, judge, slices,
  positives: () => NaN,
  card: {
    purpose: 'How much each channel of a recommendation counts.',
    score: 'nDCG of what was taken among what was shown, by customer, each answer weighed by one over the chance that it was looked at',
    limits: ['It is judged by what was shown: an item that no channel put forward is in no comparison.', 'What the live blend put higher was looked at more; the correction for it is a model too.'],
  },
};
