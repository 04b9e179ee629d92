/** `demo`: a shop's day through the whole system, and what came out of it, queried back from ClickHouse. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Command } from 'commander';
import { eventWriter } from '../../pipelines/runtime/envelopes.js';
import { jetstreamLog } from '../../pipelines/runtime/jetstream/log.js';
import { createPublisher } from '../../pipelines/runtime/jetstream/publisher.js';
import { requestService } from '../../pipelines/runtime/request.js';
import type { RecommendAnswer } from '../../schemas/services.js';
import { serviceSubject, streams } from '../../schemas/subjects.js';
import { badMessages } from '../../simulator/bad-messages.js';
import { createSimulator, type Truth } from '../../simulator/simulator.js';
import { storedUpTo } from '../caught-up.js';
import { readContext, stopSignal, withClickHouse, withNats, type Context } from '../context.js';
import { dataDirOption, jsonOption, wholeNumber } from '../options.js';
import { startProgress } from '../progress.js';
import { startSystem, type System } from '../system.js';
import { progressLine } from './up.js';
import { exportNow } from './workflow.js';

interface DemoOptions {
  dataDir?: string;
  json?: boolean;
  seed: number;
  customers: number;
}

const items = 300;
/** The simulated day is always the same one, so that two runs print the same. */
const startMs = Date.UTC(2026, 0, 15);
/**
 * The demo's shop gives coupons, as far as the environment says nothing else. Its day lies in the past, so that no reason is
 * too old, and has 24 hours, so that a cart is abandoned after six.
 */
const demoSettings = { AFTERCARE_COUPON_BUDGET_MINOR: '50000', AFTERCARE_COUPON_CART_HOURS: '6', AFTERCARE_COUPON_FRESH_HOURS: '876000', AFTERCARE_RISK_FRESH_HOURS: '876000', AFTERCARE_SUPPORT_FRESH_HOURS: '876000' };
/** Customers who are asked for at the end. */
const asked = 200;

export function addDemo(program: Command): void {
  program
    .command('demo')
    .summary('play a simulated shop\'s day through the system')
    .description('Starts everything on a folder of its own (emptied first), plays a simulated shop\'s day through it, asks for recommendations, exports the neighbours, prints what ClickHouse holds, and stops everything.')
    .option('--seed <number>', 'seed of the simulated shop', wholeNumber(0, 2 ** 31), 7)
    .option('--customers <number>', 'customers of the shop', wholeNumber(10, 100_000), 600)
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExamples:\n  $ aftercare demo\n  $ aftercare demo --customers 5000 --seed 3')
    .action(async (options: DemoOptions) => {
      const signal = stopSignal();
      for (const [name, value] of Object.entries(demoSettings)) process.env[name] ??= value; // the parts are started with it
      const base = readContext(options.dataDir);
      const context: Context = { ...base, dataDir: join(base.dataDir, 'demo') };
      heading('Starting the servers and the parts');
      await rm(context.dataDir, { recursive: true, force: true });
      const system = await startSystem(context, { onProgress: progressLine });
      try {
        await Promise.race([play(context, system, options), died(system), interrupted(signal)]);
      } finally {
        heading('Stopping');
        await system.stop();
      }
    });
}

const heading = (text: string): void => { process.stderr.write(`\n${text}\n`); };

async function died(system: System): Promise<never> {
  const failure = await system.failed;
  throw new Error(`${failure.name} ${failure.reason}\n${failure.lastLines.slice(-20).join('\n')}`);
}

const interrupted = (signal: AbortSignal): Promise<void> => new Promise((resolve) => { signal.addEventListener('abort', () => { resolve(); }); });

async function play(context: Context, system: System, options: DemoOptions): Promise<void> {
  const shards = context.config.AFTERCARE_SHARDS;
  const truth = await withNats(system.endpoints, 'demo', async (nc) => {
    heading('Playing a shop\'s day');
    const day = await publishDay(nc, shards, options);
    heading('Asking for recommendations');
    await askForMany(nc, day.truth);
    // What is shown next is queried from ClickHouse.
    await storedUpTo(nc, await jetstreamLog(nc, streams.out).lastSeq(), undefined, 'outSeq');
    return day.truth;
  });
  heading('Exporting every item\'s neighbours through Temporal');
  await exportNow(system.endpoints, context.config);
  await showTables(system, truth, options);
}

