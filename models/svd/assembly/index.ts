/**
 * The two loops in which the factorisation and its answers spend their time. Everything takes addresses; the caller lays
 * the memory out (kernel.ts). naive.ts holds the same in the same order of additions: the results agree to the bit.
 *
 *   m customers, n items, w columns of a block of vectors (a multiple of 8), d components of a factor (a multiple of 4)
 */

/** First address that is free. */
export function base(): f64 { return <f64>((__heap_base + 63) & ~63); }

/**
 * Z = R^T (R Q) in one pass over R: a customer's row y = r Q is made and spread over the items at once, so nothing of
 * m rows is ever held.
 *   starts u32 [m + 1]   columns u32 [nnz]   values f32 [nnz]   q, z f64 [n, w]   y f64 [w]
 */
export function gram(m: u32, starts: usize, columns: usize, values: usize, q: usize, y: usize, z: usize, n: u32, w: u32): void {
  const stride = <usize>w << 3;
  memory.fill(z, 0, <usize>n * stride);
  for (let u: u32 = 0; u < m; u++) {
    const from: usize = load<u32>(starts + (<usize>u << 2));
    const to: usize = load<u32>(starts + (<usize>u << 2), 4);
    if (from === to) continue;
    for (let block: usize = 0; block < stride; block += 64) project(from, to, columns, values, q + block, y + block, stride);
    for (let e = from; e < to; e++) {
      const r = f64x2.splat(<f64>load<f32>(values + (e << 2)));
      let at = z + <usize>load<u32>(columns + (e << 2)) * stride;
      for (let j: usize = 0; j < stride; j += 64) {
        v128.store(at, f64x2.add(v128.load(at), f64x2.mul(r, v128.load(y + j))));
        v128.store(at, f64x2.add(v128.load(at, 16), f64x2.mul(r, v128.load(y + j, 16))), 16);
        v128.store(at, f64x2.add(v128.load(at, 32), f64x2.mul(r, v128.load(y + j, 32))), 32);
        v128.store(at, f64x2.add(v128.load(at, 48), f64x2.mul(r, v128.load(y + j, 48))), 48);
        at += 64;
      }
    }
  }
}

/** Eight columns of y = r Q: their sums stay in registers. */
// @ts-ignore: decorator
@inline
function project(from: usize, to: usize, columns: usize, values: usize, q: usize, y: usize, stride: usize): void {
  let a = f64x2.splat(0);
  let b = f64x2.splat(0);
  let c = f64x2.splat(0);
  let d = f64x2.splat(0);
  for (let e = from; e < to; e++) {
    const r = f64x2.splat(<f64>load<f32>(values + (e << 2)));
    const at = q + <usize>load<u32>(columns + (e << 2)) * stride;
    a = f64x2.add(a, f64x2.mul(r, v128.load(at)));
    b = f64x2.add(b, f64x2.mul(r, v128.load(at, 16)));
    c = f64x2.add(c, f64x2.mul(r, v128.load(at, 32)));
    d = f64x2.add(d, f64x2.mul(r, v128.load(at, 48)));
  }
  v128.store(y, a);
  v128.store(y, b, 16);
  v128.store(y, c, 32);
  v128.store(y, d, 48);
}

/**
 * A [n, w], w <= n, becomes the Q of its QR decomposition, in place, by Householder reflections (Golub and Van Loan, 4th
 * edition, 5.2): orthonormal to rounding whatever A is, also when its columns depend on each other.
 *   work f64 [2 w]: the taus, and the products of one reflection
 */
export function orthonormalise(a: usize, n: u32, w: u32, work: usize): void {
  const stride = <usize>w << 3;
  const products = work + stride;
  for (let k: u32 = 0; k < w; k++) {
    const diagonal = a + <usize>k * stride + (<usize>k << 3);
    const alpha = load<f64>(diagonal);
    let rest: f64 = 0;
    let at = diagonal + stride;
    for (let i = k + 1; i < n; i++, at += stride) {
      const x = load<f64>(at);
      rest += x * x;
    }
    if (rest === 0) {
      store<f64>(work + (<usize>k << 3), 0);
      continue;
    }
    const norm = Math.sqrt(alpha * alpha + rest);
    const beta = alpha > 0 ? -norm : norm;
    const by = 1 / (alpha - beta);
    at = diagonal + stride;
    for (let i = k + 1; i < n; i++, at += stride) store<f64>(at, load<f64>(at) * by);
    store<f64>(diagonal, 1);
    const tau = (beta - alpha) / beta;
    store<f64>(work + (<usize>k << 3), tau);
    reflect(a, n, w, k, tau, products);
  }
  for (let k: i32 = <i32>w - 1; k >= 0; k--) {
    const tau = load<f64>(work + (<usize>k << 3));
    const top = a + (<usize>k << 3);
    if (tau !== 0) reflect(a, n, w, <u32>k, tau, products);
    for (let i: u32 = 0; i < <u32>k; i++) store<f64>(top + <usize>i * stride, 0);
    const diagonal = top + <usize>k * stride;
    let at = diagonal + stride;
    for (let i = <u32>k + 1; i < n; i++, at += stride) store<f64>(at, tau === 0 ? 0 : load<f64>(at) * -tau);
    store<f64>(diagonal, 1 - tau);
  }
}

