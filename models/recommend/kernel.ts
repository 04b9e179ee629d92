/** The WebAssembly kernel as TypeScript sees it: dense ids, numbers relative to the landmark, addresses. */
import { prunes, type PruningSettings, type RecommendLimits } from './settings.js';

/** "Nobody", where a customer id is expected. */
export const NONE = 0xffffffff;
/** The longest answer (MOST in assembly/query.ts). */
export const MOST = 512;
const REASONS = 3;
/** Where the parts of an answer begin (initQuery in assembly/query.ts). */
const LAYOUT = { weights: MOST * 8, dots: MOST * 32, ids: MOST * 40, reasons: MOST * 44, counts: MOST * 56, bytes: MOST * 64 } as const;
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
  itemItem(customer: number, limit: number): number;
  userUser(customer: number, limit: number): number;
  similarCustomers(customer: number, limit: number): number;
  popular(customer: number, limit: number): number;
  similar(item: number, limit: number): number;
  has(customer: number, item: number): number;
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
  /** What the last query left: a copy, as the next one writes there too. */
  take(count: number): Answer[];
  history(customer: number): { item: number; r: number }[];
}

export interface Answer {
  id: number;
  score: number;
  dot: number;
  count: number;
  reasons: () => { item: number; weight: number }[];
}

function answerAt(view: DataView, index: number): Answer {
  const count = view.getUint32(LAYOUT.counts + index * 4, true);
  return {
    id: view.getUint32(LAYOUT.ids + index * 4, true),
    score: view.getFloat64(index * 8, true),
    dot: view.getFloat64(LAYOUT.dots + index * 8, true),
    count,
    reasons: () => Array.from({ length: count }, (_, n) => ({
      item: view.getUint32(LAYOUT.reasons + (index * REASONS + n) * 4, true),
      weight: view.getFloat64(LAYOUT.weights + (index * REASONS + n) * 8, true),
    })),
  };
}

export function instantiate(wasm: BufferSource | WebAssembly.Module, limits: RecommendLimits, itemRoom: number, pruning?: PruningSettings): Kernel {
  const module = wasm instanceof WebAssembly.Module ? wasm : new WebAssembly.Module(wasm);
  const kernel = new WebAssembly.Instance(module).exports as unknown as Exports;
  kernel.init(limits.customers, itemRoom, limits.pairs, limits.history, limits.neighbours, limits.postings, limits.memory, prunes(pruning) ? pruning.delta : 0, prunes(pruning) ? pruning.remembered : 0);
  const answers = kernel.answers() >>> 0;
  return {
    ...kernel,
    bytes: (at, length) => new Uint8Array(kernel.memory.buffer, at, length),
    take(count) {
      const view = new DataView(kernel.memory.buffer.slice(answers, answers + LAYOUT.bytes));
      return Array.from({ length: count }, (_, index) => answerAt(view, index));
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
