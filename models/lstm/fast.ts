/**
 * The network on WebAssembly SIMD. The formulas stand in naive.ts; here is the order of the work, over the rows of a plan.
 * The same calls give the same bits on every machine.
 */
import { barOf, placeKey, rowKey, scaleOf, sites } from './dropout.js';
import type { Batch, Engine } from './engine.js';
import { layerBackward, layerForward, type LayerTrace } from './layer.js';
import { loadKernels } from './load.js';
import { createMemory, type Memory } from './memory.js';
import { planOf, type Plan } from './plan.js';
import { parameterNames, type LstmShape } from './shape.js';
import { createStore, gradientOf, learnEmbedding, packBackward, packForward, readOut, trainingOf, update, writeIn, type Store, type Training } from './store.js';

/** Rows whose logits are held at a time: with a vocabulary of classes, all rows of a batch would be tens of megabytes. */
const HEAD_ROWS = 128;

let compiled: WebAssembly.Module | undefined;

/** @throws Error when the kernels have not been built */
export function createFastEngine(shape: LstmShape): Engine {
  compiled ??= loadKernels();
  const store = createStore(shape, createMemory(compiled));
  const { memory, H2, C } = store;
  return {
    read: (quantity, name) => readOut(store, quantity, name),
    write: (quantity, name, values) => writeIn(store, quantity, name, values),
    infer(tokens) {
      const { hidden, places } = outputs(store, forward(store, tokens, 1, tokens.length));
      const rows = places.length;
      const at = memory.take(4 * rows * C);
      logitsOf(store, hidden, rows, at);
      const logits = memory.f32(at, rows * C);
      if (shape.head === 'last') return logits.slice(0, shape.C);
      const out = new Float32Array(tokens.length * shape.C);
      for (let r = 0; r < rows; r += 1) out.set(logits.subarray(r * C, r * C + shape.C), places[r] * shape.C);
      return out;
    },
    hidden(tokens) {
      const { plan, two: { h } } = forward(store, tokens, 1, tokens.length);
      return memory.f32(h + 4 * H2 * plan.last[0], H2).slice(0, shape.H2);
    },
    crossEntropy(batch) {
      const { hidden, places } = outputs(store, forward(store, batch.tokens, batch.B, batch.T));
      const logits = memory.take(4 * Math.min(HEAD_ROWS, places.length) * C);
      const top = memory.top();
      const out = new Float32Array(batch.targets.length);
      for (let from = 0; from < places.length; from += HEAD_ROWS) {
        memory.release(top);
        const some = places.subarray(from, Math.min(places.length, from + HEAD_ROWS));
        lossesOf(store, hidden + 4 * H2 * from, logits, some, batch).forEach((loss, r) => { out[some[r]] = loss; });
      }
      return out;
    },
    gradients: (batch) => gradients(store, batch),
    gradient: (name) => gradientOf(store, name),
    update: (step, options, frozen) => update(store, step, options, frozen),
  };
}

interface Forward {
  plan: Plan;
  one: LayerTrace;
  two: LayerTrace;
}

/** @param batch  undefined: nothing is left out */
function forward(store: Store, tokens: Int32Array, B: number, T: number, batch?: Batch): Forward {
  const { memory, E, H1, value, one, two } = store;
  memory.release(store.work);
  packForward(store);
  const plan = planOf(tokens, B, T);
  const x = memory.take(4 * plan.N * E);
  memory.kernels.gather(plan.N, E, value.embedding, integers(memory, plan.tokens), x);
  if (batch !== undefined) dropOut(memory, x, E, batch, 'embedding', plan);
  const first = layerForward(memory, one, plan, x);
  let between = first.h;
  if (batch !== undefined && batch.dropout.between > 0) {
    between = copyOf(memory, first.h, 4 * plan.N * H1);
    dropOut(memory, between, H1, batch, 'between', plan);
  }
  return { plan, one: first, two: layerForward(memory, two, plan, between) };
}

interface Outputs {
  /** address of [rows, H2] */
  hidden: number;
  /** [rows] where the target of each stands */
  places: Int32Array;
}

/** The rows that logits are computed of. */
function outputs({ memory, H2, shape }: Store, { plan, two: { h } }: Forward, batch?: Batch): Outputs {
  const { N, B, last, place } = plan;
  const masked = batch !== undefined && batch.dropout.output > 0 ? batch : undefined;
  if (shape.head === 'each') {
    const hidden = masked === undefined ? h : copyOf(memory, h, 4 * N * H2);
    if (masked !== undefined) dropOut(memory, hidden, H2, masked, 'output', plan);
    return { hidden, places: place };
  }
  const hidden = memory.take(4 * B * H2);
  memory.kernels.gather(B, H2, h, integers(memory, last), hidden);
  if (masked !== undefined) dropOut(memory, hidden, H2, masked, 'output', plan, last);
  return { hidden, places: Int32Array.from({ length: B }, (_, b) => b) };
}

function logitsOf({ memory: { kernels }, H2, C, value, densePacked }: Store, hidden: number, rows: number, out: number): void {
  kernels.repeatRow(rows, C, value['dense.bias'], out);
  kernels.product(rows, H2, C, hidden, 4 * H2, densePacked, 32 * H2, out, 4 * C);
}

