/** Parameters in the kernels' memory, their packed forms, and what training keeps beside them. */
import type { Quantity } from './engine.js';
import type { LayerPlaces, LayerTransposed } from './layer.js';
import { intoPadding, layoutsOf, withoutPadding, type Kernels, type Layout, type Memory } from './memory.js';
import { parameterNames, type LstmShape, type ParameterName } from './shape.js';

/** The bias of a padded class. */
const NEVER = -1e30;
/** What stands for a row of the embedding that has no gradient, and for one that never had (assembly/adam.ts). */
const [NO_GRADIENT, NEVER_HAD] = [-1, -2];

export type Places = Record<ParameterName, number>;

/** Where everything lies that outlives a call. Plain numbers: a second thread gets a copy. */
export interface Ground {
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
}

/** What training adds. Plain numbers as well. */
export interface Training {
  /** of the two halves of a batch, then the first is that of both; the embedding's has only rows that occur, and is each step's own */
  gradients: [Places, Places];
  mean: Places;
  square: Places;
  one: LayerTransposed;
  two: LayerTransposed;
  denseTransposed: number;
  /** i32 [V]: which row of the embedding's gradient is a token's */
  slots: number;
  /** the parameters in pieces, to be added up and to be learnt */
  sums: Piece[];
  steps: Piece[];
  /** f64 [sums] of the gradients */
  squares: number;
  /** f64: of each step (work.ts) */
  job: number;
  /** the second thread's, for products */
  block: number;
}

/** Numbers `from` to `to` of a parameter, padding included; rows of the embedding. */
export interface Piece {
  name: ParameterName;
  from: number;
  to: number;
}

export interface Store {
  memory: Memory;
  ground: Ground;
  /** where a call's own memory begins */
  work: number;
  /** the packed forms are not those of the parameters */
  stale: { forward: boolean; backward: boolean };
  training: Training | undefined;
  /** [V] 1: the row of the embedding had a gradient once */
  touched: Uint8Array;
  /** tokens of the last batch, each once, in the order of their rows */
  unique: number[];
  /** address of the embedding's gradient: a row for each of them */
  embeddingGradient: number;
}

/** Numbers of a piece: some ten microseconds of Adam. */
const PIECE = 32_768;
/** Of one parameter. */
const PIECES_MAX = 64;
/** Numbers of a job, at least. */
const JOB = 64;

const placesIn = (memory: Memory, layouts: Ground['layouts'], without?: ParameterName): Places =>
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
  const ground = { shape, layouts, E, H1, H2, C, value, one, two, densePacked };
  return { memory, ground, work: memory.top(), stale: { forward: true, backward: true }, training: undefined, touched: new Uint8Array(0), unique: [], embeddingGradient: 0 };
}

/** Laid out when it is first asked for; what a call keeps in its own memory is gone then. */
export function trainingOf(store: Store): Training {
  if (store.training !== undefined) return store.training;
  const { memory, ground: { layouts, shape: { V }, E } } = store;
  memory.release(store.work);
  const gradients: [Places, Places] = [placesIn(memory, layouts, 'embedding'), placesIn(memory, layouts, 'embedding')];
  const [mean, square] = [placesIn(memory, layouts), placesIn(memory, layouts)];
  const slots = memory.take(4 * V);
  const layer = (name: 'lstm1' | 'lstm2'): LayerTransposed => ({
    kernelTransposed: memory.take(4 * layouts[`${name}.kernel`].length), recurrentTransposed: memory.take(4 * layouts[`${name}.recurrent`].length),
  });
  const others = parameterNames.filter((name) => name !== 'embedding').flatMap((name) => piecesOf(name, layouts[name].length, 8, PIECE));
  const sums: Piece[] = [{ name: 'embedding', from: 0, to: V }, ...others];
  const training = {
    gradients, mean, square, slots, one: layer('lstm1'), two: layer('lstm2'), denseTransposed: memory.take(4 * layouts['dense.kernel'].length),
    sums, steps: [...piecesOf('embedding', V, 1, PIECE / E), ...others], squares: memory.take(8 * sums.length), job: memory.take(8 * JOB), block: memory.takeBlock(),
  };
  memory.kernels.zero((memory.top() - store.work) / 4, store.work);
  memory.i32(slots, V).fill(NEVER_HAD);
  store.touched = new Uint8Array(V);
  store.work = memory.top();
  store.training = training;
  return training;
}

