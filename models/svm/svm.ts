/**
 * Support vector classifier with a linear or an RBF kernel.  N = rows, D = features, M = support vectors.
 *
 *   f(x) = sum_i s_i k(x_i, x) + b,      P(label 1 | x) = sigmoid(a f(x) + b')   (Platt, by internal cross-validation)
 *
 *   rbf     supports Float64Array(M * D), coefficients Float64Array(M)
 *   linear  the sum is folded into one vector: supports is w, Float64Array(D), and coefficients is [1]
 */
import { checkRows, type ClassWeights } from '../linear/logistic.js';
import { fitPlatt, plattProbability, type Platt } from '../linear/platt.js';
import { createRowCache } from './cache.js';
import { checkKernel, kernelRow, squares, type Kernel } from './kernel.js';
import { reduce } from './reduce.js';
import { solve } from './smo.js';

export interface SvmOptions {
  kernel: Kernel;
  /** > 0: what one unit of violated margin costs */
  C: number;
  classWeights?: ClassWeights;
  /** How far the optimality conditions may be missed. Default 1e-3, LIBSVM's. */
  tolerance?: number;
  /** For rows of the kernel matrix. Default 200 MB, scikit-learn's. */
  cacheBytes?: number;
  /** Most support vectors of an RBF model, as each costs a prediction D multiplications; the model is then the nearest one with so many (reduce.ts). Default: no bound. */
  supportsMax?: number;
  /** Parts of the cross-validation behind the probabilities. Default 5, LIBSVM's; 0: no calibration. */
  folds?: number;
}

export interface Svm {
  kernel: Kernel;
  D: number;
  supports: Float64Array;
  /** `squares` of the supports */
  squares: Float64Array;
  coefficients: Float64Array;
  b: number;
  /** undefined without calibration */
  platt: Platt | undefined;
}

export interface Trained {
  model: Svm;
  /** of the SMO on all rows */
  iterations: number;
  objective: number;
  /** support vectors before any were left out */
  supports: number;
  /** Share of the squared norm that was lost by leaving some out; 0 without. */
  lost: number;
}

const ITERATIONS_PER_ROW = 1000;

/**
 * @param X  N * D, finite, scaled
 * @param y  0 or 1
 * @throws RangeError for bad input, or when the optimisation does not end
 */
export function trainSvm(X: Float64Array, y: Uint8Array, D: number, options: SvmOptions): Trained {
  const { folds = 5, C, kernel, classWeights = { genuine: 1, fraud: 1 }, supportsMax } = options;
  checkRows('svm', X, y, D, classWeights);
  checkKernel(kernel);
  if (!(C > 0 && Number.isFinite(C))) throw new RangeError(`svm: C must be a number > 0, got ${C}`);
  if (supportsMax !== undefined && !(Number.isInteger(supportsMax) && supportsMax >= 1)) throw new RangeError(`svm: supportsMax must be a whole number >= 1, got ${supportsMax}`);
  if (!(Number.isInteger(folds) && folds >= 0 && folds !== 1)) throw new RangeError(`svm: folds must be 0 or a whole number >= 2, got ${folds}`);
  const platt = folds === 0 ? undefined : fitPlatt(crossValidated(X, y, D, options, folds), y);
  const trained = fit(X, y, D, options);
  trained.model.platt = platt;
  return trained;
}

/** Decision values of all rows, each from a model that has not seen it. @throws RangeError when a fold would lack a class */
function crossValidated(X: Float64Array, y: Uint8Array, D: number, options: SvmOptions, folds: number): Float64Array {
  const fold = foldsOf(y, folds);
  const out = new Float64Array(y.length);
  for (let f = 0; f < folds; f += 1) {
    const inside = Uint32Array.from(fold.keys()).filter((i) => fold[i] !== f);
    const part = new Float64Array(inside.length * D);
    inside.forEach((i, k) => part.set(X.subarray(i * D, (i + 1) * D), k * D));
    const { model } = fit(part, Uint8Array.from(inside, (i) => y[i]), D, options);
    for (let i = 0; i < y.length; i += 1) if (fold[i] === f) out[i] = decision(model, X, i * D);
  }
  return out;
}

/** The rows of each class are dealt out in turn: every fold has the same share of both, and no generator is needed. */
function foldsOf(y: Uint8Array, folds: number): Uint32Array {
  const dealt = [0, 0];
  const fold = Uint32Array.from(y, (label) => dealt[label]++ % folds);
  const fewest = Math.min(...dealt);
  if (fewest < folds) throw new RangeError(`svm: ${folds} folds need as many rows of each label, got ${fewest}; widen the period that is trained on`);
  return fold;
}

