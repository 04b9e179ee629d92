/** Reads the features of a purchase or a refund from the state; writes nothing of it. */
import type { Purchase, Refund } from '../../schemas/events.js';
import { limits } from '../../schemas/limits.js';
import { countDistinct, isNew, keyInto, type Key } from './distinct.js';
import { findOrder, readOrder } from './orders.js';
import { MASK, SHIFT, type Pages } from './pages.js';
import * as S from './state.js';
import { at as F, paymentAt, payments, windowsAt } from './vector.js';
import { createSince, readWindows, sinceOf, TICK_MS, tickOf, WINDOWS } from './windows.js';

const hourMs = 3_600_000;
export const DAY_MS = 24 * hourMs;
/** Below this spread of ln(1 + amount), 5 %, a customer who always pays the same would make every cent an alarm. */
export const SPREAD_MIN = 0.05;

/** What the pipeline's signals tell of a customer's last ticket. */
export interface TicketSignals {
  of(customer: string, nowMs: number): { ticketMs: number; intent: string | undefined } | undefined;
}
type Extract = (event: Purchase | Refund, atMs: number, signals: TicketSignals, out: Float64Array) => void;

/** ln(1 + seconds) since a moment; NaN when there has been none. A late event was 0 s behind. */
const sinceLog = (thenMs: number, atMs: number): number => (thenMs === 0 ? NaN : Math.log1p(Math.max(0, atMs - thenMs) / 1000));
/** The amount, or NaN where it is none that a schema lets pass. */
export const knownAmount = (amount: number): number => (Number.isInteger(amount) && amount >= 0 && amount <= limits.amountMinorMax ? amount : NaN);
const flag = (yes: boolean): number => (yes ? 1 : 0);

/** What the event itself says. */
function ofTheEvent(event: Purchase | Refund, atMs: number, out: Float64Array): void {
  const purchase = event.type === 'purchase' ? event : undefined;
  out[F.is_refund] = flag(purchase === undefined);
  out[F.amount_log] = Math.log1p(knownAmount(event.amountMinor));
  out[F.lines] = event.lines.length;
  let quantity = 0;
  for (const line of event.lines) quantity += line.quantity;
  out[F.quantity] = quantity;
  if (purchase !== undefined) {
    out[F.coupon_used] = flag(purchase.coupon !== undefined);
    if (purchase.shippingCountry !== undefined && purchase.billingCountry !== undefined) out[F.country_differs] = flag(purchase.shippingCountry !== purchase.billingCountry);
    if (purchase.payment !== undefined) for (let i = 0; i < payments.length; i += 1) out[paymentAt + i] = flag(payments[i] === purchase.payment);
  }
  const hour = (atMs % DAY_MS) / hourMs;
  out[F.hour_sin] = Math.sin((hour * Math.PI) / 12);
  out[F.hour_cos] = Math.cos((hour * Math.PI) / 12);
  out[F.is_night] = flag(hour < 6);
}

/** Against what the items usually cost. */
function prices({ roster, records }: S.Entities, { lines }: Purchase | Refund, out: Float64Array): void {
  let [n, sum, most] = [0, 0, -Infinity];
  for (const { item, unitMinor } of lines) {
    const id = roster.idOf(item);
    const unit = knownAmount(unitMinor);
    if (id === undefined || unit !== unit) continue;
    const over = Math.log1p(unit) - records.floats[id >>> SHIFT][(id & MASK) * (records.stride >> 1) + 1];
    n += 1;
    sum += over;
    if (over > most) most = over;
  }
  out[F.price_known_share] = n / lines.length;
  if (n === 0) return;
  out[F.price_over_usual] = sum / n;
  out[F.price_over_usual_max] = most;
}

/** Against what the customer has done so far. */
function history(records: Pages, id: number, event: Purchase | Refund, atMs: number, out: Float64Array): void {
  const page = records.floats[id >>> SHIFT];
  const at = (id & MASK) * (records.stride >> 1);
  out[F.since_first_log] = sinceLog(page[at + S.FIRST_MS], atMs);
  out[F.since_order_log] = sinceLog(page[at + S.ORDER_MS], atMs);
  out[F.since_refund_log] = sinceLog(page[at + S.REFUND_MS], atMs);
  out[F.since_ticket_log] = sinceLog(page[at + S.TICKET_MS], atMs);
  out[F.since_click_log] = sinceLog(page[at + S.CLICK_MS], atMs);
  out[F.since_bad_verdict_log] = sinceLog(page[at + S.BAD_MS], atMs);
  const [purchases, bought, n] = [page[at + S.PURCHASES], page[at + S.BOUGHT], page[at + S.AMOUNTS]];
  out[F.orders] = purchases;
  if (purchases > 0) out[F.refund_rate] = page[at + S.REFUNDS] / purchases;
  if (bought === 0) return;
  out[F.refunded_share] = page[at + S.REFUNDED] / bought;
  const amount = knownAmount(event.amountMinor);
  out[F.amount_over_mean] = (amount * n) / bought;
  out[F.amount_over_max] = amount / page[at + S.GREATEST];
  if (n >= 2) out[F.amount_z] = (Math.log1p(amount) - page[at + S.LOG_MEAN]) / Math.max(SPREAD_MIN, Math.sqrt(page[at + S.LOG_M2] / n));
}

