/**
 * One ranking out of several: weighted reciprocal-rank fusion (Cormack, Clarke, Buettcher, SIGIR 2009). Scores of the channels
 * need not be comparable, only their orders:
 *
 *   score(item) = sum over the channels that propose it of weight (c + 1) / (61 (c + rank))        c = 60: weight / (60 + rank)
 *
 * c says how much the first ranks stand out, and 1/61 is what a channel's first counts at a weight of 1, whatever c is. Items
 * that are looked at in this session fall faster, as 1 / rank^2: the last one is come back to far more often than the one before.
 * (1 / rank, 1 / rank^2 and the last one alone were compared on the validation parts of yoochoose and retailrocket.)
 */

/** In the order of preference when two contribute the same. `again`: what is looked at now, the latest first; only where what was seen may be shown. */
export const channels = ['session', 'item-item', 'user-user', 'svd', 'again', 'popular'] as const;
export type Channel = (typeof channels)[number];
/** What a channel's ranks are worth; 0: it is not asked. */
export type BlendWeights = Record<Channel, number>;

export interface Blend {
  weights: BlendWeights;
  /** c, from 0 */
  constant: number;
}

/** Popularity fills what the others leave open, and has no say before. */
export const equalWeights: BlendWeights = { session: 1, 'item-item': 1, 'user-user': 1, svd: 1, again: 1, popular: 0 };

/** The constant of the paper. */
export const RRF = 60;
export const equalBlend: Blend = { weights: equalWeights, constant: RRF };

/** What a channel's rank is worth at a weight of 1, in units of its first. @param rank  from 1 */
export const worth = (channel: Channel, constant: number, rank: number): number => (channel === 'again' ? 1 / (rank * rank) : (constant + 1) / (constant + rank));

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
export function fuse<Item>(proposals: Proposal<Item>[], { weights, constant }: Blend, k: number, factor?: (item: Item) => number): Fused<Item>[] {
  const placeOf = new Map<Item, number>();
  const [items, scores]: [Item[], number[]] = [[], []];
  const asked = proposals.filter(({ channel }) => weights[channel] > 0);
  // Rank of each place in each proposal, 0 for none: filled on the way, as looking the chosen ones up again takes as long.
  const ranks: number[] = [];
  for (let n = 0; n < asked.length; n += 1) {
    const { channel, items: proposed } = asked[n];
    const first = weights[channel] / (RRF + 1);
    for (let i = 0; i < proposed.length; i += 1) {
      const item = proposed[i];
      let place = placeOf.get(item);
      if (place === undefined) {
        place = items.push(item) - 1;
        placeOf.set(item, place);
        scores.push(0);
        for (let m = 0; m < asked.length; m += 1) ranks.push(0);
      }
      scores[place] += first * worth(channel, constant, i + 1);
      ranks[place * asked.length + n] = i + 1;
    }
  }
  if (factor !== undefined) for (let place = 0; place < items.length; place += 1) scores[place] *= factor(items[place]);
  const part = ([channel, rank]: [Channel, number]): number => weights[channel] * worth(channel, constant, rank);
  return largest(scores, k).map((place): Fused<Item> => {
    const own: [Channel, number][] = [];
    for (let n = 0; n < asked.length; n += 1) {
      const rank = ranks[place * asked.length + n];
      if (rank > 0) own.push([asked[n].channel, rank]);
    }
    if (own.length > 1) own.sort((x, y) => part(y) - part(x));
    return { item: items[place], score: scores[place], ranks: own };
  });
}

/** Places of the k largest, the largest first; of equals the first. For a k that is small beside how many there are. */
function largest(scores: number[], k: number): number[] {
  const places: number[] = [];
  for (let place = 0; place < scores.length; place += 1) {
    if (places.length === k && scores[place] <= scores[places[k - 1]]) continue;
    let at = places.length === k ? k - 1 : places.push(place) - 1;
    for (; at > 0 && scores[places[at - 1]] < scores[place]; at -= 1) places[at] = places[at - 1];
    places[at] = place;
  }
  return places;
}

/** What popular items that fill up score: below the last of the fused, and falling. */
export function fillerScore(fused: Fused<unknown>[], index: number): number {
  const last = fused.length === 0 ? 1 / RRF : fused[fused.length - 1].score;
  return (last * RRF) / (RRF + 1 + index);
}