function fit(X: Float64Array, y: Uint8Array, D: number, options: SvmOptions): Trained {
  const { kernel, C, classWeights = { genuine: 1, fraud: 1 }, tolerance = 1e-3, cacheBytes = 200_000_000, supportsMax = Infinity } = options;
  const N = y.length;
  const X2 = squares(X, D);
  const cache = createRowCache(N, cacheBytes, (i, out) => kernelRow(kernel, X, i * D, X2[i], X, X2, D, out));
  const { signed, b, iterations, objective } = solve({
    y: Int8Array.from(y, (label) => (label === 1 ? 1 : -1)),
    C: Float64Array.from(y, (label) => C * (label === 1 ? classWeights.fraud : classWeights.genuine)),
    diagonal: kernel.kind === 'linear' ? X2 : new Float64Array(N).fill(1),
    row: cache.get, tolerance, iterationsMax: Math.max(1_000_000, ITERATIONS_PER_ROW * N),
  });
  const indices = Uint32Array.from(signed.keys()).filter((i) => signed[i] !== 0);
  const all = Float64Array.from(indices, (i) => signed[i]);
  const report = { iterations, objective, supports: indices.length };
  if (kernel.kind === 'linear') return { model: folded(X, D, indices, all, b), lost: 0, ...report };
  const supports = gathered(X, D, indices);
  if (indices.length <= supportsMax) return { model: modelOf(kernel, D, supports, all, b), lost: 0, ...report };
  const S2 = squares(supports, D);
  const row = new Float64Array(indices.length);
  const small = reduce(all, (i) => {
    kernelRow(kernel, supports, i * D, S2[i], supports, S2, D, row);
    return row;
  }, supportsMax);
  return { model: modelOf(kernel, D, gathered(supports, D, small.kept), small.coefficients, b), lost: small.lost, ...report };
}

function gathered(X: Float64Array, D: number, indices: Uint32Array): Float64Array {
  const out = new Float64Array(indices.length * D);
  indices.forEach((i, k) => out.set(X.subarray(i * D, (i + 1) * D), k * D));
  return out;
}

function folded(X: Float64Array, D: number, indices: Uint32Array, signed: Float64Array, b: number): Svm {
  const w = new Float64Array(D);
  indices.forEach((i, k) => {
    for (let j = 0; j < D; j += 1) w[j] += signed[k] * X[i * D + j];
  });
  return modelOf({ kind: 'linear' }, D, w, Float64Array.of(1), b);
}

export const modelOf = (kernel: Kernel, D: number, supports: Float64Array, coefficients: Float64Array, b: number, platt?: Platt): Svm =>
  ({ kernel, D, supports, squares: squares(supports, D), coefficients, b, platt });

/** f of the row at x[at]; above 0 is label 1. @throws RangeError when the row is not D finite numbers */
export function decision(model: Svm, x: Float64Array, at = 0): number {
  const { kernel, D, supports, squares: S2, coefficients, b } = model;
  let x2 = 0;
  for (let j = 0; j < D; j += 1) x2 += x[at + j] * x[at + j];
  if (!Number.isFinite(x2)) throw new RangeError(`svm: a row must be ${D} finite numbers, got ${Array.from(x.subarray(at, at + D)).join(', ')}`);
  const values = new Float64Array(coefficients.length);
  kernelRow(kernel, x, at, x2, supports, S2, D, values);
  let sum = b;
  for (let i = 0; i < values.length; i += 1) sum += coefficients[i] * values[i];
  return sum;
}

/** P(label 1) of the row at x[at]. @throws RangeError for a model without calibration */
export function probability(model: Svm, x: Float64Array, at = 0): number {
  if (model.platt === undefined) throw new RangeError('svm: the model was trained with folds 0 and has no probabilities; train it with folds 5');
  return plattProbability(model.platt, decision(model, x, at));
}

/**
 * What each feature contributes: f(x) minus f of x with feature j at its usual value, into `out` (D).
 * One pass over the supports: replacing one feature changes a squared distance by two squares.
 * @param usual  D values, scaled as x is
 * @returns f(x)
 */
export function changes(model: Svm, x: Float64Array, usual: Float64Array, out: Float64Array): number {
  const { kernel, D, supports, coefficients, b } = model;
  if (kernel.kind === 'linear') {
    for (let j = 0; j < D; j += 1) out[j] = supports[j] * (x[j] - usual[j]);
    return decision(model, x);
  }
  out.fill(0, 0, D);
  let f = b;
  for (let i = 0; i < coefficients.length; i += 1) {
    const at = i * D;
    let distance = 0;
    for (let j = 0; j < D; j += 1) distance += (x[j] - supports[at + j]) ** 2;
    const value = coefficients[i] * Math.exp(-kernel.gamma * distance);
    f += value;
    for (let j = 0; j < D; j += 1) {
      const change = (usual[j] - supports[at + j]) ** 2 - (x[j] - supports[at + j]) ** 2;
      if (change !== 0) out[j] -= value * Math.expm1(-kernel.gamma * change);
    }
  }
  return f;
}
