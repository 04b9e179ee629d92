import fc from 'fast-check';
import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import { describe, expect, it } from 'vitest';
import { createPasses, createScorer } from '../../models/svd/kernel.js';
import { loadKernel } from '../../models/svd/load.js';
import { matrixOf, type SparseMatrix } from '../../models/svd/matrix.js';
import { naiveDot, naiveFold, naiveGram, naiveOrthonormalise } from '../../models/svd/naive.js';
import { fillNormal } from '../../models/svd/random.js';
import { leftFactors, truncatedSvd, type TruncatedSvd } from '../../models/svd/randomised.js';

const wasm = loadKernel();

const normal = (length: number, seed: number): Float64Array => {
  const numbers = new Float64Array(length);
  fillNormal(numbers, seed);
  return numbers;
};

/** [n, w] with orthonormal columns. */
function orthonormal(n: number, w: number, seed: number): Float64Array {
  const q = normal(n * w, seed);
  naiveOrthonormalise(q, n, w);
  return q;
}

/** Every entry that is not 0. */
function sparseOf(dense: Matrix): SparseMatrix {
  const entries = [];
  for (let row = 0; row < dense.rows; row += 1) {
    for (let column = 0; column < dense.columns; column += 1) if (dense.get(row, column) !== 0) entries.push({ row, column, value: dense.get(row, column) });
  }
  return matrixOf(dense.rows, dense.columns, entries);
}

function denseOf({ rows, columns, starts, items, values }: SparseMatrix): Matrix {
  const dense = Matrix.zeros(rows, columns);
  for (let row = 0; row < rows; row += 1) for (let e = starts[row]; e < starts[row + 1]; e += 1) dense.set(row, items[e], values[e]);
  return dense;
}

/** Popular items and busy customers, as shops have them. */
function sparse(rows: number, columns: number, count: number, seed: number): SparseMatrix {
  const numbers = normal(3 * count, seed);
  const place = (x: number, n: number): number => Math.min(n - 1, Math.floor((Math.abs(x) / 4) ** 1.5 * 1.5 * n));
  const cells = new Map<number, number>();
  for (let n = 0; n < count; n += 1) cells.set(place(numbers[3 * n], rows) * columns + place(numbers[3 * n + 1], columns), 1 + Math.abs(numbers[3 * n + 2]));
  return matrixOf(rows, columns, [...cells].map(([cell, value]) => ({ row: Math.floor(cell / columns), column: cell % columns, value })));
}

/** R = U S V^T with the spectrum given. */
function known(rows: number, columns: number, spectrum: readonly number[], seed: number): { matrix: SparseMatrix; v: Matrix } {
  const d = spectrum.length;
  const u = Matrix.from1DArray(rows, d, orthonormal(rows, d, seed));
  const v = Matrix.from1DArray(columns, d, orthonormal(columns, d, seed + 1));
  return { matrix: sparseOf(u.mmul(Matrix.diag([...spectrum])).mmul(v.transpose())), v };
}

const asMatrix = ({ v, rank }: TruncatedSvd): Matrix => Matrix.from1DArray(v.length / rank, rank, v);

/** Sum of squares of R - U S V^T. */
function residual2(matrix: SparseMatrix, svd: TruncatedSvd): number {
  const u = Matrix.from1DArray(matrix.rows, svd.rank, leftFactors(matrix, svd));
  const low = u.mmul(Matrix.diag([...svd.singular])).mmul(asMatrix(svd).transpose());
  return denseOf(matrix).sub(low).norm() ** 2;
}

