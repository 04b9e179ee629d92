/** A shop for the coupon step: hours and days instead of milliseconds, and what was decided. */
import type { CouponDecision } from '../../pipelines/coupons/decision.js';
import type { CouponSettings } from '../../pipelines/coupons/settings.js';
import type { CouponState } from '../../pipelines/coupons/state.js';
import { couponStep } from '../../pipelines/coupons/step.js';
import { createSignals, type Signals } from '../../pipelines/signals.js';
import type { Click, Event, Label, Purchase, Refund, Ticket } from '../../schemas/events.js';
import { positionOf } from '../../schemas/decode.js';

export const hour = 3_600_000;
export const day = 24 * hour;
/** A midnight, UTC. */
export const start = Date.UTC(2026, 0, 1);

export const settings: CouponSettings = {
  customers: 1000, budgetMinor: 100_000, currency: 'EUR',
  rules: {
    resolved_complaint: { amountMinor: 500, validDays: 30 },
    abandoned_cart: { percent: 10, maxMinor: 1000, validDays: 7 },
    fading_customer: { percent: 15, maxMinor: 1500, validDays: 14 },
  },
  cap: 2, capMs: 90 * day, coolDownMs: 14 * day, cartMs: 24 * hour,
  fadingFactor: 3, fadingMsMin: 21 * day, fadingMsMax: 365 * day, complaints: new Set(['damaged_item']),
  freshMs: 24 * hour, sinceMs: 0, refundShareMax: 0.5, refundOrdersMin: 3, secret: 'of this test', version: 'coupons-1-test',
};

let ids = 0;
const head = (customer: string, atMs: number) => ({ v: 1, id: `e${++ids}`, customer, atMs }) as const;
const line = { item: 'kettle', quantity: 1, unitMinor: 2000 };

export const cart = (customer: string, atMs: number, action: Click['action'] = 'cart'): Click => ({ ...head(customer, atMs), type: 'click', action, item: 'kettle' });
export const view = (atMs: number, customer = 'passer-by'): Click => cart(customer, atMs, 'view');
export const buy = (customer: string, atMs: number, order = `o${ids}`, amountMinor = 2000): Purchase =>
  ({ ...head(customer, atMs), type: 'purchase', order, lines: [line], amountMinor, currency: 'EUR' });
export const sendBack = (customer: string, atMs: number, order: string, amountMinor = 2000): Refund =>
  ({ ...head(customer, atMs), type: 'refund', order, lines: [line], amountMinor, currency: 'EUR' });
export const write = (customer: string, atMs: number, ticket: string): Ticket => ({ ...head(customer, atMs), type: 'ticket', ticket, text: 'It is broken' });
export const resolve = (customer: string, atMs: number, ref: string, verdict = 'damaged_item', answer: string | undefined = 'We are sorry'): Label =>
  ({ ...head(customer, atMs), type: 'label', of: 'ticket', ref, verdict, ...(answer === undefined ? {} : { answer }) });
export const judge = (customer: string, atMs: number, ref: string, verdict: string): Label => ({ ...head(customer, atMs), type: 'label', of: 'purchase', ref, verdict });
export const forget = (customer: string, atMs: number): Event => ({ ...head(customer, atMs), type: 'control', command: 'forget' });

export interface CouponShop {
  state: CouponState;
  signals: Signals;
  decisions: CouponDecision[];
  /** folds events, each received when it happened unless told otherwise; @returns what they led to */
  give(...events: Event[]): CouponDecision[];
  receive(receivedMs: number, ...events: Event[]): CouponDecision[];
  hash(): string;
  snapshot(): Uint8Array[];
  /** @throws RangeError, as a restart would */
  restoreFrom(chunks: Uint8Array[]): void;
  /** as a restart would; what was decided stays */
  restart(): void;
}

export function couponShop(more: Partial<CouponSettings> = {}, riskMs = 180 * day): CouponShop {
  const all = { ...settings, ...more };
  const step = couponStep(all);
  const signalSettings = { customers: all.customers, riskMs };
  let seq = 0;
  const shop: CouponShop = {
    state: step.empty(),
    signals: createSignals(signalSettings),
    decisions: [],
    give: (...events) => events.flatMap((event) => shop.receive(event.atMs, event)),
    receive(receivedMs, ...events) {
      const before = shop.decisions.length;
      for (const event of events) {
        const atMs = Math.min(event.atMs, receivedMs);
        shop.signals.observe(event, atMs);
        step.step(shop.state, shop.signals, { event, receivedMs, shard: 0, position: positionOf(++seq, 0) }, atMs, ({ value }) => shop.decisions.push(value as CouponDecision));
      }
      return shop.decisions.slice(before);
    },
    hash: () => `${shop.signals.hash()} ${step.hash(shop.state)}`,
    snapshot: () => step.snapshot(shop.state),
    restoreFrom(chunks) { shop.state = step.restore(chunks); },
    restart() {
      const cut = (chunks: Uint8Array[]): Uint8Array[] => chunks.map((chunk) => chunk.slice());
      const [signals, state] = [cut(shop.signals.snapshot()), cut(step.snapshot(shop.state))];
      shop.signals = createSignals(signalSettings, signals);
      shop.state = step.restore(state);
    },
  };
  return shop;
}
