/**
 * Matrix products.
 *
 *   b is packed: panels of 8 columns, [N / 8][K][8], so that the inner loop reads it in order
 *   a tile of 4 rows x 8 columns is summed in registers, k ascending from what c holds: an element's bits do not depend on
 *   how many rows are computed with it
 *
 * Rows and k are taken in blocks, so that a block of a (32 KiB) stays in the first cache while the panels pass by.
 */

/** k of a block, and numbers of a block of a. */
const KC: u32 = 256;
const BLOCK: u32 = 8192;
/** A block of a, four rows side by side: read in order it feeds the tile half as fast again as four rows apart do. Each thread has its own. */
let block: usize = 0;

/** Where this thread has 32 KiB for a block; before its first product. */
export function useBlock(at: usize): void { block = at; }

/** [K, N] row-major -> panels.  K rows of N columns (a multiple of 8), ldb bytes from row to row */
export function packed(K: u32, N: u32, b: usize, ldb: usize, out: usize): void {
  for (let j: usize = 0; j < (<usize>N << 2); j += 32) {
    let from = b + j;
    for (let k: u32 = 0; k < K; k++, from += ldb, out += 32) {
      v128.store(out, v128.load(from));
      v128.store(out, v128.load(from, 16), 16);
    }
  }
}

/** The transpose of [N, K] row-major -> panels [N / 8][K][8].  N and K multiples of 4 and 8, ldb bytes from row to row */
export function packedTransposed(K: u32, N: u32, b: usize, ldb: usize, out: usize): void {
  for (let j: u32 = 0; j < N; j += 8) {
    for (let half: u32 = 0; half < 2; half++) {
      const row = b + <usize>(j + half * 4) * ldb;
      let to = out + (<usize>half << 4);
      for (let k: usize = 0; k < (<usize>K << 2); k += 16, to += 128) {
        const r0 = v128.load(row + k);
        const r1 = v128.load(row + ldb + k);
        const r2 = v128.load(row + 2 * ldb + k);
        const r3 = v128.load(row + 3 * ldb + k);
        const a = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
        const c = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
        const d = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
        const e = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
        v128.store(to, v128.shuffle<f32>(a, d, 0, 1, 4, 5));
        v128.store(to, v128.shuffle<f32>(a, d, 2, 3, 6, 7), 32);
        v128.store(to, v128.shuffle<f32>(c, e, 0, 1, 4, 5), 64);
        v128.store(to, v128.shuffle<f32>(c, e, 2, 3, 6, 7), 96);
      }
    }
    out += <usize>K << 5;
  }
}

/** Four rows of a [4, K] -> [K, 4].  K a multiple of 4 */
// @ts-ignore: decorator
@inline
function interleave(K: u32, a: usize, lda: usize, out: usize): void {
  for (let k: usize = 0; k < (<usize>K << 2); k += 16, out += 64) {
    const r0 = v128.load(a + k);
    const r1 = v128.load(a + lda + k);
    const r2 = v128.load(a + 2 * lda + k);
    const r3 = v128.load(a + 3 * lda + k);
    const l = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
    const h = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
    const m = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
    const n = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
    v128.store(out, v128.shuffle<f32>(l, m, 0, 1, 4, 5));
    v128.store(out, v128.shuffle<f32>(l, m, 2, 3, 6, 7), 16);
    v128.store(out, v128.shuffle<f32>(h, n, 0, 1, 4, 5), 32);
    v128.store(out, v128.shuffle<f32>(h, n, 2, 3, 6, 7), 48);
  }
}

/** c [M, N] += a [M, K] b.  K a multiple of 4; lda, ldc bytes from row to row; panel: bytes from panel to panel of b */
export function product(M: u32, K: u32, N: u32, a: usize, lda: usize, b: usize, panel: usize, c: usize, ldc: usize): void {
  const P = N >> 3;
  for (let k: u32 = 0; k < K; k += KC) {
    const kc = min(KC, K - k);
    const mc = max<u32>(4, (BLOCK / kc) & ~3);
    for (let m: u32 = 0; m < M; m += mc) {
      const rows = min(mc, M - m);
      const from = a + <usize>m * lda + (<usize>k << 2);
      const to = c + <usize>m * ldc;
      const full = rows & ~3;
      for (let r: u32 = 0; r < full; r += 4) interleave(kc, from + <usize>r * lda, lda, block + <usize>r * (<usize>kc << 2));
      for (let p: u32 = 0; p < P; p++) {
        const at = b + <usize>p * panel + (<usize>k << 5);
        for (let r: u32 = 0; r < full; r += 4) tile(kc, block + <usize>r * (<usize>kc << 2), 16, at, to + <usize>r * ldc + (<usize>p << 5), ldc);
      }
      for (let r = full; r < rows; r++) row(kc, P, from + <usize>r * lda, b + (<usize>k << 5), panel, to + <usize>r * ldc);
    }
  }
}

