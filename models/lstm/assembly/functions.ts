/** exp, tanh and the logistic function, four at a time. */

/**
 * The numbers of exp, each four times: an operand from memory costs nothing, while a constant is made anew whenever it is used.
 *   most x, least x   1 / ln 2   ln 2 in two parts   the polynomial from the highest power down   127 as an integer
 */
const expNumbers: usize = memory.data<f32>([
  88, 88, 88, 88,
  -64, -64, -64, -64,
  1.44269504088896341, 1.44269504088896341, 1.44269504088896341, 1.44269504088896341,
  0.693359375, 0.693359375, 0.693359375, 0.693359375,
  -2.12194440e-4, -2.12194440e-4, -2.12194440e-4, -2.12194440e-4,
  1.9875691500e-4, 1.9875691500e-4, 1.9875691500e-4, 1.9875691500e-4,
  1.3981999507e-3, 1.3981999507e-3, 1.3981999507e-3, 1.3981999507e-3,
  8.3334519073e-3, 8.3334519073e-3, 8.3334519073e-3, 8.3334519073e-3,
  4.1665795894e-2, 4.1665795894e-2, 4.1665795894e-2, 4.1665795894e-2,
  1.6666665459e-1, 1.6666665459e-1, 1.6666665459e-1, 1.6666665459e-1,
  5.0000001201e-1, 5.0000001201e-1, 5.0000001201e-1, 5.0000001201e-1,
  1, 1, 1, 1,
], 16);
const bias: usize = memory.data<i32>([127, 127, 127, 127], 16);

/**
 * e^x: 2^n times a polynomial of the rest, |rest| <= ln 2 / 2. Below -64 it is 0: beside the largest share of a softmax less than
 * f32 can add, and what it would be multiplied by makes subnormal numbers of it, which take a processor a hundred times as long.
 * Above 88 as at 88. Source: Cephes' expf (Moshier). Relative error at most 2e-7 (tested).
 */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  const below = f32x4.lt(x, v128.load(expNumbers, 16));
  x = f32x4.pmin(x, v128.load(expNumbers)); // in this order NaN stays NaN
  const n = f32x4.nearest(f32x4.mul(x, v128.load(expNumbers, 32)));
  let r = f32x4.sub(x, f32x4.mul(n, v128.load(expNumbers, 48)));
  r = f32x4.sub(r, f32x4.mul(n, v128.load(expNumbers, 64)));
  let y = f32x4.add(f32x4.mul(v128.load(expNumbers, 80), r), v128.load(expNumbers, 96));
  y = f32x4.add(f32x4.mul(y, r), v128.load(expNumbers, 112));
  y = f32x4.add(f32x4.mul(y, r), v128.load(expNumbers, 128));
  y = f32x4.add(f32x4.mul(y, r), v128.load(expNumbers, 144));
  y = f32x4.add(f32x4.mul(y, r), v128.load(expNumbers, 160));
  y = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(r, r), y), r), v128.load(expNumbers, 176));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), v128.load(bias)), 23);
  return v128.andnot(f32x4.mul(y, power), below);
}

/**
 * The numbers of tanh:
 *   bound, -bound   P from the highest power down   Q   1 / 2
 */
const numbers: usize = memory.data<f32>([
  7.90531110763549805, 7.90531110763549805, 7.90531110763549805, 7.90531110763549805,
  -7.90531110763549805, -7.90531110763549805, -7.90531110763549805, -7.90531110763549805,
  -2.76076847742355e-16, -2.76076847742355e-16, -2.76076847742355e-16, -2.76076847742355e-16,
  2.00018790482477e-13, 2.00018790482477e-13, 2.00018790482477e-13, 2.00018790482477e-13,
  -8.60467152213735e-11, -8.60467152213735e-11, -8.60467152213735e-11, -8.60467152213735e-11,
  5.12229709037114e-08, 5.12229709037114e-08, 5.12229709037114e-08, 5.12229709037114e-08,
  1.48572235717979e-05, 1.48572235717979e-05, 1.48572235717979e-05, 1.48572235717979e-05,
  6.37261928875436e-04, 6.37261928875436e-04, 6.37261928875436e-04, 6.37261928875436e-04,
  4.89352455891786e-03, 4.89352455891786e-03, 4.89352455891786e-03, 4.89352455891786e-03,
  1.19825839466702e-06, 1.19825839466702e-06, 1.19825839466702e-06, 1.19825839466702e-06,
  1.18534705686654e-04, 1.18534705686654e-04, 1.18534705686654e-04, 1.18534705686654e-04,
  2.26843463243900e-03, 2.26843463243900e-03, 2.26843463243900e-03, 2.26843463243900e-03,
  4.89352518554385e-03, 4.89352518554385e-03, 4.89352518554385e-03, 4.89352518554385e-03,
  0.5, 0.5, 0.5, 0.5,
], 16);

/**
 * tanh x = x P(x^2) / Q(x^2) on [-7.905, 7.905], its value there beyond.
 * Source: Eigen's rational approximation (generic_fast_tanh_float). Absolute error at most 4e-7 (tested).
 */
// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  x = f32x4.pmin(f32x4.pmax(x, v128.load(numbers, 16)), v128.load(numbers)); // in this order NaN stays NaN
  const s = f32x4.mul(x, x);
  let p = f32x4.add(f32x4.mul(v128.load(numbers, 32), s), v128.load(numbers, 48));
  p = f32x4.add(f32x4.mul(p, s), v128.load(numbers, 64));
  p = f32x4.add(f32x4.mul(p, s), v128.load(numbers, 80));
  p = f32x4.add(f32x4.mul(p, s), v128.load(numbers, 96));
  p = f32x4.add(f32x4.mul(p, s), v128.load(numbers, 112));
  p = f32x4.add(f32x4.mul(p, s), v128.load(numbers, 128));
  let q = f32x4.add(f32x4.mul(v128.load(numbers, 144), s), v128.load(numbers, 160));
  q = f32x4.add(f32x4.mul(q, s), v128.load(numbers, 176));
  q = f32x4.add(f32x4.mul(q, s), v128.load(numbers, 192));
  return f32x4.div(f32x4.mul(x, p), q);
}

/** 1 / (1 + e^-x) = (1 + tanh(x / 2)) / 2 */
// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  const half = v128.load(numbers, 208);
  return f32x4.add(f32x4.mul(half, tanh4(f32x4.mul(half, x))), half);
}

/** x f32 [n], in place; n a multiple of 4: for the test of the accuracy. */
export function exponentials(n: u32, x: usize): void {
  for (const end = x + (<usize>n << 2); x < end; x += 16) v128.store(x, exp4(v128.load(x)));
}

export function hyperbolicTangents(n: u32, x: usize): void {
  for (const end = x + (<usize>n << 2); x < end; x += 16) v128.store(x, tanh4(v128.load(x)));
}
