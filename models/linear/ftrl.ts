/**
 * Online logistic regression with a step of its own for each weight: FTRL-Proximal.  W = columns; the intercept is coordinate W.
 *
 *   z, root, w  Float64Array(W + 1)     root = sqrt of the sum of squared gradients so far
 *
 *   g_j = c_y (sigmoid(w . x + w_W) - y) x_j                  the gradient of c_y (softplus(z) - y z)
 *   sigma = (sqrt(root^2 + g^2) - root) / alpha
 *   z_j <- z_j + g_j - sigma w_j
 *   w_j = 0 where |z_j| <= l1, else -(z_j - sign(z_j) l1) / ((beta + root_j) / alpha + l2)
 *
 * The intercept starts at `start` = s: z_W = -s beta / alpha, so that the term of beta holds it to s instead of to 0.
 *
 * A column that is rarely other than 0 keeps a large step for when it is. The intercept is penalised neither by l1 nor by l2.
 * Source: McMahan et al. 2013, "Ad click prediction: a view from the trenches", algorithm 1.
 */
import { linear, sigmoid, type ClassWeights } from './logistic.js';

export interface FtrlSettings {
  /** The first step of a weight, about alpha / beta times its gradient. Default 0.1, as the paper's order of magnitude for scaled columns. */
  alpha: number;
  /** Default 1, the paper's. */
  beta: number;
  /** >= 0; weights whose evidence stays below it are exactly 0. Default 0: the columns are few and an analyst reads them all. */
  l1: number;
  /** >= 0. Default 1: a prior of one unit of curvature against weights that one early fraud would send far off. */
  l2: number;
  classWeights: ClassWeights;
  /**
   * Log-odds that the intercept starts from. Default 0: even odds. Where the positive class is rare, say how rare: from 0 the
   * first thousand rows pull every weight down with the intercept, and their squared gradients then slow what the few positives teach.
   */
  start: number;
}

export const defaultFtrlSettings: FtrlSettings = { alpha: 0.1, beta: 1, l1: 0, l2: 1, classWeights: { genuine: 1, fraud: 1 }, start: 0 };

export interface Ftrl {
  settings: FtrlSettings;
  z: Float64Array;
  root: Float64Array;
  /** follows from z and root */
  w: Float64Array;
}

/** @throws RangeError that names the setting */
export function createFtrl(W: number, settings: FtrlSettings = defaultFtrlSettings): Ftrl {
  const { alpha, beta, l1, l2, classWeights, start } = settings;
  for (const [name, value] of Object.entries({ alpha, beta, 'classWeights.genuine': classWeights.genuine, 'classWeights.fraud': classWeights.fraud })) {
    if (!(value > 0 && Number.isFinite(value))) throw new RangeError(`ftrl: ${name} must be a number > 0, got ${value}`);
  }
  for (const [name, value] of Object.entries({ l1, l2 })) {
    if (!(value >= 0 && Number.isFinite(value))) throw new RangeError(`ftrl: ${name} must be a number >= 0, got ${value}`);
  }
  if (!Number.isFinite(start)) throw new RangeError(`ftrl: start must be finite log-odds, got ${start}`);
  const model: Ftrl = { settings, z: new Float64Array(W + 1), root: new Float64Array(W + 1), w: new Float64Array(W + 1) };
  if (start !== 0) {
    model.z[W] = (-start * beta) / alpha;
    model.w[W] = start;
  }
  return model;
}

/**
 * Learns one row, in place.
 * @param x  finite, scaled: W numbers at x[at]
 * @param label  0 or 1
 * @param s  w . x + w_W, for whoever has it: a sum in order waits for each addition
 * Worked: alpha .1, beta 1, l1 = l2 = 0, first row x = 2, label 1 -> g = -1, z = -1, root = 1, w = 1 / (2 / .1) = 0.05; intercept g = -.5, w = .5 / 15 = 0.0333
 */
export function learnFtrl({ settings, z, root, w }: Ftrl, x: Float64Array, at: number, label: number, s = linear(w, x, at, w.length - 1)): void {
  const W = w.length - 1;
  const { alpha, beta, l1, l2, classWeights } = settings;
  const dz = (sigmoid(s) - label) * (label === 1 ? classWeights.fraud : classWeights.genuine);
  for (let j = 0; j <= W; j += 1) {
    const g = j < W ? dz * x[at + j] : dz;
    if (g === 0) continue; // nothing of its coordinate would change
    const before = root[j];
    const after = Math.sqrt(before * before + g * g);
    z[j] += g - ((after - before) / alpha) * w[j];
    root[j] = after;
    w[j] = j < W ? weight(z[j], l1, (beta + after) / alpha + l2) : -z[j] / ((beta + after) / alpha);
  }
}

const weight = (z: number, l1: number, curvature: number): number => (Math.abs(z) <= l1 ? 0 : -(z - Math.sign(z) * l1) / curvature);

/** w from z and root, after they have been loaded. */
export function restoreWeights({ settings, z, root, w }: Ftrl): void {
  const W = w.length - 1;
  const { alpha, beta, l1, l2 } = settings;
  for (let j = 0; j <= W; j += 1) w[j] = j < W ? weight(z[j], l1, (beta + root[j]) / alpha + l2) : -z[j] / ((beta + root[j]) / alpha);
}
