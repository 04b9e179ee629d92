/** Two shards, live: what services of a shop ask, what producers get wrong, and what ClickHouse then holds. */
import { jetstreamManager } from '@nats-io/jetstream';
import { Svcm } from '@nats-io/services';
import type { NatsConnection } from '@nats-io/transport-node';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { storedUpTo } from '../../cli/caught-up.js';
import { withClickHouse } from '../../cli/context.js';
import { createPublisher } from '../../pipelines/runtime/jetstream/publisher.js';
import { eventWriter } from '../../pipelines/runtime/envelopes.js';
import { connectNats } from '../../pipelines/runtime/jetstream/connect.js';
import { requestService } from '../../pipelines/runtime/request.js';
import type { ProfileAnswer, RecommendAnswer, SimilarAnswer } from '../../schemas/services.js';
import { eventSubject, partitionOf, serviceSubject, streams } from '../../schemas/subjects.js';
import { badMessages } from '../../simulator/bad-messages.js';
import { click, purchase } from '../support/events.js';
import { startTestSystem, type TestSystem } from '../support/system.js';

const shards = 2;
/** Customers of both shards. */
const customers = Array.from({ length: 40 }, (_, i) => `c${i}`);
/** A minute ago: the sessions are still running. */
const atMs = Date.now() - 60_000;

