/** A shop for the support step: events in, rows out, as in the fold. */
import { promotedStep } from '../../pipelines/promoted.js';
import { createSignals } from '../../pipelines/signals.js';
import type { IntentConfusion, SupportMetric, TicketDecision, TicketLabel } from '../../pipelines/support/decision.js';
import { supportReaders } from '../../pipelines/support/models.js';
import { supportAnswer, supportStats } from '../../pipelines/support/serve.js';
import { supportSettings } from '../../pipelines/support/settings.js';
import { supportStep } from '../../pipelines/support/step.js';
import { readConfig } from '../../schemas/config.js';
import { positionOf } from '../../schemas/decode.js';
import type { Event, Label, Ticket } from '../../schemas/events.js';
import type { SupportAnswer, SupportRequest } from '../../schemas/services.js';
import type { TableName } from '../../schemas/tables.js';

let ids = 0;
/** @param atMs  when it was written */
export const write = (customer: string, atMs: number, text: string, more: Partial<Ticket> = {}): Ticket =>
  ({ v: 1, type: 'ticket', id: `t${++ids}`, customer, atMs, ticket: `T-${ids}`, text, ...more });
export const settle = (customer: string, atMs: number, ref: string, verdict: string, answer?: string): Label =>
  ({ v: 1, type: 'label', id: `l${++ids}`, customer, atMs, of: 'ticket', ref, verdict, ...(answer === undefined ? {} : { answer }) });

export function supportShop(env: Record<string, string> = {}) {
  const settings = supportSettings(readConfig({ AFTERCARE_SUPPORT_TICKETS: '500', AFTERCARE_SUPPORT_ORDERS: '500', ...env }));
  const step = supportStep(settings);
  const promoted = promotedStep(supportReaders);
  const signalSettings = { customers: 2000, riskMs: 1e9 };
  const [state, models, signals] = [step.empty(), promoted.empty(), createSignals(signalSettings)];
  let seq = 0;
  const rows: { table: TableName; value: unknown }[] = [];
  const of = <T>(table: TableName, list = rows): T[] => list.filter((row) => row.table === table).map(({ value }) => value as T);
  const shop = {
    state, models, signals, step, settings,
    tickets: () => of<TicketDecision>('tickets'),
    labels: () => of<TicketLabel>('ticket_labels'),
    metrics: () => of<SupportMetric>('model_metrics'),
    confusion: () => of<IntentConfusion>('intent_confusion'),
    promotions: () => of<{ model: string; outcome: string; detail: string }>('promotions'),
    /** folds events, each received when it happened; @returns the last decision of them */
    give(...events: Event[]): TicketDecision {
      return events.map((event) => shop.receive(event, event.atMs)).flat().at(-1) as TicketDecision;
    },
    receive(event: Event, receivedMs: number, artefact?: readonly Uint8Array[]): TicketDecision[] {
      const [before, atMs] = [rows.length, Math.min(event.atMs, receivedMs)];
      const stored = { event, receivedMs, shard: 0, position: positionOf(++seq, 0), artefact };
      const emit = (row: { table: TableName; value: unknown }): void => void rows.push(row);
      promoted.step(shop.models, stored, emit);
      const intent = step.step(shop.state, shop.models, stored, atMs, emit);
      shop.signals.observe(event, atMs);
      if (intent !== undefined && event.type === 'ticket') shop.signals.setIntent(event.customer, event.ticket, intent);
      return of<TicketDecision>('tickets', rows.slice(before));
    },
    ask: (request: SupportRequest, nowMs: number): SupportAnswer => supportAnswer(shop.state, shop.models, request, { shard: 0, seq }, nowMs),
    stats: () => supportStats(shop.state),
    hash: () => `${step.hash(shop.state)} ${promoted.hash(shop.models)}`,
    /** as a restart would; what was emitted stays */
    restart() {
      const cut = (chunks: Uint8Array[]): Uint8Array[] => chunks.map((chunk) => chunk.slice());
      const [support, model, signal] = [cut(step.snapshot(shop.state)), cut(promoted.snapshot(shop.models)), cut(shop.signals.snapshot())];
      [shop.state, shop.models, shop.signals] = [step.restore(support), promoted.restore(model), createSignals(signalSettings, signal)];
    },
  };
  return shop;
}
export type SupportShop = ReturnType<typeof supportShop>;
