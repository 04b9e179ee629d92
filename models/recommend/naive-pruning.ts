/**
 * Pruning by Hoeffding's bound without any cleverness: what assembly/pruned.ts and assembly/lists.ts do, with sets instead of filters.
 * A pair is judged by what the lists keep, so the twin must keep lists as the kernel does. Both prune the same pairs as long as no
 * item is evicted and nothing decays away altogether: the kernel takes such pairs out of lists later than the twin.
 */
import type { RecommendLimits, PruningSettings } from './settings.js';

const PLACES = 254;
const MARGIN = 1.25;
const REFRESH = 8;

export interface Weighed { norm2: number; popularity: number; dots: Map<string, number> }

interface List {
  /** undefined: a hole */
  places: (string | undefined)[];
  admission: number;
  touches: number;
  birth: number;
}

export interface Pruner {
  /** Whether the pair was pruned lately. */
  has(a: string, b: string): boolean;
  /** After the pair's dot has grown by an event on p: admits it to lists, or judges it. True: it is pruned. */
  judge(p: string, q: string): boolean;
  /** After an event on p has been learnt. */
  touched(p: string): void;
  /** The pair has no dot any more. */
  unlist(a: string, b: string): void;
  forgetItem(name: string): void;
  /** The landmark moves: all dots shrink by this factor. */
  rescale(byDot: number): void;
  /** Event time has come to this half-life since 1970. */
  renew(period: number): void;
  total(): number;
}

interface State {
  bound: number;
  remembered: number;
  most: number;
  kept: number;
  lists: Map<string, List>;
  current: Set<string>;
  previous: Set<string>;
  births: number;
  total: number;
  itemOf: (name: string) => Weighed;
}

export function createPruner({ delta, remembered }: PruningSettings, { neighbours }: RecommendLimits, itemOf: State['itemOf']): Pruner {
  const most = Math.min(PLACES, neighbours + Math.max(1, Math.floor((neighbours * 2) / 5)));
  const kept = Math.min(neighbours, most - Math.max(1, Math.floor(most / 8)));
  const state: State = { bound: Math.log(1 / delta), remembered, most, kept, lists: new Map(), current: new Set(), previous: new Set(), births: 0, total: 0, itemOf };
  let period: number | undefined;
  return {
    has: (a, b) => state.current.has(keyOf(state, a, b)) || state.previous.has(keyOf(state, a, b)),
    judge: (p, q) => judge(state, p, q),
    touched(p) {
      const list = listOf(state, p);
      list.touches += 1;
      if (list.touches % REFRESH === 0) refresh(state, p, list);
    },
    unlist(a, b) {
      for (const [from, other] of [[a, b], [b, a]]) {
        const { places } = listOf(state, from);
        const place = places.indexOf(other);
        if (place >= 0) places[place] = undefined;
      }
    },
    forgetItem: (name) => void state.lists.delete(name),
    rescale(byDot) {
      for (const list of state.lists.values()) if (list.admission > 0) list.admission *= byDot;
    },
    renew(to) {
      if (period !== undefined && to <= period) return;
      const skipped = period !== undefined && to - period > 1;
      period = to;
      turn(state);
      if (skipped) turn(state);
    },
    total: () => state.total,
  };
}

function listOf(state: State, name: string): List {
  let list = state.lists.get(name);
  if (list === undefined) {
    state.births += 1;
    state.lists.set(name, (list = { places: [], admission: -1, touches: 0, birth: state.births }));
  }
  return list;
}

function keyOf(state: State, a: string, b: string): string {
  return [listOf(state, a).birth, listOf(state, b).birth].sort((one, other) => one - other).join(' ');
}

function turn(state: State): void {
  state.previous = state.current;
  state.current = new Set();
}

function judge(state: State, p: string, q: string): boolean {
  const [itemP, itemQ] = [state.itemOf(p), state.itemOf(q)];
  const dot = itemP.dots.get(q) ?? 0;
  const [listP, listQ] = [listOf(state, p), listOf(state, q)];
  if (!listP.places.includes(q) && dot * dot > listP.admission * itemQ.norm2) admit(state, p, q);
  if (!listQ.places.includes(p) && dot * dot > listQ.admission * itemP.norm2) admit(state, q, p);
  if (listP.places.includes(q) || listQ.places.includes(p)) return false;
  const gap = Math.sqrt(Math.min(listP.admission * itemQ.norm2, listQ.admission * itemP.norm2) / MARGIN) - dot;
  const count = dot / ((itemP.norm2 / itemP.popularity) * (itemQ.norm2 / itemQ.popularity));
  if (!(gap > 0 && 2 * count * (gap * gap) > state.bound * (itemP.norm2 * itemQ.norm2))) return false;
  if (state.current.size >= state.remembered) turn(state);
  state.current.add(keyOf(state, p, q));
  state.total += 1;
  return true;
}

function admit(state: State, p: string, q: string): void {
  const list = listOf(state, p);
  if (list.places.length < state.most) return void list.places.push(q);
  if (!list.places.includes(undefined)) cut(state, p, list);
  list.places[list.places.indexOf(undefined)] = q;
}

/** What each place is worth, and the least that would be kept. */
function appraise(state: State, p: string, { places }: List): { worths: number[]; taken: number; least: number } {
  const worths = places.map((q) => {
    if (q === undefined) return -1;
    const dot = state.itemOf(p).dots.get(q) ?? 0;
    const { norm2 } = state.itemOf(q);
    return norm2 > 0 ? (dot * dot) / norm2 : 0;
  });
  const taken = places.filter((q) => q !== undefined).length;
  const least = [...worths].sort((a, b) => a - b)[places.length - Math.min(taken, state.kept)];
  return { worths, taken, least };
}

/** Leaves the best; of equals at the bar the first. */
function cut(state: State, p: string, list: List): void {
  const { worths, least } = appraise(state, p, list);
  let equals = state.kept - worths.filter((worth) => worth > least).length;
  worths.forEach((worth, place) => {
    if (worth > least) return;
    if (worth === least && equals > 0) equals -= 1;
    else list.places[place] = undefined;
  });
  list.admission = least * MARGIN;
}

function refresh(state: State, p: string, list: List): void {
  if (list.places.length < state.most || list.admission < 0) return;
  const { taken, least } = appraise(state, p, list);
  list.admission = taken < state.kept ? -1 : least * MARGIN;
}
