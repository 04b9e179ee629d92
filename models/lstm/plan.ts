/**
 * The tokens of a batch without its padding, time-major, longest example first:
 *
 *   step 0: | example order[0] | order[1] | ... |   step 1: | order[0] | ... those that have a second token |   ...
 *
 * The examples of a step are thus the first ones of the step before, and every product runs over whole blocks of rows.
 */
export interface Plan {
  /** examples */
  B: number;
  /** tokens that are no padding */
  N: number;
  /** of the longest example */
  steps: number;
  /** [steps + 1] first row of each step */
  offset: Int32Array;
  /** [B] which example of the batch stands where; of two as long the earlier first */
  order: Int32Array;
  /** [N] */
  tokens: Int32Array;
  /** [N] where each row stands in [B, T] */
  place: Int32Array;
  /** [B] of the batch, ascending */
  examples: Int32Array;
  /** [B] the row of each one's last token, N where it has none */
  last: Int32Array;
}

function lengthsOf(tokens: Int32Array, B: number, T: number): Int32Array {
  const lengths = new Int32Array(B);
  for (let b = 0; b < B; b += 1) {
    for (let t = 0; t < T; t += 1) if (tokens[b * T + t] !== 0) lengths[b] += 1;
  }
  return lengths;
}

const all = (B: number): Int32Array => Int32Array.from({ length: B }, (_, b) => b);

/** Rows that a product takes at once: a step with a row more costs as if it had up to three more. */
const TILE = 4;

/**
 * The examples of a batch in two halves of about as many tokens: the longest first, each to the half that has fewer so far. In
 * tiles where that leaves several to each half, so that two halves have no more odd rows than one batch. They depend on the
 * lengths alone, so that the same batch is always summed in the same order.
 */
export function halvesOf(tokens: Int32Array, B: number, T: number): [Int32Array, Int32Array] {
  const lengths = lengthsOf(tokens, B, T);
  const sorted = all(B).sort((a, b) => lengths[b] - lengths[a] || a - b);
  const size = B >= 4 * TILE ? TILE : 1;
  const halves: [number[], number[]] = [[], []];
  const sums = [0, 0];
  for (let from = 0; from < B; from += size) {
    const half = sums[0] <= sums[1] ? 0 : 1;
    for (const b of sorted.subarray(from, from + size)) {
      halves[half].push(b);
      sums[half] += lengths[b];
    }
  }
  return [Int32Array.from(halves[0]).sort(), Int32Array.from(halves[1]).sort()];
}

/** @param tokens  [batch, T], 0 is padding, wherever it stands @param examples  those of the batch that it is about, ascending */
export function planOf(tokens: Int32Array, batch: number, T: number, examples = all(batch)): Plan {
  const B = examples.length;
  const lengths = lengthsOf(tokens, batch, T);
  const steps = examples.reduce((longest, b) => Math.max(longest, lengths[b]), 0);
  // atLeast[n]: examples of n tokens and more.
  const atLeast = new Int32Array(steps + 2);
  for (const b of examples) atLeast[lengths[b]] += 1;
  for (let n = steps; n >= 0; n -= 1) atLeast[n] += atLeast[n + 1];
  const offset = new Int32Array(steps + 1);
  for (let t = 0; t < steps; t += 1) offset[t + 1] = offset[t] + atLeast[t + 1];
  const N = offset[steps];
  const next = atLeast.subarray(1).slice(); // where the next example of n tokens stands: behind all that are longer
  const plan: Plan = { B, N, steps, offset, order: new Int32Array(B), tokens: new Int32Array(N), place: new Int32Array(N), examples, last: new Int32Array(B).fill(N) };
  for (let i = 0; i < B; i += 1) {
    const b = examples[i];
    const rank = next[lengths[b]]++;
    plan.order[rank] = b;
    let step = 0;
    for (let t = 0; t < T; t += 1) {
      if (tokens[b * T + t] === 0) continue;
      const row = offset[step] + rank;
      plan.tokens[row] = tokens[b * T + t];
      plan.place[row] = b * T + t;
      plan.last[i] = row;
      step += 1;
    }
  }
  return plan;
}
