/** The rewriter as the process that it is in production, killed while it works: every reply has one rewriting. */
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Context } from '../../cli/context.js';
import { rewriterSettings, type RewriterStatus } from '../../cli/parts/rewriter.js';
import { startPart } from '../../cli/system.js';
import { connectNats } from '../../pipelines/runtime/jetstream/connect.js';
import { jetstreamLog } from '../../pipelines/runtime/jetstream/log.js';
import { ensureStreams } from '../../pipelines/runtime/jetstream/streams.js';
import { requestService } from '../../pipelines/runtime/request.js';
import { publicConfig, readConfig } from '../../schemas/config.js';
import type { ReplyMessage, RewriteMessage } from '../../schemas/messages.js';
import { replySubject, streams } from '../../schemas/subjects.js';
import { startNats } from '../../servers/nats.js';
import type { ServerHandle } from '../../servers/process.js';
import type { Endpoints } from '../../servers/stack.js';
import { startStandIn } from '../support/stand-in-model.js';
import { tempDir } from '../support/temp.js';

const replies = 60;
const draft = (n: number): string => `Order SO-${1000 + n} can be changed under My orders until it is packed. If Change is no longer offered, reply here and a colleague will see what is still possible.`;
const reply = (n: number): ReplyMessage => ({
  v: 1, customer: `c${n}`, ticket: `t${n}`, atMs: Date.now(), seq: n + 1, intent: 'change_order', confidence: 0.9, language: 'en', text: draft(n), answer: 'change_order/en/1', answers: 'answers-1', because: ['reply'], model: 'intent-starter-1',
});

