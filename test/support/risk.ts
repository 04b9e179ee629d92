/** A shop for the risk step: events in, rows out, as in the fold. */
import { promotedStep } from '../../pipelines/promoted.js';
import { riskAnswer } from '../../pipelines/risk/serve.js';
import type { ModelMetric, RiskDecision, RiskLabel } from '../../pipelines/risk/decision.js';
import { riskReaders } from '../../pipelines/risk/promoted.js';
import { riskSettings } from '../../pipelines/risk/settings.js';
import { riskStep } from '../../pipelines/risk/step.js';
import { createSignals } from '../../pipelines/signals.js';
import { readConfig } from '../../schemas/config.js';
import { positionOf } from '../../schemas/decode.js';
import type { Event, Label, Promote, Purchase, Refund } from '../../schemas/events.js';
import type { RiskAnswer, RiskRequest } from '../../schemas/services.js';
import type { PromotionRow, TableName } from '../../schemas/tables.js';

export const hour = 3_600_000;
export const day = 24 * hour;
/** A midnight, UTC. */
export const start = Date.UTC(2026, 0, 1);

let ids = 0;
const head = (customer: string, atMs: number) => ({ v: 1, id: `e${++ids}`, customer, atMs }) as const;
const line = { item: 'kettle', quantity: 1, unitMinor: 2000 };
export const buy = (customer: string, atMs: number, more: Partial<Purchase> = {}): Purchase =>
  ({ ...head(customer, atMs), type: 'purchase', order: `o${ids}`, lines: [line], amountMinor: 2000, currency: 'EUR', device: `d-${customer}`, ...more });
export const sendBack = (customer: string, atMs: number, order: string, more: Partial<Refund> = {}): Refund =>
  ({ ...head(customer, atMs), type: 'refund', order, lines: [line], amountMinor: 2000, currency: 'EUR', device: `d-${customer}`, ...more });
export const judge = (customer: string, atMs: number, ref: string, verdict: string, of: Label['of'] = 'purchase'): Label => ({ ...head(customer, atMs), type: 'label', of, ref, verdict });
export const forget = (customer: string, atMs: number): Event => ({ ...head(customer, atMs), type: 'control', command: 'forget' });
export const promote = (model: string, version: number, atMs: number): Promote =>
  ({ ...head('~0', atMs), type: 'control', command: 'promote', model, version, sha256: version.toString(16).padStart(64, '0'), bytes: 1 });

export function riskShop(env: Record<string, string> = {}) {
  const config = readConfig({ AFTERCARE_CUSTOMERS_MAX: '2000', AFTERCARE_RISK_LEDGER: '5000', AFTERCARE_RISK_RULES: '[]', ...env });
  const settings = riskSettings(config);
  const step = riskStep(settings);
  const promoted = promotedStep(riskReaders);
  const signalSettings = { customers: 2000, riskMs: 180 * day };
  const [state, models, signals] = [step.empty(), promoted.empty(), createSignals(signalSettings)];
  let seq = 0;
  const rows: { table: TableName; value: unknown }[] = [];
  const of = <T>(table: TableName, list = rows): T[] => list.filter((row) => row.table === table).map(({ value }) => value as T);
  const shop = {
    state, models, signals, step, settings,
    decisions: () => of<RiskDecision>('risk_decisions'),
    labels: () => of<RiskLabel>('risk_labels'),
    metrics: () => of<ModelMetric>('model_metrics'),
    promotions: () => of<PromotionRow>('promotions'),
    /** folds events, each received when it happened; @returns the last decision of them */
    give(...events: Event[]): RiskDecision {
      return events.map((event) => shop.receive(event, event.atMs)).flat().at(-1) as RiskDecision;
    },
    receive(event: Event, receivedMs: number, artefact?: readonly Uint8Array[]): RiskDecision[] {
      const [before, atMs] = [rows.length, Math.min(event.atMs, receivedMs)];
      const stored = { event, receivedMs, shard: 0, position: positionOf(++seq, 0), artefact };
      const emit = (row: { table: TableName; value: unknown }): void => void rows.push(row);
      promoted.step(shop.models, stored, emit);
      step.step(shop.state, shop.models, shop.signals, stored, atMs, emit);
      shop.signals.observe(event, atMs);
      return of<RiskDecision>('risk_decisions', rows.slice(before));
    },
    ask: (request: RiskRequest, nowMs: number): RiskAnswer => riskAnswer(shop.state, shop.models, shop.signals, request, { shard: 0, seq }, nowMs),
    hash: () => `${step.hash(shop.state)} ${shop.signals.hash()} ${promoted.hash(shop.models)}`,
    /** as a restart would; what was emitted stays */
    restart() {
      const cut = (chunks: Uint8Array[]): Uint8Array[] => chunks.map((chunk) => chunk.slice());
      const [risk, signal, model] = [cut(step.snapshot(shop.state)), cut(shop.signals.snapshot()), cut(promoted.snapshot(shop.models))];
      [shop.state, shop.signals, shop.models] = [step.restore(risk), createSignals(signalSettings, signal), promoted.restore(model)];
    },
  };
  return shop;
}
export type RiskShop = ReturnType<typeof riskShop>;
