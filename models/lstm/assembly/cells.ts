/**
 * The cells of one time step, for `rows` examples of H hidden each. The formulas stand in ../naive.ts.
 *
 *   gates [rows, 4 H] i, f, g, o     c, tanhs (of c), h  [rows, H]
 */
import { sigmoid4, tanh4 } from './functions';

/** `gates` come as z = x W + h U + b, and become what the gates let through. before: c of the step before, 0 at the first */
export function cells(rows: u32, H: u32, gates: usize, before: usize, c: usize, tanhs: usize, h: usize): void {
  const width = <usize>H << 2;
  for (let r: u32 = 0; r < rows; r++) {
    for (let j: usize = 0; j < width; j += 16) {
      const fAt = gates + width;
      const gAt = fAt + width;
      const oAt = gAt + width;
      const i = sigmoid4(v128.load(gates));
      const f = sigmoid4(v128.load(fAt));
      const g = tanh4(v128.load(gAt));
      const o = sigmoid4(v128.load(oAt));
      let next = f32x4.mul(i, g);
      if (before !== 0) {
        next = f32x4.add(f32x4.mul(f, v128.load(before)), next);
        before += 16;
      }
      const tanh = tanh4(next);
      v128.store(gates, i);
      v128.store(fAt, f);
      v128.store(gAt, g);
      v128.store(oAt, o);
      v128.store(c, next);
      v128.store(tanhs, tanh);
      v128.store(h, f32x4.mul(o, tanh));
      gates += 16;
      c += 16;
      tanhs += 16;
      h += 16;
    }
    gates += 3 * width;
  }
}

/** `gates` become dz. dh [rows, H]: all that is said of this step's h; dc [rows, H] from the step behind becomes that for the one before */
export function cellsBack(rows: u32, H: u32, gates: usize, before: usize, tanhs: usize, dh: usize, dc: usize): void {
  const width = <usize>H << 2;
  const one = f32x4.splat(1);
  for (let r: u32 = 0; r < rows; r++) {
    for (let j: usize = 0; j < width; j += 16) {
      const fAt = gates + width;
      const gAt = fAt + width;
      const oAt = gAt + width;
      const i = v128.load(gates);
      const f = v128.load(fAt);
      const g = v128.load(gAt);
      const o = v128.load(oAt);
      const tanh = v128.load(tanhs);
      const above = v128.load(dh);
      const byC = f32x4.mul(f32x4.mul(above, o), f32x4.sub(one, f32x4.mul(tanh, tanh)));
      const d = f32x4.add(v128.load(dc), byC);
      v128.store(gates, f32x4.mul(f32x4.mul(d, g), f32x4.mul(i, f32x4.sub(one, i))));
      let df = f32x4.splat(0);
      if (before !== 0) {
        df = f32x4.mul(f32x4.mul(d, v128.load(before)), f32x4.mul(f, f32x4.sub(one, f)));
        before += 16;
      }
      v128.store(fAt, df);
      v128.store(gAt, f32x4.mul(f32x4.mul(d, i), f32x4.sub(one, f32x4.mul(g, g))));
      v128.store(oAt, f32x4.mul(f32x4.mul(above, tanh), f32x4.mul(o, f32x4.sub(one, o))));
      v128.store(dc, f32x4.mul(d, f));
      gates += 16;
      tanhs += 16;
      dh += 16;
      dc += 16;
    }
    gates += 3 * width;
  }
}
