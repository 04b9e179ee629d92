/** From a refund to its row and its alert, and `risk` as a service of a shop and as a command: two shards, real servers and processes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { withClickHouse } from '../../cli/context.js';
import { endpointVariables } from '../../cli/system.js';
import { riskFeatures } from '../../pipelines/risk/features.js';
import { connectNats } from '../../pipelines/runtime/jetstream/connect.js';
import { jetstreamLog } from '../../pipelines/runtime/jetstream/log.js';
import { requestService } from '../../pipelines/runtime/request.js';
import type { ShardStatus } from '../../pipelines/runtime/serve.js';
import type { Event } from '../../schemas/events.js';
import type { RiskMessage } from '../../schemas/messages.js';
import type { RiskAnswer } from '../../schemas/services.js';
import { partitionOf, serviceSubject, shardServiceSubject, streams } from '../../schemas/subjects.js';
import { aftercare } from '../support/cli.js';
import { buy, hour, judge, sendBack } from '../support/risk.js';
import { publishAll, startTestSystem, type TestSystem } from '../support/system.js';
import { tempDir } from '../support/temp.js';

const shards = 2;
const now = Date.now();
const rules = [{ name: 'dear', when: 'amount > 50000', then: 'review' }, { name: 'absurd', when: "amount > 5000000 and event = 'refund'", then: 'block' }];

interface Row { shard: number; seq: number; type: string; customer: string; order_id: string; decision: string; decided_by: string; rules_fired: string[]; top_reason: string; probability: number; log_odds: number; because: string[]; names: number; values: number; missing: number; age: number }

describe('risk', () => {
  let system: TestSystem;
  let nc: NatsConnection;
  const query = <T>(sql: string): Promise<T[]> => withClickHouse(system.endpoints, async (client) => (await client.query({ query: sql, format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } })).json<T>());
  const decided = () => query<Row>(`SELECT shard, seq, type, customer, order_id, decision, decided_by, rules_fired, top_reason, probability, log_odds, because, length(feature_names) AS names,
    length(features) AS values, arrayCount(x -> isNaN(x), features) AS missing, features[indexOf(feature_names, 'amount_log')] AS age FROM risk_decisions ORDER BY at, order_id`);
  const until = async (enough: () => Promise<boolean>): Promise<void> => {
    for (const endMs = performance.now() + 30_000; performance.now() < endMs && !(await enough());) await delay(50);
  };
  const send = (...events: Event[]): Promise<number> => publishAll(nc, shards, events);
  const alerts = async (): Promise<{ subject: string; message: RiskMessage }[]> => {
    const log = jetstreamLog(nc, streams.decisions);
    const last = await log.lastSeq();
    const cursor = await log.open(1);
    const found: { subject: string; message: RiskMessage }[] = [];
    for (let seq = 0; seq < last;) {
      for (const { subject, seq: at, body } of await cursor.take(1000, 1000)) {
        found.push({ subject, message: JSON.parse(Buffer.from(body).toString()) as RiskMessage });
        seq = at;
      }
    }
    await cursor.close();
    return found;
  };
  const ask = (body: object): Promise<RiskAnswer> => requestService(nc, serviceSubject('risk'), body);
  const hashes = (): Promise<{ hash: string }[]> => Promise.all([0, 1].map((shard) => requestService<{ hash: string }>(nc, shardServiceSubject(shard, 'hash'), {})));

  beforeAll(async () => {
    // As a shop has it: the rules in a file.
    const file = join(tempDir(), 'rules.json');
    writeFileSync(file, JSON.stringify(rules));
    system = await startTestSystem({ AFTERCARE_SHARDS: String(shards), AFTERCARE_SINK_LINGER_MS: '20', AFTERCARE_RISK_RULES: file });
    nc = await connectNats(system.endpoints.nats, 'test');
    await send(
      buy('c1', now - 5 * hour, { order: 'a' }), buy('c2', now - 4 * hour, { order: 'b', amountMinor: 60_000 }),
      sendBack('c3', now - 3 * hour, 'c', { amountMinor: 6_000_000 }), judge('c1', now - 2 * hour, 'a', 'genuine'), judge('c9', now - hour, 'z', 'chargeback'),
    );
    return async () => { await nc.close(); };
  }, 120_000);

  it('every purchase and refund is a row, with its reasons and what it was made from', async () => {
    await until(async () => (await decided()).length >= 3);
    const rows = await decided();
    expect(rows).toMatchObject([
      { customer: 'c1', type: 'purchase', order_id: 'a', decision: 'allow', decided_by: 'costs', rules_fired: [], shard: partitionOf('c1', shards) },
      { customer: 'c2', type: 'purchase', order_id: 'b', decision: 'review', decided_by: 'rule', rules_fired: ['dear'], top_reason: 'rule:dear' },
      { customer: 'c3', type: 'refund', order_id: 'c', decision: 'block', decided_by: 'rule', rules_fired: ['dear', 'absurd'], top_reason: 'rule:absurd' },
    ]);
    for (const row of rows) {
      expect([row.names, row.values]).toEqual([riskFeatures.length, riskFeatures.length]);
      expect(row.missing).toBeGreaterThan(0);
      expect(1 / (1 + Math.exp(-row.log_odds))).toBeCloseTo(row.probability, 9);
    }
    expect(rows[1].age).toBeCloseTo(Math.log1p(60_000), 5); // 24 bits
  });

  it('what is not allowed is an alert, once, after its row', async () => {
    await until(async () => (await alerts()).length >= 2);
    const [rows, sent] = [await decided(), await alerts()];
    expect(sent.map(({ subject }) => subject).sort()).toEqual(['alerts.risk.block', 'alerts.risk.review']);
    for (const { message } of sent) expect(rows.find((row) => row.order_id === message.order)).toMatchObject({ customer: message.customer, seq: message.seq, decision: message.level, because: message.because });
  });

  it('verdicts are rows with what became of them', async () => {
    await until(async () => (await query('SELECT 1 FROM risk_labels')).length >= 2);
    expect(await query('SELECT customer, order_id, verdict, outcome, decisions, decision, model FROM risk_labels ORDER BY at')).toEqual([
      { customer: 'c1', order_id: 'a', verdict: 'genuine', outcome: 'learned', decisions: 1, decision: 'allow', model: 'risk-online-1' },
      { customer: 'c9', order_id: 'z', verdict: 'chargeback', outcome: 'unknown', decisions: 0, decision: '', model: '' },
    ]);
  });

  it('a question is answered by the customer\'s shard, whichever process is asked, and leaves no trace', async () => {
    const before = await hashes();
    for (const customer of ['c1', 'c2', 'nobody', 'noone']) {
      const answer = await ask({ type: 'purchase', customer, amountMinor: 60_000, currency: 'EUR', device: 'd-new', lines: [{ item: 'kettle', quantity: 1, unitMinor: 60_000 }] });
      expect(answer).toMatchObject({ customer, decision: 'review', decidedBy: 'rule', rules: ['dear'], shard: partitionOf(customer, shards), model: 'risk-online-1' });
      expect(answer.because[0]).toMatch(/^review: fraud with a probability of /);
    }
    expect(await ask({ type: 'refund', customer: 'c1', amountMinor: 100, currency: 'EUR', order: 'a', atMs: now - hour })).toMatchObject({ decision: 'allow', rules: [] });
    expect(await hashes()).toEqual(before);
    await delay(300);
    expect(await decided()).toHaveLength(3);
  });

  it.each([
    [{ customer: 'c1', amountMinor: 1, currency: 'EUR' }, 'missing field "type"'],
    [{ type: 'click', customer: 'c1', amountMinor: 1, currency: 'EUR' }, 'type must be one of purchase, refund, got "click"'],
    [{ type: 'purchase', customer: 'c1', amountMinor: -1, currency: 'EUR' }, 'amountMinor must be >= 0, got -1'],
    [{ type: 'purchase', customer: 'c1', amountMinor: 1e13, currency: 'EUR' }, 'amountMinor must be <= 1000000000000'],
    [{ type: 'purchase', customer: 'c1', amountMinor: 1.5, currency: 'EUR' }, 'amountMinor must be integer, got 1.5'],
    [{ type: 'purchase', customer: 'c1', amountMinor: null, currency: 'EUR' }, 'amountMinor must be integer, got null'],
    [{ type: 'purchase', customer: 'c1', amountMinor: 1, currency: 'euro' }, 'currency must match pattern'],
    [{ type: 'purchase', customer: 'c.1', amountMinor: 1, currency: 'EUR' }, 'customer must match pattern'],
    [{ type: 'refund', customer: 'c1', amountMinor: 1, currency: 'EUR', card: 'k' }, 'unknown field "card"'],
    [{ type: 'purchase', customer: 'c1', amountMinor: 1, currency: 'EUR', atMs: 5 }, 'atMs must be >= 631152000000, got 5'],
  ])('a bad request is refused by the field that is wrong: %j', async (body, message) => {
    const before = await hashes();
    await expect(ask(body)).rejects.toThrow(message);
    expect(await hashes()).toEqual(before);
  });

  it('as a command it prints the sentences and the reasons, and the object with --json', async () => {
    const run = (...args: string[]) => aftercare(['risk', ...args], { env: endpointVariables(system.endpoints) });
    const args = ['c2', '--amount-minor', '60000', '--currency', 'EUR'];
    const shown = await run(...args);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    expect(shown.stdout).toMatch(/^review: fraud with a probability of .*\nrule dear: amount > 50000\n/);
    expect(JSON.parse((await run(...args, '--json')).stdout)).toMatchObject({ customer: 'c2', decision: 'review', rules: ['dear'] });
    expect((await run('c2', '--refund', '--amount-minor', '6000000', '--currency', 'EUR', '--json')).stdout).toContain('"decision":"block"');
    expect((await run('c2', '--refund', '--card', 'k', ...args.slice(1))).stderr).toContain('unknown field "card"');
  });

  it('a shard tells what it holds of risk', async () => {
    const stats = await Promise.all([0, 1].map(async (shard) => (await requestService<ShardStatus>(nc, shardServiceSubject(shard, 'status'), {})).risk));
    expect(stats.reduce((sum, { decisions }) => sum + decisions, 0)).toBe(3);
    expect(stats.reduce((sum, { waiting }) => sum + waiting, 0)).toBe(2);
  });
});