describe('a system of two shards', () => {
  let system: TestSystem;
  let nc: NatsConnection;
  const bad = badMessages(3, shards);

  beforeAll(async () => {
    system = await startTestSystem({ AFTERCARE_SHARDS: String(shards) });
    nc = await connectNats(system.endpoints.nats, 'test');
    const publisher = createPublisher(nc);
    const writer = eventWriter(publisher, shards, 1);
    // Even customers like kettles and teapots, odd ones lamps and shades; c0 has seen a kettle alone.
    for (const [i, customer] of customers.entries()) {
      const [first, second] = i % 2 === 0 ? ['kettle', 'teapot'] : ['lamp', 'shade'];
      await writer.write(click(`v${i}`, customer, { item: first, atMs: atMs + i }));
      if (i > 1) await writer.write(purchase(`p${i}`, customer, { lines: [{ item: second, quantity: 1, unitMinor: 500 }], amountMinor: 500, atMs: atMs + 1000 + i }));
    }
    // An item for each shard that the other has never seen.
    for (let shard = 0; shard < shards; shard++) {
      const customer = customers.find((name, i) => i > 10 && i % 2 === 0 && partitionOf(name, shards) === shard) as string;
      await writer.write(click(`only${shard}`, customer, { item: `only-${shard}`, atMs: atMs + 500 }));
    }
    for (const [i, message] of bad.entries()) await publisher.publish(message.subject, message.body, `bad-${i}`);
    const { lastSeq } = await publisher.flush();
    publisher.close();
    await storedUpTo(nc, lastSeq);
    await untilFolded(nc, lastSeq);
    return async () => { await nc.close(); };
  }, 120_000);

  const query = <T>(sql: string): Promise<T[]> => withClickHouse(system.endpoints, async (client) => {
    const found = await client.query({ query: sql, format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } });
    return found.json<T>();
  });
  const ask = <T>(endpoint: string, body: unknown): Promise<T> => requestService<T>(nc, serviceSubject(endpoint), body);

  it('uses both shards, each with its own customers', async () => {
    const rows = await query<{ shard: number; customers: string[] }>('SELECT shard, groupUniqArray(customer) AS customers FROM events GROUP BY shard ORDER BY shard');
    expect(rows.map((row) => row.shard)).toEqual([0, 1]);
    for (const row of rows) for (const customer of row.customers) expect(partitionOf(customer, shards), customer).toBe(row.shard);
  });

  it('recommends, with the channel and the because of each item, whichever process is asked', async () => {
    for (const customer of ['c0', 'c1']) {
      const answer = await ask<RecommendAnswer>('recommend', { customer, k: 1 });
      expect(answer).toMatchObject({ customer, shard: partitionOf(customer, shards), model: 'cosine-sessions-2' });
      const [item] = answer.items;
      expect(item.item).toBe(customer === 'c0' ? 'teapot' : 'shade');
      expect(item.channel, 'the others put it first too; the session is the first of equals').toBe('session');
      expect(item.because[0].item).toBe(customer === 'c0' ? 'kettle' : 'lamp');
      expect(item.score).toBeGreaterThan(0);
    }
  });

  it('answers for a stranger with what is popular', async () => {
    const { items } = await ask<RecommendAnswer>('recommend', { customer: 'stranger', k: 2 });
    expect(items.map((i) => i.channel)).toEqual(['popular', 'popular']);
    await expect(ask('profile', { customer: 'stranger' }), 'asking has not made a profile').rejects.toThrow(/customer "stranger" is unknown/);
  });

  it('merges the similar items of all shards', async () => {
    const { items } = await ask<SimilarAnswer>('similar', { item: 'kettle', k: 5 });
    expect(items[0].item).toBe('teapot');
    expect(items[0].similarity).toBeGreaterThan(0.5);
    expect(items[0].similarity).toBeLessThanOrEqual(1 + 1e-9);
    await expect(ask('similar', { item: 'nothing' })).rejects.toMatchObject({ code: 'bad_request', message: expect.stringContaining('"nothing" is unknown') as string });
  });

  it('knows an item that only one shard has seen, whichever process is asked', async () => {
    for (let i = 0; i < 20; i++) {
      const { items } = await ask<SimilarAnswer>('similar', { item: i % 2 === 0 ? 'only-0' : 'only-1' });
      expect(items.map((found) => found.item).sort()).toEqual(['kettle', 'teapot']);
    }
  });

  it('shows a profile', async () => {
    const answer = await ask<ProfileAnswer>('profile', { customer: 'c2' });
    expect(answer.items.map((i) => i.item)).toEqual(['teapot', 'kettle']);
    expect(answer.items[0].strength).toBeCloseTo(5, 3);
    expect(answer.session).toEqual(['teapot', 'kettle']);
  });

  it.each([
    ['recommend', {}, /missing field "customer"/],
    ['recommend', { customer: 'c1', k: 0 }, /k must be >= 1, got 0/],
    ['recommend', { customer: 'c1', k: 10_000 }, /k must be <= 200/],
    ['recommend', { customer: 'a.b' }, /customer must match/],
    ['recommend', { customer: 'c1', color: 'red' }, /unknown field "color"/],
    ['similar', { item: '' }, /item/],
    ['profile', { customer: 7 }, /customer must be string/],
  ])('a bad request to %s gets an error that names the field: %j', async (endpoint, body, message) => {
    await expect(ask(endpoint, body)).rejects.toMatchObject({ code: 'bad_request', message: expect.stringMatching(message) as string });
  });

  it('a request that is not JSON gets an error too', async () => {
    const reply = await nc.request(serviceSubject('recommend'), 'hello', { timeout: 2000 });
    expect(reply.headers?.get('Nats-Service-Error-Code')).toBe('400');
    expect(reply.headers?.get('Nats-Service-Error')).toMatch(/not JSON/);
  });

  it('puts every answer on record, once for each item', async () => {
    for (let i = 0; i < 5; i++) await ask<RecommendAnswer>('recommend', { customer: 'c4', k: 2 });
    const rows = async () => query<{ answers: number; items: number; models: string[] }>(
      `SELECT uniqExact(shard, commit_seq, answer) AS answers, count() AS items, groupUniqArray(model) AS models FROM recommendations WHERE customer = 'c4'`);
    for (let tries = 0; tries < 50 && (await rows())[0].answers < 5; tries++) await delay(100);
    const [row] = await rows();
    expect(row.answers).toBe(5);
    expect(row.items).toBeGreaterThanOrEqual(5);
    expect(row.models).toEqual(['cosine-sessions-2']);
  });

  it('is listed by the NATS services protocol', async () => {
    const found = new Map<string, string[]>();
    for await (const info of await new Svcm(nc).client({ maxWait: 1000, strategy: 'stall' } as never).info()) {
      found.set(`${info.name}/${info.metadata?.shard ?? ''}`, info.endpoints.map((e) => e.subject));
    }
    expect([...found.keys()].sort()).toEqual(['aftercare-sink/', 'aftercare/0', 'aftercare/1']);
    expect(found.get('aftercare/1')?.sort()).toEqual(['aftercare.basket', 'aftercare.profile', 'aftercare.recommend', 'aftercare.risk', 'aftercare.similar', 'aftercare.support']);
  });

  it('made one reject of each bad message, with its bytes and its reason, and went on', async () => {
    const rows = await query<{ reason: string; bytes: number }>('SELECT reason, bytes FROM rejects ORDER BY seq');
    const reasons = (all: { reason: string }[]) => all.map((r) => r.reason).sort();
    expect(reasons(rows)).toEqual(reasons(bad.map((message) => ({ reason: message.expectedReason }))));
    expect(Math.max(...rows.map((row) => row.bytes)), 'the body of ten megabytes too').toBeGreaterThanOrEqual(10_000_000);
    const letters = (await (await jetstreamManager(nc)).streams.info(streams.dlq)).state.messages;
    expect(letters).toBe(rows.length);
  });

  it('forgets a customer on command', async () => {
    const publisher = createPublisher(nc);
    await publisher.publish(eventSubject('control', 'c6'), Buffer.from(JSON.stringify({ v: 1, type: 'control', id: 'f1', customer: 'c6', atMs, command: 'forget' })), 'f1');
    const { lastSeq } = await publisher.flush();
    publisher.close();
    await untilFolded(nc, lastSeq);
    await expect(ask('profile', { customer: 'c6' })).rejects.toThrow(/unknown/);
  });

  it('a refund takes the strength back, and what was sent back is not recommended again', async () => {
    const publisher = createPublisher(nc);
    const refund = { v: 1, type: 'refund', id: 'r1', customer: 'c8', atMs: atMs + 5000, order: 'o-p8', lines: [{ item: 'teapot', quantity: 1, unitMinor: 500 }], amountMinor: 500, currency: 'EUR' };
    await publisher.publish(eventSubject('refund', 'c8'), Buffer.from(JSON.stringify(refund)), 'r1');
    const { lastSeq } = await publisher.flush();
    publisher.close();
    await untilFolded(nc, lastSeq);
    const profile = await ask<ProfileAnswer>('profile', { customer: 'c8' });
    expect(profile.items.find((i) => i.item === 'teapot')?.strength ?? 0).toBe(0);
    const { items } = await ask<RecommendAnswer>('recommend', { customer: 'c8', k: 5 });
    expect(items.map((i) => i.item)).not.toContain('teapot');
  });
});

/** Both shards have seen the stream's end as far as it concerns them. */
async function untilFolded(nc: NatsConnection, seq: number): Promise<void> {
  const jsm = await jetstreamManager(nc);
  for (let shard = 0; shard < shards; shard++) {
    const message = await jsm.streams.getMessage(streams.events, { last_by_subj: `ev.${shard}.>` }).catch(() => null);
    const wanted = Math.min(seq, message?.seq ?? 0);
    while ((await requestService<{ committedTo: number }>(nc, `aftercare.shard.${shard}.status`, {}, 10_000)).committedTo < wanted) await delay(20);
  }
}
