/** The WebAssembly kernel as TypeScript sees it, and its memory: laid out once for a matrix, or for the factors to be served. */
import { checkMatrix, type SparseMatrix } from './matrix.js';

interface Exports {
  memory: WebAssembly.Memory;
  base(): number;
  gram(m: number, starts: number, columns: number, values: number, q: number, y: number, z: number, n: number, w: number): void;
  orthonormalise(a: number, n: number, w: number, work: number): void;
  fold(count: number, rows: number, weights: number, factors: number, taste: number, d: number): void;
  score(n: number, factors: number, taste: number, scores: number, d: number): void;
  dots(count: number, rows: number, factors: number, taste: number, out: number, d: number): void;
}

/** WebAssembly's 4 GiB, less a page whose end has no address. */
const MOST_BYTES = 2 ** 32 - 2 ** 16;
const PAGE = 65_536;

/** An instance whose memory holds sections of so many bytes, each aligned to a cache line. @throws RangeError when they do not fit */
function layOut(wasm: WebAssembly.Module, bytes: number[], remedy: string): { kernel: Exports; places: number[] } {
  const kernel = new WebAssembly.Instance(wasm).exports as unknown as Exports;
  let end = kernel.base();
  const places = bytes.map((length) => {
    const place = end;
    end = Math.ceil((end + length) / 64) * 64;
    return place;
  });
  if (end > MOST_BYTES) throw new RangeError(`svd: ${Math.ceil(end / 2 ** 20)} MiB are needed, and WebAssembly has ${Math.floor(MOST_BYTES / 2 ** 20)}; ${remedy}`);
  const missing = Math.ceil(end / PAGE) - kernel.memory.buffer.byteLength / PAGE;
  if (missing > 0) kernel.memory.grow(missing);
  return { kernel, places };
}

/** A matrix in the kernel's memory beside two blocks of w vectors. */
export interface Passes {
  /** [max(n, w), w], what the next call of either works on; a view that stays valid */
  block: Float64Array;
  /** R^T R of the block; the block itself stays as it is. @returns a view, overwritten by the next pass */
  gram(): Float64Array;
  /** The block becomes an orthonormal basis of what the last `gram` gave. */
  advance(): void;
}

/**
 * @param w  a multiple of 8; where there are fewer items, items without an entry make room for whole registers
 * @throws RangeError when the matrix is not one, or does not fit
 */
export function createPasses(wasm: WebAssembly.Module, matrix: SparseMatrix, w: number): Passes {
  checkMatrix(matrix);
  if (!(w % 8 === 0 && w > 0)) throw new RangeError(`svd: a block must be of a multiple of 8 vectors, got ${w}`);
  const { rows: m, starts, items, values } = matrix;
  const n = Math.max(matrix.columns, w);
  const { kernel, places: [startsAt, itemsAt, valuesAt, first, second, y, work] } = layOut(
    wasm,
    [starts.byteLength, items.byteLength, values.byteLength, n * w * 8, n * w * 8, w * 8, 2 * w * 8],
    'lower the most items or interactions that are taken',
  );
  const { buffer } = kernel.memory;
  new Uint32Array(buffer, startsAt, starts.length).set(starts);
  new Uint32Array(buffer, itemsAt, items.length).set(items);
  new Float32Array(buffer, valuesAt, values.length).set(values);
  const [block, product] = [new Float64Array(buffer, first, n * w), new Float64Array(buffer, second, n * w)];
  return {
    block,
    gram() {
      kernel.gram(m, startsAt, itemsAt, valuesAt, first, y, second, n, w);
      return product;
    },
    advance() {
      kernel.orthonormalise(second, n, w, work);
      block.set(product);
    },
  };
}

/** Factors in the kernel's memory, and room for one question at a time. */
export interface Scorer {
  /** [d], a view: what is asked for */
  taste: Float32Array;
  /** taste += sum of weight * factor */
  fold(rows: Uint32Array, weights: Float32Array): void;
  /** [n] inner products of all factors with the taste; a view that the next call overwrites */
  score(): Float32Array;
  /** Inner products of the taste with the factors of these rows: a copy. */
  dots(rows: Uint32Array): Float32Array;
}

/** Rows of a history that are folded in at a time: longer ones take several calls. */
const FOLD = 1024;

/** @param factors  [n, d], d a multiple of 4 */
export function createScorer(wasm: WebAssembly.Module, factors: Float32Array, d: number): Scorer {
  const n = factors.length / d;
  if (!(Number.isInteger(n) && d > 0 && d % 4 === 0)) throw new RangeError(`svd: ${factors.length} numbers are no factors of ${d} components each`);
  const padded = Math.ceil(n / 4) * 4;
  const { kernel, places: [factorsAt, tasteAt, scoresAt, rowsAt, weightsAt] } = layOut(wasm, [padded * d * 4, d * 4, padded * 4, FOLD * 4, FOLD * 4], 'lower the most items that are kept');
  const { buffer } = kernel.memory;
  new Float32Array(buffer, factorsAt, factors.length).set(factors);
  const taste = new Float32Array(buffer, tasteAt, d);
  const scores = new Float32Array(buffer, scoresAt, n);
  const [rowsIn, weightsIn] = [new Uint32Array(buffer, rowsAt, FOLD), new Float32Array(buffer, weightsAt, FOLD)];
  return {
    taste,
    fold(rows, weights) {
      for (let at = 0; at < rows.length; at += FOLD) {
        const count = Math.min(FOLD, rows.length - at);
        rowsIn.set(rows.subarray(at, at + count));
        weightsIn.set(weights.subarray(at, at + count));
        kernel.fold(count, rowsAt, weightsAt, factorsAt, tasteAt, d);
      }
    },
    score() {
      kernel.score(padded, factorsAt, tasteAt, scoresAt, d);
      return scores;
    },
    dots(rows) {
      const out = new Float32Array(rows.length);
      for (let at = 0; at < rows.length; at += FOLD) {
        const count = Math.min(FOLD, rows.length - at);
        rowsIn.set(rows.subarray(at, at + count));
        kernel.dots(count, rowsAt, factorsAt, tasteAt, weightsAt, d); // reads up to three stale rows behind the last: they are rows too
        out.set(weightsIn.subarray(0, count), at);
      }
      return out;
    },
  };
}
