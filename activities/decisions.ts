/**
 * Decisions on record and what followed, out of the tables `recommendations` and `events`: each item of an answer with its
 * rank in every channel, and whether the same customer went for it (viewed, kept, put into the cart or bought it) within the
 * window. Taken is taken, however little: a purchase without a click before it is rare, and one after it is the same item.
 */
import type { Readable } from 'node:stream';
import { ClickHouseError, type ClickHouseClient } from '@clickhouse/client';
import { C, type ImpressionLog } from '../models/blend/impressions.js';
import { channels } from '../models/recommend/fuse.js';
import type { ArtefactRef } from '../pipelines/runtime/artefacts.js';
import { AftercareError, messageOf } from '../schemas/errors.js';

/** The model's name: of its artefacts and of its promotions. */
export const blendModel = 'blend';

/** What a data set is made of, for ever: rows that come later do not change it. */
export interface DecisionCut {
  /** newest commit in OUT and newest position of an event, see `positionOf`; 0 without one */
  commitSeq: number;
  eventSeq: number;
  /** the blend that is live; absent while all channels count the same */
  live?: Omit<ArtefactRef, 'name'>;
}

export interface DecisionOptions extends Omit<DecisionCut, 'live'> {
  /** decisions of this time, later than the first and not later than the second */
  fromMs: number;
  toMs: number;
  windowMs: number;
}

/** The latest ones, when there are more: 100,000 answers of ten items are 15 MB to read, and fit in 3 s. */
const decisionsMost = 100_000;

export function cutDecisions(clickhouse: ClickHouseClient): Promise<DecisionCut> {
  return asking('recommendations', async () => {
    const row = async <T>(query: string): Promise<T[]> => {
      const result = await clickhouse.query({ query, format: 'JSONEachRow', query_params: { model: blendModel }, clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } });
      return result.json<T>();
    };
    const [{ commitSeq }] = await row<{ commitSeq: number }>('SELECT max(commit_seq) AS commitSeq FROM recommendations');
    const [{ eventSeq }] = await row<{ eventSeq: number }>('SELECT max(seq) AS eventSeq FROM events');
    const [live] = await row<Omit<ArtefactRef, 'name'>>(`SELECT version, sha256, bytes FROM promotions WHERE model = {model:String} AND outcome = 'live' ORDER BY at DESC, seq DESC LIMIT 1`);
    return { commitSeq, eventSeq, ...(live !== undefined && { live }) };
  });
}

/** Counts of all decisions of the time; those with something taken are what `readDecisions` reads. */
export async function countDecisions(clickhouse: ClickHouseClient, options: DecisionOptions): Promise<number> {
  const rows = await asking('recommendations', async () => {
    const query = `SELECT uniqExact(commit_seq, answer) AS decisions FROM recommendations WHERE ${within}`;
    const result = await clickhouse.query({ query, query_params: parameters(options), format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } });
    return result.json<{ decisions: number }>();
  });
  return rows[0].decisions;
}

/** By time; a decision's items in their order. @param onPiece  called now and then with how many decisions there are */
export async function readDecisions(clickhouse: ClickHouseClient, options: DecisionOptions, into: ImpressionLog, onPiece: (decisions: number) => Promise<void>): Promise<void> {
  const stream = await asking('decisions', async (): Promise<Readable> => {
    const answer = await clickhouse.exec({
      query: decisionsQuery,
      query_params: parameters(options),
      clickhouse_settings: { wait_end_of_query: 1 }, // an error in the middle would otherwise look like the end of the rows
    });
    return answer.stream;
  });
  const reader = createDecisionReader(into);
  for await (const piece of stream) {
    reader.push(piece as Uint8Array);
    await onPiece(into.decisions);
  }
  reader.end();
}

/** RowBinary, little-endian: position u16, 1 where a decision begins | taken u8 | rank u16 [C], by channel */
export const rowBytes = 3 + 2 * C;

