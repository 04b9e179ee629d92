/** From an event to the row in ClickHouse and the message on coupons.<customer>, once each, while the sink is killed again and again. */
import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { withClickHouse } from '../../cli/context.js';
import type { SinkStatus } from '../../cli/parts/sink.js';
import { eventWriter } from '../../pipelines/runtime/envelopes.js';
import { connectNats } from '../../pipelines/runtime/jetstream/connect.js';
import { jetstreamLog } from '../../pipelines/runtime/jetstream/log.js';
import { createPublisher } from '../../pipelines/runtime/jetstream/publisher.js';
import { requestService } from '../../pipelines/runtime/request.js';
import type { Event } from '../../schemas/events.js';
import type { CouponMessage } from '../../schemas/messages.js';
import { streams } from '../../schemas/subjects.js';
import { buy, cart, hour, judge, resolve, view, write } from '../support/coupons.js';
import { publishAll, startTestSystem, type TestSystem } from '../support/system.js';

const kills = 6;

interface Row { customer: string; reason: string; decision: string; withheld_because: string; code: string; amount_minor: number; percent: number; because: string[] }

describe('coupons', () => {
  let system: TestSystem;
  let nc: NatsConnection;
  const rows = () => withClickHouse(system.endpoints, async (client) => (await client.query({
    query: 'SELECT customer, reason, decision, withheld_because, code, amount_minor, percent, because FROM coupons ORDER BY customer, reason', format: 'JSONEachRow',
    clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
  })).json<Row>());
  const messages = async (): Promise<{ subject: string; message: CouponMessage }[]> => {
    const log = jetstreamLog(nc, streams.decisions);
    const last = await log.lastSeq();
    const cursor = await log.open(1);
    const found: { subject: string; message: CouponMessage }[] = [];
    for (let seq = 0; seq < last;) {
      for (const stored of await cursor.take(1000, 1000)) {
        found.push({ subject: stored.subject, message: JSON.parse(Buffer.from(stored.body).toString()) as CouponMessage });
        seq = stored.seq;
      }
    }
    await cursor.close();
    return found.filter(({ subject }) => subject.startsWith('coupons.'));
  };
  const publish = (events: Event[]): Promise<number> => publishAll(nc, 1, events);
  const until = async (enough: () => Promise<boolean>): Promise<void> => {
    for (const endMs = performance.now() + 30_000; performance.now() < endMs && !(await enough());) await delay(100);
  };

  beforeAll(async () => {
    system = await startTestSystem({ AFTERCARE_COUPON_BUDGET_MINOR: '100000000', AFTERCARE_LEASE_MS: '1000', AFTERCARE_SINK_LINGER_MS: '20', AFTERCARE_SINK_ROWS: '16' });
    nc = await connectNats(system.endpoints.nats, 'test');
    return async () => { await nc.close(); };
  }, 120_000);

  it('an abandoned cart and a resolved complaint become rows and messages; at high risk there is a row alone', async () => {
    const now = Date.now();
    await publish([
      cart('left', now - 24 * hour - 60_000),
      write('unhappy', now - 3 * hour, 'T1'), resolve('unhappy', now - hour, 'T1', 'damaged_item'),
      buy('cheat', now - 9 * hour, 'o1'), judge('cheat', now - 8 * hour, 'o1', 'chargeback'), write('cheat', now - 3 * hour, 'T2'), resolve('cheat', now - hour, 'T2', 'damaged_item'),
      cart('import', now - 100 * 24 * hour), // years of history come like this: too long ago
      view(now - 1000),
    ]);
    await until(async () => (await rows()).length >= 3 && (await messages()).length >= 2);
    const stored = await rows();
    expect(stored).toMatchObject([
      { customer: 'cheat', reason: 'resolved_complaint', decision: 'withheld', withheld_because: 'risk', code: '' },
      { customer: 'left', reason: 'abandoned_cart', decision: 'granted', withheld_because: '', amount_minor: 1000, percent: 10, because: ['cart with 1 item, not touched for 24.0 h'] },
      { customer: 'unhappy', reason: 'resolved_complaint', decision: 'granted', withheld_because: '', amount_minor: 500, percent: 0, because: ['ticket T1 (damaged_item) was answered 2.0 h after it came'] },
    ]);
    const sent = await messages();
    expect(sent.map((m) => m.subject).sort()).toEqual(['coupons.left', 'coupons.unhappy']);
    for (const { message } of sent) expect(message.code).toBe(stored.find((row) => row.customer === message.customer)?.code);
  });

  it('each once, though the sink is killed in the middle of many', async () => {
    const now = Date.now();
    const before = (await rows()).length;
    const customers: string[] = [];
    let struck = 0;
    const striking = (async () => {
      for (; struck < kills; struck++) {
        // Only the owner writes: one that still waits for the lease of the dead one is no victim.
        await until(async () => (await requestService<SinkStatus>(nc, 'aftercare.sink.status', {}, 500).catch(() => undefined))?.owner === true);
        await delay(150 + ((struck * 67) % 200));
        await system.killAndRestart('sink');
      }
    })();
    const publisher = createPublisher(nc);
    const writer = eventWriter(publisher, 1, 1);
    while (struck < kills) {
      for (let n = 0; n < 5; n++) {
        const customer = `k${String(customers.length).padStart(5, '0')}`;
        customers.push(customer);
        await writer.write(write(customer, now - 2 * hour, `T-${customer}`));
        await writer.write(resolve(customer, now - hour, `T-${customer}`, 'damaged_item'));
      }
      await publisher.flush();
      await delay(20);
    }
    publisher.close();
    await striking;
    const complaining = customers.length;
    await until(async () => (await rows()).length >= before + complaining && (await messages()).length >= 2 + complaining);
    await delay(1500); // what would come twice comes now
    const stored = (await rows()).filter((row) => row.customer.startsWith('k'));
    expect(stored.map((row) => row.customer)).toEqual(customers);
    expect(stored.every((row) => row.decision === 'granted')).toBe(true);
    const sent = (await messages()).filter((m) => m.subject.startsWith('coupons.k'));
    expect(sent.map((m) => m.subject).sort()).toEqual(customers.map((customer) => `coupons.${customer}`));
    const codes = new Map(stored.map((row) => [row.customer, row.code]));
    for (const { message } of sent) expect(message.code).toBe(codes.get(message.customer));
    expect(new Set(codes.values()).size).toBe(complaining);
    // The server itself counted them too, beside what was said to their tickets.
    const { subjects = {} } = (await (await jetstreamManager(nc)).streams.info(streams.decisions, { subjects_filter: 'coupons.>' })).state;
    expect(Object.values(subjects).reduce((sum, count) => sum + count, 0)).toBe(2 + complaining);
  }, 120_000);
});
