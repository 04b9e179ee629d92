/** What only a real server does: it refuses, says nothing, dies and comes back. */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DiscardPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Acknowledged } from '../../pipelines/runtime/jetstream/acks.js';
import { isOvertaken } from '../../pipelines/runtime/jetstream/api-errors.js';
import { connectNats } from '../../pipelines/runtime/jetstream/connect.js';
import { jetstreamLog } from '../../pipelines/runtime/jetstream/log.js';
import { createPublisher } from '../../pipelines/runtime/jetstream/publisher.js';
import { startNats, type NatsServer } from '../../servers/nats.js';
import { tempDir } from '../support/temp.js';

const dataDir = tempDir();
const body = Buffer.from('body');
const timeoutMs = 400;
let server: NatsServer;
let nc: NatsConnection;
let acknowledged: Acknowledged;

beforeAll(async () => {
  server = await startNats({ dataDir: join(dataDir, 'nats') });
  nc = await connectNats(server, 'test');
  await (await jetstreamManager(nc)).streams.add({ name: 'S', subjects: ['s.*'] });
  acknowledged = new Acknowledged(nc, timeoutMs);
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});

const withField = (name: string, value: string) => {
  const fields = headers();
  fields.set(name, value);
  return fields;
};
const expecting = (seq: number) => withField('Nats-Expected-Last-Subject-Sequence', String(seq));

it('each message has its own acknowledgement: stored, known already, refused', async () => {
  const [one, two, again, refused] = await Promise.allSettled([
    acknowledged.publish('s.one', body, withField('Nats-Msg-Id', 'one')),
    acknowledged.publish('s.two', body, headers()),
    acknowledged.publish('s.one', body, withField('Nats-Msg-Id', 'one')),
    acknowledged.publish('s.two', body, expecting(99)),
  ]);
  expect(one).toMatchObject({ value: { seq: 1, duplicate: false } });
  expect(two).toMatchObject({ value: { seq: 2, duplicate: false } });
  expect(again).toMatchObject({ value: { seq: 1, duplicate: true } });
  expect(refused.status === 'rejected' && isOvertaken(refused.reason)).toBe(true);
});

it('an import hears that a stream is full', async () => {
  await (await jetstreamManager(nc)).streams.add({ name: 'FULL', subjects: ['full'], discard: DiscardPolicy.New, max_msgs: 2 });
  const publisher = createPublisher(nc);
  for (const id of ['a', 'b', 'c']) await publisher.publish('full', body, id);
  await expect(publisher.flush()).rejects.toMatchObject({ code: 'refused', message: 'the stream refused full: maximum messages exceeded' });
  publisher.close();
});

it('an import sends again what a cluster is still storing', async () => {
  const answers = [{ error: { code: 409, err_code: 10158, description: 'duplicate message id is in process' }, stream: 'C', seq: 0 }, { stream: 'C', seq: 7, duplicate: true }];
  const cluster = nc.subscribe('cluster', { callback: (_error, message) => { message.respond(JSON.stringify(answers.shift())); } });
  const publisher = createPublisher(nc);
  await publisher.publish('cluster', body, 'a');
  await expect(publisher.flush()).resolves.toEqual({ lastSeq: 7, duplicates: 1 });
  publisher.close();
  cluster.unsubscribe();
}, 15_000);

it('says so when no stream takes the subject', async () => {
  await expect(acknowledged.publish('nobody.there', body, headers())).rejects.toMatchObject({ code: 'unavailable', message: 'no stream takes this subject' });
});

it('waits no longer than it was told for a server that says nothing, and takes what it says later for nothing', async () => {
  server.kill('SIGSTOP');
  const startMs = performance.now();
  await expect(acknowledged.publish('s.late', body, headers())).rejects.toMatchObject({ code: 'unavailable', message: `no acknowledgement in ${timeoutMs} ms` });
  expect(performance.now() - startMs).toBeGreaterThanOrEqual(timeoutMs - 1);
  server.kill('SIGCONT');
  await expect(acknowledged.publish('s.next', body, headers())).resolves.toMatchObject({ duplicate: false });
  expect(await jetstreamLog(nc, 'S').lastSeq('s.late'), 'it was stored all the same').toBeGreaterThan(0);
});

it('a closed connection refuses at once', async () => {
  const other = await connectNats(server, 'other');
  const publisher = new Acknowledged(other, 60_000);
  await other.close();
  await expect(publisher.publish('s.one', body, headers())).rejects.toThrow(/closed/i);
});

it.each([0, 20])('a cursor goes on where it was when the server was killed and started again (portions every %i ms)', async (everyMs) => {
  const log = jetstreamLog(nc, 'S', everyMs);
  const before = await log.lastSeq();
  const cursor = await log.open(before + 1, 's.read');
  const seen: string[] = [];
  const readUpTo = async (count: number): Promise<void> => {
    for (const endMs = performance.now() + 20_000; seen.length < count && performance.now() < endMs;) seen.push(...(await cursor.take(7, 100)).map((message) => Buffer.from(message.body).toString()));
  };
  const publish = async (from: number, to: number): Promise<void> => {
    for (let n = from; n < to; n += 1) await jetstream(nc).publish('s.read', Buffer.from(String(n)));
  };
  await publish(0, 30);
  await readUpTo(20);
  server.kill('SIGKILL');
  await server.exited;
  server = await startNats({ dataDir: join(dataDir, 'nats'), port: server.port });
  while ((await nc.rtt().catch(() => undefined)) === undefined) await delay(50);
  await publish(30, 60);
  await readUpTo(60);
  expect(seen).toEqual(Array.from({ length: 60 }, (_, n) => String(n)));
  await cursor.close();
});
