/**
 * One ranking out of several: reciprocal-rank fusion (Cormack, Clarke, Buettcher, SIGIR 2009). A channel gives an item
 * 1 / (60 + rank); the sum orders. Scores of the channels need not be comparable, only their orders.
 */
import type { Channel, Recommendation } from './recommender.js';

/** The constant of the paper: how much the first ranks stand out. */
const RRF = 60;
/** How deep each channel is asked, at least: an item that both put at rank 50 beats one that a single channel puts at 1. */
export const DEPTH = 100;

/** One of a channel's answers, best first; `Item` is a name or an id. The reasons are asked of those that are returned only. */
export interface Ranked<Item> {
  item: Item;
  because(): Recommendation['because'];
}

export type Fused<Item> = Omit<Recommendation, 'item'> & { item: Item };

interface Candidate<Item> {
  item: Item;
  score: number;
  /** Of the channel that contributed most. */
  channel: Channel;
  largest: number;
  because: (() => Recommendation['because'])[];
}

/** All that one channel proposes, best first. */
export interface Ranking<Item> {
  channel: Channel;
  ranked: Ranked<Item>[];
}

/** `channels` in the order of preference when two contribute the same; `popular` fills what they leave open. */
export function fuse<Item>(channels: Ranking<Item>[], popular: Ranked<Item>[], k: number): Fused<Item>[] {
  const byItem = new Map<Item, Candidate<Item>>();
  for (const { channel, ranked } of channels) {
    for (const [index, answer] of ranked.entries()) {
      const part = 1 / (RRF + index + 1);
      const seen = byItem.get(answer.item);
      if (seen === undefined) {
        byItem.set(answer.item, { item: answer.item, score: part, channel, largest: part, because: [() => answer.because()] });
        continue;
      }
      seen.score += part;
      if (part <= seen.largest) {
        seen.because.push(() => answer.because());
        continue;
      }
      seen.because.unshift(() => answer.because());
      seen.channel = channel;
      seen.largest = part;
    }
  }
  const fused = [...byItem.values()].sort((a, b) => b.score - a.score).slice(0, k);
  const answer = fused.map(({ item, score, channel, because }): Fused<Item> => ({ item, score, channel, because: because.flatMap((reasons) => reasons()) }));
  // Behind the last fused item, whatever its rank was.
  const behind = Math.max(0, ...channels.map(({ ranked }) => ranked.length));
  for (const [index, filler] of popular.entries()) {
    if (answer.length >= k) break;
    if (!byItem.has(filler.item)) answer.push({ item: filler.item, score: 1 / (RRF + behind + index + 1), channel: 'popular', because: filler.because() });
  }
  return answer;
}
