/** The settings of basket prediction, their defaults with the reason of each, and their bounds. */
import { checkWholes, type SessionSettings } from '../sessions/settings.js';

export interface BasketLimits {
  /** Baskets kept; beyond it the one started longest ago goes, and a customer or an item with its last basket. Default 200,000: 300 bytes each. */
  baskets: number;
  /** Items; beyond it the oldest baskets go until one is free. Default 200,000: up to 2 KiB each, 16 bytes for a rare one. */
  items: number;
  /** Different items of one basket; a longer one goes on as a new one. Default 64: of online-retail's orders 7% are longer; with 100 HR@10 was .415, with 32 .417, with 64 .416. */
  length: number;
}

export interface BasketSettings {
  limits: BasketLimits;
  /** The most recent baskets of each item that are looked at. Default 500: HR@10 .408 on online-retail's validation part, with 250 .403, with 1,000 .405. */
  perItem: number;
  /** The baskets nearest to the cart that vote. Default 100: HR@10/MRR@10 .418/.237 there, with 200 .417/.235. */
  neighbours: number;
  /** Latest items of the cart that are looked at, at most 10. Default 9: with 5 HR@10 .407 instead of .408, with 20 .409. */
  recent: number;
  /** After this many ms without an event an open cart is over. Default a day: a cart is often finished the next one. */
  gapMs: number;
  /** Every how many additions one is asked for before it is learnt, to calibrate. Default 512: an answer is some two hundred times the work of learning; ECE .003 on online-retail's validation part, with 256 .005. */
  sampleEvery: number;
}

export const defaultBasketSettings: BasketSettings = {
  limits: { baskets: 200_000, items: 200_000, length: 64 },
  perItem: 500,
  neighbours: 100,
  recent: 9,
  gapMs: 24 * 3_600_000,
  sampleEvery: 512,
};

/** Baskets and items: memory that a process can have; `recent`: a table of 2^recent sums is made for each answer. */
const bounds: Record<keyof BasketLimits | Exclude<keyof BasketSettings, 'limits'>, number> = {
  baskets: 16_000_000,
  items: 16_000_000,
  length: 1000,
  perItem: 32_768,
  neighbours: 32_768,
  recent: 10,
  gapMs: 365 * 24 * 3_600_000,
  sampleEvery: 1_000_000_000,
};

/** Flat, for the checks and for a snapshot's header. */
export function flattenBaskets({ limits, perItem, neighbours, recent, gapMs, sampleEvery }: BasketSettings): Record<keyof typeof bounds, number> {
  return { ...limits, perItem, neighbours, recent, gapMs, sampleEvery };
}

/** @throws RangeError when a setting is out of range */
export function checkBasketSettings(settings: BasketSettings): void {
  checkWholes('baskets', flattenBaskets(settings), bounds);
}

/** The index that holds the baskets is the one of sessions. */
export function indexSettings({ limits: { baskets, items, length }, perItem, neighbours, recent, gapMs }: BasketSettings): SessionSettings {
  return { limits: { sessions: baskets, items, length }, perItem, neighbours, recent, gapMs };
}
