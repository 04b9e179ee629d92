/**
 * Truncated SVD of a sparse matrix, R ~ U S V^T, by a randomised range finder with power iterations (Halko, Martinsson,
 * Tropp, SIAM Review 53(2), 2011: algorithms 4.4 and 5.1), on the side of the items.
 *
 *   m customers, n items, rank r, w = r + oversampling, rounded up to what a register pair holds
 *
 *   Q = orth(R^T R Omega), then as often as there are power iterations Q = orth(R^T R Q)     n x w, never m rows
 *   H = Q^T R^T R Q = W L W^T  (w x w, symmetric: ml-matrix)       S = sqrt(L), V = Q W       the r largest
 *
 * Working with R^T R squares the spectrum: a singular value below 1e-7 of the largest drowns in rounding. Those are not
 * returned; a recommender's fiftieth is about a twentieth of its first.
 */
import { EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { createPasses } from './kernel.js';
import type { SparseMatrix } from './matrix.js';
import { fillNormal } from './random.js';

export interface SvdOptions {
  /** Singular values wanted, from 1 */
  rank: number;
  /** Vectors beside those of the rank, at least. Default as many as the rank, 10 at least: a ratings spectrum is flat at its fiftieth value. */
  oversampling?: number;
  /** Power iterations, each one pass over R. Default 10: the fiftieth singular value of movielens-100k is then right to four digits, with 4 to two. */
  iterations?: number;
  /** Of the test matrix. The same seed gives the same bits. */
  seed?: number;
}

export interface TruncatedSvd {
  /** as asked for, or fewer: the rank of R, or what stands out of rounding */
  rank: number;
  /** [rank], descending */
  singular: Float64Array;
  /** [n, rank], row by row; of each column the largest component is positive */
  v: Float64Array;
}

/** Below this part of the largest, a singular value of the squared matrix is rounding. */
const FAINTEST = 1e-7;
const defaults = { iterations: 10, seed: 1 };

/** After a pass over R. */
export interface SvdPass {
  /** from 1 */
  pass: number;
  passes: number;
  /** share of the squared entries that the basis before this pass leaves out: it falls with each; NaN at first, when there is none */
  left: number;
  /** [max(n, w), w], the basis as the pass left it; a view that the next pass overwrites */
  block: Float64Array;
}

/** From where a factorisation goes on that was cut off. */
export interface SvdStart {
  pass: number;
  block: Float64Array;
}

/** @throws RangeError when an option or the matrix is out of range */
export function truncatedSvd(matrix: SparseMatrix, options: SvdOptions, wasm: WebAssembly.Module): TruncatedSvd {
  const steps = svdPasses(matrix, options, wasm);
  for (;;) {
    const next = steps.next();
    if (next.done === true) return next.value;
  }
}

/**
 * The same, pass by pass.
 * @param start  of a factorisation of the same matrix with the same options: it ends with the same bits as an uninterrupted one
 * @throws RangeError also when the start is not of this matrix
 */
export function* svdPasses(matrix: SparseMatrix, options: SvdOptions, wasm: WebAssembly.Module, start?: SvdStart): Generator<SvdPass, TruncatedSvd> {
  const { rank, iterations, seed } = { ...defaults, ...options };
  const oversampling = options.oversampling ?? Math.max(10, rank);
  for (const [name, value, least] of [['rank', rank, 1], ['oversampling', oversampling, 0], ['iterations', iterations, 0]] as const) {
    if (!(Number.isInteger(value) && value >= least && value <= 4096)) throw new RangeError(`svd: ${name} must be a whole number from ${least} to 4096, got ${value}`);
  }
  const wanted = Math.min(rank, matrix.rows, matrix.columns);
  const w = Math.ceil((wanted + oversampling) / 8) * 8;
  const passes = createPasses(wasm, matrix, w);
  const done = start?.pass ?? 0;
  if (start === undefined) fillNormal(passes.block, seed);
  else {
    if (!(Number.isInteger(done) && done >= 1 && done <= iterations + 1 && start.block.length === passes.block.length)) throw new RangeError(`svd: a basis of ${start.block.length} numbers after pass ${done} is not of this matrix: ${passes.block.length} are expected, and at most ${iterations + 1} passes`);
    passes.block.set(start.block);
  }
  let squares = 0;
  for (const value of matrix.values) squares += value * value;
  for (let pass = done + 1; pass <= iterations + 1; pass += 1) {
    const product = passes.gram();
    const left = pass === 1 ? NaN : 1 - inner(passes.block, product) / squares;
    passes.advance();
    yield { pass, passes: iterations + 1, left, block: passes.block };
  }
  return rayleighRitz(passes.block, passes.gram(), matrix.columns, w, wanted);
}

/** The trace of Q^T (R^T R Q): how much of the squares lies within an orthonormal basis. */
function inner(q: Float64Array, z: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < q.length; i += 1) sum += q[i] * z[i];
  return sum;
}

/** @param q  [n, w] or more rows, orthonormal  @param z  R^T R q */
function rayleighRitz(q: Float64Array, z: Float64Array, n: number, w: number, wanted: number): TruncatedSvd {
  const small = new Float64Array(w * w);
  for (let at = 0; at < q.length; at += w) {
    for (let i = 0; i < w; i += 1) for (let j = 0; j < w; j += 1) small[i * w + j] += q[at + i] * z[at + j];
  }
  const h = Matrix.from1DArray(w, w, small.map((value, at) => (value + small[(at % w) * w + Math.floor(at / w)]) / 2));
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(h, { assumeSymmetric: true });
  const order = realEigenvalues.map((value, at) => ({ at, sigma: Math.sqrt(Math.max(0, value)) })).sort((a, b) => b.sigma - a.sigma || a.at - b.at);
  const kept = order.slice(0, wanted).filter(({ sigma }) => sigma > 0 && sigma >= FAINTEST * order[0].sigma);
  const rank = kept.length;
  const turn = new Float64Array(w * rank);
  for (const [d, { at }] of kept.entries()) for (let j = 0; j < w; j += 1) turn[j * rank + d] = eigenvectorMatrix.get(j, at);
  const v = new Float64Array(n * rank);
  for (let i = 0; i < n; i += 1) {
    for (let j = 0; j < w; j += 1) {
      const x = q[i * w + j];
      for (let d = 0; d < rank; d += 1) v[i * rank + d] += x * turn[j * rank + d];
    }
  }
  settleSigns(v, n, rank);
  return { rank, singular: Float64Array.from(kept, ({ sigma }) => sigma), v };
}

/** A singular vector may point either way; which one must not depend on rounding. */
function settleSigns(v: Float64Array, n: number, rank: number): void {
  for (let d = 0; d < rank; d += 1) {
    let largest = 0;
    for (let i = 0; i < n; i += 1) if (Math.abs(v[i * rank + d]) > Math.abs(largest)) largest = v[i * rank + d];
    if (largest < 0) for (let i = 0; i < n; i += 1) v[i * rank + d] = -v[i * rank + d];
  }
}

/** U = R V S^-1, [m, rank], row by row: a customer of the matrix, folded in as a later one is. */
export function leftFactors({ rows, starts, items, values }: SparseMatrix, { rank, singular, v }: TruncatedSvd): Float64Array {
  const u = new Float64Array(rows * rank);
  for (let row = 0; row < rows; row += 1) {
    for (let e = starts[row]; e < starts[row + 1]; e += 1) {
      for (let d = 0; d < rank; d += 1) u[row * rank + d] += (values[e] * v[items[e] * rank + d]) / singular[d];
    }
  }
  return u;
}
