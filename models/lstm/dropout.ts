/**
 * Which numbers a training step leaves out. Not drawn from a stream, but hashed from where a number stands: so both engines
 * agree whatever their order of work, padding shifts nothing, and a resumed run needs no generator's state.
 *
 *   place = (seed, step, site)   row = (b, t): example, and position among its tokens that are no padding   j: feature
 */

/** Where a network leaves numbers out. */
export const sites = { embedding: 0, between: 1, output: 2 } as const;

/** Source: the finaliser of splitmix32, as in ../random.ts. */
function mix(z: number): number {
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return z ^ (z >>> 15);
}

const GOLDEN = 0x9e3779b9;

/** The key of one site in one step. */
export function placeKey(seed: number, step: number, site: number): number {
  return mix((mix((Math.imul(seed, GOLDEN) + step) | 0) + Math.imul(site + 1, GOLDEN)) | 0);
}

/** The key of a row of numbers at that place. */
export function rowKey(place: number, b: number, t: number): number {
  return mix((place + Math.imul(b + 1, GOLDEN) + Math.imul(t + 1, 0x85ebca6b)) | 0);
}

/** @returns whether feature j of the row is kept. @param bar  rate * 2^32 */
export function isKept(row: number, j: number, bar: number): boolean {
  return mix((row + Math.imul(j + 1, GOLDEN)) | 0) >>> 0 >= bar;
}

/** rate * 2^32, whole. */
export const barOf = (rate: number): number => Math.floor(rate * 2 ** 32);
/** What a kept number is multiplied by. */
export const scaleOf = (rate: number): number => Math.fround(1 / (1 - rate));
