/**
 * Numbers for the test matrix of the range finder. It wants them independent and about normal, no more; a sum of uniform
 * ones is made of additions alone, so that the bits are the same on every machine (Math.log is not specified to the last).
 * Source: splitmix32 as a counter; the sum of four uniform numbers, scaled to variance 1 (Irwin and Hall 1927).
 */
export function fillNormal(into: Float64Array, seed: number): void {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < into.length; i += 1) into[i] = (uniform() + uniform() + uniform() + uniform() - 2) * Math.sqrt(3);
}
