/**
 * The network on WebAssembly SIMD. The formulas stand in naive.ts; here is the order of the work, over the rows of a plan.
 * The same calls give the same bits on every machine, with one thread or two.
 */
import { alone, type Crew, type SharedSite } from './crew.js';
import type { Batch, CreateEngine, Engine } from './engine.js';
import { HEAD_ROWS, layOut, logitsOf, type HalfPlaces, type HalfSizes } from './half.js';
import { layerForward, traceIn, type LayerTrace } from './layer.js';
import { loadKernels, type KernelModules } from './load.js';
import { createMemory, type Memory } from './memory.js';
import type { TrainingOptions } from './options.js';
import { halvesOf, planOf, type Plan } from './plan.js';
import type { LstmShape, ParameterName } from './shape.js';
import { createStore, gradientOf, packedNames, packForward, readOut, rowsOf, trainingOf, writeIn, type Store } from './store.js';
import { frozenBits, phases, sizesAs, tell } from './work.js';

let compiled: KernelModules | undefined;

/** On one thread. @throws Error when the kernels have not been built */
export const createFastEngine: CreateEngine = (shape) => createOn(alone, shape);

/** Whose steps of training a crew takes; it answers on the thread that calls, as every engine does. */
export const fastEngineOn = (crew: Crew): CreateEngine => (shape) => createOn(crew, shape);

function createOn(crew: Crew, shape: LstmShape): Engine {
  compiled ??= loadKernels();
  const store = createStore(shape, createMemory(compiled, crew.shares));
  const { memory, ground, ground: { H2, C } } = store;
  let site: SharedSite | undefined;
  const siteOf = (): SharedSite => (site ??= { views: memory, ground, training: trainingOf(store) });
  return {
    read: (quantity, name) => readOut(store, quantity, name),
    write: (quantity, name, values) => writeIn(store, quantity, name, values),
    infer(tokens) {
      const { hidden, places } = outputs(store, forward(store, tokens, 1, tokens.length));
      const rows = places.length;
      const at = memory.take(4 * rows * C);
      logitsOf(memory.kernels, ground, hidden, rows, at);
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
      const most = Math.min(HEAD_ROWS, places.length);
      const logits = memory.take(4 * most * C);
      const [targets, factors, losses] = [memory.take(4 * most), memory.take(4 * most), memory.take(4 * most)];
      const out = new Float32Array(batch.targets.length);
      for (let from = 0; from < places.length; from += HEAD_ROWS) {
        const some = places.subarray(from, Math.min(places.length, from + HEAD_ROWS));
        writeTargets(memory, batch, some, targets, factors);
        logitsOf(memory.kernels, ground, hidden + 4 * H2 * from, some.length, logits);
        memory.kernels.softmaxCrossEntropy(some.length, C, logits, targets, factors, losses);
        memory.f32(losses, some.length).forEach((loss, r) => { out[some[r]] = loss; });
      }
      return out;
    },
    gradients: (batch) => gradients(store, siteOf(), crew, batch),
    gradient: (name) => gradientOf(store, trainingOf(store), name),
    update: (step, options, frozen) => update(store, siteOf(), crew, step, options, frozen),
  };
}

interface Forward {
  plan: Plan;
  one: LayerTrace;
  two: LayerTrace;
}

/** Nothing is left out. */
function forward(store: Store, tokens: Int32Array, B: number, T: number): Forward {
  const { memory, memory: { kernels }, ground: { E, H1, H2, value, one, two } } = store;
  memory.release(store.work);
  packForward(store);
  const plan = planOf(tokens, B, T);
  const x = memory.take(4 * plan.N * E);
  kernels.gather(plan.N, E, value.embedding, integers(memory, plan.tokens), x);
  const [first, second] = [traceIn(memory.take, H1, plan.N), traceIn(memory.take, H2, plan.N)];
  layerForward(kernels, one, plan, x, first);
  layerForward(kernels, two, plan, first.h, second);
  return { plan, one: first, two: second };
}

/** Where the target of each row stands that logits are computed of. */
const placesOf = ({ ground: { shape } }: Store, { place, examples }: Plan): Int32Array => (shape.head === 'each' ? place : examples);

interface Outputs {
  /** address of [rows, H2] */
  hidden: number;
  /** [rows] */
  places: Int32Array;
}

