/** Rows of matrices: taken from tables, added into them, left out. Widths are multiples of 8. */

/** x [n] = 0. (In a shared memory JavaScript fills and copies number by number.) */
export function zero(n: u32, x: usize): void { memory.fill(x, 0, <usize>n << 2); }

/** out [n] = x */
export function copy(n: u32, x: usize, out: usize): void { memory.copy(out, x, <usize>n << 2); }

/** sums [n] += x, n a multiple of 4 */
export function add(n: u32, x: usize, sums: usize): void {
  for (let i: usize = 0; i < (<usize>n << 2); i += 16) v128.store(sums + i, f32x4.add(v128.load(sums + i), v128.load(x + i)));
}

/** out [n, width] = table[rows].  rows i32 [n] */
export function gather(n: u32, width: u32, table: usize, rows: usize, out: usize): void {
  const bytes = <usize>width << 2;
  for (let r: u32 = 0; r < n; r++, rows += 4, out += bytes) memory.copy(out, table + <usize>load<u32>(rows) * bytes, bytes);
}

/** table[rows] = x [n, width] */
export function scatter(n: u32, width: u32, x: usize, rows: usize, table: usize): void {
  const bytes = <usize>width << 2;
  for (let r: u32 = 0; r < n; r++, rows += 4, x += bytes) memory.copy(table + <usize>load<u32>(rows) * bytes, x, bytes);
}

/** table[rows] += x [n, width], in order */
export function scatterAdd(n: u32, width: u32, x: usize, rows: usize, table: usize): void {
  const bytes = <usize>width << 2;
  for (let r: u32 = 0; r < n; r++, rows += 4, x += bytes) {
    const to = table + <usize>load<u32>(rows) * bytes;
    for (let j: usize = 0; j < bytes; j += 16) v128.store(to + j, f32x4.add(v128.load(to + j), v128.load(x + j)));
  }
}

/** out [n, width] = the same row n times */
export function repeatRow(n: u32, width: u32, row: usize, out: usize): void {
  const bytes = <usize>width << 2;
  for (let r: u32 = 0; r < n; r++, out += bytes) memory.copy(out, row, bytes);
}

/** sums [width] += the rows of x [n, width], in order; four at a time, so that the sums are fetched a quarter as often */
export function addColumns(n: u32, width: u32, x: usize, sums: usize): void {
  const bytes = <usize>width << 2;
  let r: u32 = 0;
  for (; r + 4 <= n; r += 4, x += 4 * bytes) {
    for (let j: usize = 0; j < bytes; j += 16) {
      let sum = f32x4.add(v128.load(sums + j), v128.load(x + j));
      sum = f32x4.add(sum, v128.load(x + bytes + j));
      sum = f32x4.add(sum, v128.load(x + 2 * bytes + j));
      v128.store(sums + j, f32x4.add(sum, v128.load(x + 3 * bytes + j)));
    }
  }
  for (; r < n; r++, x += bytes) {
    for (let j: usize = 0; j < bytes; j += 16) v128.store(sums + j, f32x4.add(v128.load(sums + j), v128.load(x + j)));
  }
}

// @ts-ignore: decorator
@inline
function mix(z: v128): v128 {
  z = i32x4.mul(v128.xor(z, i32x4.shr_u(z, 16)), i32x4.splat(0x21f0aaad));
  z = i32x4.mul(v128.xor(z, i32x4.shr_u(z, 15)), i32x4.splat(0x735a2d97));
  return v128.xor(z, i32x4.shr_u(z, 15));
}

/** x [n, width] times its mask (../dropout.ts).  keys i32 [n]; bar: rate * 2^32 */
export function dropOut(n: u32, width: u32, x: usize, keys: usize, bar: u32, scale: f32): void {
  const bytes = <usize>width << 2;
  const by = f32x4.splat(scale);
  const bar4 = i32x4.splat(bar);
  const golden: i32 = <i32>0x9e3779b9;
  const four = i32x4.splat(golden * 4);
  const first = i32x4(golden, golden * 2, golden * 3, golden * 4);
  for (let r: u32 = 0; r < n; r++, keys += 4, x += bytes) {
    let z = i32x4.add(i32x4.splat(load<i32>(keys)), first);
    for (let j: usize = 0; j < bytes; j += 16) {
      const kept = i32x4.ge_u(mix(z), bar4);
      v128.store(x + j, v128.and(f32x4.mul(by, v128.load(x + j)), kept));
      z = i32x4.add(z, four);
    }
  }
}
