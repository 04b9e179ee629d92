/** The sink against in-memory ports: each row once, whatever happens between two awaits. */
import { setTimeout as delay } from 'node:timers/promises';
import { tableFromIPC } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { decisionCollector, eventCollector } from '../../pipelines/runtime/collectors.js';
import { encodeCommit } from '../../pipelines/runtime/commit.js';
import { silentLogger } from '../../pipelines/runtime/log-line.js';
import { memoryLog, memoryMessages } from '../../pipelines/runtime/memory/log.js';
import { memoryCuts, memoryKeptDecisions, memoryLeases, memoryRows } from '../../pipelines/runtime/memory/stores.js';
import type { Lease, MessageLog, RowStore } from '../../pipelines/runtime/ports.js';
import { runSink, type SinkParts } from '../../pipelines/runtime/sink.js';
import { AftercareError } from '../../schemas/errors.js';
import { bytes, click, purchase } from '../support/events.js';
import { mortal } from '../support/mortal.js';

async function world() {
  return {
    log: memoryLog(), cuts: memoryCuts(), rows: memoryRows(), messages: memoryMessages(), kept: memoryKeptDecisions([]),
    lease: (await memoryLeases(60_000).acquire('sink', 'test')) as Lease,
  };
}
type World = Awaited<ReturnType<typeof world>>;

const parts = (w: World, more: Partial<SinkParts> = {}): SinkParts => ({
  name: 'EVENTS', ...w, collector: eventCollector(1), settings: { rowsMax: 7, bytesMax: 1e6, lingerMs: 2 }, logger: silentLogger, ...more,
});

function publish({ log }: World, count: number): void {
  for (let i = 0; i < count; i++) {
    if (i % 6 === 5) log.append('ev.0.click', Buffer.from(`bad ${i}`), 1_700_000_000_000);
    else if (i % 4 === 3) log.append('ev.0.batch', bytes(click(`e${i}a`), purchase(`e${i}b`)), 1_700_000_000_000);
    else log.append('ev.0.click', bytes(click(`e${i}`)), 1_700_000_000_000);
  }
}

async function runTo(sink: SinkParts, seq: number): Promise<void> {
  const stop = new AbortController();
  const found = await sink.cuts.read(sink.name);
  if ((found?.record.done ?? 0) >= seq) return;
  const onStored = (stored: number): void => { if (stored >= seq) stop.abort(); };
  await runSink({ ...sink, onStored }, stop.signal);
}

/** Values of one column over all inserts of a table. */
const stored = (w: World, table: string, column: string): unknown[] =>
  (w.rows.stored.get(table) ?? []).flatMap((arrow) => [...(tableFromIPC(arrow).getChild(column) ?? [])] as unknown[]);

function checkRows(w: World, count: number): void {
  const ids = stored(w, 'events', 'id');
  const wanted = Array.from({ length: count }, (_, i) => i).flatMap((i) => (i % 6 === 5 ? [] : i % 4 === 3 ? [`e${i}a`, `e${i}b`] : [`e${i}`]));
  expect(ids).toEqual(wanted);
  const bad = Array.from({ length: count }, (_, i) => i).filter((i) => i % 6 === 5);
  expect(stored(w, 'rejects', 'body').map((body) => Buffer.from(body as Uint8Array).toString())).toEqual(bad.map((i) => `bad ${i}`));
  expect(w.messages.sent.map((m) => [m.subject, m.headers['Aftercare-Seq']])).toEqual(bad.map((i) => ['dlq.not_json', String(i + 1)]));
}

