/** Parameters in the kernels' memory, their packed forms, and what training keeps beside them. */
import type { Quantity } from './engine.js';
import type { LayerPlaces, LayerTraining } from './layer.js';
import { intoPadding, layoutsOf, withoutPadding, type AdamConstants, type Layout, type Memory } from './memory.js';
import type { TrainingOptions } from './options.js';
import { parameterNames, type LstmShape, type ParameterName } from './shape.js';

/** The bias of a padded class. */
const NEVER = -1e30;
/** What stands for a row of the embedding that has no gradient, and for one that never had (assembly/adam.ts). */
const [NO_GRADIENT, NEVER_HAD] = [-1, -2];

type Places = Record<ParameterName, number>;

export interface Store {
  memory: Memory;
  shape: LstmShape;
  layouts: Record<ParameterName, Layout>;
  /** padded widths */
  E: number;
  H1: number;
  H2: number;
  C: number;
  value: Places;
  one: LayerPlaces;
  two: LayerPlaces;
  densePacked: number;
  /** where a call's own memory begins */
  work: number;
  /** the packed forms are not those of the parameters */
  stale: { forward: boolean; backward: boolean };
  training: Training | undefined;
}

/** What training adds. */
export interface Training {
  /** of the embedding only the rows that occur, see `unique` */
  gradients: Places;
  mean: Places;
  square: Places;
  one: LayerTraining;
  two: LayerTraining;
  denseTransposed: number;
  /** i32 [V]: which row of the embedding's gradient is a token's */
  slots: number;
  /** [V] 1: the row had a gradient once */
  touched: Uint8Array;
  /** tokens of the last batch, each once, in the order of their rows */
  unique: number[];
}

const placesIn = (memory: Memory, layouts: Store['layouts'], without?: ParameterName): Places =>
  Object.fromEntries(parameterNames.map((name) => [name, name === without ? 0 : memory.take(4 * layouts[name].length)])) as Places;

export function createStore(shape: LstmShape, memory: Memory): Store {
  const layouts = layoutsOf(shape);
  const [E, H1, H2, C] = (['embedding', 'lstm1.bias', 'lstm2.bias', 'dense.bias'] as const).map((name) => layouts[name].paddedWidth);
  const pack = (name: ParameterName): number => memory.take(4 * layouts[name].length);
  const value = placesIn(memory, layouts);
  const one: LayerPlaces = { D: E, H: H1, bias: value['lstm1.bias'], kernelPacked: pack('lstm1.kernel'), recurrentPacked: pack('lstm1.recurrent') };
  const two: LayerPlaces = { D: H1, H: H2, bias: value['lstm2.bias'], kernelPacked: pack('lstm2.kernel'), recurrentPacked: pack('lstm2.recurrent') };
  const densePacked = pack('dense.kernel');
  memory.f32(value['dense.bias'], C).fill(NEVER, shape.C);
  return { memory, shape, layouts, E, H1, H2, C, value, one, two, densePacked, work: memory.top(), stale: { forward: true, backward: true }, training: undefined };
}

/** Laid out when it is first asked for; what a call keeps in its own memory is gone then. */
export function trainingOf(store: Store): Training {
  if (store.training !== undefined) return store.training;
  const { memory, layouts, shape: { V } } = store;
  memory.release(store.work);
  const [gradients, mean, square] = [placesIn(memory, layouts, 'embedding'), placesIn(memory, layouts), placesIn(memory, layouts)];
  const slots = memory.take(4 * V);
  const layer = (name: 'lstm1' | 'lstm2'): LayerTraining => ({
    kernelTransposed: memory.take(4 * layouts[`${name}.kernel`].length), recurrentTransposed: memory.take(4 * layouts[`${name}.recurrent`].length),
    dKernel: gradients[`${name}.kernel`], dRecurrent: gradients[`${name}.recurrent`], dBias: gradients[`${name}.bias`],
  });
  const training = {
    gradients, mean, square, slots, one: layer('lstm1'), two: layer('lstm2'), denseTransposed: memory.take(4 * layouts['dense.kernel'].length),
    touched: new Uint8Array(V), unique: [],
  };
  memory.bytes().fill(0, store.work, memory.top());
  memory.i32(slots, V).fill(NEVER_HAD);
  store.work = memory.top();
  store.training = training;
  return training;
}

export function packForward({ memory: { kernels }, stale, value, one, two, H2, C, densePacked }: Store): void {
  if (!stale.forward) return;
  for (const [name, { D, H, kernelPacked, recurrentPacked }] of [['lstm1', one], ['lstm2', two]] as const) {
    kernels.packed(D, 4 * H, value[`${name}.kernel`], 16 * H, kernelPacked);
    kernels.packed(H, 4 * H, value[`${name}.recurrent`], 16 * H, recurrentPacked);
  }
  kernels.packed(H2, C, value['dense.kernel'], 4 * C, densePacked);
  stale.forward = false;
}

