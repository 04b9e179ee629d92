/**
 * The same model without any cleverness: the oracle of the tests and the baseline of the benchmark. Maps and objects,
 * every number relative to one landmark and rescaled at once when it moves, neighbours found by sorting all pairs.
 */
import { createIntern } from '../intern.js';
import { DOT_MIN, epochOf, halfLives, R_MIN, relative, STEP, toMoment } from './decay.js';
import { DEPTH, equalBlend, fillerScore, fuse, type Ranked, type Ranking } from './fuse.js';
import { createPruner, type Pruner } from './naive-pruning.js';
import { checkK, checkSettings, evictionBatch, prunes, type RecommendSettings } from './settings.js';
import type { Neighbour, Recommendation, RecommendOptions, Recommender } from './recommender.js';

interface Item {
  id: number;
  norm2: number;
  popularity: number;
  contributors: number;
  /** Both items of a pair hold it. */
  dots: Map<string, number>;
  /** Who has it, in the order in which they came. */
  owners: Set<string>;
}

interface Entry { item: string; r: number }

interface State {
  settings: RecommendSettings;
  /** Least recently touched first. */
  customers: Map<string, Entry[]>;
  items: Map<string, Item>;
  ids: ReturnType<typeof createIntern>;
  customerIds: ReturnType<typeof createIntern>;
  epoch: number | undefined;
  newestMs: number;
  evicted: { customers: number; items: number; pairs: number };
  /** undefined: nothing is pruned */
  pruner: Pruner | undefined;
}

const MOST = 512;
const RESIDUE = 1e-12;

/** Everything but snapshots. */
export type Oracle = Omit<Recommender, 'snapshot' | 'hash'>;

export interface Naive extends Oracle {
  /** As of the newest event; undefined: the pair has none. */
  dotOf(a: string, b: string): number | undefined;
}

export function createNaive(settings: RecommendSettings): Naive {
  checkSettings(settings);
  const state: State = {
    settings,
    customers: new Map(),
    items: new Map(),
    ids: createIntern(),
    customerIds: createIntern(),
    epoch: undefined,
    newestMs: 0,
    evicted: { customers: 0, items: 0, pairs: 0 },
    pruner: undefined,
  };
  if (prunes(settings.pruning)) state.pruner = createPruner(settings.pruning, settings.limits, (name) => state.items.get(name) ?? { norm2: 0, popularity: 0, dots: new Map() });
  return {
    observe: (customer, item, strength, atMs) => observe(state, customer, item, strength, atMs),
    retract(customer, item) {
      const history = state.customers.get(customer);
      if (history === undefined || !state.items.has(item)) return;
      touch(state.customers, customer, history);
      if (!history.some((entry) => entry.item === item && entry.r > 0)) return;
      takeBack(state, customer, history, item);
      history.push({ item, r: 0 }); // sent back: it counts for nothing, but the customer has had it
      state.items.get(item)?.owners.add(customer);
    },
    forget(customer) {
      const history = state.customers.get(customer);
      if (history === undefined) return;
      while (history.length > 0) takeBack(state, customer, history, history[history.length - 1].item);
      dropCustomer(state, customer);
    },
    recommend: (customer, k, atMs, options = {}) => recommend(state, customer, checkK(k, MOST), atMs, options),
    similar: (item, k) => {
      checkK(k, MOST);
      const from = state.items.get(item);
      return from === undefined ? undefined : nearest(state, from).slice(0, Math.min(k, MOST));
    },
    dotOf(a, b) {
      const dot = state.items.get(a)?.dots.get(b);
      return dot === undefined ? undefined : dot * toTime(state) ** 2;
    },
    profile(customer) {
      const history = state.customers.get(customer);
      if (history === undefined) return undefined;
      const by = toTime(state);
      const items = history.filter(({ r }) => r > 0).map(({ item, r }) => ({ item, strength: r * by })).sort((a, b) => b.strength - a.strength);
      return { items, norm: Math.sqrt(norm2Of(history)) * by };
    },
    neighbours(fromId, count, asOfMs = state.newestMs) {
      const by = toTime(state, asOfMs) ** 2;
      const sorted = [...state.items].filter(([, { id }]) => id >= fromId).sort(([, a], [, b]) => a.id - b.id);
      const items = sorted.slice(0, count).map(([item, from]) => ({ item, norm2: from.norm2 * by, neighbours: nearest(state, from, asOfMs) }));
      return { nextId: sorted.length > count ? sorted[count][1].id : -1, asOfMs, items };
    },
    stats() {
      const pairs = [...state.items.values()].reduce((sum, { dots }) => sum + dots.size, 0) / 2;
      return { customers: state.customers.size, items: state.items.size, pairs, pairBytes: 0, memoryBytes: 0, evicted: state.evicted, prunedPairs: state.pruner?.total() ?? 0 };
    },
  };
}