/** (1 - tau v v^T) on the columns behind k, v being column k from row k on. */
function reflect(a: usize, n: u32, w: u32, k: u32, tau: f64, products: usize): void {
  const stride = <usize>w << 3;
  const first = (<usize>(k + 1) << 3) & ~15; // the pair that column k + 1 is in
  memory.fill(products, 0, stride);
  let row = a + <usize>k * stride;
  for (let i = k; i < n; i++, row += stride) {
    const v = f64x2.splat(load<f64>(row + (<usize>k << 3)));
    for (let j = first; j < stride; j += 16) {
      v128.store(products + j, f64x2.add(v128.load(products + j), f64x2.mul(v, v128.load(row + j))));
    }
  }
  const by = f64x2.splat(-tau);
  for (let j = first; j < stride; j += 16) v128.store(products + j, f64x2.mul(by, v128.load(products + j)));
  store<f64>(products + (<usize>k << 3), 0); // it may share a pair with the first column behind it
  row = a + <usize>k * stride;
  for (let i = k; i < n; i++, row += stride) {
    const v = f64x2.splat(load<f64>(row + (<usize>k << 3)));
    for (let j = first; j < stride; j += 16) {
      v128.store(row + j, f64x2.add(v128.load(row + j), f64x2.mul(v, v128.load(products + j))));
    }
  }
}

// ---- serving: f32, item by item ----

/** taste f32 [d] += sum of weight * factor over a part of a history.  rows u32 [count]  weights f32 [count]  factors f32 [n, d] */
export function fold(count: u32, rows: usize, weights: usize, factors: usize, taste: usize, d: u32): void {
  const stride = <usize>d << 2;
  for (let h: u32 = 0; h < count; h++) {
    const r = f32x4.splat(load<f32>(weights + (<usize>h << 2)));
    const at = factors + <usize>load<u32>(rows + (<usize>h << 2)) * stride;
    for (let j: usize = 0; j < stride; j += 16) {
      v128.store(taste + j, f32x4.add(v128.load(taste + j), f32x4.mul(r, v128.load(at + j))));
    }
  }
}

/** scores f32 [n] = factors taste; n is a multiple of 4. */
export function score(n: u32, factors: usize, taste: usize, scores: usize, d: u32): void {
  const stride = <usize>d << 2;
  let at = factors;
  const end = scores + (<usize>n << 2);
  for (let out = scores; out < end; out += 16, at += stride << 2) {
    v128.store(out, four(at, at + stride, at + 2 * stride, at + 3 * stride, taste, stride));
  }
}

/** out f32 [count] = factors of the rows, times taste; room for a multiple of 4 is needed in rows and out. */
export function dots(count: u32, rows: usize, factors: usize, taste: usize, out: usize, d: u32): void {
  const stride = <usize>d << 2;
  for (let h: u32 = 0; h < count; h += 4) {
    const at = rows + (<usize>h << 2);
    const a = factors + <usize>load<u32>(at) * stride;
    const b = factors + <usize>load<u32>(at, 4) * stride;
    const c = factors + <usize>load<u32>(at, 8) * stride;
    const e = factors + <usize>load<u32>(at, 12) * stride;
    v128.store(out + (<usize>h << 2), four(a, b, c, e, taste, stride));
  }
}

/** Four inner products with the same vector: lane sums, transposed, (0 + 1) + (2 + 3). */
// @ts-ignore: decorator
@inline
function four(a: usize, b: usize, c: usize, e: usize, taste: usize, stride: usize): v128 {
  let sa = f32x4.splat(0);
  let sb = f32x4.splat(0);
  let sc = f32x4.splat(0);
  let se = f32x4.splat(0);
  for (let j: usize = 0; j < stride; j += 16) {
    const t = v128.load(taste + j);
    sa = f32x4.add(sa, f32x4.mul(t, v128.load(a + j)));
    sb = f32x4.add(sb, f32x4.mul(t, v128.load(b + j)));
    sc = f32x4.add(sc, f32x4.mul(t, v128.load(c + j)));
    se = f32x4.add(se, f32x4.mul(t, v128.load(e + j)));
  }
  const ab01 = v128.shuffle<f32>(sa, sb, 0, 4, 1, 5); // a0 b0 a1 b1
  const ab23 = v128.shuffle<f32>(sa, sb, 2, 6, 3, 7);
  const ce01 = v128.shuffle<f32>(sc, se, 0, 4, 1, 5);
  const ce23 = v128.shuffle<f32>(sc, se, 2, 6, 3, 7);
  const l0 = v128.shuffle<f32>(ab01, ce01, 0, 1, 4, 5);
  const l1 = v128.shuffle<f32>(ab01, ce01, 2, 3, 6, 7);
  const l2 = v128.shuffle<f32>(ab23, ce23, 0, 1, 4, 5);
  const l3 = v128.shuffle<f32>(ab23, ce23, 2, 3, 6, 7);
  return f32x4.add(f32x4.add(l0, l1), f32x4.add(l2, l3));
}
