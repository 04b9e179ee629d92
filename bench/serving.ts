/**
 * What the benchmarks of services share: a system of real servers and processes, a simulated shop that has been folded, and
 * requests by the clock while more events come in.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createInbox, type NatsConnection } from '@nats-io/transport-node';
import { collectSeldom } from '../cli/collector.js';
import { withNats, type Context } from '../cli/context.js';
import { startSystem } from '../cli/system.js';
import { createPublisher } from '../pipelines/runtime/jetstream/publisher.js';
import { requestService } from '../pipelines/runtime/request.js';
import type { ShardStatus } from '../pipelines/runtime/serve.js';
import { readConfig } from '../schemas/config.js';
import type { Event, Purchase, Ticket } from '../schemas/events.js';
import { eventSubject, serviceSubject, shardServiceSubject } from '../schemas/subjects.js';
import { createSimulator } from '../simulator/simulator.js';
import type { SuiteOptions } from './main.js';
import { quantile, row, type Row } from './report.js';

const [eventsPerS, requestsPerS] = [2000, 1000];
/**
 * A minute, as short ones hide what happens once in a while. A snapshot is taken every five. V8 compiles what it is asked for the first
 * time in some twelve seconds, in which the p99 is half as high again.
 */
const [warmUpSeconds, seconds] = [15, 60];
const month = { seed: 7, customers: 5000, items: 5000, startMs: Date.UTC(2026, 0, 1), hours: 240 };
const preloaded = 200_000;
/** Of one load. */
const playedAtOnce = eventsPerS * (warmUpSeconds + seconds);

/** A request and how its answer is known to be one. */
interface Asked {
  endpoint: string;
  requestOf(n: number): object;
  isAnswer(answer: unknown): boolean;
}

/** A shop that has been folded: what requests are about. */
interface Known {
  customers: string[];
  items: string[];
  orders: Purchase[];
  tickets: Ticket[];
}

/**
 * An endpoint on a system of its own, beside `similar`, which is asked first at the same rate beside as many events: nats-server,
 * ClickHouse, a shard and the sink as processes, this process as the shop.
 */
