/** Reads the features of a purchase or a refund from the state; writes nothing of it. */
import type { Purchase, Refund } from '../../schemas/events.js';
import { limits } from '../../schemas/limits.js';
import { lookUp, type Asked } from './asked.js';
import { countDistinct, isNew } from './distinct.js';
import { fetch } from './fetch.js';
import type { Key } from './key.js';
import { findOrder, readOrder } from './orders.js';
import { MASK, SHIFT, type Pool } from './pages.js';
import * as S from './state.js';
import { at as F, paymentAt, payments, windowsAt } from './vector.js';
import { createSince, readWindows, sinceOf, TICK_MS, tickOf, WINDOWS } from './windows.js';

const hourMs = 3_600_000;
export const DAY_MS = 24 * hourMs;
/** Below this spread of ln(1 + amount), 5 %, a customer who always pays the same would make every cent an alarm. */
export const SPREAD_MIN = 0.05;

/** What the pipeline's signals tell of a customer's last ticket. */
export interface TicketSignals {
  ticketOf(customer: string): { ticketMs: number; intent: string | undefined } | undefined;
}
type Extract = (event: Purchase | Refund, atMs: number, signals: TicketSignals, out: Float64Array) => void;

export const secondOf = (atMs: number): number => Math.floor(atMs / 1000);
/** ln(1 + whole seconds) since a second as an integer of a record; NaN when there has been none. A late event was 0 s behind. */
const sinceLog = (then: number, second: number): number => (then === 0 ? NaN : Math.log1p(Math.max(0, second - (then >>> 0))));
const sinceTickLog = (then: number, tick: number): number => Math.log1p((Math.max(0, tick - then) * TICK_MS) / 1000);
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
function prices({ floats, stride }: S.Entities, { lines }: Purchase | Refund, ids: Int32Array, out: Float64Array): void {
  let [n, sum, most] = [0, 0, -Infinity];
  for (let i = 0; i < lines.length; i += 1) {
    const id = ids[i];
    const unit = knownAmount(lines[i].unitMinor);
    if (id < 0 || unit !== unit) continue;
    const over = Math.log1p(unit) - floats[id >>> SHIFT][(id & MASK) * (stride >> 1) + S.PRICE_MEAN];
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
function history({ ints, floats, stride }: S.Entities, troubles: Pool, id: number, event: Purchase | Refund, atMs: number, out: Float64Array): void {
  const [page, sums] = [ints[id >>> SHIFT], floats[id >>> SHIFT]];
  const from = (id & MASK) * stride;
  const at = from >> 1;
  const second = secondOf(atMs);
  out[F.since_first_log] = sinceLog(page[from + S.FIRST_S], second);
  out[F.since_order_log] = sinceLog(page[from + S.ORDER_S], second);
  out[F.since_click_log] = sinceLog(page[from + S.CLICK_S], second);
  const [purchases, bought, n, link] = [page[from + S.PURCHASES], sums[at + S.BOUGHT], page[from + S.AMOUNTS], page[from + S.TROUBLE]];
  let [refunds, refunded] = [0, 0];
  if (link !== 0) {
    const [its, its0] = [troubles.ints[(link - 1) >>> SHIFT], ((link - 1) & MASK) * S.TROUBLE_INTS];
    out[F.since_refund_log] = sinceLog(its[its0 + S.REFUND_S], second);
    out[F.since_ticket_log] = sinceLog(its[its0 + S.TICKET_S], second);
    out[F.since_bad_verdict_log] = sinceLog(its[its0 + S.BAD_S], second);
    refunds = its[its0 + S.REFUNDS];
    refunded = troubles.floats[(link - 1) >>> SHIFT][(its0 >> 1) + S.REFUNDED];
  }
  out[F.orders] = purchases;
  if (purchases > 0) out[F.refund_rate] = refunds / purchases;
  if (bought === 0) return;
  out[F.refunded_share] = refunded / bought;
  const amount = knownAmount(event.amountMinor);
  out[F.amount_over_mean] = (amount * n) / bought;
  out[F.amount_over_max] = amount / sums[at + S.GREATEST];
  if (n >= 2) out[F.amount_z] = (Math.log1p(amount) - sums[at + S.LOG_MEAN]) / Math.max(SPREAD_MIN, Math.sqrt(sums[at + S.LOG_M2] / n));
}

export function createExtract(state: S.State): Extract {
  const since = createSince();
  const order = new Float64Array(3);
  const complaints = new Set(state.settings.complaintIntents);
  const { customers, cells, sets, troubles } = state;

  /** @param first  where its windows begin @param sinceAt  of its two plain features */
  function other({ ints, stride }: S.Entities, id: number, tick: number, out: Float64Array, first: number, sinceAt: number, refunds: boolean): void {
    const distinct = first + (refunds ? 4 : 2) * WINDOWS;
    if (id < 0) {
      for (let j = first; j < distinct + WINDOWS; j += 1) out[j] = 0;
      out[sinceAt + 1] = 0;
      return;
    }
    const page = ints[id >>> SHIFT];
    const from = (id & MASK) * stride;
    const newest = page[from + S.SEEN];
    out[sinceAt] = sinceTickLog(newest, tick);
    out[sinceAt + 1] = page[from + S.EVER];
    sinceOf(Math.max(tick, newest), since);
    readWindows(cells, page[from + S.ITS_CELLS], since, out, first, refunds);
    countDistinct(sets, page[from + S.CUSTOMERS], newest, since, out, distinct);
  }

  function ofTheOrder(head: number, key: Key, amountMinor: number, tick: number, out: Float64Array): void {
    const link = findOrder(cells, head, key);
    if (link === 0) return;
    readOrder(cells, link, order);
    const [then, bought, refunded] = order;
    out[F.order_age_log] = sinceTickLog(then, tick);
    if (bought === 0) return;
    out[F.order_refunded_before] = refunded / bought;
    out[F.order_refunded_with] = (refunded + knownAmount(amountMinor)) / bought;
  }

  function ofTheCustomer(event: Purchase | Refund, asked: Asked, atMs: number, tick: number, out: Float64Array): void {
    const { card, address } = event.type === 'purchase' ? event : { card: undefined, address: undefined };
    const id = asked.customerId;
    if (id < 0) {
      for (let j = windowsAt.customer; j < windowsAt.customer + 7 * WINDOWS; j += 1) out[j] = 0;
      out[F.orders] = 0;
      if (event.device !== undefined) out[F.device_is_new] = 1;
      if (card !== undefined) out[F.card_is_new] = 1;
      if (address !== undefined) out[F.address_is_new] = 1;
      return;
    }
    history(customers, troubles, id, event, atMs, out);
    const page = customers.ints[id >>> SHIFT];
    const from = (id & MASK) * customers.stride;
    sinceOf(Math.max(tick, page[from + S.NEWEST]), since);
    readWindows(cells, page[from + S.CELLS], since, out, windowsAt.customer, true);
    for (let set = S.CARDS, at = windowsAt.customer + 4 * WINDOWS; set <= S.ADDRESSES; set += 2, at += WINDOWS) countDistinct(sets, page[from + set], page[from + set + 1], since, out, at);
    if (event.device !== undefined) out[F.device_is_new] = isNew(sets, page[from + S.DEVICES], page[from + S.DEVICES + 1], asked.device, since);
    if (card !== undefined) out[F.card_is_new] = isNew(sets, page[from + S.CARDS], page[from + S.CARDS + 1], asked.card, since);
    if (address !== undefined) out[F.address_is_new] = isNew(sets, page[from + S.ADDRESSES], page[from + S.ADDRESSES + 1], asked.address, since);
    if (event.type === 'refund') ofTheOrder(page[from + S.ORDERS], asked.order, event.amountMinor, tick, out);
  }

  return (event, atMs, signals, out) => {
    out.fill(NaN);
    const tick = tickOf(atMs);
    const asked = lookUp(state, event);
    fetch(state, asked);
    ofTheEvent(event, atMs, out);
    prices(state.items, event, asked.itemIds, out);
    ofTheCustomer(event, asked, atMs, tick, out);
    if (event.device !== undefined) other(state.devices, asked.deviceId, tick, out, windowsAt.device, F.device_since_log, true);
    if (event.type === 'purchase') {
      if (event.card !== undefined) other(state.cards, asked.cardId, tick, out, windowsAt.card, F.card_since_log, false);
      if (event.address !== undefined) other(state.addresses, asked.addressId, tick, out, windowsAt.address, F.address_since_log, false);
    }
    const ticket = signals.ticketOf(event.customer);
    if (ticket === undefined || atMs - ticket.ticketMs > 30 * DAY_MS) out[F.ticket_complaint] = 0;
    else if (ticket.intent !== undefined) out[F.ticket_complaint] = flag(complaints.has(ticket.intent));
  };
}
