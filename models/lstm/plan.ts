/**
 * The tokens of a batch without its padding, time-major, longest example first:
 *
 *   step 0: | example order[0] | order[1] | ... |   step 1: | order[0] | ... those that have a second token |   ...
 *
 * The examples of a step are thus the first ones of the step before, and every product runs over whole blocks of rows.
 */
export interface Plan {
  B: number;
  /** tokens that are no padding */
  N: number;
  /** of the longest example */
  steps: number;
  /** [steps + 1] first row of each step */
  offset: Int32Array;
  /** [B] which example stands where; of two as long the earlier first */
  order: Int32Array;
  /** [N] */
  tokens: Int32Array;
  /** [N] where each row stands in [B, T] */
  place: Int32Array;
  /** [B] the row of each example's last token, N where it has none */
  last: Int32Array;
}

/** @param tokens  [B, T], 0 is padding, wherever it stands */
export function planOf(tokens: Int32Array, B: number, T: number): Plan {
  const lengths = new Int32Array(B);
  let steps = 0;
  for (let b = 0; b < B; b += 1) {
    for (let t = 0; t < T; t += 1) if (tokens[b * T + t] !== 0) lengths[b] += 1;
    steps = Math.max(steps, lengths[b]);
  }
  // atLeast[n]: examples of n tokens and more.
  const atLeast = new Int32Array(steps + 2);
  for (let b = 0; b < B; b += 1) atLeast[lengths[b]] += 1;
  for (let n = steps; n >= 0; n -= 1) atLeast[n] += atLeast[n + 1];
  const offset = new Int32Array(steps + 1);
  for (let t = 0; t < steps; t += 1) offset[t + 1] = offset[t] + atLeast[t + 1];
  const N = offset[steps];
  const next = atLeast.subarray(1).slice(); // where the next example of n tokens stands: behind all that are longer
  const plan: Plan = { B, N, steps, offset, order: new Int32Array(B), tokens: new Int32Array(N), place: new Int32Array(N), last: new Int32Array(B).fill(N) };
  for (let b = 0; b < B; b += 1) {
    const rank = next[lengths[b]]++;
    plan.order[rank] = b;
    let step = 0;
    for (let t = 0; t < T; t += 1) {
      if (tokens[b * T + t] === 0) continue;
      const row = offset[step] + rank;
      plan.tokens[row] = tokens[b * T + t];
      plan.place[row] = b * T + t;
      plan.last[b] = row;
      step += 1;
    }
  }
  return plan;
}
