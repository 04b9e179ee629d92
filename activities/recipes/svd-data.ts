/**
 * What customers did, out of the table `events`, as the live step holds it (pipelines/recommend/step.ts): the strongest of a
 * customer and an item, faded with the half-life; what came before a refund of the item, or before the customer was forgotten, does
 * not count.  N = rows, U = customers, I = items.
 *
 *   touch    strength of what was done, faded to the time of the cut        refund    strength 0: takes back what came before it
 *
 * A customer is a number here: the cut is kept for a while, and nobody has to be found in it.
 */
import { createInteractions, type Interactions } from '../../models/svd/interactions.js';
import { defaultSvdSettings } from '../../models/svd/settings.js';
import { strengths } from '../../pipelines/recommend/step.js';
import type { Cut } from '../arrow-cut.js';
import { atColumn, type CutPlan, type Range, type RecipeSettings } from './recipe.js';

export interface SvdData {
  /** N, position of the event */
  seq: Float64Array;
  /** N, below U */
  customer: Uint32Array;
  /** N, below I */
  item: Uint32Array;
  /** N, relative to one another; 0: a refund */
  strength: Float64Array;
  /** U */
  customers: number;
  /** I */
  items: string[];
  settings: RecipeSettings;
}

const done = "(type = 'click' AND action IN ('view', 'favourite', 'cart'))";
const known = 'seq <= {seq:UInt64}';

export const svdPlan: CutPlan = {
  query: `
WITH
  forgotten AS (SELECT customer, max(seq) AS upto FROM events WHERE type = 'control' AND command = 'forget' AND ${known} GROUP BY customer),
  touched AS (
    SELECT customer, item AS line, seq, toUnixTimestamp64Milli(at) AS ms, toFloat64(transform(action, ['view', 'favourite', 'cart'], [${strengths.view}, ${strengths.favourite}, ${strengths.cart}], 0)) AS weight
    FROM events WHERE ${done} AND ${known}
    UNION ALL
    SELECT customer, arrayJoin(line_items) AS line, seq, toUnixTimestamp64Milli(at) AS ms, toFloat64(if(type = 'purchase', ${strengths.purchase}, 0)) AS weight
    FROM events WHERE type IN ('purchase', 'refund') AND ${known}
  )
SELECT ${atColumn}, seq, customer, item, strength FROM (
  SELECT touched.ms AS ${atColumn}, toInt64(touched.seq) AS seq, toInt64(bitAnd(cityHash64(touched.customer), ${Number.MAX_SAFE_INTEGER})) AS customer, touched.line AS item,
    touched.weight * exp2((touched.ms - {asOf:Int64}) / ({halfLifeDays:Float64} * 86400000)) AS strength
  FROM touched LEFT JOIN forgotten ON forgotten.customer = touched.customer
  WHERE touched.seq > forgotten.upto AND (touched.weight = 0 OR strength > {least:Float64})
  ORDER BY ${atColumn} DESC, seq DESC, item DESC LIMIT {most:UInt32}
)
ORDER BY ${atColumn}, seq, item
SETTINGS join_use_nulls = 0`,
  columns: { [atColumn]: 'i64', seq: 'i64', customer: 'i64', item: 'text', strength: 'f64' },
  // 2^-20: what has faded for twenty half-lives has no say.
  parameters: { least: 2 ** -20 },
  // Some 55 bytes each in the store and as many again in the thread: half a gigabyte.
  rowsMax: 5_000_000,
  // As the shards fade, and hold: AFTERCARE_HALF_LIFE_DAYS, AFTERCARE_HISTORY.
  settings: { halfLifeDays: 90, history: 500, rank: defaultSvdSettings.rank, items: defaultSvdSettings.items },
};

export function readSvdRows(cut: Cut, settings: RecipeSettings): SvdData {
  const { codes: item, names: items } = cut.codes('item');
  const numbers = new Map<number, number>();
  const customer = Uint32Array.from(cut.numbers('customer'), (hash) => numbers.get(hash) ?? numbers.set(hash, numbers.size).size - 1);
  return { seq: cut.numbers('seq'), customer, item, strength: cut.numbers('strength'), customers: numbers.size, items, settings };
}

/** What each customer had at the end of some rows, the strongest first: u's stands at starts[u] .. starts[u + 1] - 1. */
export interface Histories {
  /** U + 1 */
  starts: Uint32Array;
  items: Uint32Array;
  strengths: Float64Array;
}

/** A refund takes back what has an earlier position, whatever their clocks say: so does the shard. */
export function historiesOf(data: SvdData, range: Range): Histories {
  const { seq, item, strength, customers, items: names, settings } = data;
  const { starts: rowStarts, rows } = rowsByCustomer(data, range);
  const starts = new Uint32Array(customers + 1);
  const [items, strengthsOf] = [new Uint32Array(rows.length), new Float64Array(rows.length)];
  const [best, sentBack] = [new Float64Array(names.length), new Float64Array(names.length)];
  let at = 0;
  for (let u = 0; u < customers; u += 1) {
    const own = rows.subarray(rowStarts[u], rowStarts[u + 1]);
    for (const row of own) if (strength[row] === 0) sentBack[item[row]] = Math.max(sentBack[item[row]], seq[row]);
    const touched: number[] = [];
    for (const row of own) {
      if (!(strength[row] > 0 && seq[row] > sentBack[item[row]])) continue;
      if (best[item[row]] === 0) touched.push(item[row]);
      best[item[row]] = Math.max(best[item[row]], strength[row]);
    }
    touched.sort((a, b) => best[b] - best[a] || (names[a] < names[b] ? -1 : 1));
    for (const one of touched.slice(0, settings.history)) {
      items[at] = one;
      strengthsOf[at] = best[one];
      at += 1;
    }
    starts[u + 1] = at;
    for (const row of own) [best[item[row]], sentBack[item[row]]] = [0, 0];
  }
  return { starts, items: items.slice(0, at), strengths: strengthsOf.slice(0, at) };
}

/** The rows of each customer, in their order. */
export function rowsByCustomer({ customer, customers }: SvdData, { from, to }: Range): { starts: Uint32Array; rows: Uint32Array } {
  const starts = new Uint32Array(customers + 1);
  for (let row = from; row < to; row += 1) starts[customer[row] + 1] += 1;
  for (let u = 0; u < customers; u += 1) starts[u + 1] += starts[u];
  const [rows, next] = [new Uint32Array(to - from), starts.slice()];
  for (let row = from; row < to; row += 1) rows[next[customer[row]]++] = row;
  return { starts, rows };
}

/** The same as entries of a matrix that is yet to be cut. */
export function interactionsOf({ items: names }: SvdData, { starts, items, strengths: values }: Histories): Interactions {
  const interactions = createInteractions(svdPlan.rowsMax);
  for (let u = 0; u + 1 < starts.length; u += 1) {
    for (let e = starts[u]; e < starts[u + 1]; e += 1) interactions.add(names[items[e]], values[e]);
    interactions.endCustomer();
  }
  return interactions;
}
