import { createUniform } from '../random.js';

/**
 * Numbers for the test matrix of the range finder. It wants them independent and about normal, no more; a sum of uniform
 * ones is made of additions alone, so that the bits are the same on every machine (Math.log is not specified to the last).
 * Source: the sum of four uniform numbers, scaled to variance 1 (Irwin and Hall 1927).
 */
export function fillNormal(into: Float64Array, seed: number): void {
  const uniform = createUniform(seed);
  for (let i = 0; i < into.length; i += 1) into[i] = (uniform() + uniform() + uniform() + uniform() - 2) * Math.sqrt(3);
}
