/**
 * Adam (Kingma and Ba 2015), as ../naive.ts has it, with what a step makes of the constants made by the caller:
 *
 *   mean = beta1 mean + (1 - beta1) g      square = beta2 square + (1 - beta2) g^2
 *   p -= rate mean / (sqrt(square) * root + epsilon)        rate, root: with the bias corrections in them
 */

/**
 * A mean of gradients decays by a tenth a step, and would creep among the subnormal numbers, which take a processor a hundred
 * times as long, for ever. Below this it moves nothing: rate 1 and epsilon 1e-7 make 1e-23 of it.
 */
const LEAST: f32 = 1e-30;

// @ts-ignore: decorator
@inline
function step(p: usize, mean: usize, square: usize, g: v128, beta1: v128, rest1: v128, beta2: v128, rest2: v128, rate: v128, root: v128, epsilon: v128): void {
  const least = f32x4.splat(LEAST);
  let m = f32x4.add(f32x4.mul(beta1, v128.load(mean)), f32x4.mul(rest1, g));
  m = v128.and(m, f32x4.ge(f32x4.abs(m), least));
  let v = f32x4.add(f32x4.mul(beta2, v128.load(square)), f32x4.mul(f32x4.mul(rest2, g), g));
  v = v128.and(v, f32x4.ge(v, least));
  v128.store(mean, m);
  v128.store(square, v);
  const by = f32x4.add(f32x4.mul(f32x4.sqrt(v), root), epsilon);
  v128.store(p, f32x4.sub(v128.load(p), f32x4.div(f32x4.mul(rate, m), by)));
}

/** n numbers, a multiple of 4. clip: what the gradients are multiplied by first */
export function adam(n: u32, p: usize, mean: usize, square: usize, gradients: usize, clip: f32, beta1: f32, beta2: f32, rest1: f32, rest2: f32, rate: f32, root: f32, epsilon: f32): void {
  const b1 = f32x4.splat(beta1);
  const b2 = f32x4.splat(beta2);
  const r1 = f32x4.splat(rest1);
  const r2 = f32x4.splat(rest2);
  const by = f32x4.splat(rate);
  const root4 = f32x4.splat(root);
  const eps = f32x4.splat(epsilon);
  const clip4 = f32x4.splat(clip);
  for (let i: usize = 0; i < (<usize>n << 2); i += 16) {
    step(p + i, mean + i, square + i, f32x4.mul(clip4, v128.load(gradients + i)), b1, r1, b2, r2, by, root4, eps);
  }
}

/**
 * The same over a table of V rows of which few have a gradient; it is dense Adam all the same: rows without one go on by their means.
 *   slots i32 [V]: the row's place among the gradients, -1: none, -2: none so far, whose means are 0 and which therefore stays
 */
export function adamRows(V: u32, width: u32, p: usize, mean: usize, square: usize, slots: usize, gradients: usize, clip: f32, beta1: f32, beta2: f32, rest1: f32, rest2: f32, rate: f32, root: f32, epsilon: f32): void {
  const b1 = f32x4.splat(beta1);
  const b2 = f32x4.splat(beta2);
  const r1 = f32x4.splat(rest1);
  const r2 = f32x4.splat(rest2);
  const by = f32x4.splat(rate);
  const root4 = f32x4.splat(root);
  const eps = f32x4.splat(epsilon);
  const clip4 = f32x4.splat(clip);
  const bytes = <usize>width << 2;
  for (let row: u32 = 0; row < V; row++, p += bytes, mean += bytes, square += bytes, slots += 4) {
    const slot = load<i32>(slots);
    if (slot === -2) continue;
    if (slot === -1) {
      for (let i: usize = 0; i < bytes; i += 16) step(p + i, mean + i, square + i, f32x4.splat(0), b1, r1, b2, r2, by, root4, eps);
    } else {
      const g = gradients + <usize>slot * bytes;
      for (let i: usize = 0; i < bytes; i += 16) step(p + i, mean + i, square + i, f32x4.mul(clip4, v128.load(g + i)), b1, r1, b2, r2, by, root4, eps);
    }
  }
}

/** Of n numbers, a multiple of 4, summed in 64 bits. */
export function sumOfSquares(n: u32, x: usize): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  for (const end = x + (<usize>n << 2); x < end; x += 16) {
    const v = v128.load(x);
    const a = f64x2.promote_low_f32x4(v);
    const b = f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 0, 1));
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
  }
  const sum = f64x2.add(low, high);
  return f64x2.extract_lane(sum, 0) + f64x2.extract_lane(sum, 1);
}
