/** A customer's messages out of the streams. Each function may be repeated: what is gone is passed over. */
import { DeliverPolicy, jetstream, jetstreamManager, JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import type { ClickHouseClient } from '@clickhouse/client';
import type { NatsConnection } from '@nats-io/transport-node';
import { noMessageFound } from '../pipelines/runtime/jetstream/api-errors.js';
import { jetstreamRemains } from '../pipelines/runtime/jetstream/remains.js';
import { withoutCustomer } from '../schemas/remains.js';
import { answersSubject, deadLetterHeaders, outSubject, streams } from '../schemas/subjects.js';

export interface ErasedMessages {
  /** messages of EVENTS that were the customer's alone: gone */
  deleted: number;
  /** messages that held others' lines too: replaced by what is left of them */
  rewritten: number;
}

/** Messages under way at once. */
const window = 16;

/**
 * What of `events` is a customer's up to a sequence. What the sink recalls of a late verdict comes back as an event of its own,
 * perhaps behind the one that forgets.
 */
export const eventNames = `customer = {customer:String} AND (intDiv(seq, 1024) <= {seq:UInt64} OR command = 'recall')`;

/** Sequences of EVENTS in which the customer occurs, ascending, by what the sink has stored. */
export async function messagesOf(clickhouse: ClickHouseClient, customer: string, seq: number): Promise<number[]> {
  const result = await clickhouse.query({
    query: `SELECT DISTINCT intDiv(seq, 1024) AS message FROM (
      SELECT seq FROM events WHERE ${eventNames}
      UNION ALL SELECT seq FROM rejects WHERE ${rejectNames} AND intDiv(seq, 1024) <= {seq:UInt64}
    ) ORDER BY message`,
    query_params: { customer, seq },
    format: 'JSONEachRow',
    clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
  });
  return (await result.json<{ message: number }>()).map(({ message }) => message);
}

/** What of `rejects` is of a customer: its bytes or its subject name them. */
export const rejectNames = `(position(body, concat('"', {customer:String}, '"')) > 0 OR has(splitByChar('.', subject), {customer:String}))`;

/** First what is left is written, then the message goes: whoever reads in between finds one or the other. */
export async function eraseMessages(nc: NatsConnection, customer: string, seqs: readonly number[], onDone: (done: number) => Promise<void>): Promise<ErasedMessages> {
  const jsm = await jetstreamManager(nc);
  const remains = jetstreamRemains(nc);
  const erased: ErasedMessages = { deleted: 0, rewritten: 0 };
  const one = async (seq: number): Promise<void> => {
    const stored = await messageAt(jsm, seq);
    const before = stored === undefined ? await remains.get(seq) : undefined;
    const message = stored === undefined ? before : { subject: stored.subject, seq, receivedMs: stored.time.getTime(), body: stored.data };
    if (message === undefined) {
      erased.deleted += 1; // by an earlier attempt
      return;
    }
    const { taken, left, body } = withoutCustomer(message.body, customer, message.remains === true);
    if (stored !== undefined && taken === 0) return;
    // What there was of it is written again even where nothing was taken: an attempt may have died before it removed the one before.
    if (before !== undefined || left > 0) await remains.put({ ...message, body });
    if (stored !== undefined) await jsm.streams.deleteMessage(streams.events, seq, true).catch(unlessGone);
    if (left > 0) erased.rewritten += 1;
    else erased.deleted += 1;
  };
  for (let i = 0; i < seqs.length; i += window) {
    await Promise.all(seqs.slice(i, i + window).map(one));
    await onDone(Math.min(seqs.length, i + window));
  }
  return erased;
}

async function messageAt(jsm: JetStreamManager, seq: number) {
  try {
    return (await jsm.streams.getMessage(streams.events, { seq })) ?? undefined;
  } catch (error) {
    return unlessGone(error);
  }
}

/** Sequences that are no message: the server says 10037, or 10043 to a deletion. */
const noSuchMessage = new Set([noMessageFound, 10043, 10057]);
function unlessGone(error: unknown): undefined {
  if (error instanceof JetStreamApiError && noSuchMessage.has(error.code)) return undefined;
  throw error;
}

/** What was published for services. One by one: a purge would leave the bytes on the disk. @returns messages deleted */
export async function eraseDecisions(nc: NatsConnection, customer: string): Promise<number> {
  const alerts = await eraseWhere(nc, streams.decisions, 'alerts.>', (body) => namesIn(body, customer));
  // coupons.<customer>, replies.<customer>, rewrites.<customer>
  return alerts + (await eraseWhere(nc, streams.decisions, `*.${customer}`, () => true));
}

/** Commits and answers of a shard that the sink has stored and that name the customer, but not the newest commit: it tells how far the shard has got. */
export async function eraseCommits(nc: NatsConnection, shard: number, storedSeq: number, newestSeq: number, customer: string): Promise<number> {
  const names = (body: Uint8Array, seq: number): boolean => seq <= storedSeq && seq !== newestSeq && Buffer.from(body).includes(`"${customer}"`);
  let erased = 0;
  for (const subject of [outSubject(shard), answersSubject(shard)]) erased += await eraseWhere(nc, streams.out, subject, (body, _subject, seq) => names(body, seq));
  return erased;
}

/** Dead letters that name the customer. @returns messages deleted */
export const eraseLetters = (nc: NatsConnection, customer: string): Promise<number> =>
  eraseWhere(nc, streams.dlq, 'dlq.*', (body, subject) => Buffer.from(body).includes(`"${customer}"`) || subject.split('.').includes(customer));

function namesIn(body: Uint8Array, customer: string): boolean {
  try {
    return (JSON.parse(Buffer.from(body).toString('utf8')) as { customer?: unknown }).customer === customer;
  } catch {
    return false;
  }
}

/** Reads all that a filter has, once. */
async function eraseWhere(nc: NatsConnection, stream: string, filter: string, matches: (body: Uint8Array, subject: string, seq: number) => boolean): Promise<number> {
  const jsm = await jetstreamManager(nc);
  const consumer = await jetstream(nc).consumers.get(stream, { deliver_policy: DeliverPolicy.All, filter_subjects: [filter] });
  let pending = (await consumer.info()).num_pending;
  const found: number[] = [];
  if (pending > 0) {
    const messages = await consumer.consume();
    for await (const message of messages) {
      if (matches(message.data, message.headers?.get(deadLetterHeaders.subject) ?? '', message.seq)) found.push(message.seq);
      if (--pending === 0) break;
    }
    await messages.close();
  }
  for (const seq of found) await jsm.streams.deleteMessage(stream, seq, true).catch(unlessGone);
  return found.length;
}