export async function servedBesideSimilar(name: string, say: SuiteOptions['say'], askedOf: (known: Known) => { similar?: Partial<Asked>; own: Asked }): Promise<{ similar: Served; own: Served }> {
  collectSeldom();
  const shop = played();
  const dataDir = mkdtempSync(join(tmpdir(), 'aftercare-bench-'));
  const context: Context = { dataDir, config: readConfig({}) };
  const system = await startSystem(context, { onProgress: () => undefined, servers: ['nats', 'clickhouse'], worker: false });
  try {
    return await withNats(system.endpoints, 'bench', async (nc) => {
      say(`${name}: ${preloaded} events of the simulator first`);
      const { model } = await foldedUpTo(nc, await preload(nc, shop.before));
      say(`${name}: ${model.customers} customers, ${model.items} items, ${model.pairs} pairs; ${requestsPerS} requests/s for ${seconds} s while ${eventsPerS} events/s are folded`);
      const { own, similar: changed } = askedOf(shop.known);
      const similar: Asked = { endpoint: 'similar', requestOf: (n) => ({ item: nth(shop.known.items, n), k: 10 }), isAnswer: () => true, ...changed };
      const ask = async (part: Packed, { endpoint, requestOf, isAnswer }: Asked): Promise<Served> => {
        const served = await load(nc, part, serviceSubject(endpoint), requestOf, isAnswer);
        const { took, lateMsMax, foldedBehind } = served;
        const quantiles = [0.5, 0.9, 0.99, 0.999].map((q) => `p${q * 100} ${quantile(took, q).toFixed(2)}`);
        say(`${name}, ${endpoint}: ${quantiles.join(', ')} ms; sent at most ${lateMsMax.toFixed(0)} ms late, ${foldedBehind} events behind at the end`);
        return served;
      };
      return { similar: await ask(shop.halves[0], similar), own: await ask(shop.halves[1], own) };
    });
  } finally {
    await system.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** One after the other, far apart. */
export const nth = <T>(list: readonly T[], n: number): T => list[(n * 7919) % list.length];

/** p50 and p99 beside those of `similar`. */
export const servedRows = (name: string, { similar, own }: { similar: Served; own: Served }, note: string): Row[] =>
  ([['p50', 0.5], ['p99', 0.99]] as const).map(([label, q]) => row(`${name}.${label}_ms`, quantile(own.took, q), 'ms', quantile(similar.took, q), note));

/**
 * Events as messages, in two buffers: half a million objects in this process would be marked by each collection of its own, on
 * the cores on which the answers are made.
 */
interface Packed { count: number; subjects: Pieces; bodies: Pieces }
interface Pieces { bytes: Buffer; ends: Uint32Array }

const packed = (events: readonly Event[]): Packed => ({
  count: events.length,
  subjects: inPieces(events.map(({ type, customer }) => eventSubject(type, customer))),
  bodies: inPieces(events.map((event) => JSON.stringify(event))),
});

function inPieces(texts: readonly string[]): Pieces {
  const ends = new Uint32Array(texts.length);
  let end = 0;
  for (const [n, text] of texts.entries()) ends[n] = end += Buffer.byteLength(text);
  return { bytes: Buffer.from(texts.join('')), ends };
}

const piece = ({ bytes, ends }: Pieces, n: number): Buffer => bytes.subarray(n === 0 ? 0 : ends[n - 1], ends[n]);

/** What is folded before, what requests may be about, and what is played beside either endpoint. */
function played(): { before: { events: Packed; ids: string[] }; known: Known; halves: [Packed, Packed] } {
  const events = simulated(preloaded + 2 * playedAtOnce);
  const known = events.slice(0, preloaded);
  const half = preloaded + playedAtOnce;
  return {
    before: { events: packed(known), ids: known.map(({ id }) => id) },
    known: {
      customers: [...new Set(known.map(({ customer }) => customer))],
      items: [...new Set(known.flatMap((event) => (event.type === 'click' ? [event.item] : [])))],
      orders: known.filter((event) => event.type === 'purchase'),
      tickets: known.filter((event) => event.type === 'ticket'),
    },
    halves: [packed(events.slice(preloaded, half)), packed(events.slice(half))],
  };
}

function simulated(count: number): Event[] {
  const events: Event[] = [];
  for (const event of createSimulator({ ...month, events: count * 1.2 }).events()) {
    events.push(event);
    if (events.length === count) return events;
  }
  throw new Error(`bench: the simulator made ${events.length} events, not ${count}`);
}

async function preload(nc: NatsConnection, { events, ids }: { events: Packed; ids: string[] }): Promise<number> {
  const publisher = createPublisher(nc);
  for (const [n, id] of ids.entries()) await publisher.publish(piece(events.subjects, n).toString(), piece(events.bodies, n), id);
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

/** Sends requests and events by the clock, whether answers come or not. @param isAnswer  asked of every hundredth; at least one must be */
async function load(nc: NatsConnection, events: Packed, subject: string, requestOf: (n: number) => object, isAnswer: (answer: unknown) => boolean): Promise<Served> {
  const count = requestsPerS * (warmUpSeconds + seconds);
  const warmUp = requestsPerS * warmUpSeconds;
  const [sent, took] = [new Float64Array(count), new Float64Array(count)];
  const inbox = createInbox();
  let [answered, good] = [0, 0];
  let failure: string | undefined;
  const answers = nc.subscribe(`${inbox}.*`, {
    callback: (_error, message) => {
      const n = Number(message.subject.slice(inbox.length + 1));
      took[n] = performance.now() - sent[n];
      answered += 1;
      const failed = message.headers?.get('Nats-Service-Error') ?? (message.data.length === 0 ? `an empty answer, status ${message.headers?.code ?? 'none'}` : '');
      if (failed !== '') failure ??= failed;
      else if (n % 100 === 0 && isAnswer(message.json())) good += 1;
    },
  });
  const before = await requestService<ShardStatus>(nc, shardServiceSubject(0, 'status'), {});
  let [asked, published, lateMsMax] = [0, 0, 0];
  for (const startMs = performance.now(); asked < count;) {
    const elapsed = (performance.now() - startMs) / 1000;
    const due = Math.min(count, Math.floor(elapsed * requestsPerS));
    if (asked > warmUp) lateMsMax = Math.max(lateMsMax, elapsed * 1000 - asked * (1000 / requestsPerS));
    for (const dueEvents = Math.min(events.count, Math.floor(elapsed * eventsPerS)); published < dueEvents; published += 1) {
      nc.publish(piece(events.subjects, published).toString(), piece(events.bodies, published));
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
  if (answered < count || good === 0) throw new Error(`bench: ${count} requests to ${subject} had ${answered} answers, and of one in a hundred ${good} said something`);
  return { took: took.slice(warmUp).sort(), lateMsMax, foldedBehind: published - (after.events - before.events) };
}
