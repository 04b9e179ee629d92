/**
 * Live recommendations: exact incremental item-item cosine with forward decay, user-user cosine at query time, decayed
 * popularity. This file holds the contract, the names and the limits; assembly/ holds the arithmetic, naive.ts the same
 * without any cleverness, which the tests hold it to.
 *
 * r(u, p)     the largest w * 2^((t - L) / halfLife) over what customer u did with item p      (decay.ts)
 * norm2(p)    sum over u of r(u, p)^2                dot(p, q)   sum over u of r(u, p) r(u, q)
 * cosine      dot(p, q) / sqrt(norm2(p) norm2(q))
 *
 * The sums run over what customers' bounded histories hold or held: an entry that is pushed out of a full history leaves
 * what was learnt from it behind, and a later event on the same item learns anew. With `pruning` the dots of pairs that were
 * given up are not exact: such a pair has none, and one that comes back counts from then on.
 */
import { createIntern, type Intern } from '../intern.js';
import { epochOf, halfLives, R_MIN, relative, toMoment } from './decay.js';
import { DEPTH, equalBlend, fillerScore, fuse, type Blend, type Channel, type Proposal, type Ranking, type Reason } from './fuse.js';
import { instantiate, MOST, RECORD, type Kernel } from './kernel.js';
import { checkK, checkSettings, evictionBatch, flatten, prunes, type RecommendSettings } from './settings.js';
import { digest, pack, unpack, type Format } from '../snapshot.js';

export { defaultSettings, type PruningSettings, type RecommendLimits, type RecommendSettings } from './settings.js';

export type { Blend, Channel, Ranking, Reason } from './fuse.js';

export interface Recommendation {
  item: string;
  /** By reciprocal rank: comparable within one answer only. */
  score: number;
  /** The channel that contributed most. */
  channel: Channel;
  /** Rank in each channel that proposed it, from 1: what a blend is learnt from. */
  ranks: Partial<Record<Channel, number>>;
  because: Reason[];
}

export interface RecommendOptions {
  /** What other models propose, to be fused with the channels of this one. */
  others?: Ranking<string>[];
  /** Also items that the customer has looked at or put into a cart; what was bought lately or sent back stays out. */
  seen?: boolean;
  /** By default all channels count the same. */
  blend?: Blend;
  /** What the customer complained about or sent back lately: it, and what resembles it, is pushed down. */
  against?: { item: string; kind: 'complaint' | 'refund' }[];
}

export interface Neighbour {
  item: string;
  similarity: number;
  /** As of the newest event. */
  dot: number;
}

export interface Recommender {
  /** @param strength weight of what was done, in (0, 1024]: view 1 .. purchase 5  @param atMs when, by the event's own clock */
  observe(customer: string, item: string, strength: number, atMs: number): void;
  /** A refund: subtracts what the customer's entry for the item contributed. Nothing happens when there is none. */
  retract(customer: string, item: string, atMs: number): void;
  /** Subtracts all that the customer's history holds, and drops every trace, the name included. */
  forget(customer: string): void;
  /** At most 512, without what the customer has already; an unknown customer gets what is popular. Never writes. */
  recommend(customer: string, k: number, atMs: number, options?: RecommendOptions): Recommendation[];
  /** At most as many as are kept; undefined: the item is unknown. */
  similar(item: string, k: number): Neighbour[] | undefined;
  /** Strongest first, as of the newest event. */
  profile(customer: string): { items: { item: string; strength: number }[]; norm: number } | undefined;
  /** All items by id, page by page; `nextId` is -1 behind the last. `norm2` and dots are as of `asOfMs`, by default the newest event. */
  neighbours(fromId: number, count: number, asOfMs?: number): { nextId: number; asOfMs: number; items: { item: string; norm2: number; neighbours: Neighbour[] }[] };
  stats(): RecommendStats;
  /** Deterministic: the same events give the same bytes, also when the state was restored in the middle. */
  snapshot(): Uint8Array[];
  /** sha256, hexadecimal, of what a snapshot would hold. */
  hash(): string;
}

