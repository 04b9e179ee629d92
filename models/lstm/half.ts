/**
 * Half of a batch, forward and backward, in memory and with gradients of its own: what one thread does of a training step. The
 * formulas stand in naive.ts; here is the order of the work, over the rows of a plan.
 */
import { barOf, placeKey, rowKey, scaleOf, sites } from './dropout.js';
import { layerBackward, layerForward, scratchIn, traceIn, type LayerGradients, type LayerScratch, type LayerTrace } from './layer.js';
import { align, type Views } from './memory.js';
import type { Dropout } from './options.js';
import { parameterNames } from './shape.js';
import type { Ground, Places, Training } from './store.js';

/** Rows whose logits are held at a time: with a vocabulary of classes, all rows of a batch would be tens of megabytes. */
export const HEAD_ROWS = 128;

/** What a plan's memory depends on. */
export interface HalfSizes {
  /** its first address */
  at: number;
  B: number;
  N: number;
  steps: number;
  /** that logits are computed of: B or N */
  rows: number;
}

export interface HalfPlaces {
  /** i32, of the plan: [steps + 1], [N], [B], [B] */
  offset: number;
  tokens: number;
  order: number;
  last: number;
  /** i32 [N] which row of the embedding's gradient is each token's */
  slots: number;
  /** of the head [rows]: i32, f32, f32 */
  targets: number;
  factors: number;
  losses: number;
  /** i32 [N + 1], [B] of dropout */
  keys: number;
  lastKeys: number;
  /** f32 [N, E], [N, H1], [rows, H2] */
  x: number;
  between: number;
  hidden: number;
  one: LayerTrace;
  two: LayerTrace;
  oneScratch: LayerScratch;
  twoScratch: LayerScratch;
  /** of some rows, [C] each */
  logits: number;
  panels: number;
  /** gradients of hidden, of the layers' outputs, with a row more as h has, and of x */
  dHidden: number;
  dTwo: number;
  dOne: number;
  dx: number;
  /** first address behind */
  end: number;
}

export function layOut({ E, H1, H2, C }: Ground, { at, B, N, steps, rows }: HalfSizes): HalfPlaces {
  let top = at;
  const take = (bytes: number): number => {
    const from = top;
    top = align(top + bytes);
    return from;
  };
  const most = Math.min(HEAD_ROWS, rows);
  return {
    offset: take(4 * (steps + 1)), tokens: take(4 * N), order: take(4 * B), last: take(4 * B), slots: take(4 * N),
    targets: take(4 * rows), factors: take(4 * rows), losses: take(4 * rows), keys: take(4 * (N + 1)), lastKeys: take(4 * B),
    x: take(4 * N * E), between: take(4 * N * H1), hidden: take(4 * rows * H2),
    one: traceIn(take, H1, N), two: traceIn(take, H2, N), oneScratch: scratchIn(take, H1, B, N), twoScratch: scratchIn(take, H2, B, N),
    logits: take(4 * most * C), panels: take(4 * most * C),
    dHidden: take(4 * rows * H2), dTwo: take(4 * (N + 1) * H2), dOne: take(4 * N * H1), dx: take(4 * N * E),
    end: top,
  };
}

/** What is left out. */
export interface Chance {
  seed: number;
  step: number;
  dropout: Dropout;
}