/** c [M, N] += a^T b for a [K, M].  M a multiple of 4 */
export function productOfTransposed(M: u32, K: u32, N: u32, a: usize, lda: usize, b: usize, panel: usize, c: usize, ldc: usize): void {
  const P = N >> 3;
  for (let k: u32 = 0; k < K; k += KC) {
    const kc = min(KC, K - k);
    const mc = max<u32>(4, (BLOCK / kc) & ~3);
    for (let m: u32 = 0; m < M; m += mc) {
      const end = min(M, m + mc);
      const from = a + <usize>k * lda;
      for (let p: u32 = 0; p < P; p++) {
        const at = b + <usize>p * panel + (<usize>k << 5);
        for (let r = m; r < end; r += 4) tile(kc, from + (<usize>r << 2), lda, at, c + <usize>r * ldc + (<usize>p << 5), ldc);
      }
    }
  }
}

/** c [4, 8] += a^T b for a [K, 4], whose rows are lda bytes apart, and a panel b [K, 8]. */
// @ts-ignore: decorator
@inline
function tile(K: u32, a: usize, lda: usize, b: usize, c0: usize, ldc: usize): void {
  const c1 = c0 + ldc;
  const c2 = c1 + ldc;
  const c3 = c2 + ldc;
  let s00 = v128.load(c0);
  let s01 = v128.load(c0, 16);
  let s10 = v128.load(c1);
  let s11 = v128.load(c1, 16);
  let s20 = v128.load(c2);
  let s21 = v128.load(c2, 16);
  let s30 = v128.load(c3);
  let s31 = v128.load(c3, 16);
  const end = b + (<usize>K << 5);
  while (b < end) {
    const l = v128.load(b);
    const r = v128.load(b, 16);
    let x = v128.load32_splat(a);
    s00 = f32x4.add(s00, f32x4.mul(x, l));
    s01 = f32x4.add(s01, f32x4.mul(x, r));
    x = v128.load32_splat(a, 4);
    s10 = f32x4.add(s10, f32x4.mul(x, l));
    s11 = f32x4.add(s11, f32x4.mul(x, r));
    x = v128.load32_splat(a, 8);
    s20 = f32x4.add(s20, f32x4.mul(x, l));
    s21 = f32x4.add(s21, f32x4.mul(x, r));
    x = v128.load32_splat(a, 12);
    s30 = f32x4.add(s30, f32x4.mul(x, l));
    s31 = f32x4.add(s31, f32x4.mul(x, r));
    a += lda;
    b += 32;
  }
  v128.store(c0, s00);
  v128.store(c0, s01, 16);
  v128.store(c1, s10);
  v128.store(c1, s11, 16);
  v128.store(c2, s20);
  v128.store(c2, s21, 16);
  v128.store(c3, s30);
  v128.store(c3, s31, 16);
}

/** One row of c: four panels at a time, so that eight sums are on their way at once. */
// @ts-ignore: decorator
@inline
function row(K: u32, P: u32, a: usize, b: usize, panel: usize, c: usize): void {
  const end = a + (<usize>K << 2);
  let p: u32 = 0;
  for (; p + 4 <= P; p += 4, b += 4 * panel, c += 128) {
    let s0 = v128.load(c);
    let s1 = v128.load(c, 16);
    let s2 = v128.load(c, 32);
    let s3 = v128.load(c, 48);
    let s4 = v128.load(c, 64);
    let s5 = v128.load(c, 80);
    let s6 = v128.load(c, 96);
    let s7 = v128.load(c, 112);
    let b0 = b;
    let b1 = b0 + panel;
    let b2 = b1 + panel;
    let b3 = b2 + panel;
    for (let at = a; at < end; at += 4, b0 += 32, b1 += 32, b2 += 32, b3 += 32) {
      const x = v128.load32_splat(at);
      s0 = f32x4.add(s0, f32x4.mul(x, v128.load(b0)));
      s1 = f32x4.add(s1, f32x4.mul(x, v128.load(b0, 16)));
      s2 = f32x4.add(s2, f32x4.mul(x, v128.load(b1)));
      s3 = f32x4.add(s3, f32x4.mul(x, v128.load(b1, 16)));
      s4 = f32x4.add(s4, f32x4.mul(x, v128.load(b2)));
      s5 = f32x4.add(s5, f32x4.mul(x, v128.load(b2, 16)));
      s6 = f32x4.add(s6, f32x4.mul(x, v128.load(b3)));
      s7 = f32x4.add(s7, f32x4.mul(x, v128.load(b3, 16)));
    }
    v128.store(c, s0);
    v128.store(c, s1, 16);
    v128.store(c, s2, 32);
    v128.store(c, s3, 48);
    v128.store(c, s4, 64);
    v128.store(c, s5, 80);
    v128.store(c, s6, 96);
    v128.store(c, s7, 112);
  }
  for (; p < P; p++, b += panel, c += 32) {
    let s0 = v128.load(c);
    let s1 = v128.load(c, 16);
    let b0 = b;
    for (let at = a; at < end; at += 4, b0 += 32) {
      const x = v128.load32_splat(at);
      s0 = f32x4.add(s0, f32x4.mul(x, v128.load(b0)));
      s1 = f32x4.add(s1, f32x4.mul(x, v128.load(b0, 16)));
    }
    v128.store(c, s0);
    v128.store(c, s1, 16);
  }
}
