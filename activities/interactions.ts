/**
 * What customers did, out of the table `events`, as the live step would hold it (pipelines/recommend/step.ts): the strongest
 * of a customer and an item, faded with the half-life; what came before a refund of the item, or before the customer was
 * forgotten, does not count.
 */
import type { Readable } from 'node:stream';
import { ClickHouseError, type ClickHouseClient } from '@clickhouse/client';
import { strengths } from '../pipelines/recommend/step.js';
import { AftercareError, messageOf } from '../schemas/errors.js';

/** What a data set is made of, for ever: rows that come later do not change it. */
export interface EventCut {
  /** position of the newest event, see `positionOf`; 0 without one */
  seq: number;
  /** the newest event's own time, to which the strengths fade */
  asOfMs: number;
  /** rows that are read */
  touches: number;
}

export interface InteractionOptions extends EventCut {
  halfLifeMs: number;
  /** entries of a customer at most, the strongest: as many as a live history holds */
  history: number;
}

/** Rows of one page at most, about: ClickHouse groups a page in memory, some 200 bytes a row. */
const pageTouches = 1_000_000;
/** 2^-20: what has faded for twenty half-lives has no say. */
const strengthMin = 2 ** -20;

const touching = `((type = 'click' AND action IN ('view', 'favourite', 'cart')) OR type = 'purchase')`;

export async function cutEvents(clickhouse: ClickHouseClient): Promise<EventCut> {
  const query = `SELECT max(seq) AS seq, toUnixTimestamp64Milli(maxIf(at, ${touching})) AS asOfMs, sumIf(if(type = 'purchase', length(line_items), 1), ${touching}) AS touches FROM events`;
  const rows = await asking('events', async () => {
    const result = await clickhouse.query({ query, format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } });
    return result.json<EventCut>();
  });
  return rows[0];
}

export const pagesOf = ({ touches }: EventCut): number => Math.max(1, Math.ceil(touches / pageTouches));

/**
 * Customers are dealt to pages by a hash: each page is a sample of them, and holds all that its customers did. RowBinary, see
 * interaction-rows.ts; by customer, the strongest first.
 */
export function readPage(clickhouse: ClickHouseClient, page: number, options: InteractionOptions): Promise<Readable> {
  return asking('interactions', async () => {
    const { stream } = await clickhouse.exec({
      query: pageQuery,
      query_params: { page, pages: pagesOf(options), seq: options.seq, asOf: options.asOfMs, halfLife: options.halfLifeMs, history: options.history, least: strengthMin },
      clickhouse_settings: { wait_end_of_query: 1 }, // an error in the middle would otherwise look like the end of the rows
    });
    return stream;
  });
}

const mine = 'cityHash64(customer) % {pages:UInt32} = {page:UInt32} AND seq <= {seq:UInt64}';
const pageQuery = `
WITH
  forgotten AS (SELECT customer, max(seq) AS upto FROM events WHERE type = 'control' AND command = 'forget' AND ${mine} GROUP BY customer),
  refunded AS (SELECT customer, arrayJoin(line_items) AS line, max(seq) AS upto FROM events WHERE type = 'refund' AND ${mine} GROUP BY customer, line),
  touched AS (
    SELECT customer, item AS line, seq, toUnixTimestamp64Milli(at) AS at_ms, transform(action, ['view', 'favourite', 'cart'], [${strengths.view}, ${strengths.favourite}, ${strengths.cart}], 0) AS weight
    FROM events WHERE type = 'click' AND action IN ('view', 'favourite', 'cart') AND ${mine}
    UNION ALL
    SELECT customer, arrayJoin(line_items) AS line, seq, toUnixTimestamp64Milli(at) AS at_ms, ${strengths.purchase} AS weight
    FROM events WHERE type = 'purchase' AND ${mine}
  )
SELECT touched.customer AS customer, touched.line AS line, toFloat32(max(weight * exp2((at_ms - {asOf:Int64}) / {halfLife:Float64}))) AS strength
FROM touched
LEFT JOIN refunded ON refunded.customer = touched.customer AND refunded.line = touched.line
LEFT JOIN forgotten ON forgotten.customer = touched.customer
WHERE touched.seq > refunded.upto AND touched.seq > forgotten.upto
GROUP BY customer, line
HAVING strength > {least:Float64}
ORDER BY customer, strength DESC, line
LIMIT {history:UInt32} BY customer
SETTINGS join_use_nulls = 0
FORMAT RowBinary`;

async function asking<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof ClickHouseError ? 'refused' : 'unavailable';
    throw new AftercareError(code, `ClickHouse: reading ${what}: ${messageOf(error)}`, { cause: error });
  }
}