// ---- events ----

function observe(state: State, customer: string, item: string, strength: number, atMs: number): void {
  const x = halfLives(atMs, state.settings.halfLifeMs);
  const epoch = epochOf(x);
  if (state.epoch === undefined) {
    state.epoch = epoch;
    state.newestMs = atMs;
  }
  if (epoch > state.epoch) moveLandmark(state, epoch);
  state.newestMs = Math.max(state.newestMs, atMs);
  state.pruner?.renew(Math.floor(x));
  const r = relative(strength, x, state.epoch);
  if (r < R_MIN) return;
  const history = customerOf(state, customer);
  const p = itemOf(state, item);
  touch(state.customers, customer, history);
  touch(state.items, item, p);
  const index = history.findIndex((entry) => entry.item === item);
  const old = index < 0 ? 0 : history[index].r;
  if (!(r > old)) return;
  if (index >= 0) history.splice(index, 1);
  else if (history.length === state.settings.limits.history) dropSmallest(state, customer, history);
  if (old === 0) {
    p.contributors += 1;
    p.owners.add(customer);
  }
  p.norm2 += (r - old) * (r + old);
  p.popularity += r - old;
  for (const other of history) {
    if (other.r === 0) continue;
    const had = p.dots.get(other.item);
    if (had === undefined && state.pruner?.has(item, other.item) === true) continue;
    const dot = (had ?? 0) + (r - old) * other.r;
    p.dots.set(other.item, dot);
    state.items.get(other.item)?.dots.set(item, dot);
    if (state.pruner?.judge(item, other.item) === true) setDot(state, item, other.item, 0);
  }
  history.push({ item, r });
  state.pruner?.touched(item);
}

function touch<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
}

function customerOf(state: State, name: string): Entry[] {
  const known = state.customers.get(name);
  if (known !== undefined) return known;
  if (state.customers.size >= state.settings.limits.customers) {
    const [silent] = state.customers.keys();
    for (const { item } of state.customers.get(silent) ?? []) state.items.get(item)?.owners.delete(silent);
    dropCustomer(state, silent);
    state.evicted.customers += 1;
  }
  state.customerIds.add(name);
  const history: Entry[] = [];
  state.customers.set(name, history);
  return history;
}

function dropCustomer(state: State, name: string): void {
  state.customers.delete(name);
  const id = state.customerIds.idOf(name) ?? 0;
  state.customerIds.release(id);
  state.customerIds.recycle(id);
}

function itemOf(state: State, name: string): Item {
  const known = state.items.get(name);
  if (known !== undefined) return known;
  if (state.items.size >= state.settings.limits.items) {
    for (const stale of [...state.items.keys()].slice(0, evictionBatch(state.settings.limits))) dropItem(state, stale);
  }
  const item: Item = { id: state.ids.add(name), norm2: 0, popularity: 0, contributors: 0, dots: new Map(), owners: new Set() };
  state.items.set(name, item);
  return item;
}

