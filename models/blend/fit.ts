/**
 * The weights that explain what was taken: projected Newton steps on objective.ts, once for each of a few constants, the best
 * of which is kept. A constant far from the paper's pays as a weight does: l2 / 2 ln(c / 60)^2.
 */
import { factor, solve } from '../linear/cholesky.js';
import { channels, RRF, type Blend, type BlendWeights } from '../recommend/fuse.js';
import { C, type Impressions } from './impressions.js';
import { objectiveOf, P, prior, type Objective } from './objective.js';

export interface BlendSettings {
  /** What a weight pays for leaving 1, above 0; in decisions it is worth some ten of them. Default 1. */
  l2: number;
}

export const defaultBlendSettings: BlendSettings = { l2: 1 };

export interface FittedBlend {
  blend: Blend;
  /** b: an item's chance to be looked at falls as position^-b */
  positionBias: number;
  /** items taken that were compared with others */
  taken: number;
  /** of the objective, for each of them */
  loss: number;
}

/** Ten times as steep as the paper's at its first rank, in steps; a channel's first counts the same with each. */
export const constants: readonly number[] = [RRF, 30, 20, 10, 5, 3];
/** A channel without a weight is not asked and tells nothing for the next time; popularity, which has none at the start, fills up. */
const weightMin = 0.01;
const bounds = Float64Array.from(prior, (value) => Math.min(value, weightMin));
const stepsMost = 100;

/**
 * Deterministic: the same log gives the same bits.
 * @throws RangeError when l2 is out of range, or the steps do not settle
 */
export function fitBlend(log: Impressions, settings = defaultBlendSettings): FittedBlend {
  return bestOf(constants.map((constant) => fitWeights(log, constant, settings)));
}

/** A part of `fitBlend`, for those who may not take its whole time at once. @param constant  one of `constants` */
export function fitWeights(log: Impressions, constant: number, { l2 } = defaultBlendSettings): FittedBlend {
  if (!(l2 > 0 && l2 <= 1e6)) throw new RangeError(`blend: l2 must be above 0 and at most 1000000, got ${l2}`);
  const objective = objectiveOf(log, constant, l2);
  const at = prior.slice();
  const value = minimise(objective, at) + (l2 / 2) * Math.log(constant / RRF) ** 2;
  const weights = Object.fromEntries(channels.map((channel, j) => [channel, at[j]])) as BlendWeights;
  return { blend: { weights, constant }, positionBias: at[C], taken: objective.taken, loss: value / Math.max(1, objective.taken) };
}

/** @param fits  at least one; of equals the first */
export const bestOf = (fits: readonly FittedBlend[]): FittedBlend => fits.reduce((best, fit) => (fit.loss < best.loss ? fit : best));

/**
 * In place; weights stay at or above their bound, b at or above 0.
 * Source: Bertsekas 1982, SIAM J. Control and Optimization 20(2): Newton's step in what is free, cut at the bounds.
 * @returns the smallest value
 */
function minimise(objective: Objective, at: Float64Array): number {
  const [gradient, hessian] = [new Float64Array(P), new Float64Array(P * P)];
  for (let n = 0; n < stepsMost; n += 1) {
    const value = objective.derive(at, gradient, hessian);
    const free = [...at.keys()].filter((j) => at[j] > bounds[j] || gradient[j] < 0);
    const step = newtonStep(gradient, hessian, free);
    // f is convex: half of this is about what is left to gain.
    const promised = free.reduce((sum, j, i) => sum + gradient[j] * step[i], 0);
    if (!(promised > 1e-10 * (1 + Math.abs(value)))) return value;
    const next = search(objective, at, value, free, step);
    if (next === undefined) return value; // no double is smaller
    at.set(next);
  }
  throw new RangeError(`blend: not settled after ${stepsMost} steps`);
}

function newtonStep(gradient: Float64Array, hessian: Float64Array, free: number[]): Float64Array {
  const n = free.length;
  const A = new Float64Array(n * n);
  for (let i = 0; i < n; i += 1) for (let j = 0; j <= i; j += 1) A[i * n + j] = hessian[free[i] * P + free[j]];
  const step = Float64Array.from(free, (j) => gradient[j]);
  if (!factor(A, n)) throw new RangeError('blend: the Hessian is not positive definite: a rank or a position is damaged');
  solve(A, n, step);
  return step;
}

/** The first of ever smaller steps that gains; undefined: none. */
function search(objective: Objective, at: Float64Array, value: number, free: number[], step: Float64Array): Float64Array | undefined {
  for (let t = 1; t >= 2 ** -30; t /= 2) {
    const next = at.slice();
    for (const [i, j] of free.entries()) next[j] = Math.max(bounds[j], at[j] - t * step[i]);
    if (objective.value(next) < value) return next;
  }
  return undefined;
}
