/**
 * VMIS-kNN as a batch job: everything from scratch, out of all sessions, for each answer. The oracle of the tests and the
 * baseline of the benchmark; the formulas stand in query.ts.
 */
import { REACH } from './query.js';
import type { SessionSettings } from './settings.js';

/** In the order in which they started; `items` without repeats, the latest last. */
export interface NaiveSession {
  customer: string;
  items: readonly string[];
}

/** @param self the session that is answered for  @param own whether its own items may be proposed */
export function naiveRecommend(settings: SessionSettings, sessions: readonly NaiveSession[], self: NaiveSession, k: number, own = false): { item: string; score: number }[] {
  const { perItem, neighbours, recent } = settings;
  const byItem = new Map<string, number[]>();
  for (const [serial, { items }] of sessions.entries()) {
    for (const item of items) {
      const list = byItem.get(item);
      if (list === undefined) byItem.set(item, [serial]);
      else list.push(serial);
    }
  }
  return naiveAnswer({ perItem, neighbours, recent }, byItem, sessions, self, k, own);
}

/** The same with the index at hand, for a baseline that answers many. */
export function naiveAnswer(
  { perItem, neighbours, recent }: Pick<SessionSettings, 'perItem' | 'neighbours' | 'recent'>,
  byItem: ReadonlyMap<string, readonly number[]>, sessions: readonly NaiveSession[], self: NaiveSession, k: number, own: boolean,
): { item: string; score: number }[] {
  const latest = self.items.slice(-recent).reverse();
  const n = latest.length;
  const found = new Map<number, { overlap: number; first: number }>();
  for (const [p, item] of latest.entries()) {
    for (const serial of (byItem.get(item) ?? []).slice(-perItem)) {
      if (sessions[serial] === self) continue;
      const { overlap, first } = found.get(serial) ?? { overlap: 0, first: p };
      found.set(serial, { overlap: overlap + n - p, first });
    }
  }
  const nearest = [...found].sort(([a, x], [b, y]) => y.overlap - x.overlap || b - a).slice(0, neighbours);
  const votes = new Map<string, number>();
  for (const [serial, { overlap, first }] of nearest) {
    for (const item of sessions[serial].items) votes.set(item, (votes.get(item) ?? 0) + overlap * (REACH - first));
  }
  const all = [...votes].filter(([item]) => own || !self.items.includes(item)).map(([item, sum]) => {
    const holders = byItem.get(item) ?? [];
    return { item, newest: holders[holders.length - 1], score: sum * Math.log(sessions.length / holders.length) };
  });
  const best = all.filter(({ score }) => score > 0).sort((a, b) => b.score - a.score || b.newest - a.newest || (a.item < b.item ? -1 : 1));
  return best.slice(0, k).map(({ item, score }) => ({ item, score: score / (REACH * n) }));
}
