/** Late verdicts and promoted models of risk through the real servers, with kill -9 in between. */
import { setTimeout as delay } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { storedUpTo } from '../../cli/caught-up.js';
import { withClickHouse } from '../../cli/context.js';
import { saveLogistic, trainLogistic } from '../../models/linear/batch.js';
import { featuresOf } from '../../pipelines/risk/decision.js';
import { riskFeatures } from '../../pipelines/risk/features.js';
import { eventWriter } from '../../pipelines/runtime/envelopes.js';
import { jetstreamArtefacts } from '../../pipelines/runtime/jetstream/artefacts.js';
import { connectNats } from '../../pipelines/runtime/jetstream/connect.js';
import { jetstreamLog } from '../../pipelines/runtime/jetstream/log.js';
import { promote } from '../../pipelines/runtime/jetstream/promote.js';
import { createPublisher } from '../../pipelines/runtime/jetstream/publisher.js';
import { requestService } from '../../pipelines/runtime/request.js';
import type { Event } from '../../schemas/events.js';
import { shardServiceSubject, streams } from '../../schemas/subjects.js';
import { buy, hour, judge, riskShop } from '../support/risk.js';
import { startTestSystem, type PartName, type TestSystem } from '../support/system.js';

const shards = 2;
const ledger = 100;
const [orders, late] = [1000, 120];
const now = Date.now();
const victims: PartName[] = ['sink', 'sink', 'shard', 'clickhouse', 'sink', 'nats'];

