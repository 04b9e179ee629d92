/**
 * The network on TensorFlow's fused kernels (BlockLSTMV2, ResourceApplyAdam), for who trains larger models than the WebAssembly
 * kernels like: they use all cores and wide registers. Its results depend on the machine, so it trains, and does not decide.
 *
 * A batch is compacted like a plan of the other engine, but padded behind: [steps, B], time-major. A padded step comes after an
 * example's last token, gets no gradient, and so changes nothing.
 *
 *   variables: embedding [V, E]   one [E + H1, 4 H1] = kernel over recurrent, oneBias   two [H1 + H2, 4 H2], twoBias   dense, denseBias
 */
import { barOf, isKept, placeKey, rowKey, scaleOf, sites } from './dropout.js';
import type { Batch, CreateEngine, Engine, Quantity } from './engine.js';
import type { TrainingOptions } from './options.js';
import { parameterNames, sizeOf, type LstmShape, type ParameterName } from './shape.js';
import { createOps, type Handle, type Ops, type TensorFlow } from './tensorflow-ops.js';

const variableNames = ['embedding', 'one', 'oneBias', 'two', 'twoBias', 'dense', 'denseBias'] as const;
type VariableName = (typeof variableNames)[number];

const variableOf: Record<ParameterName, VariableName> = {
  embedding: 'embedding',
  'lstm1.kernel': 'one', 'lstm1.recurrent': 'one', 'lstm1.bias': 'oneBias',
  'lstm2.kernel': 'two', 'lstm2.recurrent': 'two', 'lstm2.bias': 'twoBias',
  'dense.kernel': 'dense', 'dense.bias': 'denseBias',
};

/** Resources are named, and one name is one resource in the process. */
let engines = 0;

/** What a network keeps in TensorFlow stays there until the process ends. @param tf  the module @tensorflow/tfjs-node */
export function tensorFlowEngine(tf: TensorFlow): CreateEngine {
  const ops = createOps(tf);
  return (shape) => createTensorFlowEngine(ops, shape);
}

/** A batch without its padding, padded behind. */
interface Rows {
  B: number;
  /** at least 1 */
  steps: number;
  /** [steps * B], 0 behind the last */
  tokens: Int32Array;
  lengths: Int32Array;
  /** [steps * B] where a row stands in [B, T], -1 behind the last */
  place: Int32Array;
}

function rowsOf(tokens: Int32Array, B: number, T: number): Rows {
  const lengths = new Int32Array(B);
  for (let i = 0; i < B * T; i += 1) if (tokens[i] !== 0) lengths[Math.floor(i / T)] += 1;
  const steps = Math.max(1, ...lengths);
  const rows: Rows = { B, steps, tokens: new Int32Array(steps * B), lengths, place: new Int32Array(steps * B).fill(-1) };
  for (let b = 0; b < B; b += 1) {
    let step = 0;
    for (let t = 0; t < T; t += 1) {
      if (tokens[b * T + t] === 0) continue;
      rows.tokens[step * B + b] = tokens[b * T + t];
      rows.place[step * B + b] = b * T + t;
      step += 1;
    }
  }
  return rows;
}

/** [steps, B, width] of what a site's numbers are multiplied by; undefined where nothing is left out. */
function maskOf(ops: Ops, { B, steps, lengths }: Rows, width: number, { dropout, seed, step }: Batch, site: keyof typeof sites): Handle | undefined {
  const rate = dropout[site];
  if (rate === 0) return undefined;
  const [bar, scale, place] = [barOf(rate), scaleOf(rate), placeKey(seed, step, sites[site])];
  const mask = new Float32Array(steps * B * width);
  for (let b = 0; b < B; b += 1) {
    for (let t = 0; t < lengths[b]; t += 1) {
      const key = rowKey(place, b, t);
      for (let j = 0; j < width; j += 1) if (isKept(key, j, bar)) mask[(t * B + b) * width + j] = scale;
    }
  }
  return ops.floats(mask, [steps, B, width]);
}

/** A layer's outputs: i, cs, f, o, ci, co, h, each [steps, B, H]. */
interface Trace {
  x: Handle;
  w: Handle;
  bias: Handle;
  outputs: Handle[];
}

