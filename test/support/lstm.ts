import type { LstmShape } from '../../models/lstm/shape.js';
import { createUniform } from '../../models/random.js';

export interface Examples {
  tokens: Int32Array;
  targets: Int32Array;
  B: number;
  T: number;
}

/** Random sentences, padded behind, with words only, with holes and, when `empty`, one without any word. */
export function randomBatch({ V, C, head }: LstmShape, B: number, T: number, seed: number, empty = false): Examples {
  const uniform = createUniform(seed);
  const whole = (end: number): number => Math.floor(uniform() * end);
  const tokens = new Int32Array(B * T);
  for (let b = 0; b < B; b += 1) {
    const length = b === 0 ? T : 1 + whole(T);
    for (let t = 0; t < length; t += 1) tokens[b * T + t] = 1 + whole(V - 1);
    if (b % 3 === 2 && length > 2) tokens[b * T + 1] = 0;
    if (empty && b === B - 1) tokens.fill(0, b * T);
  }
  const targets = Int32Array.from({ length: head === 'last' ? B : B * T }, () => whole(C));
  return { tokens, targets, B, T };
}

/** The largest |a - b|; NaN where one is. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} numbers are compared with ${b.length}`);
  let most = 0;
  for (let i = 0; i < a.length; i += 1) {
    const difference = Math.abs(a[i] - b[i]);
    if (Number.isNaN(difference)) return NaN;
    most = Math.max(most, difference);
  }
  return most;
}