export interface RecommendStats {
  customers: number;
  items: number;
  pairs: number;
  /** Allocated bytes of the pair table for each pair. */
  pairBytes: number;
  /** Bytes that the kernel's state takes; names come on top. */
  memoryBytes: number;
  evicted: { customers: number; items: number; pairs: number };
  /** Pairs given up by Hoeffding's bound, a pair that came back and went again counted twice; 0 without `pruning`. */
  prunedPairs: number;
}

/** What a recommender consists of; `begun` once an event has set the landmark. */
interface State {
  settings: RecommendSettings;
  kernel: Kernel;
  customers: Intern;
  items: Intern;
  /** Names of items as strings, as far as answers needed them: making one of its bytes takes longer than ranking the item. */
  names: (string | undefined)[];
  /** Ids of evicted items that the sweep has not freed yet. */
  dying: number[];
  begun: boolean;
  epoch: number;
  newestMs: number;
  evicted: { customers: number; items: number };
}

/** @throws RangeError when a setting is out of range */
export function createRecommender(settings: RecommendSettings, wasm: BufferSource | WebAssembly.Module): Recommender {
  checkSettings(settings);
  return serve({
    settings,
    kernel: instantiate(wasm, settings, settings.limits.items + evictionBatch(settings.limits)),
    customers: createIntern(),
    items: createIntern(),
    names: [],
    dying: [],
    begun: false,
    epoch: 0,
    newestMs: 0,
    evicted: { customers: 0, items: 0 },
  });
}

/** @throws RangeError when the chunks are not a whole snapshot of this version made with these settings */
export function restoreRecommender(settings: RecommendSettings, wasm: BufferSource | WebAssembly.Module, chunks: Uint8Array[]): Recommender {
  checkSettings(settings);
  const { header, next } = unpack<ReturnType<typeof headerOf>>(chunks, flatten(settings), format);
  const kernel = instantiate(wasm, settings, settings.limits.items + evictionBatch(settings.limits));
  const customers = createIntern(next((bytes) => new Uint8Array(bytes)));
  const items = createIntern(next((bytes) => new Uint8Array(bytes)));
  next((bytes) => kernel.bytes(kernel.stateAt(), bytes));
  kernel.loadState();
  next((bytes) => kernel.bytes(kernel.hotAt(), bytes));
  next((bytes) => kernel.bytes(kernel.coldAt(), bytes));
  next((bytes) => kernel.bytes(kernel.customersAt(), bytes));
  next((bytes) => kernel.bytes(kernel.heapAt(), bytes));
  const { begun, newestMs, evicted } = header;
  return serve({ settings, kernel, customers, items, names: [], dying: items.limbo(), begun, epoch: kernel.epochNow(), newestMs, evicted });
}

function serve(state: State): Recommender {
  return {
    observe: (customer, item, strength, atMs) => observe(state, customer, item, strength, atMs),
    retract(customer, item) {
      const c = state.customers.idOf(customer);
      const p = state.items.idOf(item);
      if (c !== undefined && p !== undefined) state.kernel.retract(c, p);
    },
    forget(customer) {
      const c = state.customers.idOf(customer);
      if (c === undefined) return;
      state.kernel.forget(c);
      state.customers.release(c);
      state.customers.recycle(c);
    },
    recommend: (customer, k, atMs, options = {}) => recommend(state, customer, checkK(k, MOST), atMs, options),
    similar(item, k) {
      const most = checkK(k, MOST);
      const p = state.items.idOf(item);
      return p === undefined ? undefined : similar(state, p, most);
    },
    profile: (customer) => profile(state, customer),
    neighbours: (fromId, count, asOfMs) => neighbours(state, fromId, count, asOfMs ?? state.newestMs),
    stats: () => stats(state),
    snapshot() {
      const parts = sections(state);
      return pack(headerOf(state, parts), parts, format);
    },
    hash() {
      const parts = sections(state);
      return digest(headerOf(state, parts), parts, format).digest('hex');
    },
  };
}

// ---- events ----

