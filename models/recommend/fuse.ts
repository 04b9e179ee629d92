/**
 * One ranking out of several: reciprocal-rank fusion (Cormack, Clarke, Buettcher, SIGIR 2009). A channel gives an item
 * 1 / (60 + rank); the sum orders. Scores of the channels need not be comparable, only their orders.
 */
import type { Channel, Recommendation } from './recommender.js';

/** The constant of the paper: how much the first ranks stand out. */
const RRF = 60;
/** How deep each channel is asked, at least: an item that both put at rank 50 beats one that a single channel puts at 1. */
export const DEPTH = 100;

/** A channel's answer, best first. */
export interface Ranked {
  item: string;
  because: Recommendation['because'];
}

/** `channels` in the order of preference when two contribute the same; `popular` fills what they leave open. */
export function fuse(channels: { channel: Channel; ranked: Ranked[] }[], popular: Ranked[], k: number): Recommendation[] {
  const byItem = new Map<string, Recommendation & { largest: number }>();
  for (const { channel, ranked } of channels) {
    ranked.forEach(({ item, because }, index) => {
      const part = 1 / (RRF + index + 1);
      const seen = byItem.get(item);
      if (seen === undefined) {
        byItem.set(item, { item, score: part, channel, because, largest: part });
        return;
      }
      seen.score += part;
      const leads = part > seen.largest;
      seen.because = leads ? [...because, ...seen.because] : [...seen.because, ...because];
      if (!leads) return;
      seen.channel = channel;
      seen.largest = part;
    });
  }
  const fused = [...byItem.values()].sort((a, b) => b.score - a.score).slice(0, k);
  const answer: Recommendation[] = fused.map(({ item, score, channel, because }) => ({ item, score, channel, because }));
  // Behind the last fused item, whatever its rank was.
  const behind = Math.max(0, ...channels.map(({ ranked }) => ranked.length));
  for (const [index, { item, because }] of popular.entries()) {
    if (answer.length >= k) break;
    if (!byItem.has(item)) answer.push({ item, score: 1 / (RRF + behind + index + 1), channel: 'popular', because });
  }
  return answer;
}
