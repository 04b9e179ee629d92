/**
 * One ranking out of several: weighted reciprocal-rank fusion (Cormack, Clarke, Buettcher, SIGIR 2009). A channel gives an
 * item weight / (60 + rank); the sum orders. Scores of the channels need not be comparable, only their orders.
 */

/** In the order of preference when two contribute the same. */
export const channels = ['session', 'item-item', 'user-user', 'svd', 'popular'] as const;
export type Channel = (typeof channels)[number];
/** What a channel's ranks are worth; 0: it is not asked. */
export type BlendWeights = Record<Channel, number>;

/** Popularity fills what the others leave open, and has no say before. */
export const equalWeights: BlendWeights = { session: 1, 'item-item': 1, 'user-user': 1, svd: 1, popular: 0 };

/** The constant of the paper: how much the first ranks stand out. */
export const RRF = 60;
/** How deep each channel is asked, at least: an item that both put at rank 50 beats one that a single channel puts at 1. */
export const DEPTH = 50;

/** Why an item is there, or why it is further down. */
export interface Reason {
  /** An item of the customer's own history ... */
  item?: string;
  /** ... or how many customers stand behind it. */
  customers?: number;
  /** What the customer has against `item`; its weight is below zero. */
  against?: 'complaint' | 'refund';
  /** Share in the score, in the channel's own unit. */
  weight: number;
}

/** One of a channel's answers; the reasons are asked of those that are returned only. */
export interface Ranked<Item> {
  item: Item;
  because(): Reason[];
}

/** All that one channel proposes, best first. */
export interface Ranking<Item> {
  channel: Channel;
  ranked: Ranked<Item>[];
}

export interface Proposal<Item> {
  channel: Channel;
  items: ArrayLike<Item>;
}

export interface Fused<Item> {
  item: Item;
  score: number;
  /** Rank in each channel that proposed it, from 1; the channel that contributed most is the first. */
  ranks: [Channel, number][];
}

/**
 * @param proposals  at most one of each channel, best first
 * @param factor  what an item's score is multiplied by; 1 where nothing speaks against it
 * @returns at most k, best first; equals in the order in which they were proposed
 */
export function fuse<Item>(proposals: Proposal<Item>[], weights: BlendWeights, k: number, factor?: (item: Item) => number): Fused<Item>[] {
  const scoreOf = new Map<Item, number>();
  for (const { channel, items } of proposals) {
    const weight = weights[channel];
    if (weight <= 0) continue;
    for (let i = 0; i < items.length; i += 1) scoreOf.set(items[i], (scoreOf.get(items[i]) ?? 0) + weight / (RRF + 1 + i));
  }
  if (factor !== undefined) for (const [item, score] of scoreOf) scoreOf.set(item, score * factor(item));
  const best = [...scoreOf].sort(([, a], [, b]) => b - a).slice(0, k);
  const chosen = new Map(best.map(([item, score]) => [item, { item, score, ranks: [] as [Channel, number][] }]));
  for (const { channel, items } of proposals) {
    if (weights[channel] <= 0) continue;
    for (let i = 0; i < items.length; i += 1) chosen.get(items[i])?.ranks.push([channel, i + 1]);
  }
  const part = ([channel, rank]: [Channel, number]): number => weights[channel] / (RRF + rank);
  const fused = [...chosen.values()];
  for (const { ranks } of fused) if (ranks.length > 1) ranks.sort((a, b) => part(b) - part(a));
  return fused;
}

/** What popular items that fill up score: below the last of the fused, and falling. */
export function fillerScore(fused: Fused<unknown>[], index: number): number {
  const last = fused.length === 0 ? 1 / RRF : fused[fused.length - 1].score;
  return (last * RRF) / (RRF + 1 + index);
}
