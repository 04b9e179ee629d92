/**
 * From a share of the votes to a probability, learnt online: counts by bin of the share, made monotone when read.
 *
 *   bin       an octave of shares in four equal parts, the last one holds all that is smaller: the exponent and two bits
 *             of the mantissa of the share as it lies in memory, so that no logarithm is taken
 *   by bin    n = what was proposed with a share in the bin, hits = what was then added, sum = of the shares;
 *             each starts with PRIOR proposals that came true as often as its middle says: the share itself is the probability until there is evidence
 *   curve     pooled adjacent violators over the bins, from the smallest share up (Ayer et al. 1955; Zadrozny and Elkan, KDD 2002);
 *             between the mean shares of two blocks it is linear in the logarithm of the share
 *
 * Counts halve every HALVING questions, so that the curve follows a shop that changes.
 */
const PER_OCTAVE = 4;
const BINS = 80;
const PRIOR = 4;
const HALVING = 512;

export interface Calibrator {
  /** One question's proposals, with what was added then. @param hit  place of it; -1: not among them */
  learn(shares: Float64Array, count: number, hit: number): void;
  /** In [0, 1]; 0 for a share of 0. Monotone in the share. */
  probabilityOf(share: number): number;
  /** Questions learnt from. */
  questions(): number;
  /** n, hits and sum of each bin, and the questions. */
  save(): Float64Array;
}

/** @param saved  what `save` gave */
export function createCalibrator(saved?: Float64Array): Calibrator {
  const state = saved === undefined ? new Float64Array(3 * BINS + 1) : Float64Array.from(saved);
  if (state.length !== 3 * BINS + 1) throw new RangeError(`calibration: ${state.length} numbers instead of ${3 * BINS + 1}`);
  const [n, hits, sums] = [0, 1, 2].map((part) => state.subarray(part * BINS, (part + 1) * BINS));
  let curve: Curve | undefined;
  return {
    learn(shares, count, hit) {
      state[3 * BINS] += 1;
      if (state[3 * BINS] % HALVING === 0) for (let i = 0; i < 3 * BINS; i += 1) state[i] /= 2;
      for (let i = 0; i < count; i += 1) {
        const bin = binOf(shares[i]);
        n[bin] += 1;
        sums[bin] += shares[i];
        if (i === hit) hits[bin] += 1;
      }
      curve = undefined;
    },
    probabilityOf(share) {
      if (!(share > 0)) return 0;
      curve ??= fit(n, hits, sums);
      return read(curve, share);
    },
    questions: () => state[3 * BINS],
    save: () => state.slice(),
  };
}

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);
/** Upper word of a double that is 1, without the lower 18 bits of its mantissa. */
const ONE = 1023 * PER_OCTAVE;

function binOf(share: number): number {
  float[0] = share;
  return Math.min(BINS - 1, Math.max(0, ONE - 1 - (words[1] >>> 18)));
}

/** The share in the middle of a bin. */
function middleOf(bin: number): number {
  const code = ONE - 1 - bin;
  return 2 ** (Math.floor(code / PER_OCTAVE) - 1023) * (1 + ((code % PER_OCTAVE) + 0.5) / PER_OCTAVE);
}

/** Blocks by ascending share: the logarithm of their mean share, and the probability there. */
interface Curve {
  at: number[];
  probability: number[];
}

function fit(n: Float64Array, hits: Float64Array, sums: Float64Array): Curve {
  const blocks: { weight: number; hits: number; sum: number }[] = [];
  for (let bin = BINS - 1; bin >= 0; bin -= 1) {
    const prior = PRIOR * middleOf(bin);
    let block = { weight: n[bin] + PRIOR, hits: hits[bin] + prior, sum: sums[bin] + prior };
    for (let last = blocks.at(-1); last !== undefined && last.hits * block.weight >= block.hits * last.weight; last = blocks.at(-1)) {
      blocks.pop();
      block = { weight: block.weight + last.weight, hits: block.hits + last.hits, sum: block.sum + last.sum };
    }
    blocks.push(block);
  }
  return { at: blocks.map(({ sum, weight }) => Math.log(sum / weight)), probability: blocks.map(({ hits: of, weight }) => of / weight) };
}

function read({ at, probability }: Curve, share: number): number {
  const last = at.length - 1;
  const x = Math.log(share);
  if (x <= at[0]) return probability[0] * Math.exp(x - at[0]);
  if (x >= at[last]) return probability[last];
  let above = 1;
  while (at[above] < x) above += 1;
  const part = (x - at[above - 1]) / (at[above] - at[above - 1]);
  return probability[above - 1] + part * (probability[above] - probability[above - 1]);
}
