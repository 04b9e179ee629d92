/** What query.ts answers, from scratch out of all baskets for each answer: the oracle of the tests. The formulas stand there. */
import { near, rarity, sharpened, UNIT } from './query.js';
import type { BasketSettings } from './settings.js';

/** In the order in which they started; `items` without repeats, in the order in which they were added. */
export interface NaiveBasket {
  items: readonly string[];
}

type NaiveSettings = Pick<BasketSettings, 'perItem' | 'neighbours' | 'recent'>;

export interface NaiveProposal {
  item: string;
  share: number;
  because: { item: string; weight: number }[];
}

/** All that the nearest baskets propose, best first. @param cart  different items, some basket holds each, the latest last  @param self  not to answer for itself */
export function naiveNearest({ perItem, neighbours, recent }: NaiveSettings, baskets: readonly NaiveBasket[], cart: readonly string[], self?: NaiveBasket): NaiveProposal[] {
  const holdersOf = (item: string): number[] => [...baskets.keys()].filter((serial) => baskets[serial].items.includes(item));
  const rarityOf = (item: string): number => rarity({ live: baskets.length }, holdersOf(item).length);
  const latest = cart.slice(-recent).reverse();
  const weights = latest.map((item, p) => rarityOf(item) / (1 + p));
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  const found = new Set(latest.flatMap((item) => holdersOf(item).slice(-perItem).filter((serial) => baskets[serial] !== self).map((serial) => serial)));
  const listed = latest.map((item) => new Set(holdersOf(item).slice(-perItem)));
  const overlapOf = (serial: number): number => weights.reduce((sum, weight, p) => (listed[p].has(serial) ? sum + weight : sum), 0);
  const nearest = [...found].map((serial) => ({ serial, overlap: overlapOf(serial) })).sort((a, b) => b.overlap - a.overlap || b.serial - a.serial).slice(0, neighbours);
  const sums = new Map<string, { votes: number; parts: number[] }>();
  for (const { serial, overlap } of nearest) {
    const { items } = baskets[serial];
    const anchor = items.indexOf(latest[listed.findIndex((serials) => serials.has(serial))]);
    for (const [place, item] of items.entries()) {
      if (cart.includes(item)) continue;
      const by = UNIT * (overlap / all) ** 2 * near(place - anchor);
      const sum = sums.get(item) ?? { votes: 0, parts: weights.map(() => 0) };
      sum.votes += Math.round(by);
      for (const [p, weight] of weights.entries()) if (listed[p].has(serial)) sum.parts[p] += (by * weight) / overlap;
      sums.set(item, sum);
    }
  }
  const scored = [...sums].map(([item, { votes, parts }]) => ({ item, parts, score: Math.round(votes * Math.sqrt(rarityOf(item))) })).filter(({ score }) => score > 0);
  const largest = Math.max(...scored.map(({ score }) => score));
  const total = scored.reduce((sum, { score }) => sum + sharpened(score / largest), 0);
  return sorted(scored.map(({ item, parts, score }) => ({ item, share: sharpened(score / largest) / total, because: becauseOf(latest, parts) })), baskets);
}

/** By the baskets that hold them. */
export function naivePopular(baskets: readonly NaiveBasket[], leftOut: readonly string[]): NaiveProposal[] {
  const counts = new Map<string, number>();
  for (const { items } of baskets) for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  return sorted([...counts].filter(([item]) => !leftOut.includes(item)).map(([item, count]) => ({ item, share: count / total, because: [] })), baskets);
}

function sorted(proposals: NaiveProposal[], baskets: readonly NaiveBasket[]): NaiveProposal[] {
  const newest = (item: string): number => baskets.findLastIndex(({ items }) => items.includes(item));
  return proposals.sort((a, b) => b.share - a.share || newest(b.item) - newest(a.item) || (a.item < b.item ? -1 : 1));
}

function becauseOf(latest: readonly string[], parts: readonly number[]): NaiveProposal['because'] {
  const total = parts.reduce((sum, part) => sum + part, 0);
  return [...parts.keys()].filter((p) => parts[p] > 0).sort((a, b) => parts[b] - parts[a] || a - b).slice(0, 3).map((p) => ({ item: latest[p], weight: parts[p] / total }));
}
