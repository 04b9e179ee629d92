/**
 * The kernels as TypeScript sees them, and how their memory is laid out:
 *
 *   block of the product | parameters | packed for forward products | training: gradients, Adam's means, packed transposes | work of one call ...
 *
 * Widths are padded to multiples of 8 with numbers that stay 0 whatever is learnt (a padded unit's weights, state and
 * gradients are all 0); the bias of a padded class is -1e30, so that its share of a softmax is 0. What training needs is
 * laid out when it begins: a model that only answers takes its parameters twice, and the tokens of one sentence.
 */
import type { KernelModules } from './load.js';
import { parameterNames, sizeOf, type LstmShape, type ParameterName } from './shape.js';

export interface Kernels {
  base(): number;
  useBlock(at: number): void;
  zero(n: number, x: number): void;
  copy(n: number, x: number, out: number): void;
  add(n: number, x: number, sums: number): void;
  packed(K: number, N: number, b: number, ldb: number, out: number): void;
  packedTransposed(K: number, N: number, b: number, ldb: number, out: number): void;
  product(M: number, K: number, N: number, a: number, lda: number, b: number, panel: number, c: number, ldc: number): void;
  productOfTransposed(M: number, K: number, N: number, a: number, lda: number, b: number, panel: number, c: number, ldc: number): void;
  cells(rows: number, H: number, gates: number, before: number, c: number, tanhs: number, h: number): void;
  cellsBack(rows: number, H: number, gates: number, before: number, tanhs: number, dh: number, dc: number): void;
  softmaxCrossEntropy(rows: number, width: number, logits: number, targets: number, factors: number, losses: number): void;
  exponentials(n: number, x: number): void;
  hyperbolicTangents(n: number, x: number): void;
  adam(n: number, p: number, mean: number, square: number, gradients: number, clip: number, ...constants: AdamConstants): void;
  adamRows(V: number, width: number, p: number, mean: number, square: number, slots: number, gradients: number, clip: number, ...constants: AdamConstants): void;
  sumOfSquares(n: number, x: number): number;
  gather(n: number, width: number, table: number, rows: number, out: number): void;
  scatter(n: number, width: number, x: number, rows: number, table: number): void;
  scatterAdd(n: number, width: number, x: number, rows: number, table: number): void;
  repeatRow(n: number, width: number, row: number, out: number): void;
  addColumns(n: number, width: number, x: number, sums: number): void;
  dropOut(n: number, width: number, x: number, keys: number, bar: number, scale: number): void;
}

export type AdamConstants = [beta1: number, beta2: number, rest1: number, rest2: number, rate: number, root: number, epsilon: number];

export const PAGE = 65_536;
/** WebAssembly's 4 GiB, less a page whose end has no address. */
const MOST_BYTES = 2 ** 32 - PAGE;

/** Addresses begin with a line of the caches. */
export const align = (at: number): number => Math.ceil(at / 64) * 64;
export const padded = (n: number): number => Math.ceil(n / 8) * 8;

/** Bytes of the block that `product` needs (assembly/product.ts). */
const BLOCK_BYTES = 32_768;

/** What a thread sees of a memory. Views are made when they are needed, as growing detaches them. */
export interface Views {
  kernels: Kernels;
  f32(at: number, length: number): Float32Array;
  f64(at: number, length: number): Float64Array;
  i32(at: number, length: number): Int32Array;
  /** as long as it is now */
  bytes(): number;
}

/** Hands out addresses from the bottom up. */
export interface Memory extends Views {
  module: WebAssembly.Module;
  wasm: WebAssembly.Memory;
  /** @throws RangeError when WebAssembly has no room for it */
  take(bytes: number): number;
  top(): number;
  /** All from there on is free again. */
  release(top: number): void;
  /** For the product's block of one thread. */
  takeBlock(): number;
}

/** @param block  of this thread alone; what `takeBlock` gave */
export function viewsOf(module: WebAssembly.Module, memory: WebAssembly.Memory, block: number): Views {
  const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Kernels;
  kernels.useBlock(block);
  return {
    kernels,
    f32: (at, length) => new Float32Array(memory.buffer, at, length),
    f64: (at, length) => new Float64Array(memory.buffer, at, length),
    i32: (at, length) => new Int32Array(memory.buffer, at, length),
    bytes: () => memory.buffer.byteLength,
  };
}

/** @param shared  with a second thread */
export function createMemory(modules: KernelModules, shared: boolean): Memory {
  const module = shared ? modules.shared : modules.own;
  const wasm = new WebAssembly.Memory({ initial: 1, maximum: MOST_BYTES / PAGE + 1, shared });
  const views = viewsOf(module, wasm, 0);
  let top = views.kernels.base();
  const take = (bytes: number): number => {
    const at = top;
    top = align(at + bytes);
    if (top > MOST_BYTES) throw new RangeError(`lstm: ${Math.ceil(top / 2 ** 20)} MiB are needed, and WebAssembly has ${Math.floor(MOST_BYTES / 2 ** 20)}: lower B, T or the shape`);
    const missing = top - wasm.buffer.byteLength;
    if (missing > 0) wasm.grow(Math.ceil(missing / PAGE));
    return at;
  };
  const takeBlock = (): number => take(BLOCK_BYTES);
  views.kernels.useBlock(takeBlock());
  return { ...views, module, wasm, take, takeBlock, top: () => top, release(to) { top = to; } };
}

/** How a parameter lies in memory: columns are `blocks` (gates) of `width`, each padded by itself. */
export interface Layout {
  rows: number;
  blocks: number;
  width: number;
  paddedRows: number;
  paddedWidth: number;
  /** of all, padding included */
  length: number;
}

export function layoutOf(shape: LstmShape, name: ParameterName): Layout {
  const [rows, columns] = sizeOf(shape, name);
  const blocks = name.startsWith('lstm') ? 4 : 1;
  const paddedRows = name === 'embedding' || name.endsWith('.bias') ? rows : padded(rows);
  const paddedWidth = padded(columns / blocks);
  return { rows, blocks, width: columns / blocks, paddedRows, paddedWidth, length: paddedRows * blocks * paddedWidth };
}

export const layoutsOf = (shape: LstmShape): Record<ParameterName, Layout> =>
  Object.fromEntries(parameterNames.map((name) => [name, layoutOf(shape, name)])) as Record<ParameterName, Layout>;

/** Copies what a parameter holds out of its padding. */
export function withoutPadding(from: Float32Array, { rows, blocks, width, paddedWidth }: Layout): Float32Array {
  const out = new Float32Array(rows * blocks * width);
  for (let block = 0; block < rows * blocks; block += 1) out.set(from.subarray(block * paddedWidth, block * paddedWidth + width), block * width);
  return out;
}

/** Copies it into its padding, which is left as it is. */
export function intoPadding(values: Float32Array, { rows, blocks, width, paddedWidth }: Layout, to: Float32Array): void {
  for (let block = 0; block < rows * blocks; block += 1) to.set(values.subarray(block * width, (block + 1) * width), block * paddedWidth);
}
