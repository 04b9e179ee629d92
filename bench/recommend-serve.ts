/**
 * Answers through NATS while events are folded: nats-server, ClickHouse, a shard and the sink as processes, this process
 * as the shop. A recommendation is committed before it is answered; `similar` is not, and takes the same way: it is the
 * baseline, asked at the same rate beside the same events.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createInbox, type NatsConnection } from '@nats-io/transport-node';
import { withNats, type Context } from '../cli/context.js';
import { startSystem } from '../cli/system.js';
import { createPublisher } from '../pipelines/runtime/jetstream/publisher.js';
import { requestService } from '../pipelines/runtime/request.js';
import type { ShardStatus } from '../pipelines/runtime/serve.js';
import { readConfig } from '../schemas/config.js';
import type { Event } from '../schemas/events.js';
import type { RecommendAnswer } from '../schemas/services.js';
import { eventSubject, serviceSubject, shardServiceSubject } from '../schemas/subjects.js';
import { createSimulator } from '../simulator/simulator.js';
import type { SuiteOptions } from './main.js';
import { quantile, row, type Row } from './report.js';

const [eventsPerS, requestsPerS] = [2000, 1000];
const [warmUpSeconds, seconds] = [5, 15];
const shop = { seed: 7, customers: 5000, items: 5000, startMs: Date.UTC(2026, 0, 1), hours: 240 };
const preloaded = 200_000;
const played = 2 * eventsPerS * (warmUpSeconds + seconds);

export async function serveRows(say: SuiteOptions['say']): Promise<Row[]> {
  const events = simulated(preloaded + played);
  const dataDir = mkdtempSync(join(tmpdir(), 'aftercare-bench-'));
  const context: Context = { dataDir, config: readConfig({}) };
  const system = await startSystem(context, { onProgress: () => undefined, servers: ['nats', 'clickhouse'], worker: false });
  try {
    return await withNats(system.endpoints, 'bench', async (nc) => {
      say(`serve: ${preloaded} events of the simulator first`);
      const last = await preload(nc, events.slice(0, preloaded));
      const { model } = await foldedUpTo(nc, last);
      say(`serve: ${model.customers} customers, ${model.items} items, ${model.pairs} pairs; ${requestsPerS} requests/s for ${seconds} s while ${eventsPerS} events/s are folded`);
      const known = events.slice(0, preloaded);
      const customers = [...new Set(known.map(({ customer }) => customer))];
      const items = [...new Set(known.flatMap((event) => (event.type === 'click' ? [event.item] : [])))];
      const half = preloaded + played / 2;
      const similar = await load(nc, events.slice(preloaded, half), serviceSubject('similar'), (n) => ({ item: items[(n * 7919) % items.length], k: 10 }));
      const recommend = await load(nc, events.slice(half), serviceSubject('recommend'), (n) => ({ customer: customers[(n * 7919) % customers.length], k: 10 }));
      for (const [name, { took, lateMsMax, foldedBehind }] of Object.entries({ similar, recommend })) {
        say(`serve ${name}: p50 ${quantile(took, 0.5).toFixed(2)} ms, p90 ${quantile(took, 0.9).toFixed(2)}, p99 ${quantile(took, 0.99).toFixed(2)}, p99.9 ${quantile(took, 0.999).toFixed(2)}; sent at most ${lateMsMax.toFixed(0)} ms late, ${foldedBehind} events behind at the end`);
      }
      return [['p50', 0.5], ['p99', 0.99]].map(([label, q]) =>
        row(`recommend.serve.${label}_ms`, quantile(recommend.took, Number(q)), 'ms', quantile(similar.took, Number(q)), 'similar, which is not committed'));
    });
  } finally {
    await system.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function simulated(count: number): Event[] {
  const events: Event[] = [];
  for (const event of createSimulator({ ...shop, events: count * 1.2 }).events()) {
    events.push(event);
    if (events.length === count) return events;
  }
  throw new Error(`bench: the simulator made ${events.length} events, not ${count}`);
}

async function preload(nc: NatsConnection, events: Event[]): Promise<number> {
  const publisher = createPublisher(nc);
  for (const event of events) await publisher.publish(eventSubject(event.type, event.customer), Buffer.from(JSON.stringify(event)), event.id);
  const { lastSeq } = await publisher.flush();
  publisher.close();
  return lastSeq;
}

async function foldedUpTo(nc: NatsConnection, seq: number): Promise<ShardStatus> {
  for (;;) {
    const status = await requestService<ShardStatus>(nc, shardServiceSubject(0, 'status'), {}, 10_000);
    if (status.committedTo >= seq) return status;
    await delay(20);
  }
}

interface Served {
  /** ms from a request's sending to its answer, ascending, without the warm-up */
  took: Float64Array;
  /** how far the sending fell behind its own plan: the bench shares the cores */
  lateMsMax: number;
  foldedBehind: number;
}

/** Sends requests and events by the clock, whether answers come or not. */
async function load(nc: NatsConnection, events: Event[], subject: string, requestOf: (n: number) => object): Promise<Served> {
  const count = requestsPerS * (warmUpSeconds + seconds);
  const warmUp = requestsPerS * warmUpSeconds;
  const [sent, took] = [new Float64Array(count), new Float64Array(count)];
  const inbox = createInbox();
  let [answered, items] = [0, 0];
  let failure: string | undefined;
  const answers = nc.subscribe(`${inbox}.*`, {
    callback: (_error, message) => {
      const n = Number(message.subject.slice(inbox.length + 1));
      took[n] = performance.now() - sent[n];
      answered += 1;
      const failed = message.headers?.get('Nats-Service-Error') ?? (message.data.length === 0 ? `an empty answer, status ${message.headers?.code ?? 'none'}` : '');
      if (failed !== '') failure ??= failed;
      else if (n % 100 === 0) items += message.json<RecommendAnswer>().items.length;
    },
  });
  const before = await requestService<ShardStatus>(nc, shardServiceSubject(0, 'status'), {});
  let [asked, published, lateMsMax] = [0, 0, 0];
  for (const startMs = performance.now(); asked < count;) {
    const elapsed = (performance.now() - startMs) / 1000;
    const due = Math.min(count, Math.floor(elapsed * requestsPerS));
    if (asked > warmUp) lateMsMax = Math.max(lateMsMax, elapsed * 1000 - asked * (1000 / requestsPerS));
    for (const dueEvents = Math.min(events.length, Math.floor(elapsed * eventsPerS)); published < dueEvents; published += 1) {
      nc.publish(eventSubject(events[published].type, events[published].customer), JSON.stringify(events[published]));
    }
    for (; asked < due; asked += 1) {
      sent[asked] = performance.now();
      nc.publish(subject, JSON.stringify(requestOf(asked)), { reply: `${inbox}.${asked}` });
    }
    await delay(1);
  }
  const after = await requestService<ShardStatus>(nc, shardServiceSubject(0, 'status'), {}, 10_000);
  for (const endMs = performance.now() + 10_000; answered < count && performance.now() < endMs;) await delay(10);
  answers.unsubscribe();
  if (failure !== undefined) throw new Error(`bench: ${subject} failed: ${failure}`);
  if (answered < count || items === 0) throw new Error(`bench: ${count} requests to ${subject} had ${answered} answers, and one in a hundred of them ${items} items`);
  return { took: took.slice(warmUp).sort(), lateMsMax, foldedBehind: published - (after.events - before.events) };
}
