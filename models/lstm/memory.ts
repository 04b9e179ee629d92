/**
 * The kernels as TypeScript sees them, and how their memory is laid out:
 *
 *   parameters | packed for forward products | training: gradients, Adam's means, packed transposes | work of one call ...
 *
 * Widths are padded to multiples of 8 with numbers that stay 0 whatever is learnt (a padded unit's weights, state and
 * gradients are all 0); the bias of a padded class is -1e30, so that its share of a softmax is 0. What training needs is
 * laid out when it begins: a model that only answers takes its parameters twice, and the tokens of one sentence.
 */
import { parameterNames, sizeOf, type LstmShape, type ParameterName } from './shape.js';

export interface Kernels {
  memory: WebAssembly.Memory;
  base(): number;
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

const PAGE = 65_536;
/** WebAssembly's 4 GiB, less a page whose end has no address. */
const MOST_BYTES = 2 ** 32 - PAGE;

export const padded = (n: number): number => Math.ceil(n / 8) * 8;

/** Hands out addresses from the bottom up; views are made when they are needed, as growing detaches them. */
export interface Memory {
  kernels: Kernels;
  /** @throws RangeError when WebAssembly has no room for it */
  take(bytes: number): number;
  top(): number;
  /** All from there on is free again. */
  release(top: number): void;
  f32(at: number, length: number): Float32Array;
  i32(at: number, length: number): Int32Array;
  bytes(): Uint8Array;
}

export function createMemory(module: WebAssembly.Module): Memory {
  const kernels = new WebAssembly.Instance(module).exports as unknown as Kernels;
  let top = kernels.base();
  return {
    kernels,
    take(bytes) {
      const at = top;
      top = Math.ceil((at + bytes) / 64) * 64;
      if (top > MOST_BYTES) throw new RangeError(`lstm: ${Math.ceil(top / 2 ** 20)} MiB are needed, and WebAssembly has ${Math.floor(MOST_BYTES / 2 ** 20)}: lower B, T or the shape`);
      const missing = top - kernels.memory.buffer.byteLength;
      if (missing > 0) kernels.memory.grow(Math.ceil(missing / PAGE));
      return at;
    },
    top: () => top,
    release(to) { top = to; },
    f32: (at, length) => new Float32Array(kernels.memory.buffer, at, length),
    i32: (at, length) => new Int32Array(kernels.memory.buffer, at, length),
    bytes: () => new Uint8Array(kernels.memory.buffer),
  };
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
