/**
 * One LSTM layer in the kernels' memory, forward and backward over a plan's rows.
 *
 *   N rows of all steps, D inputs, H hidden (multiples of 8), everything row-major
 *
 * The input's product is one for all steps; what is left in the loop over time is the recurrent product and the cells.
 */
import type { Memory } from './memory.js';
import type { Plan } from './plan.js';

/** Addresses of a layer's parameters, and of their packed forms. */
export interface LayerPlaces {
  D: number;
  H: number;
  bias: number;
  kernelPacked: number;
  recurrentPacked: number;
}

export interface LayerTraining {
  kernelTransposed: number;
  recurrentTransposed: number;
  /** gradients */
  dKernel: number;
  dRecurrent: number;
  dBias: number;
}

/** What forward leaves for backward. */
export interface LayerTrace {
  /** [N, D] */
  x: number;
  /** [N, 4 H] */
  gates: number;
  /** [N, H] each; h has a row more, of zeros: the output of an example without tokens */
  c: number;
  tanhs: number;
  h: number;
}

export function layerForward(memory: Memory, { D, H, bias, kernelPacked, recurrentPacked }: LayerPlaces, { N, steps, offset }: Plan, x: number): LayerTrace {
  const { kernels } = memory;
  const [gates, c, tanhs, h] = [memory.take(16 * N * H), memory.take(4 * N * H), memory.take(4 * N * H), memory.take(4 * (N + 1) * H)];
  memory.f32(h + 4 * N * H, H).fill(0);
  kernels.repeatRow(N, 4 * H, bias, gates);
  kernels.product(N, D, 4 * H, x, 4 * D, kernelPacked, 32 * D, gates, 16 * H);
  for (let t = 0; t < steps; t += 1) {
    const rows = offset[t + 1] - offset[t];
    const z = gates + 16 * H * offset[t];
    const [at, before] = [4 * H * offset[t], t === 0 ? 0 : 4 * H * offset[t - 1]];
    if (t > 0) kernels.product(rows, H, 4 * H, h + before, 4 * H, recurrentPacked, 32 * H, z, 16 * H);
    kernels.cells(rows, H, z, t === 0 ? 0 : c + before, c + at, tanhs + at, h + at);
  }
  return { x, gates, c, tanhs, h };
}

/**
 * @param dh  [N, H] what is said of each h from above; taken up on the way
 * @param dx  [N, D], becomes the gradient of x; undefined: nobody asks
 */
export function layerBackward(
  memory: Memory, { D, H }: LayerPlaces, training: LayerTraining, { B, N, steps, offset }: Plan, { x, gates, c, tanhs, h }: LayerTrace, dh: number, dx: number | undefined,
): void {
  const { kernels } = memory;
  const [dc, panels, hBefore] = [memory.take(4 * B * H), memory.take(16 * N * H), memory.take(4 * N * H)];
  const bytes = memory.bytes();
  memory.f32(dc, B * H).fill(0);
  for (let t = steps - 1; t >= 0; t -= 1) {
    const rows = offset[t + 1] - offset[t];
    const z = gates + 16 * H * offset[t];
    const [at, before] = [4 * H * offset[t], t === 0 ? 0 : 4 * H * offset[t - 1]];
    kernels.cellsBack(rows, H, z, t === 0 ? 0 : c + before, tanhs + at, dh + at, dc);
    if (t === 0) continue;
    kernels.product(rows, 4 * H, H, z, 16 * H, training.recurrentTransposed, 128 * H, dh + before, 4 * H);
    bytes.copyWithin(hBefore + at, h + before, h + before + 4 * H * rows);
  }
  kernels.packed(N, 4 * H, gates, 16 * H, panels);
  kernels.productOfTransposed(D, N, 4 * H, x, 4 * D, panels, 32 * N, training.dKernel, 16 * H);
  const first = steps === 0 ? 0 : offset[1];
  kernels.productOfTransposed(H, N - first, 4 * H, hBefore + 4 * H * first, 4 * H, panels + 32 * first, 32 * N, training.dRecurrent, 16 * H);
  kernels.addColumns(N, 4 * H, gates, training.dBias);
  if (dx === undefined) return;
  memory.f32(dx, N * D).fill(0);
  kernels.product(N, 4 * H, D, gates, 16 * H, training.kernelTransposed, 128 * H, dx, 4 * D);
}
