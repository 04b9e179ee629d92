/**
 * From a ticket to its row, its reply or its hand-over, and `support` as a service of a shop and as a command: two shards, real servers
 * and processes. And that personal data stays where it came in: 200 planted examples, looked for in every column of ClickHouse, in
 * what the processes said, and in what was sent.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { storedUpTo } from '../../cli/caught-up.js';
import { withClickHouse } from '../../cli/context.js';
import { endpointVariables } from '../../cli/system.js';
import { connectNats } from '../../pipelines/runtime/jetstream/connect.js';
import { jetstreamLog } from '../../pipelines/runtime/jetstream/log.js';
import { requestService } from '../../pipelines/runtime/request.js';
import type { Event } from '../../schemas/events.js';
import { limits } from '../../schemas/limits.js';
import type { ReplyMessage, SupportMessage } from '../../schemas/messages.js';
import type { SupportAnswer } from '../../schemas/services.js';
import { eventSubject, partitionOf, serviceSubject, shardServiceSubject, streams } from '../../schemas/subjects.js';
import { aftercare } from '../support/cli.js';
import { leaks, plant, squeezed } from '../support/planted.js';
import { buy, hour, sendBack } from '../support/risk.js';
import { settle, write } from '../support/support.js';
import { publishAll, startTestSystem, type PartName, type TestSystem } from '../support/system.js';

const shards = 2;
const now = Date.now();
const seed = '为什么这个商品没有配送选项？';
const planted = plant();

interface Row { shard: number; customer: string; ticket: string; language: string; text: string; intent: string; decision: string; reason: string; order_id: string; reply: string; model: string; tokens: string[]; entity_values: string[] }

describe('support', () => {
  let system: TestSystem;
  let nc: NatsConnection;
  const query = <T>(sql: string): Promise<T[]> => withClickHouse(system.endpoints, async (client) => (await client.query({ query: sql, format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } })).json<T>());
  const until = async (enough: () => Promise<boolean>): Promise<void> => {
    for (const endMs = performance.now() + 60_000; performance.now() < endMs && !(await enough());) await delay(50);
  };
  const rows = () => query<Row>('SELECT shard, customer, ticket, language, text, intent, decision, reason, order_id, reply, model, tokens, entity_values FROM tickets ORDER BY at, ticket');
  const send = (...events: Event[]): Promise<number> => publishAll(nc, shards, events);
  const sent = async (): Promise<{ subject: string; message: ReplyMessage & SupportMessage; text: string }[]> => {
    const log = jetstreamLog(nc, streams.decisions);
    const last = await log.lastSeq();
    const cursor = await log.open(1);
    const found: { subject: string; message: ReplyMessage & SupportMessage; text: string }[] = [];
    for (let seq = 0; seq < last;) {
      for (const { subject, seq: at, body } of await cursor.take(1000, 1000)) {
        const text = Buffer.from(body).toString();
        found.push({ subject, text, message: JSON.parse(text) as ReplyMessage & SupportMessage });
        seq = at;
      }
    }
    await cursor.close();
    return found;
  };
  const ask = (body: object): Promise<SupportAnswer> => requestService(nc, serviceSubject('support'), body);

  beforeAll(async () => {
    // Limits of a small shop: a shard of a large one takes a second to lay out its memory, and a busy machine several.
    system = await startTestSystem({
      AFTERCARE_SHARDS: String(shards), AFTERCARE_SINK_LINGER_MS: '20', AFTERCARE_LEASE_MS: '10000',
      AFTERCARE_CUSTOMERS_MAX: '5000', AFTERCARE_ITEMS_MAX: '5000', AFTERCARE_PAIRS_MAX: '100000', AFTERCARE_SESSIONS_MAX: '5000', AFTERCARE_BASKETS_MAX: '5000', AFTERCARE_RISK_LEDGER: '5000', AFTERCARE_MEMORY_MIB: '128',
    });
    nc = await connectNats(system.endpoints.nats, 'test');
    await send(
      buy('c2', now - 5 * hour, { order: 'SO-5001', amountMinor: 3499 }), write('c1', now - 4 * hour, seed, { ticket: 'T-1', item: 'KET-1042' }), write('c2', now - 3 * hour, 'Where is my order SO-5001?', { ticket: 'T-2' }),
      write('c3', now - 2 * hour, '我要投诉', { ticket: 'T-3' }), settle('c1', now - hour, 'T-1', 'delivery_options', '请更换地址。'), settle('c9', now - hour, 'T-9', 'cancel_order'),
    );
    return async () => { await nc.close(); };
  }, 120_000);

  it('every ticket is a row with what was read in it', { timeout: 90_000 }, async () => {
    await until(async () => (await rows()).length >= 3);
    expect(await rows()).toMatchObject([
      { customer: 'c1', ticket: 'T-1', language: 'zh', intent: 'delivery_options', decision: 'reply', reason: '', model: 'intent-starter-1', shard: partitionOf('c1', shards) },
      { customer: 'c2', ticket: 'T-2', language: 'en', intent: 'delivery_status', decision: 'reply', order_id: 'SO-5001', entity_values: ['SO-5001'] },
      { customer: 'c3', ticket: 'T-3', intent: 'complaint', decision: 'hand_over', reason: 'not_automatic' },
    ]);
  });

  it('a reply or a hand-over is a message, once, after its row', async () => {
    await until(async () => (await sent()).length >= 3);
    const found = (await sent()).sort((a, b) => (a.message.ticket < b.message.ticket ? -1 : 1));
    expect(found.map(({ subject }) => subject)).toEqual(['replies.c1', 'replies.c2', 'alerts.support.not_automatic']);
    const stored = await rows();
    expect(found.map(({ message }) => message.text)).toEqual([stored[0].reply, stored[1].reply, '我要投诉']);
    expect(found[2].message.acknowledgement).toBe(stored[2].reply);
  });

  it('labels are rows with what became of them', async () => {
    await until(async () => (await query('SELECT 1 FROM ticket_labels')).length >= 2);
    expect(await query('SELECT customer, ticket, intent, answer, outcome, remembered, predicted, decision, model FROM ticket_labels ORDER BY ticket')).toEqual([
      { customer: 'c1', ticket: 'T-1', intent: 'delivery_options', answer: '请更换地址。', outcome: 'right', remembered: 1, predicted: 'delivery_options', decision: 'reply', model: 'intent-starter-1' },
      { customer: 'c9', ticket: 'T-9', intent: 'cancel_order', answer: '', outcome: 'unknown', remembered: 0, predicted: '', decision: '', model: '' },
    ]);
  });

  it('a question is answered by the customer\'s shard, whichever process is asked, and leaves no trace', async () => {
    const hashes = () => Promise.all([0, 1].map((shard) => requestService<{ hash: string }>(nc, shardServiceSubject(shard, 'hash'), {})));
    const before = await hashes();
    for (const customer of ['c1', 'c2', 'nobody', 'noone']) expect(await ask({ customer, text: 'cancel my order' })).toMatchObject({ customer, intent: 'cancel_order', decision: 'reply', language: 'en', shard: partitionOf(customer, shards) });
    expect((await ask({ customer: 'c2', text: 'cancel my order' })).reply?.text).toContain('SO-5001');
    expect(await ask({ customer: 'c1', text: 'mail a@example.com, order SO-1', language: 'en' })).toMatchObject({ text: 'mail <email>, order SO-1', personal: ['email'] });
    expect(await hashes()).toEqual(before);
    expect(await rows()).toHaveLength(3);
  });

  it.each<[object, string]>([
    [{ customer: 'c1' }, 'missing field "text"'],
    [{ customer: 'c1', text: '' }, 'text must not have fewer than 1 characters'],
    [{ customer: 'c1', text: 'a', language: 'de' }, 'language must be one of en, zh, got "de"'],
    [{ customer: 'c.1', text: 'a' }, 'customer must match pattern'],
    [{ customer: 'c1', text: 'a', intent: 'x' }, 'unknown field "intent"'],
  ])('a bad request is refused by the field that is wrong: %j', async (body, message) => {
    await expect(ask(body)).rejects.toThrow(message);
  });

  it('a text that is too long is refused without a word of it', async () => {
    await expect(ask({ customer: 'c1', text: 'a'.repeat(20_001) })).rejects.toThrow(/text must not have more than 20000 characters, got a text of 20001 characters/);
  });

  it('as a command it prints the answer and what was read, and the object with --json', async () => {
    const run = (...args: string[]) => aftercare(['reply', ...args], { env: endpointVariables(system.endpoints) });
    const shown = await run(seed);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toMatch(/配送/);
    expect(shown.stdout).toMatch(/reply: delivery_options with a probability of/);
    expect(JSON.parse((await run('Where is my order SO-5001?', '--customer', 'c2', '--json')).stdout)).toMatchObject({ customer: 'c2', decision: 'hand_over', reason: 'again', order: 'SO-5001' });
    const unsure = await run('what is the capital of Sweden');
    expect(unsure.stdout).toMatch(/hand over: it seems to be about none of the intents/);
    expect(unsure.stdout).toMatch(/abstained +out_of_scope/);
  });

  it('no planted personal data is in a column of ClickHouse, in what a process said, in a reply or an alert', { timeout: 120_000 }, async () => {
    expect(planted.length).toBeGreaterThanOrEqual(200);
    const base = { v: 1, atMs: now } as const;
    const events = planted.flatMap(({ text, language }, n): Event[] => [
      write(`p${n}`, now, text, { ticket: `P-${n}`, language }),
      { ...settle(`p${n}`, now + 1, `P-${n}`, 'return_request', `You wrote: ${text}`.slice(0, 20_000)), entities: [{ kind: 'order', text: text.slice(0, limits.entityLengthMax) }] },
      sendBack(`p${n}`, now, `SO-${n}`, { reason: text.slice(0, 200) }),
    ]);
    await send(...events);
    // And in what is not taken: a broken event, broken JSON, escaped JSON, another encoding, a subject.
    for (const [n, { text }] of planted.entries()) {
      const bad = JSON.stringify({ ...base, type: 'ticket', id: `b${n}`, customer: `p${n}`, ticket: `B-${n}`, text, surprise: text });
      const escaped = bad.replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
      const label = JSON.stringify({ ...base, type: 'label', id: `l${n}`, customer: `p${n}`, of: 'ticket', ref: `P-${n}`, verdict: 'x', entities: [{ kind: 'person', text }] });
      for (const body of [bad, bad.slice(0, -1), escaped, label, `${bad.slice(0, -2)}`, JSON.stringify({ ...base, type: 'ticket', id: 'x', customer: text, ticket: 'B', text: 'x' })]) nc.publish(eventSubject('ticket', `p${n}`), body);
    }
    await nc.flush();
    await delay(500);
    await storedUpTo(nc, await jetstreamLog(nc, streams.events).lastSeq());
    await until(async () => (await query<{ n: number }>('SELECT count() AS n FROM tickets'))[0].n >= 3 + planted.length);
    await until(async () => (await query<{ n: number }>('SELECT count() AS n FROM rejects'))[0].n >= 6 * planted.length);
    expect((await query<{ n: number }>('SELECT count() AS n FROM tickets'))[0].n).toBe(3 + planted.length);
    expect((await query<{ n: number }>(`SELECT count() AS n FROM ticket_labels WHERE entities_outcome = 'not_found'`))[0].n).toBe(planted.length);

    const columns = await query<{ table: string; name: string }>("SELECT table, name FROM system.columns WHERE database = 'aftercare' AND type LIKE '%String%' AND default_kind != 'ALIAS'");
    expect(columns.map(({ table }) => table)).toEqual(expect.arrayContaining(['events', 'rejects', 'tickets', 'ticket_labels']) as string[]);
    const haystacks: [string, string][] = [];
    for (const { table, name } of columns) {
      const found = await query<{ value: string }>(`SELECT DISTINCT toString(${name}) AS value FROM ${table}`);
      haystacks.push([`${table}.${name}`, found.map(({ value }) => value).join('\n')]);
    }
    for (const part of ['shard', 'sink', 'clickhouse', 'nats'] satisfies PartName[]) haystacks.push([`log of ${part}`, system.handle(part).lastLines().join('\n')]);
    haystacks.push(['messages', (await sent()).map(({ text }) => text).join('\n')]);
    const squeezedHaystacks = haystacks.map(([name, text]) => [name, squeezedAll(text)] as const);
    const found = planted.flatMap((example) => example.secrets.flatMap((secret) => squeezedHaystacks.filter(([, text]) => text.includes(squeezed(secret))).map(([name]) => `${name}: ${example.kind} ${secret}`)));
    expect(found).toEqual([]);
    // The search itself finds what is there.
    expect(leaks(planted[0], planted[0].text)).not.toEqual([]);
    expect(squeezedHaystacks.find(([name]) => name === 'tickets.text')?.[1]).toContain('email');
  });

  it('a dead letter keeps the original bytes, for whoever repairs it', async () => {
    const consumer = await jetstream(nc).consumers.get(streams.dlq);
    const letter = await consumer.next({ expires: 5000 });
    expect(letter?.string()).toContain(JSON.stringify(planted[0].text).slice(1, 20));
    const list = async (...options: string[]): Promise<{ body: string }[]> =>
      JSON.parse((await aftercare(['rejects', 'list', '--reason', 'bad_event', '--limit', '2000', '--json', ...options], { env: endpointVariables(system.endpoints) })).stdout) as { body: string }[];
    const holds = (rows: { body: string }[]): boolean => rows.some(({ body }) => leaks(planted[0], body).length > 0);
    expect([holds(await list()), holds(await list('--original'))]).toEqual([false, true]);
  });
});

/** In pieces, as `squeezed` looks at no more than a ticket is long. */
function squeezedAll(text: string): string {
  const pieces: string[] = [];
  for (let at = 0; at < text.length; at += 10_000) pieces.push(squeezed(text.slice(at, at + 10_000)));
  return pieces.join('');
}