describe('the sink', () => {
  it('writes every event, every reject and its dead letter once, in order', async () => {
    const w = await world();
    publish(w, 50);
    await runTo(parts(w), 50);
    checkRows(w, 50);
    const positions = stored(w, 'events', 'seq').map(Number);
    expect(new Set(positions).size).toBe(positions.length);
    expect((await w.cuts.read('EVENTS'))?.record).toEqual({ done: 50 });
  });

  it('writes what Arrow says: text, numbers beyond 32 bits, lists, negative and missing values', async () => {
    const w = await world();
    const line = { item: 'Teekanne für 2 ☕', quantity: 3, unitMinor: 5_000_000_000 };
    w.log.append('ev.0.purchase', bytes(purchase('p1', 'c9', { lines: [line, { ...line, item: '茶壶' }], amountMinor: 30_000_000_000, atMs: 1_600_000_000_123 })), 1_700_000_000_456);
    w.log.append('ev.0.click', bytes(click('k1')), 1_700_000_000_457);
    await runTo(parts(w), 2);
    const row = (tableFromIPC((w.rows.stored.get('events') ?? [])[0]).get(0) as { toJSON(): Record<string, unknown> }).toJSON();
    expect(row).toMatchObject({ shard: 0, seq: 1024n, type: 'purchase', customer: 'c9', amount_minor: 30_000_000_000n, session: '' });
    expect(Number(row.at)).toBe(1_600_000_000_123);
    expect(Number(row.received_at)).toBe(1_700_000_000_456);
    expect([...(row.line_items as Iterable<string>)]).toEqual(['Teekanne für 2 ☕', '茶壶']);
    expect([...(row.line_units_minor as Iterable<bigint>)]).toEqual([5_000_000_000n, 5_000_000_000n]);
    expect(stored(w, 'events', 'line_quantities').map((list) => [...(list as Iterable<number>)])).toEqual([[3, 3], []]);
  });

  it('keeps trying while ClickHouse is away, and loses nothing', async () => {
    const w = await world();
    publish(w, 20);
    let calls = 0;
    const rows: RowStore = {
      async insert(...args) {
        calls += 1;
        if (calls % 2 === 1) throw new AftercareError('unavailable', 'connection refused');
        return w.rows.insert(...args);
      },
    };
    await runTo(parts(w, { rows }), 20);
    checkRows(w, 20);
  });

  it('killed at each await in turn: each row once, and a repeated cut has the same bytes', async () => {
    const count = 40;
    let kills = 0;
    for (let killAt = 1; ; killAt++) {
      const w = await world();
      publish(w, count);
      const seen = new Map<string, Uint8Array>();
      const rows: RowStore = {
        insert(table, columns, arrow, token) {
          const before = seen.get(token);
          if (before !== undefined) expect(Buffer.compare(before, arrow), `token ${token}`).toBe(0);
          seen.set(token, arrow.slice());
          return w.rows.insert(table, columns, arrow, token);
        },
      };
      const killed = await runUntilKilled({ ...w, rows: Object.assign(rows, { stored: w.rows.stored }) }, killAt, count);
      kills += killed ? 1 : 0;
      // The next process cuts differently: the recorded cut must be repeated as it was.
      await runTo(parts({ ...w, rows: Object.assign(rows, { stored: w.rows.stored }) }, { settings: { rowsMax: 11, bytesMax: 1e6, lingerMs: 1 } }), count);
      checkRows(w, count);
      if (!killed) break;
    }
    expect(kills).toBeGreaterThan(15);
  });

  it('waits for the whole of a recorded cut, however slowly it comes', async () => {
    const w = await world();
    publish(w, 30);
    await w.cuts.write('EVENTS', { done: 0, cut: { from: 1, to: 20 } }, 0);
    // A server that is away now and then: the reader gets nothing, although there is more.
    const log: MessageLog = {
      lastSeq: () => w.log.lastSeq(),
      async open(fromSeq) {
        const cursor = await w.log.open(fromSeq);
        let calls = 0;
        return { close: () => cursor.close(), take: (max, waitMs) => (calls++ % 2 === 0 ? Promise.resolve([]) : cursor.take(Math.min(max, 3), waitMs)) };
      },
    };
    await runTo(parts(w, { log }), 30);
    checkRows(w, 30);
  });

  it('a second sink is refused by the cut', async () => {
    const w = await world();
    publish(w, 10);
    const stop = new AbortController();
    const first = runSink(parts(w, { settings: { rowsMax: 3, bytesMax: 1e6, lingerMs: 1 } }), stop.signal);
    await delay(30);
    await w.cuts.write('EVENTS', { done: 10 }, (await w.cuts.read('EVENTS'))?.revision ?? 0);
    publish(w, 10);
    await expect(first).rejects.toMatchObject({ code: 'fenced' });
    stop.abort();
  });

  it('makes a row of each recommended item', async () => {
    const w = await world();
    const items = [{ item: 'a', score: 0.5, channel: 'item-item', because: ['x', 'y'] }, { item: 'b', score: 0.25, channel: 'popular', because: [] }];
    const value = { customer: 'c1', atMs: 1_700_000_000_000, seq: 9, model: 'cosine-1', items };
    w.log.append('out.0', encodeCommit({ v: 1, shard: 0, epoch: 1, from: 10, to: 9, events: 0, atMs: 0, decisions: [{ table: 'recommendations', value }] }), 0);
    await runTo(parts(w, { name: 'OUT', collector: decisionCollector() }), 1);
    expect(stored(w, 'recommendations', 'item')).toEqual(['a', 'b']);
    expect(stored(w, 'recommendations', 'rank')).toEqual([1, 2]);
    expect(stored(w, 'recommendations', 'because').map((list) => [...(list as Iterable<string>)])).toEqual([['x', 'y'], []]);
  });

  it('brings back the decision of a late verdict, behind its rows and once, however often the cut is repeated', async () => {
    const w = await world();
    const names = ['amount_log', 'orders'];
    const kept = memoryKeptDecisions([{ seq: 5120, atMs: 1_600_000_000_000, kind: 'purchase', customer: 'c1', order: 'o1', decision: 'allow', probability: 0.2, model: 'risk-online-1', featureNames: names, features: [2.5, null] }]);
    const label = { seq: 9216, atMs: 1_700_000_000_000, customer: 'c1', kind: 'purchase', order: 'o1', verdict: 'chargeback', outcome: 'unknown', decisions: 0 };
    const decisions = [{ table: 'risk_labels' as const, value: { ...label, dropped: true } }, { table: 'risk_labels' as const, value: { ...label, seq: 9217, order: 'never' } }];
    w.log.append('out.0', encodeCommit({ v: 1, shard: 0, epoch: 1, from: 10, to: 9, events: 0, atMs: 0, decisions }), 0);
    const asked: number[] = [];
    const find: typeof kept.find = (late) => {
      asked.push(late.length, stored(w, 'risk_labels', 'seq').length);
      return asked.length <= 2 ? Promise.reject(new AftercareError('unavailable', 'away')) : kept.find(late);
    };
    await runTo(parts(w, { name: 'OUT', collector: decisionCollector(), kept: { find } }), 1);
    expect(asked).toEqual([1, 2, 1, 2]); // what cannot be answered is asked again
    await w.cuts.write('OUT', { done: 0, cut: { from: 1, to: 1 } }, (await w.cuts.read('OUT'))?.revision ?? 0);
    await runTo(parts(w, { name: 'OUT', collector: decisionCollector(), kept }), 1);
    expect(w.messages.sent.map(({ subject, id }) => [subject, id])).toEqual([['events.control.c1', 'recall-9216-5120-0']]);
    expect(JSON.parse(Buffer.from(w.messages.sent[0].body).toString())).toMatchObject({ command: 'recall', decided: { names: names.join(), decision: 'allow' } });
  });

  it('stops at a decision that it does not know, instead of dropping it', async () => {
    const w = await world();
    const decisions = [{ table: 'from_the_future' as 'recommendations', value: {} }];
    w.log.append('out.0', encodeCommit({ v: 1, shard: 0, epoch: 1, from: 10, to: 9, events: 0, atMs: 0, decisions }), 0);
    await expect(runTo(parts(w, { name: 'OUT', collector: decisionCollector() }), 1)).rejects.toMatchObject({ code: 'order_broken', message: expect.stringMatching(/from_the_future.*run the newer program/) as string });
  });
});

async function runUntilKilled(w: World, killAt: number, count: number): Promise<boolean> {
  const { wrap, orDone } = mortal(killAt);
  const mortalPorts = {
    rows: { insert: wrap(w.rows.insert) },
    cuts: { read: wrap(w.cuts.read), write: wrap(w.cuts.write) },
    messages: { publish: wrap(w.messages.publish) },
  };
  return orDone(runTo(parts(w, mortalPorts), count));
}
