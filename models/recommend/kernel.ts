/** The WebAssembly kernel as TypeScript sees it: dense ids, numbers relative to the landmark, addresses. */
import { prunes, type RecommendSettings } from './settings.js';

/** The longest answer (MOST in assembly/query.ts). */
export const MOST = 512;
/** Where the parts of an answer begin (initQuery in assembly/query.ts). */
const LAYOUT = { weights: MOST * 8, dots: MOST * 32, ids: MOST * 40, reasons: MOST * 44, counts: MOST * 56 } as const;
/** Bytes of the records in assembly/records.ts. */
export const RECORD = { hot: 32, cold: 48, customer: 32 } as const;

interface Exports {
  memory: WebAssembly.Memory;
  init(customers: number, items: number, pairs: number, history: number, neighbours: number, postings: number, bytes: number, delta: number, remembered: number): number;
  begin(epoch: number): void;
  advance(epoch: number): void;
  renewPruned(period: number): void;
  addCustomer(id: number): void;
  addItem(id: number): void;
  observe(customer: number, item: number, r: number): void;
  retract(customer: number, item: number): number;
  forget(customer: number): void;
  evictCustomer(): number;
  tight(): number;
  evictItem(): number;
  startSweep(): void;
  sweepLeft(): number;
  sweep(units: number): number;
  setItemWeighting(seeds: number, screen: number, alpha: number, localityHalves: number, rarity: number): void;
  setUserWeighting(seeds: number, customers: number, owners: number, entries: number, alpha: number, localityHalves: number, rarity: number, rarityForm: number): void;
  setMoment(shrinkage: number, saturation: number, leaveOut: number, customers: number): void;
  open(customer: number): void;
  close(customer: number): void;
  leftOut(item: number): number;
  itemItem(customer: number, limit: number): number;
  explain(item: number, index: number): number;
  userUser(customer: number, limit: number): number;
  similarCustomers(customer: number, limit: number): number;
  popular(limit: number): number;
  similar(item: number, limit: number): number;
  historyOf(customer: number): number;
  historyStrengths(): number;
  historyItems(): number;
  historyDone(count: number): void;
  norm2Of(item: number): number;
  saveState(): void;
  loadState(): void;
  stateAt(): number;
  stateBytes(): number;
  hotAt(): number;
  coldAt(): number;
  customersAt(): number;
  heapAt(): number;
  heapEnd(): number;
  pairs(): number;
  pairBytes(): number;
  pairsDropped(): number;
  pairsPruned(): number;
  epochNow(): number;
  answers(): number;
}

export interface Kernel extends Exports {
  bytes(at: number, length: number): Uint8Array;
  /** Ids of the last query, best first: a copy. */
  ids(count: number): number[];
  /** How many stand behind each, after userUser and popular: a copy. */
  counts(count: number): number[];
  scores(count: number): number[];
  /** What the last query left: a copy, as the next one writes there too. */
  take(count: number): Answer[];
  /** After open(): the history items that speak most for an item, with their shares. */
  reasons(item: number, nameOf: (item: number) => string): { item: string; weight: number }[];
  history(customer: number): { item: number; r: number }[];
}

export interface Answer {
  id: number;
  score: number;
  dot: number;
}

export function instantiate(wasm: BufferSource | WebAssembly.Module, { limits, weighting, pruning }: RecommendSettings, itemRoom: number): Kernel {
  const module = wasm instanceof WebAssembly.Module ? wasm : new WebAssembly.Module(wasm);
  const kernel = new WebAssembly.Instance(module).exports as unknown as Exports;
  kernel.init(limits.customers, itemRoom, limits.pairs, limits.history, limits.neighbours, limits.postings, limits.memory, prunes(pruning) ? pruning.delta : 0, prunes(pruning) ? pruning.remembered : 0);
  const { itemItem: item, userUser: user, rarity } = weighting;
  kernel.setItemWeighting(item.seeds, item.screen, item.alpha, 2 * item.locality, item.rarity);
  kernel.setUserWeighting(user.seeds, user.customers, user.owners, user.entries, user.alpha, 2 * user.locality, user.rarity, rarity === 'bm25' ? 1 : 0);
  const answers = kernel.answers() >>> 0;
  // Plain arrays: the buffers of small typed ones cost the collector more than what they hold. The memory grows, and then its
  // buffer is another.
  let views = { buffer: new ArrayBuffer(0), u32: new Uint32Array(), f64: new Float64Array() };
  const view = (): typeof views => {
    const { buffer } = kernel.memory;
    if (views.buffer !== buffer) views = { buffer, u32: new Uint32Array(buffer), f64: new Float64Array(buffer) };
    return views;
  };
  const copied = (from: Uint32Array | Float64Array, start: number, count: number): number[] => {
    const copy: number[] = [];
    for (let n = start; n < start + count; n += 1) copy.push(from[n]);
    return copy;
  };
  const u32 = (at: number, count: number): number[] => copied(view().u32, (answers + at) / 4, count);
  const f64 = (at: number, count: number): number[] => copied(view().f64, (answers + at) / 8, count);
  return {
    ...kernel,
    bytes: (at, length) => new Uint8Array(kernel.memory.buffer, at, length),
    ids: (count) => u32(LAYOUT.ids, count),
    counts: (count) => u32(LAYOUT.counts, count),
    scores: (count) => f64(0, count),
    take(count) {
      const [ids, scores, dots] = [u32(LAYOUT.ids, count), f64(0, count), f64(LAYOUT.dots, count)];
      return Array.from({ length: count }, (_, n) => ({ id: ids[n], score: scores[n], dot: dots[n] }));
    },
    reasons(id, nameOf) {
      const count = kernel.explain(id, 0);
      const { u32: items, f64: weights } = view();
      const reasons: { item: string; weight: number }[] = [];
      for (let n = 0; n < count; n += 1) reasons.push({ item: nameOf(items[(answers + LAYOUT.reasons) / 4 + n]), weight: weights[(answers + LAYOUT.weights) / 8 + n] });
      return reasons;
    },
    history(customer) {
      const count = kernel.historyOf(customer);
      const rs = new Float64Array(kernel.memory.buffer, kernel.historyStrengths() >>> 0, count);
      const items = new Uint32Array(kernel.memory.buffer, kernel.historyItems() >>> 0, count);
      const entries = Array.from({ length: count }, (_, n) => ({ item: items[n], r: rs[n] }));
      kernel.historyDone(count);
      return entries;
    },
  };
}