function dropItem(state: State, name: string): void {
  const item = state.items.get(name);
  if (item === undefined) return;
  for (const other of item.dots.keys()) state.items.get(other)?.dots.delete(name);
  for (const owner of item.owners) {
    const history = state.customers.get(owner) ?? [];
    const index = history.findIndex((entry) => entry.item === name);
    if (index >= 0) history.splice(index, 1);
  }
  state.items.delete(name);
  state.pruner?.forgetItem(name);
  state.ids.release(item.id);
  state.ids.recycle(item.id);
  state.evicted.items += 1;
}

function dropSmallest(state: State, customer: string, history: Entry[]): void {
  let smallest = 0;
  history.forEach(({ r }, index) => {
    if (r < history[smallest].r) smallest = index;
  });
  const [{ item }] = history.splice(smallest, 1);
  state.items.get(item)?.owners.delete(customer);
}

function takeBack(state: State, customer: string, history: Entry[], name: string): void {
  const [{ r }] = history.splice(history.findIndex((entry) => entry.item === name), 1);
  const p = state.items.get(name);
  p?.owners.delete(customer);
  if (p === undefined || r === 0) return;
  p.contributors -= 1;
  p.norm2 = p.contributors === 0 ? 0 : flush(p.norm2 - r * r, DOT_MIN);
  p.popularity = p.contributors === 0 ? 0 : flush(p.popularity - r, R_MIN);
  for (const other of history) {
    const had = p.dots.get(other.item);
    if (had === undefined) continue;
    const dot = had - r * other.r;
    setDot(state, name, other.item, dot <= RESIDUE * r * other.r ? 0 : dot);
  }
}

function setDot(state: State, a: string, b: string, dot: number): void {
  if (dot === 0) state.pruner?.unlist(a, b);
  for (const [one, other] of [[a, b], [b, a]]) {
    const dots = state.items.get(one)?.dots;
    if (dot === 0) dots?.delete(other);
    else dots?.set(other, dot);
  }
}

function flush(value: number, least: number): number {
  return value < least ? 0 : value;
}

function moveLandmark(state: State, epoch: number): void {
  const steps = epoch - (state.epoch ?? epoch);
  state.epoch = epoch;
  const byR = 2 ** (-STEP * steps);
  const byDot = 2 ** (-2 * STEP * steps);
  state.pruner?.rescale(byDot);
  for (const item of state.items.values()) {
    item.norm2 = flush(item.norm2 * byDot, DOT_MIN);
    item.popularity = flush(item.popularity * byR, R_MIN);
    for (const [other, dot] of item.dots) {
      const scaled = flush(dot * byDot, DOT_MIN);
      if (scaled > 0) item.dots.set(other, scaled);
      else item.dots.delete(other);
    }
  }
  for (const [customer, history] of state.customers) {
    const kept = history.map(({ item, r }) => ({ item, r: r * byR })).filter(({ item, r }) => {
      if (r < R_MIN) state.items.get(item)?.owners.delete(customer);
      return r >= R_MIN;
    });
    history.splice(0, history.length, ...kept);
  }
}

// ---- answers ----

function toTime(state: State, atMs = state.newestMs): number {
  return toMoment(halfLives(atMs, state.settings.halfLifeMs), state.epoch ?? 0);
}

function norm2Of(history: Entry[]): number {
  return history.reduce((sum, { r }) => sum + r * r, 0);
}

/** The nearest items, at most the limit, best first; ties to the smaller id. */
function nearest(state: State, from: Item, asOfMs = state.newestMs): Neighbour[] {
  const by = toTime(state, asOfMs) ** 2;
  const all = [...from.dots].map(([item, dot]) => {
    const to = state.items.get(item);
    const norms = from.norm2 * (to?.norm2 ?? 0);
    return { item, id: to?.id ?? 0, similarity: norms > 0 ? Math.min(1, dot / Math.sqrt(norms)) : 0, dot: dot * by };
  });
  const sorted = all.filter(({ similarity }) => similarity > 0).sort((a, b) => b.similarity - a.similarity || a.id - b.id);
  return sorted.slice(0, state.settings.limits.neighbours).map(({ item, similarity, dot }) => ({ item, similarity, dot }));
}

interface Scored extends Ranked<string> { score: number; id: number }