function outputs(store: Store, { plan, two: { h } }: Forward): Outputs {
  const { memory, ground: { shape, H2 } } = store;
  const places = placesOf(store, plan);
  if (shape.head === 'each') return { hidden: h, places };
  const hidden = memory.take(4 * plan.B * H2);
  memory.kernels.gather(plan.B, H2, h, integers(memory, plan.last), hidden);
  return { hidden, places };
}

function writeTargets(memory: Memory, { targets, weights, scale }: Batch, places: Int32Array, targetsAt: number, factorsAt: number): void {
  const [chosen, factors] = [memory.i32(targetsAt, places.length), memory.f32(factorsAt, places.length)];
  for (let r = 0; r < places.length; r += 1) {
    chosen[r] = weights[places[r]] === 0 ? -1 : targets[places[r]];
    factors[r] = weights[places[r]] * scale;
  }
}

function gradients(store: Store, site: SharedSite, crew: Crew, batch: Batch): number {
  const { memory, ground, stale } = store;
  const { tokens, B, T, seed, step, dropout, weights, scale } = batch;
  memory.release(store.work);
  const plans = halvesOf(tokens, B, T).map((examples) => planOf(tokens, B, T, examples));
  const rows = rowsOf(store, site.training, plans.map((plan) => plan.tokens));
  store.embeddingGradient = memory.take(4 * store.unique.length * ground.E);
  const halves = plans.map((plan, half) => writeHalf(store, plan, rows[half], batch));
  tell(site, {
    ...sizesAs(0, halves[0].sizes), ...sizesAs(1, halves[1].sizes), seed, step, dropEmbedding: dropout.embedding, dropBetween: dropout.between, dropOutput: dropout.output,
    embedding: store.embeddingGradient, unique: store.unique.length,
  });
  if (stale.forward || stale.backward) crew.run(site, phases.pack, packedNames.length);
  Object.assign(stale, { forward: false, backward: false });
  crew.run(site, phases.halves, plans.length);
  crew.run(site, phases.sum, site.training.sums.length);
  let loss = 0;
  plans.forEach((plan, half) => {
    const places = placesOf(store, plan);
    memory.f32(halves[half].places.losses, places.length).forEach((value, r) => { loss += value * weights[places[r]] * scale; });
  });
  return loss;
}

/** Takes memory for half of a batch, and writes there what is known of it. @param rows  [N] of the embedding's gradient */
function writeHalf(store: Store, plan: Plan, rows: Int32Array, batch: Batch): { sizes: HalfSizes; places: HalfPlaces } {
  const { memory, ground } = store;
  const { B, N, steps } = plan;
  const targets = placesOf(store, plan);
  const sizes = { at: memory.top(), B, N, steps, rows: targets.length };
  const places = layOut(ground, sizes);
  memory.take(places.end - sizes.at);
  for (const [at, values] of [[places.offset, plan.offset], [places.tokens, plan.tokens], [places.order, plan.order], [places.last, plan.last], [places.slots, rows]] as const) {
    memory.i32(at, values.length).set(values);
  }
  writeTargets(memory, batch, targets, places.targets, places.factors);
  return { sizes, places };
}

function update(store: Store, site: SharedSite, crew: Crew, step: number, { learningRate, beta1, beta2, epsilon, clipNorm }: TrainingOptions, frozen: ReadonlySet<ParameterName>): void {
  const { training } = site;
  const squares = store.memory.f64(training.squares, training.sums.length);
  const norm = Math.sqrt(training.sums.reduce((sum, { name }, i) => sum + (frozen.has(name) ? 0 : squares[i]), 0));
  const clip = norm > clipNorm ? clipNorm / norm : 1;
  tell(site, {
    frozen: frozenBits(frozen), clip, beta1, beta2, rest1: 1 - beta1, rest2: 1 - beta2, rate: learningRate / (1 - beta1 ** step), root: 1 / Math.sqrt(1 - beta2 ** step), epsilon,
  });
  crew.run(site, phases.learn, training.steps.length);
  if (!frozen.has('embedding')) for (const token of store.unique) store.touched[token] = 1;
  Object.assign(store.stale, { forward: true, backward: true });
}

function integers(memory: Memory, values: Int32Array): number {
  const at = memory.take(4 * values.length);
  memory.i32(at, values.length).set(values);
  return at;
}