/** They depend on the shape alone. @param unit  a piece has a multiple of it, but for the last */
function piecesOf(name: ParameterName, length: number, unit: number, about: number): Piece[] {
  const size = unit * Math.ceil(Math.max(about, length / PIECES_MAX) / unit);
  return Array.from({ length: Math.ceil(length / size) }, (_, i) => ({ name, from: i * size, to: Math.min(length, (i + 1) * size) }));
}

/** What has packed forms. */
export const packedNames = ['lstm1.kernel', 'lstm1.recurrent', 'lstm2.kernel', 'lstm2.recurrent', 'dense.kernel'] as const;
type PackedName = (typeof packedNames)[number];

/** For forward, and where training is given for backward as well. */
export function pack(kernels: Kernels, { value, one, two, H2, C, densePacked }: Ground, training: Training | undefined, name: PackedName): void {
  if (name === 'dense.kernel') {
    kernels.packed(H2, C, value[name], 4 * C, densePacked);
    if (training !== undefined) kernels.packedTransposed(C, H2, value[name], 4 * C, training.denseTransposed);
    return;
  }
  const layer = name.startsWith('lstm1') ? 'one' : 'two';
  const { D, H, kernelPacked, recurrentPacked } = layer === 'one' ? one : two;
  const isKernel = name.endsWith('kernel');
  kernels.packed(isKernel ? D : H, 4 * H, value[name], 16 * H, isKernel ? kernelPacked : recurrentPacked);
  if (training === undefined) return;
  const { kernelTransposed, recurrentTransposed } = training[layer];
  kernels.packedTransposed(4 * H, isKernel ? D : H, value[name], 16 * H, isKernel ? kernelTransposed : recurrentTransposed);
}

export function packForward({ memory: { kernels }, stale, ground }: Store): void {
  if (!stale.forward) return;
  for (const name of packedNames) pack(kernels, ground, undefined, name);
  stale.forward = false;
}

const placeOf = (store: Store, quantity: Quantity): Places => (quantity === 'value' ? store.ground.value : trainingOf(store)[quantity]);

export function readOut(store: Store, quantity: Quantity, name: ParameterName): Float32Array {
  const layout = store.ground.layouts[name];
  return withoutPadding(store.memory.f32(placeOf(store, quantity)[name], layout.length), layout);
}

export function writeIn(store: Store, quantity: Quantity, name: ParameterName, values: Float32Array): void {
  const layout = store.ground.layouts[name];
  intoPadding(values, layout, store.memory.f32(placeOf(store, quantity)[name], layout.length));
  if (quantity === 'value') Object.assign(store.stale, { forward: true, backward: true });
  else if (name === 'embedding') markTouched(store, trainingOf(store));
}

/** Finds from Adam's means which rows of the embedding it has moved. */
function markTouched({ memory, ground: { shape: { V }, E }, touched }: Store, { mean, square, slots }: Training): void {
  const [means, squares, table] = [memory.f32(mean.embedding, V * E), memory.f32(square.embedding, V * E), memory.i32(slots, V)];
  touched.fill(0);
  for (let i = 0; i < V * E; i += 1) if (means[i] !== 0 || squares[i] !== 0) touched[Math.floor(i / E)] = 1;
  for (let row = 0; row < V; row += 1) table[row] = touched[row] === 1 ? NO_GRADIENT : NEVER_HAD;
}

/** Gives each token of a batch a row of the embedding's gradient. @returns of each token given, which */
export function rowsOf(store: Store, { slots: at }: Training, halves: readonly Int32Array[]): Int32Array[] {
  const { memory, ground: { shape: { V } }, touched } = store;
  const slots = memory.i32(at, V);
  for (const token of store.unique) slots[token] = touched[token] === 1 ? NO_GRADIENT : NEVER_HAD;
  const unique: number[] = [];
  store.unique = unique;
  return halves.map((tokens) => tokens.map((token) => {
    if (slots[token] < 0) slots[token] = unique.push(token) - 1;
    return slots[token];
  }));
}

/** A copy of what the last batch left. */
export function gradientOf({ memory, ground: { layouts, shape, E }, unique, embeddingGradient }: Store, { gradients: [gradients] }: Training, name: ParameterName): Float32Array {
  if (name !== 'embedding') return withoutPadding(memory.f32(gradients[name], layouts[name].length), layouts[name]);
  const dense = new Float32Array(shape.V * shape.E);
  const some = memory.f32(embeddingGradient, unique.length * E);
  unique.forEach((token, slot) => dense.set(some.subarray(slot * E, slot * E + shape.E), token * shape.E));
  return dense;
}