export function learnHalf(views: Views, ground: Ground, training: Training, half: 0 | 1, sizes: HalfSizes, chance: Chance): void {
  const { kernels } = views;
  const { shape: { head }, layouts, E, H1, H2, one, two, value } = ground;
  const { B, N, steps } = sizes;
  const gradients = training.gradients[half];
  for (const name of parameterNames) if (name !== 'embedding') kernels.zero(layouts[name].length, gradients[name]);
  const places = layOut(ground, sizes);
  const { x, hidden, dHidden } = places;
  const rows = { B, N, steps, offset: views.i32(places.offset, steps + 1) };
  const isEach = head === 'each';
  const drop = (site: keyof typeof sites, at: number, width: number): void => dropOut(views, places, sizes, chance, site, at, width, site === 'output' && !isEach);

  kernels.gather(N, E, value.embedding, places.tokens, x);
  drop('embedding', x, E);
  layerForward(kernels, one, rows, x, places.one);
  let between = places.one.h;
  if (chance.dropout.between > 0) {
    kernels.copy(N * H1, between, places.between);
    between = places.between;
    drop('between', between, H1);
  }
  layerForward(kernels, two, rows, between, places.two);
  if (isEach) kernels.copy(N * H2, places.two.h, hidden);
  else kernels.gather(B, H2, places.two.h, places.last, hidden);
  drop('output', hidden, H2);

  learnHead(views, ground, training, gradients, places, sizes.rows);

  drop('output', dHidden, H2);
  let dTwo = dHidden;
  if (!isEach) {
    dTwo = places.dTwo;
    kernels.zero(N * H2, dTwo);
    kernels.scatter(B, H2, dHidden, places.last, dTwo);
  }
  layerBackward(kernels, two, training.two, ofLayer(gradients, 'lstm2'), rows, between, places.two, places.twoScratch, dTwo, places.dOne);
  drop('between', places.dOne, H1);
  layerBackward(kernels, one, training.one, ofLayer(gradients, 'lstm1'), rows, x, places.one, places.oneScratch, places.dOne, places.dx);
  drop('embedding', places.dx, E);
}

const ofLayer = (gradients: Places, name: 'lstm1' | 'lstm2'): LayerGradients =>
  ({ dKernel: gradients[`${name}.kernel`], dRecurrent: gradients[`${name}.recurrent`], dBias: gradients[`${name}.bias`] });

/** The classes, forward and back. */
function learnHead({ kernels }: Views, ground: Ground, { denseTransposed }: Training, gradients: Places, places: HalfPlaces, all: number): void {
  const { H2, C } = ground;
  const { hidden, dHidden, logits, panels, targets, factors, losses } = places;
  kernels.zero(all * H2, dHidden);
  for (let from = 0; from < all; from += HEAD_ROWS) {
    const rows = Math.min(HEAD_ROWS, all - from);
    const [at, number] = [4 * H2 * from, 4 * from];
    logitsOf(kernels, ground, hidden + at, rows, logits);
    kernels.softmaxCrossEntropy(rows, C, logits, targets + number, factors + number, losses + number);
    kernels.packed(rows, C, logits, 4 * C, panels);
    kernels.productOfTransposed(H2, rows, C, hidden + at, 4 * H2, panels, 32 * rows, gradients['dense.kernel'], 4 * C);
    kernels.addColumns(rows, C, logits, gradients['dense.bias']);
    kernels.product(rows, C, H2, logits, 4 * C, denseTransposed, 32 * C, dHidden + at, 4 * H2);
  }
}

/** @param out  [rows, C] */
export function logitsOf(kernels: Views['kernels'], { H2, C, value, densePacked }: Ground, hidden: number, rows: number, out: number): void {
  kernels.repeatRow(rows, C, value['dense.bias'], out);
  kernels.product(rows, H2, C, hidden, 4 * H2, densePacked, 32 * H2, out, 4 * C);
}

/** Multiplies rows by their masks; the same call serves the gradient. @param lastAlone  the rows are the last ones of each example */
function dropOut(views: Views, places: HalfPlaces, { B, N, steps }: HalfSizes, { seed, step, dropout }: Chance, site: keyof typeof sites, x: number, width: number, lastAlone: boolean): void {
  const rate = dropout[site];
  if (rate === 0) return;
  const place = placeKey(seed, step, sites[site]);
  const [offset, order, keys] = [views.i32(places.offset, steps + 1), views.i32(places.order, B), views.i32(places.keys, N + 1)];
  for (let t = 0; t < steps; t += 1) {
    for (let row = offset[t]; row < offset[t + 1]; row += 1) keys[row] = rowKey(place, order[row - offset[t]], t);
  }
  keys[N] = 0; // of an example without tokens: its output is 0 whatever is left out
  if (lastAlone) views.i32(places.lastKeys, B).set(views.i32(places.last, B).map((row) => keys[row]));
  views.kernels.dropOut(lastAlone ? B : N, width, x, lastAlone ? places.lastKeys : places.keys, barOf(rate), scaleOf(rate));
}