function layer(ops: Ops, steps: number, B: number, H: number, x: Handle, w: Handle, bias: Handle): Trace {
  const zeros = ops.floats(new Float32Array(B * H), [B, H]);
  const peephole = ops.floats(new Float32Array(H), [H]);
  const outputs = ops.run('BlockLSTMV2', { T: 'float', cell_clip: 0, use_peephole: false }, [ops.int64(steps), x, zeros, zeros, w, peephole, peephole, peephole, bias], 7);
  return { x, w, bias, outputs };
}

/** @returns gradients of x, w and the bias */
function layerBack(ops: Ops, steps: number, B: number, H: number, { x, w, bias, outputs }: Trace, dh: Handle): [dx: Handle, dw: Handle, dBias: Handle] {
  const zeros = ops.floats(new Float32Array(B * H), [B, H]);
  const peephole = ops.floats(new Float32Array(H), [H]);
  const dc = ops.floats(new Float32Array(steps * B * H), [steps, B, H]);
  const found = ops.run('BlockLSTMGradV2', { T: 'float', use_peephole: false }, [ops.int64(steps), x, zeros, zeros, w, peephole, peephole, peephole, bias, ...outputs, dc, dh], 8);
  return [found[0], found[3], found[7]];
}

interface State {
  ops: Ops;
  shape: LstmShape;
  sizes: Record<VariableName, [rows: number, columns: number]>;
  variables: Record<Quantity, Record<VariableName, Handle>>;
  /** what `gradients` left */
  gradients: Partial<Record<VariableName, Handle>>;
}

/** Where a parameter lies in its variable. */
function spanOf(shape: LstmShape, name: ParameterName): [from: number, length: number] {
  const [rows, columns] = sizeOf(shape, name);
  const above = name === 'lstm1.recurrent' ? sizeOf(shape, 'lstm1.kernel') : name === 'lstm2.recurrent' ? sizeOf(shape, 'lstm2.kernel') : [0, 0];
  return [above[0] * above[1], rows * columns];
}

function createTensorFlowEngine(ops: Ops, shape: LstmShape): Engine {
  const { V, E, H1, H2, C } = shape;
  const sizes: State['sizes'] = { embedding: [V, E], one: [E + H1, 4 * H1], oneBias: [1, 4 * H1], two: [H1 + H2, 4 * H2], twoBias: [1, 4 * H2], dense: [H2, C], denseBias: [1, C] };
  engines += 1;
  const variablesOf = (quantity: Quantity): Record<VariableName, Handle> => Object.fromEntries(variableNames.map((name) => {
    const [rows, columns] = sizes[name];
    const size = name.endsWith('Bias') ? [columns] : [rows, columns];
    const variable = ops.variable(`lstm-${engines}-${quantity}-${name}`, size);
    ops.scope(() => {
      ops.assign(variable, ops.floats(new Float32Array(rows * columns), size));
      return [];
    });
    return [name, variable];
  })) as Record<VariableName, Handle>;
  const state: State = { ops, shape, sizes, variables: { value: variablesOf('value'), mean: variablesOf('mean'), square: variablesOf('square') }, gradients: {} };
  return {
    read(quantity, name) {
      const [from, length] = spanOf(shape, name);
      return contents(ops, state.variables[quantity][variableOf[name]]).slice(from, from + length);
    },
    write(quantity, name, values) {
      const variable = state.variables[quantity][variableOf[name]];
      const all = contents(ops, variable);
      all.set(values, spanOf(shape, name)[0]);
      const [rows, columns] = sizes[variableOf[name]];
      ops.scope(() => {
        ops.assign(variable, ops.floats(all, variableOf[name].endsWith('Bias') ? [columns] : [rows, columns]));
        return [];
      });
    },
    infer: (tokens) => infer(state, tokens),
    hidden(tokens) {
      const rows = rowsOf(tokens, 1, tokens.length);
      if (rows.lengths[0] === 0) return new Float32Array(H2);
      return within(ops, () => {
        const { two } = forward(state, rows);
        return ops.read(two.outputs[6]).slice((rows.steps - 1) * H2);
      });
    },
    crossEntropy(batch) {
      const rows = rowsOf(batch.tokens, batch.B, batch.T);
      return within(ops, () => {
        const out = new Float32Array(batch.targets.length);
        const { losses, places } = classes(state, rows, forward(state, rows), batch);
        ops.read(losses).forEach((loss, r) => { out[places[r]] = batch.weights[places[r]] === 0 ? 0 : loss; });
        return out;
      });
    },
    gradients: (batch) => gradients(state, batch),
    gradient(name) {
      const [from, length] = spanOf(shape, name);
      const handle = state.gradients[variableOf[name]];
      return handle === undefined ? new Float32Array(length) : ops.read(handle).slice(from, from + length);
    },
    update: (step, options, frozen) => update(state, step, options, frozen),
  };
}

