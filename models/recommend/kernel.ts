/** The WebAssembly kernel as TypeScript sees it: dense ids, numbers relative to the landmark, addresses. */
import type { RecommendLimits } from './recommender.js';

/** "Nobody", where a customer id is expected. */
export const NONE = 0xffffffff;
/** The longest answer (MOST in assembly/query.ts). */
export const MOST = 512;
const REASONS = 3;
/** Bytes of the records in assembly/records.ts. */
export const RECORD = { hot: 32, cold: 48, customer: 32 } as const;

interface Exports {
  memory: WebAssembly.Memory;
  init(customers: number, items: number, pairs: number, history: number, neighbours: number, postings: number): number;
  begin(epoch: number): void;
  advance(epoch: number): void;
  addCustomer(id: number): void;
  addItem(id: number): void;
  observe(customer: number, item: number, r: number): void;
  retract(customer: number, item: number): number;
  forget(customer: number): void;
  evictCustomer(): number;
  evictItem(): number;
  startSweep(): void;
  sweepLeft(): number;
  sweep(units: number): number;
  itemItem(customer: number, limit: number): number;
  userUser(customer: number, limit: number): number;
  similarCustomers(customer: number, limit: number): number;
  popular(customer: number, limit: number): number;
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
  epochNow(): number;
  answers(): number;
}

export interface Kernel extends Exports {
  bytes(at: number, length: number): Uint8Array;
  /** The answer that the last query left. */
  answer: (index: number) => Answer;
  history(customer: number): { item: number; r: number }[];
}

export interface Answer {
  id: number;
  score: number;
  dot: number;
  count: number;
  reasons: () => { item: number; weight: number }[];
}

export function instantiate(wasm: BufferSource | WebAssembly.Module, limits: RecommendLimits, itemRoom: number): Kernel {
  const module = wasm instanceof WebAssembly.Module ? wasm : new WebAssembly.Module(wasm);
  const kernel = new WebAssembly.Instance(module).exports as unknown as Exports;
  kernel.init(limits.customers, itemRoom, limits.pairs, limits.history, limits.neighbours, limits.postings);
  const answers = kernel.answers() >>> 0;
  const weights = answers + MOST * 8;
  const dots = weights + MOST * 24;
  const ids = dots + MOST * 8;
  const reasons = ids + MOST * 4;
  const counts = reasons + MOST * 12;
  // The views die whenever the memory grows.
  let view = new DataView(kernel.memory.buffer);
  const fresh = (): DataView => (view.buffer === kernel.memory.buffer ? view : (view = new DataView(kernel.memory.buffer)));
  const f64 = (at: number): number => fresh().getFloat64(at, true);
  const u32 = (at: number): number => fresh().getUint32(at, true);
  return {
    ...kernel,
    bytes: (at, length) => new Uint8Array(kernel.memory.buffer, at, length),
    answer: (index) => ({
      id: u32(ids + index * 4),
      score: f64(answers + index * 8),
      dot: f64(dots + index * 8),
      count: u32(counts + index * 4),
      reasons: () => Array.from({ length: u32(counts + index * 4) }, (_, n) => ({
        item: u32(reasons + (index * REASONS + n) * 4),
        weight: f64(weights + (index * REASONS + n) * 8),
      })),
    }),
    history(customer) {
      const count = kernel.historyOf(customer);
      const rs = kernel.historyStrengths() >>> 0;
      const items = kernel.historyItems() >>> 0;
      const entries = Array.from({ length: count }, (_, n) => ({ item: u32(items + n * 4), r: f64(rs + n * 8) }));
      kernel.historyDone(count);
      return entries;
    },
  };
}
