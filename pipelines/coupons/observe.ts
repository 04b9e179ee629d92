/**
 * What an event says about carts, rhythm and complaints, and when a customer is to be looked at again.
 *
 *   cart      due = last touch + cartMs, while something is in it
 *   fading    due = last order + max(fadingFactor * usual interval, fadingMsMin), unless the product is above fadingMsMax
 *
 * The usual interval is the median of the last five (for an even number the mean of the two in the middle), and takes two,
 * so three occasions. Orders of less than a day are one occasion: a second order for what was forgotten is no rhythm.
 */
import type { Click, Label, Purchase, Ticket } from '../../schemas/events.js';
import { keyOf } from '../signals.js';
import type { CouponSettings } from './settings.js';
import { due, INTERVALS, KINDS, TICKETS, times, TIMES, words, WORDS, type CouponState } from './state.js';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const intervalsMin = 2;

/** @param click  that put something into the cart or took it out */
export function observeCart(state: CouponState, settings: CouponSettings, click: Click, atMs: number): void {
  const taken = click.action === 'uncart';
  if (taken && !hasCart(state, click.customer)) return;
  const id = state.customers.touch(click.customer);
  const t = id * TIMES;
  // It came late: the order behind it took what was in the cart.
  if (atMs < state.times[t + times.order]) return;
  state.times[t + times.cartItems] += taken ? -1 : 1;
  state.times[t + times.cart] = Math.max(state.times[t + times.cart], atMs);
  const dueMs = cartDueMs(state, settings, id);
  if (dueMs !== Infinity) state.queue.push(id * KINDS + due.cart, dueMs);
}

function hasCart({ customers, times: t }: CouponState, customer: string): boolean {
  const id = customers.idOf(customer);
  return id !== undefined && t[id * TIMES + times.cartItems] > 0;
}

export function observePurchase(state: CouponState, settings: CouponSettings, { customer }: Purchase, atMs: number): void {
  const id = state.customers.touch(customer);
  const t = id * TIMES;
  const w = id * WORDS;
  if (atMs >= state.times[t + times.cart]) state.times[t + times.cartItems] = 0;
  if (atMs < state.times[t + times.order]) return; // it came late: the silence since the last one is the same
  state.times[t + times.order] = atMs;
  const sinceMs = atMs - state.times[t + times.occasion];
  const again = state.times[t + times.faded] === 1;
  if (sinceMs < dayMs && !again) return; // its time of being looked at is never earlier than the one that is queued
  if (sinceMs >= dayMs) {
    const { occasions, interval } = words;
    const before = state.words[w + occasions];
    if (before > 0) state.words[w + interval + ((before - 1) % INTERVALS)] = Math.round(sinceMs / minuteMs);
    state.words[w + occasions] = before + 1;
    state.times[t + times.occasion] = atMs;
  }
  state.times[t + times.faded] = 0;
  const dueMs = fadingDueMs(state, settings, id);
  if (dueMs !== Infinity) state.queue.push(id * KINDS + due.fading, dueMs);
}

/** When the cart will have been abandoned; Infinity when nothing is in it. */
export function cartDueMs({ times: t }: CouponState, { cartMs }: CouponSettings, id: number): number {
  return t[id * TIMES + times.cartItems] > 0 ? t[id * TIMES + times.cart] + cartMs : Infinity;
}

/** When the customer will have been silent for too long; Infinity when that cannot be told, or has been decided upon. */
export function fadingDueMs(state: CouponState, settings: CouponSettings, id: number): number {
  if (state.times[id * TIMES + times.faded] === 1) return Infinity;
  const usualMs = usualIntervalMs(state, id);
  if (usualMs === undefined) return Infinity;
  const silenceMs = settings.fadingFactor * usualMs;
  return silenceMs > settings.fadingMsMax ? Infinity : state.times[id * TIMES + times.order] + Math.max(silenceMs, settings.fadingMsMin);
}

/** Worked: 10, 30 and 20 days -> 20; 10, 30 -> 20; one alone -> undefined */
export function usualIntervalMs({ words: w }: CouponState, id: number): number | undefined {
  const count = Math.min(Math.max(0, w[id * WORDS + words.occasions] - 1), INTERVALS);
  if (count < intervalsMin) return undefined;
  const start = id * WORDS + words.interval;
  const sorted = [...w.subarray(start, start + count)].sort((a, b) => a - b);
  const middle = (count - 1) / 2;
  return ((sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2) * minuteMs;
}

/** Remembers that a ticket waits for its answer; of more than two, the latest. What is written to the same one again is no other. */
export function observeTicket(state: CouponState, { customer, ticket }: Ticket, atMs: number): void {
  const id = state.customers.touch(customer);
  const [t, w] = [id * TIMES + times.ticket, id * WORDS + words.ticketKey];
  const key = keyOf(ticket);
  let place = 0;
  for (let n = 0; n < TICKETS; n += 1) {
    if (state.words[w + n] === key) return;
    if (state.times[t + n] < state.times[t + place]) place = n;
  }
  state.times[t + place] = atMs;
  state.words[w + place] = key;
}

/** When the ticket that this label answers was opened; undefined when it was not, or has been answered before. */
export function takeTicket(state: CouponState, { customer, ref }: Label): { id: number; openedMs: number } | undefined {
  const id = state.customers.idOf(customer);
  if (id === undefined) return undefined;
  const [t, w] = [id * TIMES + times.ticket, id * WORDS + words.ticketKey];
  for (let n = 0; n < TICKETS; n += 1) {
    const openedMs = state.times[t + n];
    if (openedMs === 0 || state.words[w + n] !== keyOf(ref)) continue;
    state.times[t + n] = 0;
    state.words[w + n] = 0;
    return { id, openedMs };
  }
  return undefined;
}
