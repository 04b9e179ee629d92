/**
 * The coupon step: who has a reason for a coupon, and whether there is one.
 *
 *   resolved_complaint  a ticket of the customer's whose true intent is a complaint got its answer
 *   abandoned_cart      nothing was done to a filled cart, and nothing bought, for some hours
 *   fading_customer     silent for several times the usual interval between orders
 *
 * Time is the stream's own: the largest time of an event so far, none taken as later than it was received. What becomes
 * due as it moves waits in a queue, and each event looks at a few: when a quiet night ends, or an import jumps over a year,
 * the rest is for the events behind it. What is due for longer than `freshMs` by the time it is looked at is dropped.
 */
import type { Signals } from '../signals.js';
import type { Emit, StoredEvent } from '../step.js';
import { dayOf, decide, type Cause } from './decide.js';
import { cartDueMs, fadingDueMs, observeCart, observePurchase, observeTicket, takeTicket, usualIntervalMs } from './observe.js';
import type { CouponSettings } from './settings.js';
import { createState, due, hashOf, KINDS, snapshotOf, times, TIMES, words, WORDS, type CouponState } from './state.js';

/** Looked at for each event: bounds what a jump of the clock costs one of them. */
const looksMax = 8;
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Like a `Step`, beside the signals that it reads. */
export interface CouponStep {
  empty(): CouponState;
  /** @param atMs  the event's time, no later than it was received */
  step(state: CouponState, signals: Signals, stored: StoredEvent, atMs: number, emit: Emit): void;
  snapshot(state: CouponState): Uint8Array[];
  /** @throws RangeError when they are not a whole snapshot of this version, made with as many customers */
  restore(chunks: Uint8Array[]): CouponState;
  hash(state: CouponState): string;
}

export function couponStep(settings: CouponSettings): CouponStep {
  return {
    empty: () => createState(settings.customers),
    step(state, signals, stored, atMs, emit) {
      if (atMs > state.clockMs) moveClock(state, atMs);
      let cause = observe(state, settings, stored, atMs);
      for (let looks = 0; ; looks += 1) {
        const decision = cause === undefined ? undefined : decide(state, settings, signals, stored, cause);
        if (decision !== undefined) emit({ table: 'coupons', value: decision });
        if (looks === looksMax || state.queue.nextMs() > state.clockMs) return;
        cause = lookAt(state, settings);
      }
    },
    snapshot: (state) => snapshotOf(state, settings.customers),
    restore: (chunks) => createState(settings.customers, chunks),
    hash: (state) => hashOf(state, settings.customers),
  };
}

function moveClock(state: CouponState, atMs: number): void {
  state.clockMs = atMs;
  const day = Math.floor(atMs / dayMs);
  if (day === state.day) return;
  state.day = day;
  state.spentMinor = 0;
}

/** The event comes before what it makes due: who buys or comes back with it has abandoned nothing. */
function observe(state: CouponState, settings: CouponSettings, { event }: StoredEvent, atMs: number): Cause | undefined {
  switch (event.type) {
    case 'click':
      if (event.action === 'cart' || event.action === 'uncart') observeCart(state, settings, event, atMs);
      return undefined;
    case 'purchase':
      observePurchase(state, settings, event, atMs);
      return undefined;
    case 'ticket':
      observeTicket(state, event, atMs);
      return undefined;
    case 'label': {
      if (event.of !== 'ticket' || event.answer === undefined) return undefined;
      const ticket = takeTicket(state, event);
      if (ticket === undefined || !settings.complaints.has(event.verdict)) return undefined;
      const { ref, verdict } = event;
      const because = () => `ticket ${ref} (${verdict}) was answered ${hours(atMs - ticket.openedMs)} after it came`;
      return { id: ticket.id, reason: 'resolved_complaint', atMs, because };
    }
    case 'control': {
      const id = event.command === 'forget' ? state.customers.idOf(event.customer) : undefined;
      if (id !== undefined) state.customers.drop(id);
      return undefined;
    }
    case 'refund':
      return undefined;
  }
}

/** Takes out the first that is due, by the time when. It may have moved since it was queued: then it is queued again. */
function lookAt(state: CouponState, settings: CouponSettings): Cause | undefined {
  const queuedMs = state.queue.nextMs();
  const slot = state.queue.pop();
  const id = Math.floor(slot / KINDS);
  const isCart = slot % KINDS === due.cart;
  const dueMs = isCart ? cartDueMs(state, settings, id) : fadingDueMs(state, settings, id);
  if (dueMs === Infinity) return undefined;
  if (dueMs === queuedMs) return isCart ? abandoned(state, id, dueMs) : faded(state, id, dueMs);
  state.queue.push(slot, dueMs);
  return undefined;
}

/** Once for each cart: what is put in later is another one. */
function abandoned(state: CouponState, id: number, dueMs: number): Cause {
  const items = state.times[id * TIMES + times.cartItems];
  const touchedMs = state.times[id * TIMES + times.cart];
  state.times[id * TIMES + times.cartItems] = 0;
  return { id, reason: 'abandoned_cart', atMs: dueMs, because: () => `cart with ${items} ${items === 1 ? 'item' : 'items'}, not touched for ${hours(dueMs - touchedMs)}` };
}

/** Once for each silence: the next order starts another one. */
function faded(state: CouponState, id: number, dueMs: number): Cause {
  const orderMs = state.times[id * TIMES + times.order];
  const usualMs = usualIntervalMs(state, id) ?? 0;
  state.times[id * TIMES + times.faded] = 1;
  const orders = state.words[id * WORDS + words.occasions];
  return { id, reason: 'fading_customer', atMs: dueMs, because: () => `no order for ${days(dueMs - orderMs)}, since ${dayOf(orderMs)}; usually one in ${days(usualMs)} (${orders} so far)` };
}

const hours = (ms: number): string => `${(ms / hourMs).toFixed(1)} h`;
const days = (ms: number): string => `${(ms / dayMs).toFixed(1)} days`;