/** Losses of some rows; their logits are computed, and become their gradient. */
function lossesOf(store: Store, hidden: number, logits: number, places: Int32Array, { targets, weights, scale }: Batch): Float32Array {
  const { memory, C } = store;
  const rows = places.length;
  logitsOf(store, hidden, rows, logits);
  const targetsAt = integers(memory, places.map((place) => (weights[place] === 0 ? -1 : targets[place])));
  const [factorsAt, lossesAt] = [memory.take(4 * rows), memory.take(4 * rows)];
  const factors = memory.f32(factorsAt, rows);
  for (let r = 0; r < rows; r += 1) factors[r] = weights[places[r]] * scale;
  memory.kernels.softmaxCrossEntropy(rows, C, logits, targetsAt, factorsAt, lossesAt);
  return memory.f32(lossesAt, rows);
}

function gradients(store: Store, batch: Batch): number {
  const training = trainingOf(store);
  const { memory, layouts, shape, E, H1, H2, one, two } = store;
  packBackward(store, training);
  for (const name of parameterNames) if (name !== 'embedding') memory.f32(training.gradients[name], layouts[name].length).fill(0);
  const state = forward(store, batch.tokens, batch.B, batch.T, batch);
  const { plan } = state;
  const out = outputs(store, state, batch);
  const dOut = memory.take(4 * out.places.length * H2);
  const loss = learnHead(store, training, out, batch, dOut);
  let dTwo = dOut;
  if (shape.head === 'each') dropOut(memory, dOut, H2, batch, 'output', plan);
  else {
    dropOut(memory, dOut, H2, batch, 'output', plan, plan.last);
    dTwo = memory.take(4 * (plan.N + 1) * H2); // a row more, as h has
    memory.f32(dTwo, plan.N * H2).fill(0);
    memory.kernels.scatter(batch.B, H2, dOut, integers(memory, plan.last), dTwo);
  }
  const dOne = memory.take(4 * plan.N * H1);
  layerBackward(memory, two, training.two, plan, state.two, dTwo, dOne);
  dropOut(memory, dOne, H1, batch, 'between', plan);
  const dx = memory.take(4 * plan.N * E);
  layerBackward(memory, one, training.one, plan, state.one, dOne, dx);
  dropOut(memory, dx, E, batch, 'embedding', plan);
  learnEmbedding(store, training, plan.tokens, dx);
  return loss;
}

/** The classes, forward and back. @param dOut  [rows, H2], becomes the gradient of what they are computed from @returns the loss */
function learnHead(store: Store, training: Training, { hidden, places }: Outputs, batch: Batch, dOut: number): number {
  const { memory, H2, C } = store;
  const { kernels } = memory;
  const most = Math.min(HEAD_ROWS, places.length);
  const [logits, panels] = [memory.take(4 * most * C), memory.take(4 * most * C)];
  const top = memory.top();
  memory.f32(dOut, places.length * H2).fill(0);
  let loss = 0;
  for (let from = 0; from < places.length; from += most) {
    memory.release(top);
    const some = places.subarray(from, Math.min(places.length, from + most));
    const [rows, at] = [some.length, 4 * H2 * from];
    lossesOf(store, hidden + at, logits, some, batch).forEach((value, r) => { loss += value * batch.weights[some[r]] * batch.scale; });
    kernels.packed(rows, C, logits, 4 * C, panels);
    kernels.productOfTransposed(H2, rows, C, hidden + at, 4 * H2, panels, 32 * rows, training.gradients['dense.kernel'], 4 * C);
    kernels.addColumns(rows, C, logits, training.gradients['dense.bias']);
    kernels.product(rows, C, H2, logits, 4 * C, training.denseTransposed, 32 * C, dOut + at, 4 * H2);
  }
  return loss;
}

function integers(memory: Memory, values: Int32Array): number {
  const at = memory.take(4 * values.length);
  memory.i32(at, values.length).set(values);
  return at;
}

function copyOf(memory: Memory, from: number, bytes: number): number {
  const at = memory.take(bytes);
  memory.bytes().copyWithin(at, from, from + bytes);
  return at;
}

/** Multiplies rows by their masks; the same call serves the gradient. @param only  the rows of the plan that they are; all of them without it */
function dropOut(memory: Memory, x: number, width: number, batch: Batch, site: keyof typeof sites, { N, steps, offset, order }: Plan, only?: Int32Array): void {
  const rate = batch.dropout[site];
  if (rate === 0) return;
  const place = placeKey(batch.seed, batch.step, sites[site]);
  const keys = new Int32Array(N + 1);
  for (let t = 0; t < steps; t += 1) {
    for (let row = offset[t]; row < offset[t + 1]; row += 1) keys[row] = rowKey(place, order[row - offset[t]], t);
  }
  const chosen = only === undefined ? keys.subarray(0, N) : Int32Array.from(only, (row) => keys[row]);
  memory.kernels.dropOut(chosen.length, width, x, integers(memory, chosen), barOf(rate), scaleOf(rate));
}
