/** The settings of the recommender, their defaults with the reason of each, and their bounds. */
import { checkWeighting, defaultWeighting, type Weighting } from './weighting.js';

export interface RecommendLimits {
  /** Customers with a history; beyond it the one silent longest is dropped. Default 1,000,000: 100 bytes each plus 28 for each entry. */
  customers: number;
  /** Items; beyond it the ones untouched longest are dropped. At most 16,000,000 (ids have 24 bits). Default 200,000. */
  items: number;
  /** Pairs of items with a dot; beyond it the weakest that are in no list go. Default 60,000,000: 1.6 GiB at 27 bytes each. */
  pairs: number;
  /** Entries of a customer's history. Default 500: with 100 a sixth of the hit rate is lost, with more none is gained. */
  history: number;
  /** Neighbours kept for each item, at most 254. Default 100: of the true first 50, 99% are then among them. */
  neighbours: number;
  /** Recent customers remembered for each item, for user-user. Default 3,500: more gained nothing measurable. */
  postings: number;
  /**
   * Bytes of the kernel's memory, names not counted. Where it ends, the customers silent longest make room, and histories and
   * postings keep the length they have. Default 3.5 GiB, of the 4 that WebAssembly has.
   */
  memory: number;
}

/** Pairs that will hardly enter a list are dropped and not counted again for one to two half-lives (assembly/pruned.ts). */
export interface PruningSettings {
  /** The chance, by Hoeffding's bound, that a pruned pair belonged into a list: in [0, 1), 0 prunes nothing. */
  delta: number;
  /**
   * Pruned pairs that are kept out, four bytes each; with one more the earlier ones are admitted anew. Of pairs that were never
   * pruned up to 0.24% are kept out as well. At most 250,000,000.
   */
  remembered: number;
}

export interface RecommendSettings {
  limits: RecommendLimits;
  weighting: Weighting;
  /** After this many ms an event weighs half. Infinity: never. Default 90 days: a shop's season. */
  halfLifeMs: number;
  /** Absent: nothing is pruned, and every dot is exact. The default: a lower `limits.pairs` saves as much memory and loses less (docs/decisions). */
  pruning?: PruningSettings;
}

/** 4 MB; in its year online-retail prunes 750,000 pairs at a delta of 0.9. */
export const rememberedByDefault = 1_000_000;

export const defaultSettings: RecommendSettings = {
  limits: { customers: 1_000_000, items: 200_000, pairs: 60_000_000, history: 500, neighbours: 100, postings: 3_500, memory: 3.5 * 2 ** 30 },
  halfLifeMs: 90 * 24 * 3_600_000,
  weighting: defaultWeighting,
};

/** The upper bound of each limit: ids have 24 bits, less one eviction batch; a place in a list has 8 bits. */
const bounds: Record<keyof RecommendLimits, number> = {
  customers: 16_000_000,
  items: 16_000_000,
  pairs: 250_000_000,
  history: 65_535,
  neighbours: 254,
  postings: 1_000_000,
  memory: 2 ** 32 - 2 ** 26,
};

/** What the heap needs besides: slack, and histories worth having. */
const leastForHistories = 32 * 2 ** 20;
/** Bytes that are reserved for each customer and item, scratch included (assembly/index.ts, init). */
const RESERVED = { customer: 32 + 12, item: 80 + 37 };

export function prunes(pruning: PruningSettings | undefined): pruning is PruningSettings {
  return pruning !== undefined && pruning.delta > 0;
}

/** Bytes that the filters of pruned pairs take: blocks of 128 for each 32 pairs (assembly/pruned.ts). */
function filterBytes(pruning: PruningSettings | undefined): number {
  return !prunes(pruning) ? 0 : Math.ceil(pruning.remembered / 32) * 128;
}

export function checkSettings({ limits, halfLifeMs, weighting, pruning }: RecommendSettings): void {
  checkWeighting(weighting);
  for (const key of Object.keys(bounds) as (keyof RecommendLimits)[]) {
    if (Number.isInteger(limits[key]) && limits[key] >= 1 && limits[key] <= bounds[key]) continue;
    throw new RangeError(`recommend: limits.${key} must be a whole number from 1 to ${bounds[key]}, got ${limits[key]}`);
  }
  // Below a minute the epochs of decay.ts would not fit 32 bits.
  if (!(halfLifeMs >= 60_000)) throw new RangeError(`recommend: halfLifeMs must be at least 60000, got ${halfLifeMs}`);
  if (pruning !== undefined) checkPruning(pruning);
  const list = Math.ceil(limits.neighbours * 1.4) * 12 * 1.25;
  const bytes = limits.customers * RESERVED.customer + limits.items * (RESERVED.item + list) + limits.pairs * 28 + filterBytes(pruning) + leastForHistories;
  if (bytes > limits.memory) {
    throw new RangeError(`recommend: limits of ${limits.customers} customers, ${limits.items} items and ${limits.pairs} pairs need ${Math.ceil(bytes / 2 ** 20)} MiB, and limits.memory is ${Math.floor(limits.memory / 2 ** 20)} MiB; lower one of them, or raise it`);
  }
}

function checkPruning({ delta, remembered }: PruningSettings): void {
  if (!(delta >= 0 && delta < 1)) throw new RangeError(`recommend: pruning.delta must be in [0, 1), and 0 to prune nothing, got ${delta}`);
  if (Number.isInteger(remembered) && remembered >= 1 && remembered <= bounds.pairs) return;
  throw new RangeError(`recommend: pruning.remembered must be a whole number from 1 to ${bounds.pairs}, got ${remembered}`);
}

/** Items that are evicted together when the limit is reached. */
export function evictionBatch({ items }: RecommendLimits): number {
  return Math.ceil(items / 64);
}

/** What the state depends on, flat and printable, for a snapshot's header: Infinity is no JSON. */
export function flatten({ limits, halfLifeMs, pruning }: RecommendSettings): Record<string, number | string> {
  const { customers, items, pairs, history, neighbours, postings, memory } = limits;
  return { customers, items, pairs, history, neighbours, postings, memory, halfLifeMs: String(halfLifeMs), pruningDelta: pruning?.delta ?? 0, pruningRemembered: prunes(pruning) ? pruning.remembered : 0 };
}

/** @throws RangeError when k is not a whole number above 0; a larger one than an answer can be long is cut */
export function checkK(k: number, most: number): number {
  if (!Number.isInteger(k) || k < 1) throw new RangeError(`recommend: k must be a whole number from 1, got ${k}`);
  return Math.min(k, most);
}