function best<T extends { score: number; id: number }>(all: T[], limit: number): T[] {
  return all.sort((a, b) => b.score - a.score || a.id - b.id).slice(0, limit);
}

function seedsOf(history: Entry[], most: number): Entry[] {
  const all = history.map((entry, index) => ({ entry, score: entry.r, id: history.length - 1 - index }));
  return best(all.filter(({ score }) => score > 0), most).map(({ entry }) => entry);
}

/** Of an item among the customers there are (weighting.ts). */
function rarityOf(state: State, item: string, exponent: number): number {
  const [total, n] = [state.customers.size, state.items.get(item)?.contributors ?? 0];
  const idf = state.settings.weighting.rarity === 'tf-idf' ? Math.log(1 + total / Math.max(n, 1)) : Math.log(1 + (Math.max(total - n, 0) + 0.5) / (n + 0.5));
  return idf ** exponent;
}

function saturated(state: State, r: number): number {
  const k1 = state.settings.weighting.saturation / toTime(state);
  return k1 === 0 ? r : (r * k1) / (r + k1);
}

function recommend(state: State, customer: string, k: number, atMs: number, { others = [], blend = equalBlend, seen = false, against = [] }: RecommendOptions): Recommendation[] {
  if (state.epoch === undefined) return [];
  const history = state.customers.get(customer) ?? [];
  const decay = toMoment(halfLives(atMs, state.settings.halfLifeMs), state.epoch);
  const shown = ({ r }: Entry): boolean => seen && r !== 0 && r * decay < 3 * (1 + 1e-9);
  const left = new Set(history.filter((entry) => !shown(entry)).map(({ item }) => item));
  const popular = best([...state.items].filter(([item, { popularity }]) => popularity > 0 && !left.has(item)).map(([item, { id, popularity, contributors }]) => (
    { item, id, score: popularity, because: () => [{ customers: contributors, weight: popularity * decay }] }
  )), MOST);
  const depth = Math.max(k, DEPTH);
  const rankings: Ranking<string>[] = [
    ...others.map(({ channel, ranked }) => ({ channel, ranked: ranked.filter(({ item }) => state.items.has(item) && !left.has(item)) })),
    { channel: 'item-item', ranked: itemItem(state, history, left, depth) },
    { channel: 'user-user', ranked: userUser(state, customer, history, left, depth) },
    { channel: 'popular', ranked: popular.slice(0, depth) },
  ];
  const down = new Map<string, { item: string; kind: 'complaint' | 'refund'; by: number }>();
  for (const { item, kind } of against) {
    const from = state.items.get(item);
    for (const [other, by] of from === undefined ? [] : [[item, 0.9] as const, ...nearest(state, from).slice(0, 50).map((n) => [n.item, 0.9 * n.similarity] as const)]) {
      if (by > (down.get(other)?.by ?? 0)) down.set(other, { item, kind, by });
    }
  }
  const fused = fuse(rankings.map(({ channel, ranked }) => ({ channel, items: ranked.map(({ item }) => item) })), blend, k, (item) => 1 - (down.get(item)?.by ?? 0));
  const answer = fused.map(({ item, score, ranks }): Recommendation => {
    const because = ranks.flatMap(([channel, rank]) => rankings.find((ranking) => ranking.channel === channel)?.ranked[rank - 1].because() ?? []);
    const objection = down.get(item);
    if (objection !== undefined) because.push({ item: objection.item, against: objection.kind, weight: -objection.by });
    return { item, score, channel: ranks[0][0], ranks: Object.fromEntries(ranks), because };
  });
  const there = new Set(answer.map(({ item }) => item));
  for (const [index, { item, because }] of popular.entries()) {
    if (answer.length === k) break;
    if (!there.has(item) && !down.has(item)) answer.push({ item, score: fillerScore(fused, index), channel: 'popular', ranks: { popular: index + 1 }, because: because() });
  }
  return answer;
}