function observe(state: State, customer: string, item: string, strength: number, atMs: number): void {
  if (!(strength > 0 && strength <= 1024)) throw new RangeError(`recommend: strength must be in (0, 1024], got ${strength}`);
  if (!Number.isFinite(atMs)) throw new RangeError(`recommend: atMs must be finite, got ${atMs}`);
  const x = halfLives(atMs, state.settings.halfLifeMs);
  const epoch = epochOf(x);
  if (!state.begun) {
    state.kernel.begin(epoch);
    state.begun = true;
    state.epoch = epoch;
    state.newestMs = atMs;
  } else if (epoch > state.epoch) {
    state.kernel.advance(epoch);
    state.epoch = epoch;
  }
  if (prunes(state.settings.pruning)) state.kernel.renewPruned(Math.floor(x));
  if (atMs > state.newestMs) state.newestMs = atMs;
  const r = relative(strength, x, state.epoch);
  if (r < R_MIN) return; // too old to count: leaves no trace
  const c = state.customers.idOf(customer) ?? addCustomer(state, customer);
  const p = state.items.idOf(item) ?? addItem(state, item);
  state.kernel.observe(c, p, r);
}

function addCustomer(state: State, name: string): number {
  while (state.customers.size() >= state.settings.limits.customers || (state.kernel.tight() !== 0 && state.customers.size() > 0)) {
    const silent = state.kernel.evictCustomer() >>> 0;
    state.customers.release(silent);
    state.customers.recycle(silent);
    state.evicted.customers += 1;
  }
  const id = state.customers.add(name);
  state.kernel.addCustomer(id);
  return id;
}

/**
 * Evicted items keep their id until a sweep has taken their pairs and history entries out, a little with each new item:
 * as fast as the free ids run out. There are as many ids beyond the limit as one batch evicts.
 */
function addItem(state: State, name: string): number {
  const { kernel, items, settings: { limits } } = state;
  if (items.size() >= limits.items) {
    finishSweep(state, 0xffffffff);
    for (let n = evictionBatch(limits); n > 0; n -= 1) {
      const stale = kernel.evictItem() >>> 0;
      items.release(stale);
      state.dying.push(stale);
      state.evicted.items += 1;
    }
    kernel.startSweep();
  }
  if (state.dying.length > 0) {
    const room = items.free() + limits.items + evictionBatch(limits) - items.used();
    finishSweep(state, Math.ceil((kernel.sweepLeft() >>> 0) / Math.max(1, room - 1)));
  }
  const id = items.add(name);
  state.names[id] = undefined;
  kernel.addItem(id);
  return id;
}

function finishSweep(state: State, units: number): void {
  if (state.dying.length === 0 || state.kernel.sweep(units) === 0) return;
  // Ascending and reversed, as the latest given back is used first: ids stay dense, and a restored state does the same.
  state.dying.sort((a, b) => b - a);
  for (const id of state.dying) state.items.recycle(id);
  state.dying = [];
}

// ---- answers ----

function recommend(state: State, customer: string, k: number, atMs: number, options: RecommendOptions): Recommendation[] {
  if (!state.begun) return [];
  const { kernel } = state;
  const c = state.customers.idOf(customer);
  setMoment(state, options.seen === true ? atMs : undefined);
  if (c !== undefined) kernel.open(c);
  try {
    return fused(state, c, k, atMs, options);
  } finally {
    if (c !== undefined) kernel.close(c);
  }
}

/** An item that was looked at or put into a cart may be shown again; what counts more than that was bought, and lately. */
const boughtAbove = 3;

/** @param seenAtMs  the moment of an answer that may hold what was seen */
function setMoment(state: State, seenAtMs: number | undefined): void {
  const { kernel, settings: { weighting } } = state;
  const now = toTime(state);
  const leaveOut = seenAtMs === undefined ? 0 : (boughtAbove * (1 + 1e-9)) / toTime(state, seenAtMs);
  kernel.setMoment(weighting.itemItem.shrinkage / now ** 2, weighting.saturation / now, leaveOut, state.customers.size());
}

/** One channel of an answer. */
interface Source extends Proposal<number> {
  because(item: number, index: number): Reason[];
}

