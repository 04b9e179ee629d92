import { exp4 } from './functions';

// @ts-ignore: decorator
@inline
function sumOf(v: v128): f32 {
  return (f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1)) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

/**
 * Softmax and cross entropy of rows of logits [rows, width]; columns behind the classes hold -1e30, whose share is 0.
 * Each row becomes its gradient, factor * (softmax - target).
 *   targets i32 [rows], -1: not counted   factors f32 [rows]   losses f32 [rows], natural logarithms, 0 where not counted
 */
export function softmaxCrossEntropy(rows: u32, width: u32, logits: usize, targets: usize, factors: usize, losses: usize): void {
  const bytes = <usize>width << 2;
  for (let r: u32 = 0; r < rows; r++, logits += bytes, targets += 4, factors += 4, losses += 4) {
    const target = load<i32>(targets);
    if (target < 0) {
      memory.fill(logits, 0, bytes);
      store<f32>(losses, 0);
      continue;
    }
    let top = v128.load(logits);
    for (let j: usize = 16; j < bytes; j += 16) top = f32x4.max(top, v128.load(logits + j));
    const most = max(max(f32x4.extract_lane(top, 0), f32x4.extract_lane(top, 1)), max(f32x4.extract_lane(top, 2), f32x4.extract_lane(top, 3)));
    const at = logits + (<usize>target << 2);
    const chosen = load<f32>(at);
    const shift = f32x4.splat(most);
    let left = f32x4.splat(0);
    let right = f32x4.splat(0);
    for (let j: usize = 0; j < bytes; j += 32) {
      const l = exp4(f32x4.sub(v128.load(logits + j), shift));
      const r = exp4(f32x4.sub(v128.load(logits + j, 16), shift));
      v128.store(logits + j, l);
      v128.store(logits + j, r, 16);
      left = f32x4.add(left, l);
      right = f32x4.add(right, r);
    }
    const sum = sumOf(f32x4.add(left, right));
    store<f32>(losses, <f32>(Math.log(<f64>sum) + (<f64>most - <f64>chosen)));
    const factor = load<f32>(factors);
    const by = f32x4.splat(factor / sum);
    for (let j: usize = 0; j < bytes; j += 16) v128.store(logits + j, f32x4.mul(v128.load(logits + j), by));
    store<f32>(at, load<f32>(at) - factor);
  }
}