export function packBackward({ memory: { kernels }, stale, value, one, two, H2, C }: Store, training: Training): void {
  if (!stale.backward) return;
  for (const [name, { D, H }] of [['lstm1', one], ['lstm2', two]] as const) {
    const { kernelTransposed, recurrentTransposed } = training[name === 'lstm1' ? 'one' : 'two'];
    kernels.packedTransposed(4 * H, D, value[`${name}.kernel`], 16 * H, kernelTransposed);
    kernels.packedTransposed(4 * H, H, value[`${name}.recurrent`], 16 * H, recurrentTransposed);
  }
  kernels.packedTransposed(C, H2, value['dense.kernel'], 4 * C, training.denseTransposed);
  stale.backward = false;
}

const placeOf = (store: Store, quantity: Quantity): Places => (quantity === 'value' ? store.value : trainingOf(store)[quantity]);

export function readOut(store: Store, quantity: Quantity, name: ParameterName): Float32Array {
  const layout = store.layouts[name];
  return withoutPadding(store.memory.f32(placeOf(store, quantity)[name], layout.length), layout);
}

export function writeIn(store: Store, quantity: Quantity, name: ParameterName, values: Float32Array): void {
  const layout = store.layouts[name];
  intoPadding(values, layout, store.memory.f32(placeOf(store, quantity)[name], layout.length));
  if (quantity === 'value') Object.assign(store.stale, { forward: true, backward: true });
  else if (name === 'embedding') markTouched(store, trainingOf(store));
}

/** Finds from Adam's means which rows of the embedding it has moved. */
function markTouched({ memory, shape: { V }, E }: Store, { mean, square, slots, touched }: Training): void {
  const [means, squares, table] = [memory.f32(mean.embedding, V * E), memory.f32(square.embedding, V * E), memory.i32(slots, V)];
  touched.fill(0);
  for (let i = 0; i < V * E; i += 1) if (means[i] !== 0 || squares[i] !== 0) touched[Math.floor(i / E)] = 1;
  for (let row = 0; row < V; row += 1) table[row] = touched[row] === 1 ? NO_GRADIENT : NEVER_HAD;
}

/** The gradient of the embedding: one row for each token that occurs. @param dx  [tokens, E] */
export function learnEmbedding({ memory, shape: { V }, E }: Store, training: Training, tokens: Int32Array, dx: number): void {
  const slots = memory.i32(training.slots, V);
  for (const token of training.unique) slots[token] = training.touched[token] === 1 ? NO_GRADIENT : NEVER_HAD;
  const unique: number[] = [];
  const rows = new Int32Array(tokens.length);
  for (let row = 0; row < tokens.length; row += 1) {
    const token = tokens[row];
    if (slots[token] < 0) slots[token] = unique.push(token) - 1;
    rows[row] = slots[token];
  }
  training.unique = unique;
  training.gradients.embedding = memory.take(4 * unique.length * E);
  const rowsAt = memory.take(4 * rows.length);
  memory.f32(training.gradients.embedding, unique.length * E).fill(0);
  memory.i32(rowsAt, rows.length).set(rows);
  memory.kernels.scatterAdd(tokens.length, E, dx, rowsAt, training.gradients.embedding);
}

/** A copy of what the last batch left. */
export function gradientOf(store: Store, name: ParameterName): Float32Array {
  const { memory, layouts, shape, E } = store;
  const { gradients, unique } = trainingOf(store);
  if (name !== 'embedding') return withoutPadding(memory.f32(gradients[name], layouts[name].length), layouts[name]);
  const dense = new Float32Array(shape.V * shape.E);
  const rows = memory.f32(gradients.embedding, unique.length * E);
  unique.forEach((token, slot) => dense.set(rows.subarray(slot * E, slot * E + shape.E), token * shape.E));
  return dense;
}

/** Clips the gradients and takes Adam's step. */
export function update(store: Store, step: number, { learningRate, beta1, beta2, epsilon, clipNorm }: TrainingOptions, frozen: ReadonlySet<ParameterName>): void {
  const { memory: { kernels }, layouts, shape, E, value } = store;
  const { gradients, mean, square, slots, unique, touched } = trainingOf(store);
  const names = parameterNames.filter((name) => !frozen.has(name));
  const numbers = (name: ParameterName): number => (name === 'embedding' ? unique.length * E : layouts[name].length);
  const norm = Math.sqrt(names.reduce((sum, name) => sum + kernels.sumOfSquares(numbers(name), gradients[name]), 0));
  const clip = norm > clipNorm ? clipNorm / norm : 1;
  const constants: AdamConstants = [beta1, beta2, 1 - beta1, 1 - beta2, learningRate / (1 - beta1 ** step), 1 / Math.sqrt(1 - beta2 ** step), epsilon];
  for (const name of names) {
    if (name === 'embedding') kernels.adamRows(shape.V, E, value[name], mean[name], square[name], slots, gradients[name], clip, ...constants);
    else kernels.adam(layouts[name].length, value[name], mean[name], square[name], gradients[name], clip, ...constants);
  }
  if (!frozen.has('embedding')) for (const token of unique) touched[token] = 1;
  Object.assign(store.stale, { forward: true, backward: true });
}
