/**
 * Risk out of the box: the simulator's refund ring, how fast the step is, and `risk` through NATS while events are folded.
 *
 * The settings were chosen on seeds 101 to 106; these are others. Verdicts come as the simulator sends them: an hour and
 * more later, to all frauds and a fifth of the genuine orders.
 */
import { auc } from '../models/metrics/ranking.js';
import type { RiskDecision } from '../pipelines/risk/decision.js';
import { riskSettings } from '../pipelines/risk/settings.js';
import { riskStep } from '../pipelines/risk/step.js';
import { createSignals } from '../pipelines/signals.js';
import type { Emit, StoredEvent } from '../pipelines/step.js';
import { readConfig } from '../schemas/config.js';
import type { Event } from '../schemas/events.js';
import type { RiskAnswer } from '../schemas/services.js';
import { createSimulator } from '../simulator/simulator.js';
import type { SuiteOptions } from './main.js';
import { row, type Row } from './report.js';
import { payments } from './risk-features.js';
import { nth, servedBesideSimilar, servedRows } from './serving.js';

const seeds = [7, 8, 9, 10, 11, 12];
const month = { customers: 2000, items: 500, startMs: Date.UTC(2026, 0, 1), hours: 720, events: 200_000 };
const config = readConfig({ AFTERCARE_CUSTOMERS_MAX: '100000' });

/** Events decoded at a time. A shard takes up to a thousand. */
const BLOCK = 250;
const rounds = 3;
const own = `by the process's own time, the best of ${rounds} rounds, events decoded before`;

/**
 * Events as a shard gets them: decoded just before they are folded, outside the measured time. A million that were kept would be
 * marked by each collection, and every name a cache miss that a shard does not have.
 */
const encoded = (events: readonly Event[]): Buffer[] =>
  Array.from({ length: Math.ceil(events.length / BLOCK) }, (_, n) => Buffer.from(JSON.stringify(events.slice(n * BLOCK, (n + 1) * BLOCK))));
function* decoded(blocks: readonly Buffer[]): Generator<readonly Event[]> {
  for (const block of blocks) yield JSON.parse(block.toString('utf8')) as Event[];
}

/** Folds events as a shard does, risk alone. @returns seconds of the process's own time, without what makes the blocks */
function fold(blocks: Iterable<readonly Event[]>, decided: (event: Event, decision: RiskDecision) => void): number {
  const step = riskStep(riskSettings(config));
  const [state, signals] = [step.empty(), createSignals({ customers: 100_000, riskMs: 180 * 86_400_000 })];
  const models = { versions: new Map<string, never>(), get: () => undefined };
  const stored: StoredEvent = { event: undefined as never, shard: 0, position: 0, receivedMs: 0 };
  const emit: Emit = ({ table, value }) => { if (table === 'risk_decisions') decided(stored.event, value as RiskDecision); };
  let micros = 0;
  for (const block of blocks) {
    const used = process.cpuUsage();
    for (const event of block) {
      stored.event = event;
      stored.receivedMs = event.atMs;
      stored.position += 1024;
      step.step(state, models, signals, stored, event.atMs, emit);
      signals.observe(event, event.atMs);
    }
    const { user, system } = process.cpuUsage(used);
    micros += user + system;
  }
  return micros / 1e6;
}