describe('risk', () => {
  let system: TestSystem;
  let nc: NatsConnection;
  const query = <T>(sql: string): Promise<T[]> => withClickHouse(system.endpoints, async (client) => (await client.query({ query: sql, format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } })).json<T>());
  const hashes = async (): Promise<string[]> => (await Promise.all([0, 1].map((shard) => requestService<{ hash: string }>(nc, shardServiceSubject(shard, 'hash'), {}, 5000)))).map(({ hash }) => hash);
  const publish = async (events: Event[]): Promise<number> => {
    const publisher = createPublisher(nc);
    const writer = eventWriter(publisher, shards, 1);
    for (const event of events) await writer.write(event);
    const { lastSeq } = await publisher.flush();
    publisher.close();
    return lastSeq;
  };
  const count = async (sql: string): Promise<number> => (await query<{ n: number }>(`SELECT count() AS n FROM ${sql}`))[0].n;
  const patient = { timeout: 60_000, interval: 100 };

  beforeAll(async () => {
    system = await startTestSystem({ AFTERCARE_SHARDS: String(shards), AFTERCARE_SINK_LINGER_MS: '20', AFTERCARE_RISK_LEDGER: String(ledger) });
    nc = await connectNats(system.endpoints.nats, 'test');
    await publish(Array.from({ length: orders }, (_, n) => buy(`c${n}`, now - 5 * hour + n, { order: `o${n}`, amountMinor: 1000 + n })));
    while ((await count('risk_decisions')) < orders) await delay(50);
    return async () => { await nc.close(); };
  }, 120_000);

  it('a verdict on what the ledger has dropped is learned from ClickHouse, once, whoever is killed', async () => {
    const striking = (async () => {
      for (const victim of victims) {
        await delay(150);
        await system.killAndRestart(victim);
      }
    })();
    for (let from = 0; from < late; from += 10) {
      const labels = Array.from({ length: 10 }, (_, i) => judge(`c${from + i}`, now - hour, `o${from + i}`, i % 3 === 0 ? 'chargeback' : 'genuine'));
      // A server that is away answers nothing: the same events again, which the stream drops if it had them.
      for (;;) if (await publish(labels).then(() => true, () => false)) break;
      await delay(50);
    }
    await striking;
    await expect.poll(() => count("risk_labels WHERE outcome = 'recalled'"), patient).toBe(late);
    // Whatever else the kills have published is folded and stored before one looks.
    await storedUpTo(nc, await jetstreamLog(nc, streams.events).lastSeq());
    await delay(1000);
    const found = await query<{ order_id: string; outcome: string; n: number }>('SELECT order_id, outcome, count() AS n FROM risk_labels GROUP BY order_id, outcome ORDER BY order_id');
    const of = (outcome: string) => found.filter((row) => row.outcome === outcome);
    expect(of('unknown')).toHaveLength(late);
    expect(of('recalled').map(({ order_id, n }) => [order_id, n])).toEqual(Array.from({ length: late }, (_, n) => [`o${n}`, 1]).sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)));
    expect(found.filter(({ outcome }) => !['unknown', 'recalled'].includes(outcome))).toEqual([]);
    const [{ frauds, rows }] = await query<{ frauds: number; rows: number }>("SELECT countIf(verdict = 'chargeback') AS frauds, count() AS rows FROM risk_labels WHERE outcome = 'recalled' AND decisions = 1 AND decided_at > toDateTime64(0, 3)");
    expect([frauds, rows]).toEqual([Math.ceil(late * 0.4), late]);
  }, 240_000);

  it('a shard that folds again learns the same, though ClickHouse has lost the decisions', async () => {
    const before = await hashes();
    await withClickHouse(system.endpoints, async (client) => { await client.command({ query: 'TRUNCATE TABLE risk_decisions' }); });
    await system.killAndRestart('shard');
    await expect.poll(hashes, patient).toEqual(before);
  }, 120_000);

  it('a model that is promoted decides in every shard from there on, and a challenger scores beside it', async () => {
    const shop = riskShop();
    const y = Uint8Array.from({ length: 200 }, (_, n) => (n % 8 === 7 ? 1 : 0));
    y.forEach((fraud, n) => shop.give(buy(`c${n % 30}`, now - 300 * hour + n * hour, { amountMinor: fraud === 1 ? 50_000 + n * 100 : 1500 + (n % 7) * 300 })));
    const model = trainLogistic(Float64Array.from(shop.decisions().flatMap(featuresOf)), y, { features: riskFeatures, clip: 8, l2: 1 });
    const artefacts = jetstreamArtefacts(nc);
    const promoted = async (name: string, version: number, parts: Uint8Array[]): Promise<void> => {
      const { seqs } = await promote(nc, artefacts, shards, { ref: await artefacts.put(name, version, parts), atMs: now + version });
      await storedUpTo(nc, Math.max(...seqs));
    };
    await promoted('risk-logistic', 1, saveLogistic(model));
    await promoted('risk-logistic-shadow-8', 2, saveLogistic(model));
    // Cut short, and of another version: refused by name, and the champion stays.
    const whole = Buffer.concat(saveLogistic(model));
    await promoted('risk-logistic', 3, [whole.subarray(0, 500)]);
    const other = Buffer.from(whole);
    other.writeUInt32LE(9, 4);
    await promoted('risk-logistic', 4, [other]);
    await storedUpTo(nc, await publish(['a', 'b', 'c', 'd', 'e', 'f'].map((who) => buy(`after-${who}`, now - 1000, { order: `after-${who}` }))));
    await expect.poll(() => count("risk_decisions WHERE startsWith(order_id, 'after-')"), patient).toBe(6);
    const outcomes = await query<{ model: string; version: number; outcome: string; shards: number; said: string }>('SELECT model, version, outcome, count() AS shards, any(detail) AS said FROM promotions GROUP BY model, version, outcome ORDER BY version');
    expect(outcomes).toMatchObject([
      { model: 'risk-logistic', version: 1, outcome: 'live', shards }, { model: 'risk-logistic-shadow-8', version: 2, outcome: 'live', shards },
      { model: 'risk-logistic', version: 3, outcome: 'unreadable', shards, said: expect.stringContaining('checksum differs over 500 bytes: truncated') as unknown },
      { model: 'risk-logistic', version: 4, outcome: 'unreadable', shards, said: expect.stringContaining('version 9, this build reads 1') as unknown },
    ]);
    const rows = await query<{ shard: number; model: string; shadow: string[]; same: number }>("SELECT shard, model, shadow, abs(shadow_probabilities[2] - probability) < 1e-12 AS same FROM risk_decisions WHERE startsWith(order_id, 'after-') ORDER BY order_id");
    expect(rows).toHaveLength(6);
    expect(new Set(rows.map(({ shard }) => shard)).size).toBe(shards);
    for (const row of rows) expect(row).toMatchObject({ model: 'risk-logistic.1', shadow: ['risk-online-1', 'risk-logistic-shadow-8.2'], same: 1 });
    const before = await hashes();
    await system.killAndRestart('shard');
    await expect.poll(hashes, patient).toEqual(before);
  }, 120_000);
});