export function createExtract(state: S.State): Extract {
  const since = createSince();
  const sums = new Float64Array(4 * WINDOWS);
  const order = new Float64Array(3);
  const key: Key = { a: 0, b: 0 };
  const complaints = new Set(state.settings.complaintIntents);
  const { customers, cells, sets } = state;

  /** Reads a record's windows: counts as they are, sums as logarithms. @returns where the next family begins */
  function windows(page: Int32Array, from: number, tick: number, out: Float64Array, at: number, refunds: boolean): number {
    sinceOf(Math.max(tick, page[from + S.NEWEST]), since);
    readWindows(cells, page[from + S.CELLS], since, sums);
    const rows = refunds ? 4 : 2;
    for (let i = 0; i < rows * WINDOWS; i += 2 * WINDOWS) {
      for (let k = 0; k < WINDOWS; k += 1) out[at + i + k] = sums[i + k];
      let [last, log] = [0, 0];
      for (let k = i + WINDOWS; k < i + 2 * WINDOWS; k += 1) {
        if (sums[k] !== last) {
          last = sums[k]; // most windows hold what the one before holds, and a logarithm costs more than the rest
          log = Math.log1p(last);
        }
        out[at + k] = log;
      }
    }
    return at + rows * WINDOWS;
  }

  function other({ roster, records }: S.Entities, name: string | undefined, tick: number, out: Float64Array, first: number, refunds: boolean): void {
    if (name === undefined) return;
    const id = roster.idOf(name);
    if (id === undefined) return void out.fill(0, first, first + (refunds ? 5 : 3) * WINDOWS);
    const page = records.ints[id >>> SHIFT];
    const from = (id & MASK) * records.stride;
    const at = windows(page, from, tick, out, first, refunds);
    countDistinct(sets, page[from + S.CUSTOMERS], since, out, at);
  }

  function ofTheOrder(head: number, event: Refund, tick: number, out: Float64Array): void {
    const link = findOrder(cells, head, keyInto(event.order, key));
    if (link === 0) return;
    readOrder(cells, link, order);
    const [since, bought, refunded] = order;
    out[F.order_age_log] = Math.log1p((Math.max(0, tick - since) * TICK_MS) / 1000);
    if (bought === 0) return;
    out[F.order_refunded_before] = refunded / bought;
    out[F.order_refunded_with] = (refunded + knownAmount(event.amountMinor)) / bought;
  }

  function ofTheCustomer(event: Purchase | Refund, atMs: number, tick: number, out: Float64Array): void {
    const { card, address } = event.type === 'purchase' ? event : { card: undefined, address: undefined };
    const id = customers.roster.idOf(event.customer);
    if (id === undefined) {
      out.fill(0, windowsAt.customer, windowsAt.customer + 7 * WINDOWS);
      out[F.orders] = 0;
      if (event.device !== undefined) out[F.device_is_new] = 1;
      if (card !== undefined) out[F.card_is_new] = 1;
      if (address !== undefined) out[F.address_is_new] = 1;
      return;
    }
    history(customers.records, id, event, atMs, out);
    const page = customers.records.ints[id >>> SHIFT];
    const from = (id & MASK) * customers.records.stride;
    let at = windows(page, from, tick, out, windowsAt.customer, true);
    for (const set of [S.CARDS, S.DEVICES, S.ADDRESSES]) {
      countDistinct(sets, page[from + set], since, out, at);
      at += WINDOWS;
    }
    if (event.device !== undefined) out[F.device_is_new] = isNew(sets, page[from + S.DEVICES], keyInto(event.device, key), since);
    if (card !== undefined) out[F.card_is_new] = isNew(sets, page[from + S.CARDS], keyInto(card, key), since);
    if (address !== undefined) out[F.address_is_new] = isNew(sets, page[from + S.ADDRESSES], keyInto(address, key), since);
    if (event.type === 'refund') ofTheOrder(page[from + S.ORDERS], event, tick, out);
  }

  return (event, atMs, signals, out) => {
    out.fill(NaN);
    const tick = tickOf(atMs);
    ofTheEvent(event, atMs, out);
    prices(state.items, event, out);
    ofTheCustomer(event, atMs, tick, out);
    other(state.devices, event.device, tick, out, windowsAt.device, true);
    if (event.type === 'purchase') {
      other(state.cards, event.card, tick, out, windowsAt.card, false);
      other(state.addresses, event.address, tick, out, windowsAt.address, false);
    }
    const ticket = signals.of(event.customer, atMs);
    if (ticket === undefined || ticket.ticketMs === 0 || atMs - ticket.ticketMs > 30 * DAY_MS) out[F.ticket_complaint] = 0;
    else if (ticket.intent !== undefined) out[F.ticket_complaint] = flag(complaints.has(ticket.intent));
  };
}