/** Frees everything that was made in it. */
function within<T>(ops: Ops, work: () => T): T {
  let found: T | undefined;
  ops.scope(() => {
    found = work();
    return [];
  });
  return found as T;
}

const contents = (ops: Ops, variable: Handle): Float32Array => within(ops, () => ops.read(ops.value(variable)).slice());

interface Forward {
  one: Trace;
  two: Trace;
  masks: Partial<Record<keyof typeof sites, Handle>>;
}

/** @param batch  undefined: nothing is left out */
function forward({ ops, shape: { E, H1, H2 }, variables: { value } }: State, rows: Rows, batch?: Batch): Forward {
  const { steps, B, tokens } = rows;
  const masks: Forward['masks'] = {};
  const masked = (x: Handle, width: number, site: keyof typeof sites): Handle => {
    const mask = batch === undefined ? undefined : maskOf(ops, rows, width, batch, site);
    if (mask === undefined) return x;
    masks[site] = mask;
    return ops.multiply(x, mask);
  };
  const x = masked(ops.gather(ops.value(value.embedding), ops.integers(tokens, [steps, B])), E, 'embedding');
  const one = layer(ops, steps, B, H1, x, ops.value(value.one), ops.value(value.oneBias));
  const two = layer(ops, steps, B, H2, masked(one.outputs[6], H1, 'between'), ops.value(value.two), ops.value(value.twoBias));
  const output = batch === undefined ? undefined : maskOf(ops, rows, H2, batch, 'output');
  if (output !== undefined) masks.output = output;
  return { one, two, masks };
}

/** The rows that logits are computed of, and those. */
function logitsOf({ ops, shape: { H2, head }, variables: { value } }: State, rows: Rows, { two }: Forward, mask?: Handle) {
  const { B, steps, lengths, place } = rows;
  const flat = ops.reshape(mask === undefined ? two.outputs[6] : ops.multiply(two.outputs[6], mask), [steps * B, H2]);
  // The last row of an example without tokens would be its first padded one: its output does not count.
  const chosen = head === 'each' ? Int32Array.from(place.keys()).filter((row) => place[row] >= 0) : lengths.map((length, b) => Math.max(0, length - 1) * B + b);
  const counts = ops.floats(head === 'each' ? new Float32Array(chosen.length).fill(1) : Float32Array.from(lengths, (length) => (length > 0 ? 1 : 0)), [chosen.length, 1]);
  const hidden = ops.multiply(ops.gather(flat, ops.integers(chosen, [chosen.length])), counts);
  const dense = ops.value(value.dense);
  const logits = ops.run('BiasAdd', { T: 'float' }, [ops.matMul(hidden, dense), ops.value(value.denseBias)])[0];
  return { hidden, dense, logits, chosen, counts, places: head === 'each' ? chosen.map((row) => place[row]) : Int32Array.from(chosen.keys()) };
}

function infer(state: State, tokens: Int32Array): Float32Array {
  const { ops, shape: { C, head } } = state;
  const rows = rowsOf(tokens, 1, tokens.length);
  if (head === 'each' && rows.lengths[0] === 0) return new Float32Array(tokens.length * C);
  return within(ops, () => {
    const { logits, places } = logitsOf(state, rows, forward(state, rows));
    const values = ops.read(logits);
    if (head === 'last') return values.slice();
    const out = new Float32Array(tokens.length * C);
    places.forEach((t, r) => out.set(values.subarray(r * C, (r + 1) * C), t * C));
    return out;
  });
}

function classes(state: State, rows: Rows, traces: Forward, { targets }: Batch) {
  const { ops } = state;
  const found = logitsOf(state, rows, traces, traces.masks.output);
  const labels = ops.integers(found.places.map((place) => Math.max(0, targets[place])), [found.places.length]);
  const [losses, byLogits] = ops.run('SparseSoftmaxCrossEntropyWithLogits', { T: 'float', Tlabels: 'int32' }, [found.logits, labels], 2);
  return { ...found, losses, byLogits };
}

