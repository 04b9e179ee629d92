/** exp, tanh and the logistic function, four at a time. */

/**
 * e^x: 2^n times a polynomial of the rest, |rest| <= ln 2 / 2. Below -87.3, where f32 has no normal number, 0; above 88 as at 88.
 * Source: Cephes' expf (Moshier). Relative error at most 2e-7 (tested).
 */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  const below = f32x4.lt(x, f32x4.splat(-87.3));
  x = f32x4.pmin(x, f32x4.splat(88)); // in this order NaN stays NaN
  const n = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.44269504088896341)));
  let r = f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375)));
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(-2.12194440e-4)));
  let y = f32x4.splat(1.9875691500e-4);
  y = f32x4.add(f32x4.mul(y, r), f32x4.splat(1.3981999507e-3));
  y = f32x4.add(f32x4.mul(y, r), f32x4.splat(8.3334519073e-3));
  y = f32x4.add(f32x4.mul(y, r), f32x4.splat(4.1665795894e-2));
  y = f32x4.add(f32x4.mul(y, r), f32x4.splat(1.6666665459e-1));
  y = f32x4.add(f32x4.mul(y, r), f32x4.splat(5.0000001201e-1));
  y = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(r, r), y), r), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  return v128.andnot(f32x4.mul(y, power), below);
}

/**
 * The numbers of tanh, each four times: an operand from memory costs nothing, while a constant is made anew whenever it is used.
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
