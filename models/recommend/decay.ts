/**
 * Forward decay (Cormode, Shkapenyuk, Srivastava, Xu, ICDE 2009): r = w * 2^((t - L) / halfLife).
 *
 * Cosine does not change when every r is scaled by the same number, so nothing is ever decayed: later events weigh more.
 * L is a whole number of STEPs of half-lives since 1970, the `epoch`. When an event is the first of a later epoch, L moves
 * and every number shrinks by a power of two, exactly; the kernel does so to each part when it next touches it.
 *
 * x = atMs / halfLife   half-lives since 1970
 */

/** Half-lives that the landmark moves at a time. r^2 sums to 2^300 at most, and dot^2 / norm2 stays finite. */
export const STEP = 128;
/** An r below this (192 half-lives older than the landmark) is absent; a dot or norm2 below its square is 0. */
export const R_MIN = 2 ** -192;
export const DOT_MIN = 2 ** -384;

/** A half-life of Infinity means no decay. */
export function halfLives(atMs: number, halfLifeMs: number): number {
  return halfLifeMs === Infinity ? 0 : atMs / halfLifeMs;
}

export function epochOf(x: number): number {
  return Math.floor(x / STEP);
}

/** r of an event as of the landmark of `epoch`, which is not before the event's own; 0 when it is too old to count. */
export function relative(strength: number, x: number, epoch: number): number {
  const whole = Math.floor(x);
  const exponent = whole - STEP * epoch;
  if (exponent < -256) return 0;
  const r = strength * exp2(x - whole) * 2 ** exponent;
  return r < R_MIN ? 0 : r;
}

/** What brings an r from the landmark of `epoch` to the moment x: 2^(L - x). */
export function toMoment(x: number, epoch: number): number {
  const whole = Math.floor(x);
  return 2 ** (STEP * epoch - whole) / exp2(x - whole);
}

/**
 * 2^f for f in [0, 1), by the Taylor series about a half: additions and products only, so the bits are the same on every
 * machine and engine (Math.pow is not specified to the last bit). Relative error below 4e-16.
 */
export function exp2(f: number): number {
  if (f === 0) return 1;
  const t = (f - 0.5) * Math.LN2;
  let sum = 1;
  for (let n = 13; n >= 1; n -= 1) sum = 1 + (t / n) * sum;
  return sum * Math.SQRT2;
}