export function ringRows(say: SuiteOptions['say']): Row[] {
  let [firstWorst, genuine, disturbed, orders, ordersDisturbed] = [0, 0, 0, 0, 0];
  const unusual: { scores: number[]; ring: number[] } = { scores: [], ring: [] };
  for (const seed of seeds) {
    const simulator = createSimulator({ ...month, seed });
    const decisions: { event: Event; decision: RiskDecision }[] = [];
    fold([[...simulator.events()]], (event, decision) => decisions.push({ event, decision }));
    const { ring, stolenOrders } = simulator.truth();
    const [refunds, frauds] = [new Set(ring.refunds), new Set([...ring.orders, ...stolenOrders])];
    let [seen, caught] = [0, 0];
    for (const { event, decision } of decisions) {
      const raised = decision.decision === 'allow' ? 0 : 1;
      if (event.type === 'refund' && decision.anomaly > 0) {
        unusual.scores.push(decision.anomaly);
        unusual.ring.push(refunds.has(event.id) ? 1 : 0);
      }
      if (refunds.has(event.id)) {
        seen += 1;
        if (raised === 1 && caught === 0) caught = seen;
      } else if (event.type === 'refund') {
        genuine += 1;
        disturbed += raised;
      } else if (!frauds.has(decision.order)) {
        orders += 1;
        ordersDisturbed += raised;
      }
    }
    if (caught === 0) throw new Error(`bench: of the ${seen} refunds of the ring of seed ${seed} none was found`);
    say(`ring of seed ${seed}: found at its refund ${caught} of ${seen}`);
    firstWorst = Math.max(firstWorst, caught);
  }
  return [
    row('risk.ring.first_caught', firstWorst, 'refund', 5, `the worst of ${seeds.length} simulated months; the baseline is what is allowed`),
    row('risk.ring.false_review_share', disturbed / genuine, 'share', 0.01, `of ${genuine} genuine refunds; the baseline is what is allowed`),
    row('risk.ring.anomaly_auc', auc(Float64Array.from(unusual.scores), Uint8Array.from(unusual.ring)), 'AUC', 0.5, `of the detector that no verdict teaches: ${unusual.ring.reduce((sum, of) => sum + of, 0)} refunds of the rings among ${unusual.ring.length}; the baseline is chance`),
    row('risk.ring.false_order_share', ordersDisturbed / orders, 'share', null, `of ${orders} genuine purchases in review or blocked`),
  ];
}

/** The best of several rounds: the first ones also compile. */
function foldedPerS(blocks: readonly Buffer[], events: number): { perS: number; decisions: number } {
  let [best, decisions] = [Infinity, 0];
  for (let round = 0; round < rounds; round += 1) {
    decisions = 0;
    best = Math.min(best, fold(decoded(blocks), () => { decisions += 1; }));
  }
  return { perS: events / best, decisions };
}

/** Of a shop: all its events, and those that are no clicks. They are let go before anything is measured. */
function shopStreams(): Record<'all' | 'money', { events: number; blocks: Buffer[] }> {
  const events = [...createSimulator({ ...month, seed: 7, customers: 20_000, items: 5000, events: 1_000_000 }).events()];
  const money = events.filter(({ type }) => type !== 'click');
  return { all: { events: events.length, blocks: encoded(events) }, money: { events: money.length, blocks: encoded(money) } };
}

function paymentStream(): { events: number; blocks: Buffer[] } | undefined {
  const events = payments();
  return events === undefined ? undefined : { events: events.length, blocks: encoded(events) };
}

export function riskStepRows(say: SuiteOptions['say']): Row[] {
  const [{ all, money }, paid] = [shopStreams(), paymentStream()];
  say(`risk step: ${all.events} events, ${money.events} of them no clicks`);
  const rows = [row('risk.step.events_per_s', foldedPerS(all.blocks, all.events).perS, 'events/s', 100_000, `what is promised; ${own}`)];
  if (paid === undefined) say('risk.step.payments_per_s: skipped, the record of card payments is not here');
  else rows.push(row('risk.step.payments_per_s', foldedPerS(paid.blocks, paid.events).perS, 'events/s', 100_000, `${paid.events} card payments, each a decision, with a customer, device, card and address each; no verdicts; ${own}`));
  const { perS, decisions } = foldedPerS(money.blocks, money.events);
  rows.push(row('risk.step.without_clicks_per_s', perS, 'events/s', null, `${Math.round((100 * decisions) / money.events)} % of them decisions, the others tickets and verdicts; ${own}`));
  return rows;
}
/** `similar` is the baseline, asked at the same rate beside the same events. */
export async function riskServeRows(say: SuiteOptions['say']): Promise<Row[]> {
  const served = await servedBesideSimilar('risk serve', say, ({ items, orders }) => ({
    similar: { requestOf: (n) => ({ item: nth(items, n) }) },
    own: {
      endpoint: 'risk',
      requestOf(n) {
        const { type, customer, amountMinor, currency, lines, device, address, payment } = nth(orders, n);
        return { type, customer, amountMinor, currency, lines, device, address, payment };
      },
      isAnswer: (answer) => (answer as RiskAnswer).probability > 0,
    },
  }));
  return servedRows('risk.serve', served, 'similar, at the same rate');
}