/** @returns takes pieces cut anywhere; `end` throws RangeError when the last row is not whole */
export function createDecisionReader(into: ImpressionLog): { push(piece: Uint8Array): void; end(): void } {
  let rest = Buffer.alloc(0);
  const ranks = new Uint16Array(C);
  return {
    push(piece) {
      const bytes = rest.length === 0 ? Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength) : Buffer.concat([rest, piece]);
      let at = 0;
      for (; at + rowBytes <= bytes.length; at += rowBytes) {
        const position = bytes.readUInt16LE(at);
        if (position === 1) into.end();
        for (let j = 0; j < C; j += 1) ranks[j] = bytes.readUInt16LE(at + 3 + 2 * j);
        into.add(ranks, position, bytes[at + 2] === 1);
      }
      rest = Buffer.from(bytes.subarray(at)); // a copy: the piece is not ours
    },
    end() {
      if (rest.length > 0) throw new RangeError(`decisions: the answer ends in the middle of a row, ${rest.length} bytes are left`);
      into.end();
    },
  };
}

const parameters = ({ commitSeq, eventSeq, fromMs, toMs, windowMs }: DecisionOptions) => ({ commitSeq, eventSeq, from: fromMs, to: toMs, window: windowMs, most: decisionsMost });

const within = 'at > fromUnixTimestamp64Milli({from:Int64}) AND at <= fromUnixTimestamp64Milli({to:Int64}) AND commit_seq <= {commitSeq:UInt64}';
const rankNames = channels.map((channel) => `rank_${channel.replace('-', '_')}`);
/** `seq` of a decision is the last message that it had seen: what was stored later came after it, whatever clocks say. */
const decisionsQuery = `
WITH
  decided AS (SELECT shard, commit_seq, answer, rank, customer, item, at, seq, ${rankNames.join(', ')} FROM recommendations WHERE ${within}),
  touched AS (
    SELECT customer, item AS line, at AS touched_at, seq AS touched_seq FROM events
    WHERE type = 'click' AND action IN ('view', 'favourite', 'cart') AND seq <= {eventSeq:UInt64} AND at > fromUnixTimestamp64Milli({from:Int64}) AND at <= fromUnixTimestamp64Milli({to:Int64} + {window:Int64})
    UNION ALL
    SELECT customer, arrayJoin(line_items) AS line, at AS touched_at, seq AS touched_seq FROM events
    WHERE type = 'purchase' AND seq <= {eventSeq:UInt64} AND at > fromUnixTimestamp64Milli({from:Int64}) AND at <= fromUnixTimestamp64Milli({to:Int64} + {window:Int64})
  ),
  taken AS (
    SELECT DISTINCT decided.commit_seq AS commit_seq, decided.answer AS answer, decided.rank AS rank, decided.at AS at
    FROM decided INNER JOIN touched ON decided.customer = touched.customer AND decided.item = touched.line
    WHERE touched_at > decided.at AND touched_at <= decided.at + toIntervalMillisecond({window:Int64}) AND intDiv(touched_seq, 1024) > decided.seq
  ),
  latest AS (SELECT commit_seq, answer FROM taken GROUP BY commit_seq, answer ORDER BY max(at) DESC, commit_seq DESC, answer DESC LIMIT {most:UInt32})
SELECT
  decided.rank AS position,
  toUInt8((decided.commit_seq, decided.answer, decided.rank) IN (SELECT commit_seq, answer, rank FROM taken)) AS was_taken,
  ${rankNames.map((name) => `decided.${name}`).join(', ')}
FROM decided
WHERE (decided.commit_seq, decided.answer) IN (SELECT commit_seq, answer FROM latest)
ORDER BY decided.at, decided.commit_seq, decided.answer, decided.rank
FORMAT RowBinary`;

async function asking<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = error instanceof ClickHouseError ? 'refused' : 'unavailable';
    throw new AftercareError(code, `ClickHouse: reading ${what}: ${messageOf(error)}`, { cause: error });
  }
}