async function publishDay(nc: NatsConnection, shards: number, options: DemoOptions): Promise<{ truth: Truth; events: number }> {
  const beganMs = performance.now();
  const simulator = createSimulator({ seed: options.seed, customers: options.customers, items, startMs });
  const publisher = createPublisher(nc);
  const writer = eventWriter(publisher, shards, 1);
  const progress = startProgress('events', 'events');
  let events = 0;
  for (const event of simulator.events()) {
    await writer.write(event);
    progress.update(++events);
  }
  // And what producers get wrong, so that the rejects can be seen. The largest is left out: ten megabytes of nothing.
  const bad = badMessages(options.seed, shards).filter((message) => message.body.byteLength < 100_000);
  for (const [i, message] of bad.entries()) await publisher.publish(message.subject, message.body, `demo-bad-${i}`);
  const { lastSeq } = await publisher.flush();
  const publishedMs = performance.now();
  await storedUpTo(nc, lastSeq, (seq) => { progress.update(seq, lastSeq, 'stored'); });
  progress.stop();
  publisher.close();
  progressLine(`${events.toLocaleString('en')} events and ${bad.length} bad messages published in ${seconds(publishedMs - beganMs)}, all in ClickHouse after ${seconds(performance.now() - beganMs)}`);
  return { truth: simulator.truth(), events };
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

/** Asks for customers one after the other, as a shop's pages would, and keeps the time of each. */
async function askForMany(nc: NatsConnection, truth: Truth): Promise<void> {
  const groupOf = new Map(truth.groups.flatMap((group, index) => group.map((item) => [item, index] as const)));
  const times: number[] = [];
  const share = { inTaste: 0, all: 0 };
  for (const { customer, favourite, second } of truth.tastes.slice(0, asked)) {
    const startedMs = performance.now();
    const answer = await requestService<RecommendAnswer>(nc, serviceSubject('recommend'), { customer, k: 10 });
    times.push(performance.now() - startedMs);
    for (const { item } of answer.items) {
      share.all += 1;
      const group = groupOf.get(item);
      if (group === favourite || group === second) share.inTaste += 1;
    }
  }
  times.sort((a, b) => a - b);
  const chance = (2 / truth.groups.length) * 100;
  progressLine(`${times.length} answers, ${times[times.length >> 1].toFixed(1)} ms each (median; the slowest ${times[times.length - 1].toFixed(1)} ms), each on record before it is given`);
  progressLine(`${((share.inTaste / share.all) * 100).toFixed(0)} % of the recommended items are of the two groups that the customer was planted to like (by chance: ${chance.toFixed(0)} %)`);
}

interface Shown {
  title: string;
  query: string;
}

function shown(truth: Truth): Shown[] {
  const { customer } = truth.tastes[0];
  return [
    { title: 'What arrived', query: `SELECT type, count() AS events, uniq(customer) AS customers, round(sum(amount_minor) / 100, 2) AS amount, min(at) AS first, max(at) AS last FROM events GROUP BY type ORDER BY events DESC` },
    { title: 'No row twice: rows, and distinct places in the stream', query: `SELECT count() AS rows, uniqExact(shard, seq) AS places FROM events` },
    { title: 'What was not taken, and why', query: `SELECT reason, count() AS messages, any(detail) AS example FROM rejects GROUP BY reason ORDER BY messages DESC, reason` },
    { title: 'Best sellers of the day', query: `SELECT item, count() AS orders, sum(quantity) AS units FROM events ARRAY JOIN line_items AS item, line_quantities AS quantity WHERE type = 'purchase' GROUP BY item ORDER BY units DESC, item LIMIT 5` },
    { title: `Recommended to ${customer}, and because of what`, query: `SELECT rank, item, round(score, 4) AS score, channel, because FROM recommendations WHERE customer = '${customer}' ORDER BY rank LIMIT 5` },
    { title: 'Recommendations given', query: `SELECT channel, count() AS items, uniq(customer) AS customers, uniq(item) AS distinct_items FROM recommendations GROUP BY channel ORDER BY items DESC` },
    { title: 'Risk: what was decided, and by what most', query: `SELECT type, decision, top_reason, count() AS decisions, round(sum(amount_minor) / 100, 2) AS amount, any(because) AS because FROM risk_decisions WHERE decision != 'allow' GROUP BY type, decision, top_reason ORDER BY decisions DESC, type, top_reason LIMIT 5` },
    { title: 'Support: what became of tickets, and of what was read with confidence how much was right', query: `SELECT t.decision AS decision, t.reason AS reason, count() AS tickets, countIf(l.outcome = 'right') AS right, countIf(l.outcome = 'wrong') AS wrong, any(t.text) AS text, any(t.reply) AS reply_or_draft FROM tickets AS t LEFT JOIN ticket_labels AS l ON l.shard = t.shard AND l.ticket_seq = t.seq GROUP BY decision, reason ORDER BY tickets DESC, reason LIMIT 6` },
    { title: 'Coupons: who had a reason, and what became of it', query: `SELECT reason, decision, withheld_because, count() AS decisions, uniq(customer) AS customers, round(sumIf(amount_minor, decision = 'granted') / 100, 2) AS given_at_most FROM coupons GROUP BY reason, decision, withheld_because ORDER BY reason, decision, withheld_because` },
    { title: 'The first coupons', query: `SELECT at, customer, reason, if(percent > 0, concat(toString(percent), ' %'), concat(toString(amount_minor / 100), ' ', currency)) AS value, code, because FROM coupons WHERE decision = 'granted' ORDER BY at, customer LIMIT 3` },
    { title: 'The closest pairs of items, as exported by Temporal', query: `SELECT item, neighbour, round(similarity, 4) AS similarity FROM item_neighbours_latest WHERE rank = 1 AND item < neighbour ORDER BY similarity DESC, item LIMIT 5` },
  ];
}

async function showTables({ endpoints }: System, truth: Truth, options: DemoOptions): Promise<void> {
  await withClickHouse(endpoints, async (client) => {
    const results: Record<string, unknown> = {};
    for (const { title, query } of shown(truth)) {
      if (options.json === true) {
        results[title] = await (await client.query({ query, format: 'JSONEachRow' })).json();
        continue;
      }
      const { stream } = await client.exec({ query: `${query} FORMAT PrettyCompactMonoBlock`, clickhouse_settings: { output_format_pretty_color: 0 } });
      process.stdout.write(`\n${title}\n`);
      for await (const chunk of stream) process.stdout.write(chunk as Buffer);
    }
    if (options.json === true) process.stdout.write(`${JSON.stringify(results)}\n`);
  });
}