function fused(state: State, c: number | undefined, k: number, atMs: number, { others = [], blend = equalBlend, against = [] }: RecommendOptions): Recommendation[] {
  const { weights } = blend;
  const depth = Math.max(k, DEPTH);
  const sources = others.map((ranking) => admitted(state, ranking));
  if (c !== undefined && weights['item-item'] > 0) sources.push(itemItem(state, c, depth));
  if (c !== undefined && weights['user-user'] > 0) sources.push(userUser(state, c, depth));
  if (weights.popular > 0) sources.push(popular(state, depth, atMs));
  const down = demoted(state, against);
  const chosen = fuse(sources, blend, k, down.size === 0 ? undefined : (item) => 1 - (down.get(item)?.by ?? 0));
  const answer = chosen.map(({ item, score, ranks }): Recommendation => {
    const because: Reason[] = [];
    const rankOf: Recommendation['ranks'] = {};
    for (const [channel, rank] of ranks) {
      rankOf[channel] = rank;
      for (const source of sources) if (source.channel === channel) because.push(...source.because(item, rank - 1));
    }
    const objection = down.get(item);
    if (objection !== undefined) because.push({ item: nameOf(state, objection.item), against: objection.kind, weight: -objection.by });
    return { item: nameOf(state, item), score, channel: ranks[0][0], ranks: rankOf, because };
  });
  if (answer.length === k) return answer;
  const filler = popular(state, Math.min(MOST, k + answer.length + down.size), atMs);
  const there = new Set(chosen.map(({ item }) => item));
  for (let i = 0; i < filler.items.length && answer.length < k; i += 1) {
    const item = filler.items[i];
    if (there.has(item) || down.has(item)) continue;
    answer.push({ item: nameOf(state, item), score: fillerScore(chosen, i), channel: 'popular', ranks: { popular: i + 1 }, because: filler.because(item, i) });
  }
  return answer;
}

function itemItem(state: State, c: number, depth: number): Source {
  const { kernel } = state;
  return {
    channel: 'item-item',
    items: kernel.ids(kernel.itemItem(c, depth)),
    because: (id) => kernel.reasons(id, (item) => nameOf(state, item)),
  };
}

function userUser({ kernel }: State, c: number, depth: number): Source {
  const count = kernel.userUser(c, depth);
  const [ids, scores, customers] = [kernel.ids(count), kernel.scores(count), kernel.counts(count)];
  return { channel: 'user-user', items: ids, because: (_, index) => [{ customers: customers[index], weight: scores[index] }] };
}

function popular(state: State, depth: number, atMs: number): Source {
  const { kernel } = state;
  const count = kernel.popular(depth);
  const [ids, scores, customers] = [kernel.ids(count), kernel.scores(count), kernel.counts(count)];
  return { channel: 'popular', items: ids, because: (_, index) => [{ customers: customers[index], weight: scores[index] * toTime(state, atMs) }] };
}

/** Without what is left out, and without items that have left this model: nobody has touched those for long. */
function admitted(state: State, { channel, ranked }: Ranking<string>): Source {
  const reasons: (() => Reason[])[] = [];
  const items: number[] = [];
  for (const answer of ranked) {
    const item = state.items.idOf(answer.item);
    if (item === undefined || state.kernel.leftOut(item) !== 0) continue;
    items.push(item);
    reasons.push(() => answer.because());
  }
  return { channel, items, because: (_, index) => reasons[index]() };
}

interface Objection { item: number; kind: 'complaint' | 'refund'; by: number }

/** What was objected to loses `objected` of its score, and each of its neighbours as much as it resembles it. */
const objected = 0.9;
const neighboursDemoted = 50;

function demoted(state: State, against: NonNullable<RecommendOptions['against']>): Map<number, Objection> {
  const { kernel, settings: { limits } } = state;
  const down = new Map<number, Objection>();
  const object = (id: number, objection: Objection): void => {
    if (objection.by > (down.get(id)?.by ?? 0)) down.set(id, objection);
  };
  for (const { item: name, kind } of against) {
    const item = state.items.idOf(name);
    if (item === undefined) continue;
    object(item, { item, kind, by: objected });
    for (const { id, score } of kernel.take(kernel.similar(item, Math.min(neighboursDemoted, limits.neighbours)))) object(id, { item, kind, by: objected * score });
  }
  return down;
}