describe('kill -9 of the rewriter while it works', () => {
  const directory = tempDir();
  const settings = { AFTERCARE_LEASE_MS: '1500', AFTERCARE_LLM_MODEL: 'stand-in', AFTERCARE_LLM_KEY: 'sk-secret', AFTERCARE_LLM_TIMEOUT_MS: '2000' };
  let [model, nats, nc, part]: [Awaited<ReturnType<typeof startStandIn>>, Awaited<ReturnType<typeof startNats>>, NatsConnection, ServerHandle] = [] as never;
  let start: () => Promise<ServerHandle>;

  beforeAll(async () => {
    [model, nats] = await Promise.all([startStandIn(), startNats({ dataDir: join(directory, 'nats') })]);
    nc = await connectNats(nats, 'test');
    const jsm = await jetstreamManager(nc);
    // As an earlier version made it.
    await jsm.streams.add({ name: streams.decisions, subjects: ['coupons.*', 'alerts.>', 'replies.*'] });
    await ensureStreams(jsm, { shards: 1, replicas: 1, eventsBytesMax: 2 ** 28, artefactsBytesMax: 2 ** 28 });
    const env = { ...settings, AFTERCARE_LLM_URL: model.url };
    const context: Context = { dataDir: directory, config: readConfig(env) };
    const endpoints = { nats: { url: nats.url, user: nats.user, password: nats.password }, clickhouse: { url: 'http://127.0.0.1:1', username: '', password: '', database: '' }, temporal: { address: '127.0.0.1:1', namespace: 'default' } } as Endpoints;
    start = () => startPart('rewriter', ['rewriter'], context, endpoints, { ...process.env, ...env });
    // Each third is said badly, and it takes its time.
    model.answerWith(({ draft: text }, response) => {
      const n = Number(/SO-(\d+)/.exec(text)?.[1]);
      const said = n % 3 === 0 ? text.replace('SO-', 'SO-9') : text.replace('can be changed', 'may be changed');
      setTimeout(() => response.setHeader('content-type', 'application/json').end(JSON.stringify({ choices: [{ message: { content: said }, finish_reason: 'stop' }] })), 15);
      return undefined;
    });
    part = await start();
    await live();
  }, 60_000);
  afterAll(async () => {
    await part.stop();
    await nc.close();
    await nats.stop();
    await model.stop();
  });

  const status = () => requestService<RewriterStatus>(nc, 'aftercare.rewriter.status', {}, 1000);
  async function live(): Promise<void> {
    for (let tries = 0; tries < 300; tries += 1) {
      if (await status().then(({ owner }) => owner, () => false)) return;
      await delay(50);
    }
    throw new Error('the rewriter did not get live');
  }
  async function rewrites(): Promise<RewriteMessage[]> {
    const cursor = await jetstreamLog(nc, streams.decisions).open(1, 'rewrites.>');
    const found: RewriteMessage[] = [];
    for (let taken = await cursor.take(1000, 500); taken.length > 0; taken = await cursor.take(1000, 500)) found.push(...taken.map(({ body }) => JSON.parse(Buffer.from(body).toString('utf8')) as RewriteMessage));
    await cursor.close();
    return found;
  }

  it('gives every reply one message, in new words where they hold', async () => {
    const js = jetstream(nc);
    const publish = async (from: number, to: number): Promise<void> => { for (let n = from; n < to; n += 1) await js.publish(replySubject(`c${n}`), JSON.stringify(reply(n))); };
    for (const [from, to] of [[0, 20], [20, 40]] as const) {
      await publish(from, to);
      await delay(60);
      part.kill('SIGKILL');
      await part.exited;
      part = await start();
    }
    await publish(40, replies);
    let found: RewriteMessage[] = [];
    for (let tries = 0; tries < 60 && found.length < replies; tries += 1) found = await rewrites();
    expect(found.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(Array.from({ length: replies }, (_, n) => n + 1));
    for (const { seq, text, draft: of, rewritten, reason, customer } of found) {
      expect([customer, of]).toEqual([`c${seq - 1}`, draft(seq - 1)]);
      const bad = (1000 + seq - 1) % 3 === 0;
      expect([rewritten, reason, text]).toEqual(bad ? [false, 'number', of] : [true, '', of.replace('can be changed', 'may be changed')]);
    }
    expect((await status()).owner).toBe(true);
    expect(part.lastLines().join('\n')).not.toMatch(/sk-secret|SO-1/);
  }, 60_000);
});

describe('the settings of the large model', () => {
  const of = (env: NodeJS.ProcessEnv) => rewriterSettings(readConfig(env));
  const url = 'http://127.0.0.1:11434/v1';

  it('are read, the key from a file too', () => {
    expect(of({ AFTERCARE_LLM_URL: url, AFTERCARE_LLM_MODEL: 'm' })).toMatchObject({ url, model: 'm', key: undefined, timeoutMs: 8000 });
    expect(of({ AFTERCARE_LLM_URL: url, AFTERCARE_LLM_MODEL: 'm', AFTERCARE_LLM_KEY: 'k' }).key).toBe('k');
  });

  it('are not told to whoever asks a shard for its settings', () => {
    expect(JSON.stringify(publicConfig(readConfig({ AFTERCARE_LLM_KEY: 'sk-secret', AFTERCARE_COUPON_SECRET: 'also-secret' })))).not.toContain('secret"');
    expect(() => readConfig({ AFTERCARE_LLM_KEY: 'sk-secret'.repeat(1000) })).toThrow(/^AFTERCARE_LLM_KEY="\.\.\." must be/);
  });

  it.each<[NodeJS.ProcessEnv, RegExp]>([
    [{}, /AFTERCARE_LLM_URL is empty/],
    [{ AFTERCARE_LLM_URL: url }, /AFTERCARE_LLM_MODEL is empty/],
    [{ AFTERCARE_LLM_URL: 'ftp://x' }, /AFTERCARE_LLM_URL="ftp:\/\/x" must be/],
    [{ AFTERCARE_LLM_URL: url, AFTERCARE_LLM_MODEL: 'm', AFTERCARE_LLM_KEY: 'k', AFTERCARE_LLM_KEY_FILE: 'f' }, /are both set/],
    [{ AFTERCARE_LLM_URL: url, AFTERCARE_LLM_MODEL: 'm', AFTERCARE_LLM_KEY_FILE: '/nowhere/key' }, /AFTERCARE_LLM_KEY_FILE="\/nowhere\/key" cannot be read/],
    [{ AFTERCARE_LLM_URL: url, AFTERCARE_LLM_MODEL: 'm', AFTERCARE_LLM_KEY: 'schlüssel' }, /AFTERCARE_LLM_KEY has a character that no header can carry/],
  ])('say what is wrong: %j', (env, message) => {
    expect(() => of(env)).toThrow(message);
    expect(() => of(env)).not.toThrow(/schlüssel/);
  });
});
