/**
 * What is made small. Of each item y that was taken, against those of its decision that were not:
 *
 *   z_i = sum over channels of w_c x_ic  -  b ln(position_i)        x_ic = worth of its rank (fuse.ts), 0 where it was not proposed
 *   f(w, b) = - sum over y of ln( e^z_y / (e^z_y + sum over i not taken of e^z_i) )  +  l2 / 2 (|w - 1|^2 + b^2)
 *
 * a conditional logit (McFadden 1974), convex. What stands higher is looked at more: b takes that up, and is dropped when
 * serving (as the position term of Ling et al. 2017). `1` stands for the weights of equal channels, so that little data
 * changes little. P = C + 1 parameters, b the last.
 */
import { channels, equalWeights, worth } from '../recommend/fuse.js';
import { C, telling, type Impressions } from './impressions.js';

export const P = C + 1;
/** Where nothing was learnt: the weights of equal channels, and no bias. */
export const prior = Float64Array.from([...channels.map((channel) => equalWeights[channel]), 0]);

export interface Objective {
  /** items taken that are compared with others */
  readonly taken: number;
  value(at: Float64Array): number;
  /** @param gradient  [P]  @param hessian  [P, P], its lower triangle  @returns the value */
  derive(at: Float64Array, gradient: Float64Array, hessian: Float64Array): number;
}

/** Ranks that come more often than once are looked up. */
const TABLE = 1024;

/** @param constant  c of the channels (fuse.ts) */
export function objectiveOf(log: Impressions, constant: number, l2: number): Objective {
  const x = featuresOf(log, constant);
  const { starts, taken } = log;
  const choices = telling(log);
  const compared = choices.reduce((sum, d) => sum + taken.subarray(starts[d], starts[d + 1]).reduce((count, was) => count + was, 0), 0);
  const longest = choices.reduce((most, d) => Math.max(most, starts[d + 1] - starts[d]), 0);
  const z = new Float64Array(longest);
  const [mean, square] = [new Float64Array(P), new Float64Array(P * P)];

  const score = (at: Float64Array, d: number): void => {
    for (let i = starts[d]; i < starts[d + 1]; i += 1) {
      let sum = 0;
      for (let j = 0; j < P; j += 1) sum += at[j] * x[i * P + j];
      z[i - starts[d]] = sum;
    }
  };

  /** Minus the logarithm of y's share; what `add` gets is each item's share. */
  const choice = (d: number, y: number, add?: (item: number, share: number) => void): number => {
    const first = starts[d];
    let [most, total] = [z[y - first], 0];
    for (let i = first; i < starts[d + 1]; i += 1) if (taken[i] === 0 && z[i - first] > most) most = z[i - first];
    for (let i = first; i < starts[d + 1]; i += 1) if (i === y || taken[i] === 0) total += Math.exp(z[i - first] - most);
    if (add !== undefined) for (let i = first; i < starts[d + 1]; i += 1) if (i === y || taken[i] === 0) add(i, Math.exp(z[i - first] - most) / total);
    return most + Math.log(total) - z[y - first];
  };

  const penalty = (at: Float64Array): number => {
    let sum = 0;
    for (let j = 0; j < P; j += 1) sum += (at[j] - prior[j]) ** 2;
    return (l2 / 2) * sum;
  };

  return {
    taken: compared,
    value(at) {
      let sum = penalty(at);
      for (const d of choices) {
        score(at, d);
        for (let y = starts[d]; y < starts[d + 1]; y += 1) if (taken[y] === 1) sum += choice(d, y);
      }
      return sum;
    },
    derive(at, gradient, hessian) {
      let sum = penalty(at);
      hessian.fill(0);
      for (let j = 0; j < P; j += 1) {
        gradient[j] = l2 * (at[j] - prior[j]);
        hessian[j * P + j] = l2;
      }
      const add = (item: number, share: number): void => {
        for (let j = 0; j < P; j += 1) {
          const part = share * x[item * P + j];
          mean[j] += part;
          for (let k = 0; k <= j; k += 1) square[j * P + k] += part * x[item * P + k];
        }
      };
      for (const d of choices) {
        score(at, d);
        for (let y = starts[d]; y < starts[d + 1]; y += 1) {
          if (taken[y] === 0) continue;
          mean.fill(0);
          square.fill(0);
          sum += choice(d, y, add);
          for (let j = 0; j < P; j += 1) {
            gradient[j] += mean[j] - x[y * P + j];
            for (let k = 0; k <= j; k += 1) hessian[j * P + k] += square[j * P + k] - mean[j] * mean[k];
          }
        }
      }
      return sum;
    },
  };
}

/** [N, P] */
function featuresOf({ ranks, positions }: Impressions, constant: number): Float64Array {
  const x = new Float64Array(positions.length * P);
  const tables = channels.map((channel) => Float64Array.from({ length: TABLE }, (_, rank) => (rank === 0 ? 0 : worth(channel, constant, rank))));
  for (let i = 0; i < positions.length; i += 1) {
    for (let j = 0; j < C; j += 1) {
      const rank = ranks[i * C + j];
      x[i * P + j] = rank < TABLE ? tables[j][rank] : worth(channels[j], constant, rank);
    }
    x[i * P + C] = -Math.log(positions[i]);
  }
  return x;
}