function gradients(state: State, batch: Batch): number {
  const { ops, shape: { V, E, H1, H2 } } = state;
  for (const handle of Object.values(state.gradients)) ops.free(handle);
  state.gradients = {};
  const rows = rowsOf(batch.tokens, batch.B, batch.T);
  const { B, steps } = rows;
  let loss = 0;
  const kept = ops.scope(() => {
    const traces = forward(state, rows, batch);
    const { masks } = traces;
    const { hidden, dense, chosen, counts, places, losses, byLogits } = classes(state, rows, traces, batch);
    const factors = Float32Array.from(places, (place) => batch.weights[place] * batch.scale);
    ops.read(losses).forEach((value, r) => { if (factors[r] !== 0) loss += value * batch.weights[places[r]] * batch.scale; });
    const dLogits = ops.multiply(byLogits, ops.floats(factors, [factors.length, 1]));
    const dDense = ops.matMul(hidden, dLogits, true);
    const dDenseBias = ops.run('Sum', { T: 'float', Tidx: 'int32', keep_dims: false }, [dLogits, ops.constant('axis', () => ops.integers(Int32Array.of(0), []))])[0];
    const dHidden = ops.multiply(ops.matMul(dLogits, dense, false, true), counts);
    const spread = ops.reshape(ops.scatterAdd(dHidden, ops.integers(chosen, [chosen.length]), steps * B), [steps, B, H2]);
    const dh2 = masks.output === undefined ? spread : ops.multiply(spread, masks.output);
    const [dBetween, dTwo, dTwoBias] = layerBack(ops, steps, B, H2, traces.two, dh2);
    const dh1 = masks.between === undefined ? dBetween : ops.multiply(dBetween, masks.between);
    const [dInput, dOne, dOneBias] = layerBack(ops, steps, B, H1, traces.one, dh1);
    const dx = ops.reshape(masks.embedding === undefined ? dInput : ops.multiply(dInput, masks.embedding), [steps * B, E]);
    const dEmbedding = ops.scatterAdd(dx, ops.integers(rows.tokens.map((token) => (token === 0 ? -1 : token)), [steps * B]), V);
    return [dEmbedding, dOne, dOneBias, dTwo, dTwoBias, dDense, dDenseBias];
  });
  variableNames.forEach((name, i) => { state.gradients[name] = kept[i]; });
  return loss;
}

/** TensorFlow adds epsilon before the bias correction; multiplied by its root it is the same as behind. */
function update(state: State, step: number, { learningRate, beta1, beta2, epsilon, clipNorm }: TrainingOptions, frozen: ReadonlySet<ParameterName>): void {
  const { ops, variables: { value, mean, square } } = state;
  within(ops, () => {
    const moving = variableNames.filter((name) => !parametersOf(name).every((parameter) => frozen.has(parameter)));
    const own = moving.map((name) => withoutFrozen(state, name, frozen));
    const halves = own.map((gradient) => ops.run('L2Loss', { T: 'float' }, [gradient])[0]);
    const norm = Math.sqrt(2 * halves.reduce((sum, half) => sum + ops.read(half)[0], 0));
    const clip = norm > clipNorm ? ops.floats(Float32Array.of(clipNorm / norm), []) : undefined;
    const scalar = (number: number): Handle => ops.floats(Float32Array.of(number), []);
    const constants = [scalar(beta1 ** step), scalar(beta2 ** step), scalar(learningRate), scalar(beta1), scalar(beta2), scalar(epsilon * Math.sqrt(1 - beta2 ** step))];
    moving.forEach((name, i) => {
      const gradient = clip === undefined ? own[i] : ops.multiply(own[i], clip);
      ops.run('ResourceApplyAdam', { T: 'float', use_locking: false, use_nesterov: false }, [value[name], mean[name], square[name], ...constants, gradient], 0);
    });
  });
}

const parametersOf = (variable: VariableName): ParameterName[] => parameterNames.filter((name) => variableOf[name] === variable);

/** A variable's gradient, 0 in those of its parameters that stay: their means are 0 then, and nothing moves them. */
function withoutFrozen({ ops, shape, sizes, gradients: found }: State, name: VariableName, frozen: ReadonlySet<ParameterName>): Handle {
  const gradient = found[name];
  if (gradient === undefined) throw new Error('lstm: update without gradients');
  const still = parametersOf(name).filter((parameter) => frozen.has(parameter));
  if (still.length === 0) return gradient;
  const [rows, columns] = sizes[name];
  const mask = new Float32Array(rows * columns).fill(1);
  for (const parameter of still) {
    const [from, length] = spanOf(shape, parameter);
    mask.fill(0, from, from + length);
  }
  return ops.multiply(gradient, ops.floats(mask, [rows, columns]));
}
