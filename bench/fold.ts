/**
 * The fold of all pipelines' steps, as a shard runs it, beside the recommender alone: what the other steps cost. Events are
 * made batch by batch outside of the measured time, and each batch is folded by everyone before the next is made.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { datasets } from '../datasets/dataset.js';
import { loadKernel } from '../models/recommend/load.js';
import { createRecommender, type Recommender } from '../models/recommend/recommender.js';
import { foldSettings, foldStep } from '../pipelines/fold.js';
import { recommendSettings } from '../pipelines/recommend/settings.js';
import { strengths } from '../pipelines/recommend/step.js';
import { readConfig } from '../schemas/config.js';
import type { Event } from '../schemas/events.js';
import { createSimulator } from '../simulator/simulator.js';
import type { SuiteOptions } from './main.js';
import { row, type Row } from './report.js';

const retailFile = join('..', 'shared', 'data', 'online-retail', 'online_retail.csv.gz');
const batchEvents = 4096;
const simulatedEvents = 1_000_000;

/** As pipelines/recommend/step.ts does, and nothing else. */
function learn(model: Recommender, event: Event): void {
  const { customer, atMs } = event;
  if (event.type === 'click' && event.action !== 'uncart') model.observe(customer, event.item, strengths[event.action], atMs);
  else if (event.type === 'purchase') for (const { item } of event.lines) model.observe(customer, item, strengths.purchase, atMs);
  else if (event.type === 'refund') for (const { item } of event.lines) model.retract(customer, item, atMs);
}

async function* retail(): AsyncGenerator<Event[]> {
  for await (const batch of datasets['online-retail'].read(retailFile)) yield batch.flatMap(({ event }) => (event === undefined ? [] : [event as Event]));
}

function* simulated(): Generator<Event[]> {
  let batch: Event[] = [];
  for (const event of createSimulator({ seed: 7, customers: 100_000, items: 20_000, startMs: Date.UTC(2026, 0, 1), hours: 720, events: simulatedEvents }).events()) {
    batch.push(event);
    if (batch.length < batchEvents) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}

interface Runner { seconds: number; decisions: number; fold(event: Event): void }

/** @param lateMs  how long after it happened an event arrives: years, in an import */
function shard(env: NodeJS.ProcessEnv, lateMs = 0): Runner {
  const step = foldStep(foldSettings(readConfig(env), 'bench'), loadKernel());
  const state = step.empty();
  const stored = { event: undefined as unknown as Event, shard: 0, position: 0, receivedMs: 0 };
  const runner: Runner = {
    seconds: 0,
    decisions: 0,
    fold(event) {
      stored.event = event;
      stored.position += 1024;
      stored.receivedMs = event.atMs + lateMs;
      step.step(state, stored, count);
    },
  };
  const count = (): void => { runner.decisions += 1; };
  return runner;
}

function alone(): Runner {
  const model = createRecommender(recommendSettings(readConfig({})).recommender, loadKernel());
  return { seconds: 0, decisions: 0, fold: (event) => learn(model, event) };
}

async function measure(name: string, batches: AsyncIterable<Event[]> | Iterable<Event[]>, say: SuiteOptions['say']): Promise<Row[]> {
  const yearMs = 365 * 86_400_000;
  const runners = { fold: shard({}), fold_with_coupons: shard({ AFTERCARE_COUPON_BUDGET_MINOR: '100000' }), fold_of_history: shard({}, yearMs), recommender: alone() };
  let events = 0;
  for await (const batch of batches) {
    events += batch.length;
    for (const runner of Object.values(runners)) {
      const used = process.cpuUsage();
      for (const event of batch) runner.fold(event);
      runner.seconds += process.cpuUsage(used).user / 1e6;
    }
  }
  const perS = ({ seconds }: Runner): number => events / seconds;
  say(`fold ${name}: ${events} events; ${Object.entries(runners).map(([way, runner]) => `${way} ${perS(runner).toFixed(0)}/s, ${runner.decisions} decisions`).join('; ')}`);
  const beside = (way: Exclude<keyof typeof runners, 'recommender'>): Row =>
    row(`spine.${way}.${name}.events_per_s`, perS(runners[way]), 'events/s', perS(runners.recommender), 'the recommender alone; both by the process\'s own time');
  return [beside('fold'), beside('fold_with_coupons'), beside('fold_of_history')];
}

export async function foldRows(say: SuiteOptions['say']): Promise<Row[]> {
  const rows = await measure('simulator', simulated(), say);
  if (existsSync(retailFile)) return [...(await measure('retail', retail(), say)), ...rows];
  say(`spine.fold.retail is skipped: ${retailFile} is not here`);
  return rows;
}
