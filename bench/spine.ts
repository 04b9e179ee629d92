/**
 * The spine: from the first publish to the last row in ClickHouse, and from a publish to its commit. Everything runs on
 * this machine: the producer (this process), nats-server, the shard, the sink and ClickHouse.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { NatsConnection } from '@nats-io/transport-node';
import { storedUpTo } from '../cli/caught-up.js';
import { withClickHouse, withNats, type Context } from '../cli/context.js';
import { startSystem, type System } from '../cli/system.js';
import { datasets } from '../datasets/dataset.js';
import { decodeCommit } from '../pipelines/runtime/commit.js';
import { jetstreamLog } from '../pipelines/runtime/jetstream/log.js';
import { createPublisher } from '../pipelines/runtime/jetstream/publisher.js';
import { requestService } from '../pipelines/runtime/request.js';
import type { ShardStatus } from '../pipelines/runtime/serve.js';
import { readConfig } from '../schemas/config.js';
import { decode } from '../schemas/decode.js';
import { batchType, eventSubject, outSubject, shardServiceSubject, streams, type SubjectType } from '../schemas/subjects.js';
import { foldRows } from './fold.js';
import type { SuiteOptions } from './main.js';
import { quantile, row, type Row } from './report.js';

const retailFile = join('..', 'shared', 'data', 'online-retail', 'online_retail.csv.gz');

export async function spine({ only, say }: SuiteOptions): Promise<Row[]> {
  const wanted = (part: string): boolean => only.length === 0 || only.includes(part);
  const rows: Row[] = [];
  if (wanted('retail')) rows.push(...stepRows('retail', 'retail', say));
  if (wanted('zipf')) rows.push(...stepRows('zipf', 'simulator', say), ...stepRows('uniform_zipf', 'zipf', say));
  if (wanted('fold')) rows.push(...(await foldRows(say)));
  if (wanted('single') || wanted('envelope')) {
    if (!existsSync(retailFile)) say(`spine.single and spine.envelope are skipped: ${retailFile} is not here`);
    else {
      const events = await retailEvents(say);
      if (wanted('single')) rows.push(...(await throughput('single', singles(events), events.length, say)));
      if (wanted('envelope')) rows.push(...(await throughput('envelope', envelopes(events, 100), events.length, say)));
    }
  }
  if (wanted('latency')) rows.push(...(await latencies(say)));
  return rows;
}

interface Message {
  subject: string;
  body: Uint8Array;
  id: string;
}
interface Encoded {
  type: SubjectType;
  customer: string;
  id: string;
  json: string;
}

async function retailEvents(say: SuiteOptions['say']): Promise<Encoded[]> {
  say('reading online-retail');
  const events: Encoded[] = [];
  for await (const batch of datasets['online-retail'].read(retailFile)) {
    for (const { event } of batch) {
      if (event === undefined) continue;
      const { type, customer, id } = event as Encoded;
      events.push({ type, customer, id, json: JSON.stringify(event) });
    }
  }
  return events;
}

const singles = (events: readonly Encoded[]): Message[] => events.map(({ type, customer, id, json }) => ({ subject: eventSubject(type, customer), body: Buffer.from(json), id }));

function envelopes(events: readonly Encoded[], size: number): Message[] {
  const messages: Message[] = [];
  for (let i = 0; i < events.length; i += size) {
    const lines = events.slice(i, i + size);
    messages.push({ subject: eventSubject(batchType, lines[0].customer), body: Buffer.from(lines.map((line) => line.json).join('\n')), id: lines[0].id });
  }
  return messages;
}

/** A system of its own on a folder of its own, gone afterwards. */
async function withSystem<T>(work: (context: Context, system: System) => Promise<T>): Promise<T> {
  const dataDir = mkdtempSync(join(tmpdir(), 'aftercare-bench-'));
  const context: Context = { dataDir, config: readConfig({}) };
  const system = await startSystem(context, { onProgress: () => undefined, servers: ['nats', 'clickhouse'], worker: false });
  try {
    return await work(context, system);
  } finally {
    await system.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function throughput(name: string, messages: readonly Message[], events: number, say: SuiteOptions['say']): Promise<Row[]> {
  say(`${name}: ${messages.length} messages`);
  return withSystem((_context, system) => withNats(system.endpoints, 'bench', async (nc) => {
    const publisher = createPublisher(nc);
    const startMs = performance.now();
    for (const { subject, body, id } of messages) await publisher.publish(subject, body, id);
    const { lastSeq } = await publisher.flush();
    const publishedMs = performance.now() - startMs;
    publisher.close();
    await foldedUpTo(nc, lastSeq);
    const foldedMs = performance.now() - startMs;
    await storedUpTo(nc, lastSeq);
    const seconds = (performance.now() - startMs) / 1000;
    await checkStored(system, events);
    const ceiling = await decodeOnly(nc, events);
    say(`${name}: published after ${(publishedMs / 1000).toFixed(1)} s, folded after ${(foldedMs / 1000).toFixed(1)} s, stored after ${seconds.toFixed(1)} s`);
    const memory = await memoryRows(nc, system, name);
    return [row(`spine.${name}.events_per_s`, events / seconds, 'events/s', ceiling, 'an ordered consumer that only decodes'), ...memory];
  }));
}

async function foldedUpTo(nc: NatsConnection, seq: number): Promise<void> {
  for (;;) {
    const status = await requestService<ShardStatus>(nc, shardServiceSubject(0, 'status'), {}, 10_000);
    if (status.committedTo >= seq) return;
    await delay(10);
  }
}

/** Asserted before it is reported: every event is a row or a reject, once. */
async function checkStored(system: System, events: number): Promise<void> {
  await withClickHouse(system.endpoints, async (client) => {
    const result = await client.query({
      query: 'SELECT (SELECT count() FROM events) + (SELECT count() FROM rejects) AS rows, (SELECT uniqExact(shard, seq) FROM events) + (SELECT count() FROM rejects) AS places',
      format: 'JSONEachRow',
      clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
    });
    const [{ rows, places }] = await result.json<{ rows: number; places: number }>();
    if (rows !== events || places !== events) throw new Error(`${events} events were published, and ClickHouse holds ${rows} rows at ${places} places`);
  });
}

/** The ceiling: what reading in order and decoding alone can do here, now. */
async function decodeOnly(nc: NatsConnection, events: number): Promise<number> {
  const startMs = performance.now();
  const cursor = await jetstreamLog(nc, streams.events).open(1);
  let seen = 0;
  const target = { event: () => { seen += 1; }, reject: () => { seen += 1; } };
  while (seen < events) for (const message of await cursor.take(1000, 1000)) decode(message, 1, target);
  await cursor.close();
  return events / ((performance.now() - startMs) / 1000);
}

async function memoryRows(nc: NatsConnection, system: System, name: string): Promise<Row[]> {
  const shard = await requestService<ShardStatus>(nc, shardServiceSubject(0, 'status'), {});
  const rows = system.processes().map(({ name: part, pid }) => row(part === 'shard 0' ? `spine.${name === 'single' ? 'shard' : `shard_${name}`}.rss_mib` : `spine.${name}.${part}.rss_mib`, peakMiB(pid), 'MiB'));
  return [...rows, ...(name === 'single' ? [row('spine.pair.bytes', shard.model.pairBytes, 'bytes/pair')] : [])];
}

/** The most that a process ever held, where the system tells (Linux). */
function peakMiB(pid: number): number {
  try {
    const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return match === null ? Number.NaN : Number(match[1]) / 1024;
  } catch {
    return Number.NaN;
  }
}

/** In a process of its own: memory and optimisations of another part must not show. */
function stepRows(name: string, stream: string, say: SuiteOptions['say']): Row[] {
  say(`step alone: ${stream}`);
  const program = fileURLToPath(new URL('./step.js', import.meta.url));
  const output = execFileSync(process.execPath, [program, stream, '--json'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 2 ** 24 });
  const result = JSON.parse(output) as { eventsPerS: number; pairBytes: number; pauseMsMax: number; rssMiB: number; naiveEventsPerS: number; ratio: number } | { skipped: string };
  if ('skipped' in result) {
    say(`spine.step_${name} is skipped: ${result.skipped}`);
    return [];
  }
  return [
    // The naive twin would not end on the whole stream: its rate is that of a prefix, and so is the ratio.
    { ...row(`spine.step_${name}.events_per_s`, result.eventsPerS, 'events/s', result.naiveEventsPerS, 'the naive twin, ratio on the same prefix'), ratio: Number(result.ratio.toPrecision(4)) },
    row(`spine.step_${name}.pause_ms_max`, result.pauseMsMax, 'ms'),
    row(`spine.step_${name}.pair_bytes`, result.pairBytes, 'bytes/pair'),
    row(`spine.step_${name}.rss_mib`, result.rssMiB, 'MiB'),
  ];
}

const latencySeconds = 15;
const warmUpSeconds = 3;

function latencies(say: SuiteOptions['say']): Promise<Row[]> {
  return withSystem((_context, system) => withNats(system.endpoints, 'bench', async (nc) => {
    const rows: Row[] = [];
    for (const [name, rate] of [['1k', 1000], ['5k', 5000]] as const) {
      say(`latency at ${rate} events/s`);
      const { commit, ack } = await latencyAt(nc, rate);
      for (const [label, q] of [['p50', 0.5], ['p99', 0.99]] as const) {
        rows.push(row(`spine.latency_${name}.${label}_ms`, quantile(commit, q), 'ms', quantile(ack, q), 'publish to acknowledgement'));
      }
    }
    return rows;
  }));
}

/** Publishes at a steady rate. @returns sorted milliseconds from a publish to its commit, and to its acknowledgement */
async function latencyAt(nc: NatsConnection, rate: number): Promise<{ commit: Float64Array; ack: Float64Array }> {
  const count = rate * (latencySeconds + warmUpSeconds);
  const warmUp = rate * warmUpSeconds;
  const base = await jetstreamLog(nc, streams.events).lastSeq();
  const sent = new Float64Array(count);
  const commit = new Float64Array(count);
  const ack = new Float64Array(count);
  let committed = 0;
  const commits = nc.subscribe(outSubject(0), {
    callback: (_error, message) => {
      const now = performance.now();
      const to = Math.min(count, decodeCommit(message.data).to - base);
      for (; committed < to; committed++) commit[committed] = now - sent[committed];
    },
  });
  const inbox = `bench.ack.${rate}`;
  let acknowledged = 0;
  const acks = nc.subscribe(inbox, { callback: () => { ack[acknowledged] = performance.now() - sent[acknowledged]; acknowledged += 1; } });
  const startMs = performance.now();
  for (let n = 0; n < count;) {
    const due = Math.min(count, Math.floor(((performance.now() - startMs) / 1000) * rate));
    for (; n < due; n++) {
      const event = { v: 1, type: 'click', id: `l${rate}-${n}`, customer: `c${n % 500}`, atMs: 1_764_000_000_000 + n, action: 'view', item: `item-${(n * 7919) % 1000}` };
      sent[n] = performance.now();
      nc.publish(eventSubject('click', event.customer), JSON.stringify(event), { reply: inbox });
    }
    await delay(1);
  }
  for (const endMs = performance.now() + 10_000; committed < count && performance.now() < endMs;) await delay(10);
  commits.unsubscribe();
  acks.unsubscribe();
  if (committed < count || acknowledged < count) throw new Error(`${count} events were published, ${acknowledged} acknowledged and ${committed} committed`);
  return { commit: commit.slice(warmUp).sort(), ack: ack.slice(warmUp).sort() };
}