function nameOf(state: State, id: number): string {
  const name = state.names[id] ?? state.items.nameOf(id);
  if (name === undefined) throw new Error(`recommend: item ${id} has no name: the state is inconsistent`);
  state.names[id] = name;
  return name;
}

/** What brings an r at the landmark to a moment, the newest event by default; a dot takes its square. */
function toTime(state: State, atMs = state.newestMs): number {
  return toMoment(halfLives(atMs, state.settings.halfLifeMs), state.epoch);
}

function similar(state: State, p: number, k: number, asOfMs = state.newestMs): Neighbour[] {
  const byDot = toTime(state, asOfMs) ** 2;
  const count = state.kernel.similar(p, Math.min(k, state.settings.limits.neighbours));
  return state.kernel.take(count).map(({ id, score, dot }) => ({ item: nameOf(state, id), similarity: score, dot: dot * byDot }));
}

function profile(state: State, customer: string): ReturnType<Recommender['profile']> {
  const c = state.customers.idOf(customer);
  if (c === undefined) return undefined;
  const by = toTime(state);
  const items = state.kernel.history(c).map(({ item, r }) => ({ item: nameOf(state, item), strength: r * by }));
  items.sort((a, b) => b.strength - a.strength);
  return { items, norm: Math.sqrt(items.reduce((sum, { strength }) => sum + strength * strength, 0)) };
}

function neighbours(state: State, fromId: number, count: number, asOfMs: number): ReturnType<Recommender['neighbours']> {
  const byDot = toTime(state, asOfMs) ** 2;
  const items: ReturnType<Recommender['neighbours']>['items'] = [];
  let id = fromId;
  for (; id < state.items.used() && items.length < count; id += 1) {
    const item = state.items.nameOf(id);
    if (item === undefined) continue;
    items.push({ item, norm2: state.kernel.norm2Of(id) * byDot, neighbours: similar(state, id, state.settings.limits.neighbours, asOfMs) });
  }
  return { nextId: id < state.items.used() ? id : -1, asOfMs, items };
}

function stats(state: State): RecommendStats {
  const { kernel } = state;
  const pairs = kernel.pairs() >>> 0;
  const records = state.items.used() * (RECORD.hot + RECORD.cold) + state.customers.used() * RECORD.customer;
  return {
    customers: state.customers.size(),
    items: state.items.size(),
    pairs,
    pairBytes: pairs === 0 ? 0 : kernel.pairBytes() / pairs,
    memoryBytes: kernel.heapEnd() - kernel.heapAt() + records + kernel.stateBytes(),
    evicted: { ...state.evicted, pairs: kernel.pairsDropped() },
    prunedPairs: kernel.pairsPruned(),
  };
}

// ---- snapshots: the kernel's memory and the names; the same events give the same memory, so the same bytes ----

/** Raise the version when the layout of the kernel's memory changes. */
const format: Format = { name: 'recommend', magic: 'AFTR', version: 4 };

/** Views of the kernel's memory, valid until the next event. */
function sections(state: State): Uint8Array[] {
  const { kernel, customers, items } = state;
  kernel.saveState();
  return [
    customers.save(),
    items.save(),
    kernel.bytes(kernel.stateAt(), kernel.stateBytes()),
    kernel.bytes(kernel.hotAt(), items.used() * RECORD.hot),
    kernel.bytes(kernel.coldAt(), items.used() * RECORD.cold),
    kernel.bytes(kernel.customersAt(), customers.used() * RECORD.customer),
    kernel.bytes(kernel.heapAt(), kernel.heapEnd() - kernel.heapAt()),
  ];
}

function headerOf(state: State, parts: Uint8Array[]) {
  const { begun, newestMs, evicted } = state;
  return { settings: flatten(state.settings), begun, newestMs, evicted, sections: parts.map(({ length }) => length) };
}