function itemItem(state: State, history: Entry[], left: Set<string>, limit: number): Scored[] {
  const { alpha, locality, shrinkage, rarity, seeds, screen } = state.settings.weighting.itemItem;
  const norm = Math.sqrt(norm2Of(history));
  const weightOf = new Map(history.filter(({ r }) => r > 0).map(({ item, r }) => [item, (saturated(state, r) / norm) * rarityOf(state, item, rarity)]));
  /** dot / (norm2(candidate)^alpha norm2(own)^(1 - alpha) + extra), to the power of locality. */
  const share = (dot: number, candidate: number, own: number, extra: number): number => (dot / (candidate ** alpha * own ** (1 - alpha) + extra)) ** locality;
  const landmark = toTime(state) ** 2;
  const norm2 = (item: string): number => state.items.get(item)?.norm2 ?? 0;
  const sums = new Map<string, number>();
  for (const { item } of seedsOf(history, seeds)) {
    const from = state.items.get(item);
    if (from === undefined) continue;
    for (const neighbour of nearest(state, from)) {
      if (left.has(neighbour.item)) continue;
      const part = share(neighbour.dot / landmark, norm2(neighbour.item), norm2(item), 0) * (weightOf.get(item) ?? 0);
      sums.set(neighbour.item, (sums.get(neighbour.item) ?? 0) + part);
    }
  }
  const screened = best([...sums].map(([item, score]) => ({ item, score, id: state.ids.idOf(item) ?? 0 })), screen);
  const scored = screened.map(({ item, id }) => {
    const from = state.items.get(item);
    const parts = from === undefined ? [] : nearest(state, from).filter((neighbour) => weightOf.has(neighbour.item)).map((neighbour) => ({
      item: neighbour.item,
      score: share(neighbour.dot / landmark, norm2(item), norm2(neighbour.item), shrinkage / landmark) * (weightOf.get(neighbour.item) ?? 0),
      id: state.ids.idOf(neighbour.item) ?? 0,
    }));
    const because = best(parts.filter((part) => part.score > 0), 3).map(({ item: reason, score }) => ({ item: reason, weight: score }));
    return { item, id, score: parts.reduce((sum, part) => sum + part.score, 0), because: () => because };
  });
  return best(scored.filter(({ score }) => score > 0), limit);
}

/** Similarity with every other customer, by the seeds that both have; `owners` bounds nothing here. */
function similarCustomers(state: State, customer: string, history: Entry[]): { name: string; score: number; id: number }[] {
  const { alpha, locality, rarity, seeds, customers } = state.settings.weighting.userUser;
  const mine = norm2Of(history) ** alpha;
  const all = [...state.customers].filter(([name]) => name !== customer).map(([name, theirs]) => {
    const rOf = new Map(theirs.map(({ item, r }) => [item, r]));
    const dot = seedsOf(history, seeds).reduce((sum, { item, r }) => (
      sum + saturated(state, r) * saturated(state, rOf.get(item) ?? 0) * rarityOf(state, item, rarity) ** 2
    ), 0);
    return { name, score: dot === 0 ? 0 : (dot / (mine * norm2Of(theirs) ** (1 - alpha))) ** locality, id: state.customerIds.idOf(name) ?? 0 };
  });
  return best(all.filter(({ score }) => score > 0), customers);
}

function userUser(state: State, customer: string, history: Entry[], left: Set<string>, limit: number): Scored[] {
  const sums = new Map<string, { score: number; customers: number }>();
  let read = 0;
  for (const { name, score } of similarCustomers(state, customer, history)) {
    const theirs = state.customers.get(name) ?? [];
    if (read >= state.settings.weighting.userUser.entries) break;
    read += theirs.length;
    const norm = Math.sqrt(norm2Of(theirs));
    for (const { item, r } of theirs) {
      if (left.has(item) || r === 0) continue;
      const sum = sums.get(item) ?? { score: 0, customers: 0 };
      sums.set(item, { score: sum.score + score * (r / norm), customers: sum.customers + 1 });
    }
  }
  const all = [...sums].map(([item, { score, customers }]) => ({ item, score, id: state.ids.idOf(item) ?? 0, because: () => [{ customers, weight: score }] }));
  return best(all, limit);
}