describe('the kernel', () => {
  it('equals its naive twin to the bit', () => {
    const matrix = sparse(60, 37, 500, 1);
    for (const w of [8, 24, 32]) {
      const passes = createPasses(wasm, matrix, w);
      passes.block.set(normal(37 * w, 2));
      const expected = naiveGram(matrix, passes.block, w);
      expect(passes.gram()).toEqual(expected);
      naiveOrthonormalise(expected, 37, w);
      passes.advance();
      expect(passes.block).toEqual(expected);
    }
  });

  it('makes an orthonormal basis of columns that depend on each other, or are zero', () => {
    const [n, w] = [20, 8];
    const a = normal(n * w, 3);
    for (let i = 0; i < n; i += 1) {
      a[i * w + 2] = 0;
      a[i * w + 5] = 2 * a[i * w + 1] - a[i * w];
      a[i * w + 7] = i === 7 ? 1 : 0;
    }
    const before = Matrix.from1DArray(n, w, a.slice());
    naiveOrthonormalise(a, n, w);
    const q = Matrix.from1DArray(n, w, a);
    expect(q.transpose().mmul(q).sub(Matrix.eye(w)).norm()).toBeLessThan(1e-12);
    expect(q.mmul(q.transpose()).mmul(before).sub(before).norm(), 'what was spanned still is').toBeLessThan(1e-12);
  });

  it('folds in and scores as its naive twin does, in single precision', () => {
    for (const [n, d] of [[1, 4], [7, 12], [1300, 20]] as const) {
      const factors = Float32Array.from(normal(n * d, 4));
      const rows = Uint32Array.from({ length: 1100 }, (_, h) => (h * 37) % n); // more than are folded in at a time
      const weights = Float32Array.from(normal(rows.length, 5));
      const scorer = createScorer(wasm, factors, d);
      const taste = new Float32Array(d);
      naiveFold(rows, weights, factors, taste);
      scorer.fold(rows, weights);
      expect(scorer.taste).toEqual(taste);
      const expected = Float32Array.from({ length: n }, (_, item) => naiveDot(factors, item, taste));
      expect(scorer.score()).toEqual(expected);
      expect(scorer.dots(rows)).toEqual(Float32Array.from(rows, (row) => expected[row]));
    }
  });
});

