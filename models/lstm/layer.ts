/**
 * One LSTM layer in the kernels' memory, forward and backward over a plan's rows.
 *
 *   N rows of all steps, D inputs, H hidden (multiples of 8), everything row-major
 *
 * The input's product is one for all steps; what is left in the loop over time is the recurrent product and the cells.
 */
import type { Kernels } from './memory.js';

/** Addresses of a layer's parameters, and of their packed forms. */
export interface LayerPlaces {
  D: number;
  H: number;
  bias: number;
  kernelPacked: number;
  recurrentPacked: number;
}

export interface LayerTransposed {
  kernelTransposed: number;
  recurrentTransposed: number;
}

export interface LayerGradients {
  dKernel: number;
  dRecurrent: number;
  dBias: number;
}

/** What of a plan a layer runs over. */
export interface Rows {
  B: number;
  N: number;
  steps: number;
  offset: Int32Array;
}

/** What forward leaves for backward. */
export interface LayerTrace {
  /** [N, 4 H] */
  gates: number;
  /** [N, H] each; h has a row more, of zeros: the output of an example without tokens */
  c: number;
  tanhs: number;
  h: number;
}

/** Backward's own. */
export interface LayerScratch {
  /** [B, H] */
  dc: number;
  /** [N, 4 H] */
  panels: number;
  /** [N, H] */
  hBefore: number;
}

/** Hands out addresses. */
type Take = (bytes: number) => number;

export const traceIn = (take: Take, H: number, N: number): LayerTrace => ({ gates: take(16 * N * H), c: take(4 * N * H), tanhs: take(4 * N * H), h: take(4 * (N + 1) * H) });
export const scratchIn = (take: Take, H: number, B: number, N: number): LayerScratch => ({ dc: take(4 * B * H), panels: take(16 * N * H), hBefore: take(4 * N * H) });

/** @param x  [N, D] */
export function layerForward(kernels: Kernels, { D, H, bias, kernelPacked, recurrentPacked }: LayerPlaces, { N, steps, offset }: Rows, x: number, { gates, c, tanhs, h }: LayerTrace): void {
  kernels.zero(H, h + 4 * N * H);
  kernels.repeatRow(N, 4 * H, bias, gates);
  kernels.product(N, D, 4 * H, x, 4 * D, kernelPacked, 32 * D, gates, 16 * H);
  for (let t = 0; t < steps; t += 1) {
    const rows = offset[t + 1] - offset[t];
    const z = gates + 16 * H * offset[t];
    const [at, before] = [4 * H * offset[t], t === 0 ? 0 : 4 * H * offset[t - 1]];
    if (t > 0) kernels.product(rows, H, 4 * H, h + before, 4 * H, recurrentPacked, 32 * H, z, 16 * H);
    kernels.cells(rows, H, z, t === 0 ? 0 : c + before, c + at, tanhs + at, h + at);
  }
}

/**
 * @param x  [N, D] what forward had
 * @param dh  [N, H] what is said of each h from above; taken up on the way
 * @param dx  [N, D], becomes the gradient of x
 */
export function layerBackward(
  kernels: Kernels, { D, H }: LayerPlaces, { kernelTransposed, recurrentTransposed }: LayerTransposed, { dKernel, dRecurrent, dBias }: LayerGradients,
  { B, N, steps, offset }: Rows, x: number, { gates, c, tanhs, h }: LayerTrace, { dc, panels, hBefore }: LayerScratch, dh: number, dx: number,
): void {
  kernels.zero(B * H, dc);
  for (let t = steps - 1; t >= 0; t -= 1) {
    const rows = offset[t + 1] - offset[t];
    const z = gates + 16 * H * offset[t];
    const [at, before] = [4 * H * offset[t], t === 0 ? 0 : 4 * H * offset[t - 1]];
    kernels.cellsBack(rows, H, z, t === 0 ? 0 : c + before, tanhs + at, dh + at, dc);
    if (t === 0) continue;
    kernels.product(rows, 4 * H, H, z, 16 * H, recurrentTransposed, 128 * H, dh + before, 4 * H);
    kernels.copy(rows * H, h + before, hBefore + at);
  }
  kernels.packed(N, 4 * H, gates, 16 * H, panels);
  kernels.productOfTransposed(D, N, 4 * H, x, 4 * D, panels, 32 * N, dKernel, 16 * H);
  const first = steps === 0 ? 0 : offset[1];
  kernels.productOfTransposed(H, N - first, 4 * H, hBefore + 4 * H * first, 4 * H, panels + 32 * first, 32 * N, dRecurrent, 16 * H);
  kernels.addColumns(N, 4 * H, gates, dBias);
  kernels.zero(N * D, dx);
  kernels.product(N, 4 * H, D, gates, 16 * H, kernelTransposed, 128 * H, dx, 4 * D);
}