describe('truncated SVD', () => {
  it('finds a known spectrum and the space of its vectors', () => {
    const spectrum = Array.from({ length: 40 }, (_, d) => 100 * 0.9 ** d);
    const { matrix, v } = known(150, 90, spectrum, 10);
    const svd = truncatedSvd(matrix, { rank: 12 }, wasm);
    expect(svd.rank).toBe(12);
    for (const [d, sigma] of svd.singular.entries()) expect(Math.abs(sigma / spectrum[d] - 1)).toBeLessThan(1e-6); // the matrix is in single precision
    // Cosines of the angles between the spaces: 1 where they agree.
    const angles = new SingularValueDecomposition(v.subMatrix(0, 89, 0, 11).transpose().mmul(asMatrix(svd))).diagonal;
    expect(Math.min(...angles)).toBeGreaterThan(1 - 1e-6);
    for (let d = 0; d < 12; d += 1) {
      const cosine = Math.abs(v.getColumn(d).reduce((sum, x, i) => sum + x * svd.v[i * 12 + d], 0));
      expect(cosine, `vector ${d}`).toBeGreaterThan(1 - 1e-6);
    }
  });

  it('keeps three digits where the spectrum is as flat as that of ratings', () => {
    const spectrum = Array.from({ length: 120 }, (_, d) => (d === 0 ? 640 : 240 / (d + 3) ** 0.35));
    const { matrix } = known(300, 200, spectrum, 20);
    const { singular } = truncatedSvd(matrix, { rank: 50 }, wasm);
    for (const [d, sigma] of singular.entries()) expect(Math.abs(sigma / spectrum[d] - 1), `value ${d}`).toBeLessThan(1e-3);
  });

  it('agrees with a dense SVD of a sparse matrix', () => {
    const matrix = sparse(140, 90, 1500, 30);
    const dense = new SingularValueDecomposition(denseOf(matrix));
    const svd = truncatedSvd(matrix, { rank: 10, iterations: 30 }, wasm);
    for (let d = 0; d < 10; d += 1) {
      expect(Math.abs(svd.singular[d] / dense.diagonal[d] - 1)).toBeLessThan(1e-6);
      const cosine = dense.rightSingularVectors.getColumn(d).reduce((sum, x, i) => sum + x * svd.v[i * 10 + d], 0);
      expect(Math.abs(cosine)).toBeGreaterThan(1 - 1e-5);
    }
    const u = Matrix.from1DArray(140, 10, leftFactors(matrix, svd));
    expect(u.transpose().mmul(u).sub(Matrix.eye(10)).norm(), 'U is orthonormal').toBeLessThan(1e-5);
  });

  it('is as near to the matrix as any of its rank can be (Eckart and Young)', () => {
    const cases = fc.record({ rows: fc.integer({ min: 20, max: 70 }), columns: fc.integer({ min: 20, max: 70 }), count: fc.integer({ min: 100, max: 900 }), rank: fc.integer({ min: 1, max: 12 }), seed: fc.integer({ min: 0, max: 2 ** 31 }) });
    fc.assert(fc.property(cases, ({ rows, columns, count, rank, seed }) => {
      const matrix = sparse(rows, columns, count, seed);
      const svd = truncatedSvd(matrix, { rank }, wasm);
      const all = new SingularValueDecomposition(denseOf(matrix)).diagonal;
      const least = all.slice(svd.rank).reduce((sum, sigma) => sum + sigma * sigma, 0);
      expect(residual2(matrix, svd) <= least * 1.001 + 1e-9 * all[0] ** 2).toBe(true);
    }), { numRuns: 60, seed: 21 });
  });

  it('gives the same bits for a seed, and the same values for another', () => {
    const matrix = sparse(140, 90, 1500, 30);
    const [first, again, other] = [7, 7, 8].map((seed) => truncatedSvd(matrix, { rank: 8, seed, iterations: 30 }, wasm));
    expect(again).toEqual(first);
    expect(other.v).not.toEqual(first.v);
    for (let d = 0; d < 8; d += 1) expect(other.singular[d] / first.singular[d]).toBeCloseTo(1, 8);
    // Signs are settled: the vectors agree, not only their spaces.
    for (let i = 0; i < first.v.length; i += 1) expect(other.v[i]).toBeCloseTo(first.v[i], 3);
  });

  it('returns no more than a matrix has', () => {
    const { matrix } = known(60, 40, [9, 5, 2], 40);
    const three = truncatedSvd(matrix, { rank: 3 }, wasm);
    for (const [d, sigma] of [9, 5, 2].entries()) expect(three.singular[d]).toBeCloseTo(sigma, 5);
    const tiny = truncatedSvd(matrixOf(2, 3, [{ row: 0, column: 2, value: 3 }, { row: 1, column: 0, value: 4 }]), { rank: 50 }, wasm);
    expect(tiny.rank).toBe(2);
    expect([...tiny.singular]).toEqual([expect.closeTo(4, 12), expect.closeTo(3, 12)]);
    for (const [at, value] of [1, 0, 0, 0, 0, 1].entries()) expect(tiny.v[at]).toBeCloseTo(value, 12);
    expect(truncatedSvd(matrixOf(5, 5, []), { rank: 2 }, wasm)).toMatchObject({ rank: 0 });
    expect(truncatedSvd(matrixOf(0, 0, []), { rank: 2 }, wasm)).toMatchObject({ rank: 0 });
  });

  it('refuses what is no matrix, by the entry', () => {
    const matrix = sparse(20, 10, 50, 50);
    expect(() => truncatedSvd(matrix, { rank: 0 }, wasm)).toThrow(/rank must be a whole number from 1 to 4096, got 0/);
    expect(() => truncatedSvd(matrix, { rank: 2, iterations: -1 }, wasm)).toThrow(/iterations must be a whole number from 0/);
    expect(() => truncatedSvd({ ...matrix, items: matrix.items.with(3, 10) }, { rank: 2 }, wasm)).toThrow(/entry 3 is of item 10, there are 10/);
    expect(() => truncatedSvd({ ...matrix, values: matrix.values.with(2, Number.NaN) }, { rank: 2 }, wasm)).toThrow(/entry 2 must be finite, got NaN/);
    expect(() => truncatedSvd({ ...matrix, starts: matrix.starts.with(1, 49) }, { rank: 2 }, wasm)).toThrow(/starts must ascend/);
    expect(() => truncatedSvd({ ...matrix, rows: 19 }, { rank: 2 }, wasm)).toThrow(/starts must be 20 numbers/);
    expect(() => matrixOf(2, 2, [{ row: 2, column: 0, value: 1 }])).toThrow(/row 2 is not one of 2/);
  });
});
