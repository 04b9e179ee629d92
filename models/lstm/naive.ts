/**
 * The network as its formulas are written, example by example: what the fast engines are tested against.
 *
 *   B batch, T time, n tokens of one example that are no padding, D inputs of a layer, H hidden, C classes
 *
 *   z_t = x_t W + h_{t-1} U + b          [4 H], in the order i, f, c, o
 *   i, f, o = sigmoid(z)   g = tanh(z)
 *   c_t = f c_{t-1} + i g                h_t = o tanh(c_t)
 *
 * Source: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000; backward by hand, beside each forward.
 * Padding is left out before anything is computed, so it cannot change a result.
 */
import { barOf, isKept, placeKey, rowKey, scaleOf, sites } from './dropout.js';
import type { Batch, Engine } from './engine.js';
import type { TrainingOptions } from './options.js';
import { lengthOf, parameterNames, type LstmShape, type ParameterName } from './shape.js';

/** 64 bits for the test of the gradients against central differences, 32 to be compared with the fast engines. */
export type Floats = Float32Array | Float64Array;
type Named = Record<ParameterName, Floats>;

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** out [rows, N] += a [rows, K] b [K, N] */
function multiply(a: Floats, b: Floats, out: Floats, rows: number, K: number, N: number, from = 0, fromOut = 0): void {
  for (let r = 0; r < rows; r += 1) {
    for (let k = 0; k < K; k += 1) {
      const x = a[from + r * K + k];
      for (let j = 0; j < N; j += 1) out[fromOut + r * N + j] += x * b[k * N + j];
    }
  }
}

/** da [rows, K] += dout [rows, N] b^T,  db [K, N] += a^T dout */
function multiplyBack(a: Floats, b: Floats, dout: Floats, da: Floats, db: Floats, rows: number, K: number, N: number, from = 0, fromOut = 0): void {
  for (let r = 0; r < rows; r += 1) {
    for (let k = 0; k < K; k += 1) {
      const x = a[from + r * K + k];
      let sum = 0;
      for (let j = 0; j < N; j += 1) {
        sum += dout[fromOut + r * N + j] * b[k * N + j];
        db[k * N + j] += x * dout[fromOut + r * N + j];
      }
      da[from + r * K + k] += sum;
    }
  }
}

/** One layer's weights, or their gradients. */
export interface Layer {
  /** [D, 4 H] */
  kernel: Floats;
  /** [H, 4 H] */
  recurrent: Floats;
  /** [4 H] */
  bias: Floats;
}

/** What the backward pass needs of the forward one; row t + 1 of c and h is step t, row 0 the beginning. */
export interface Trace {
  n: number;
  D: number;
  H: number;
  /** [n, D] */
  x: Floats;
  /** [n, 4 H] i, f, g, o */
  gates: Floats;
  /** [n + 1, H] */
  c: Floats;
  /** [n + 1, H] */
  h: Floats;
}

export function lstm(x: Floats, n: number, D: number, H: number, { kernel, recurrent, bias }: Layer, make: (length: number) => Floats): Trace {
  const [gates, c, h] = [make(n * 4 * H), make((n + 1) * H), make((n + 1) * H)];
  for (let t = 0; t < n; t += 1) {
    const z = t * 4 * H;
    for (let j = 0; j < 4 * H; j += 1) gates[z + j] = bias[j];
    multiply(x, kernel, gates, 1, D, 4 * H, t * D, z);
    multiply(h, recurrent, gates, 1, H, 4 * H, t * H, z);
    for (let j = 0; j < H; j += 1) {
      const i = sigmoid(gates[z + j]);
      const f = sigmoid(gates[z + H + j]);
      const g = Math.tanh(gates[z + 2 * H + j]);
      const o = sigmoid(gates[z + 3 * H + j]);
      const next = f * c[t * H + j] + i * g;
      c[(t + 1) * H + j] = next;
      h[(t + 1) * H + j] = o * Math.tanh(next);
      gates[z + j] = i;
      gates[z + H + j] = f;
      gates[z + 2 * H + j] = g;
      gates[z + 3 * H + j] = o;
    }
  }
  return { n, D, H, x, gates, c, h };
}

/**
 * dh [n + 1, H] comes with what the layer above says of each h (row 0 unused), and takes up what the later steps say.
 *
 *   do = dh tanh(c) o (1 - o)      dc += dh o (1 - tanh(c)^2)
 *   di = dc g i (1 - i)   dg = dc i (1 - g^2)   df = dc c_{t-1} f (1 - f)   dc_{t-1} = dc f
 *   dx = dz W^T   dh_{t-1} += dz U^T   dW += x^T dz   dU += h_{t-1}^T dz   db += dz
 *
 * @returns dx [n, D]
 */
export function lstmBack({ n, D, H, x, gates, c, h }: Trace, { kernel, recurrent }: Layer, dh: Floats, d: Layer, make: (length: number) => Floats): Floats {
  const [dx, dz, dc] = [make(n * D), make(n * 4 * H), make(H)];
  for (let t = n - 1; t >= 0; t -= 1) {
    const z = t * 4 * H;
    for (let j = 0; j < H; j += 1) {
      const [i, f, g, o] = [gates[z + j], gates[z + H + j], gates[z + 2 * H + j], gates[z + 3 * H + j]];
      const tanh = Math.tanh(c[(t + 1) * H + j]);
      const above = dh[(t + 1) * H + j];
      const dcj = dc[j] + above * o * (1 - tanh * tanh);
      dz[z + j] = dcj * g * i * (1 - i);
      dz[z + H + j] = dcj * c[t * H + j] * f * (1 - f);
      dz[z + 2 * H + j] = dcj * i * (1 - g * g);
      dz[z + 3 * H + j] = above * tanh * o * (1 - o);
      dc[j] = dcj * f;
    }
    for (let j = 0; j < 4 * H; j += 1) d.bias[j] += dz[z + j];
    multiplyBack(x, kernel, dz, dx, d.kernel, 1, D, 4 * H, t * D, z);
    multiplyBack(h, recurrent, dz, dh, d.recurrent, 1, H, 4 * H, t * H, z);
  }
  return dx;
}

/**
 * Softmax and cross entropy of one row of logits; the row becomes its gradient, factor * (softmax - target).
 * @returns -log softmax[target], natural
 */
export function softmaxCrossEntropy(logits: Floats, from: number, C: number, target: number, factor: number): number {
  let most = -Infinity;
  for (let j = 0; j < C; j += 1) most = Math.max(most, logits[from + j]);
  let sum = 0;
  for (let j = 0; j < C; j += 1) sum += Math.exp(logits[from + j] - most);
  const loss = Math.log(sum) + most - logits[from + target];
  for (let j = 0; j < C; j += 1) logits[from + j] = (Math.exp(logits[from + j] - most) / sum - (j === target ? 1 : 0)) * factor;
  return loss;
}

/** Multiplies each row of `values` [n, width], from its row `first` on, by the mask of example b; the same call serves the gradient. */
function dropOut(values: Floats, first: number, n: number, width: number, { seed, step }: Batch, site: number, rate: number, b: number): void {
  if (rate === 0) return;
  const [bar, scale, place] = [barOf(rate), scaleOf(rate), placeKey(seed, step, site)];
  for (let t = 0; t < n; t += 1) {
    const key = rowKey(place, b, t);
    for (let j = 0; j < width; j += 1) values[(first + t) * width + j] *= isKept(key, j, bar) ? scale : 0;
  }
}

/** Adam (Kingma and Ba 2015), one parameter. @param clip  what the gradient is multiplied by first */
export function adam(p: Floats, mean: Floats, square: Floats, gradient: Floats, clip: number, step: number, { learningRate, beta1, beta2, epsilon }: TrainingOptions): void {
  const rate = learningRate / (1 - beta1 ** step);
  const root = Math.sqrt(1 - beta2 ** step);
  for (let i = 0; i < p.length; i += 1) {
    const g = gradient[i] * clip;
    mean[i] = beta1 * mean[i] + (1 - beta1) * g;
    square[i] = beta2 * square[i] + (1 - beta2) * g * g;
    p[i] -= (rate * mean[i]) / (Math.sqrt(square[i]) / root + epsilon);
  }
}

/** What gradients are multiplied by so that their norm, all together, is at most `clipNorm`. Source: Pascanu et al. 2013 */
function clipOf(gradients: Floats[], clipNorm: number): number {
  let square = 0;
  for (const values of gradients) {
    for (let i = 0; i < values.length; i += 1) square += values[i] * values[i];
  }
  const norm = Math.sqrt(square);
  return norm > clipNorm ? clipNorm / norm : 1;
}

/** The layers of one example, up to the second LSTM. */
interface Forward {
  /** positions of the tokens that are no padding */
  positions: number[];
  one: Trace;
  two: Trace;
}

const layerOf = (named: Named, layer: 'lstm1' | 'lstm2'): Layer => ({
  kernel: named[`${layer}.kernel`], recurrent: named[`${layer}.recurrent`], bias: named[`${layer}.bias`],
});

/** Logits [rows, C] of hidden [rows, H2]. */
function dense(p: Named, hidden: Floats, rows: number, { H2, C }: LstmShape, make: (length: number) => Floats): Floats {
  const logits = make(rows * C);
  for (let r = 0; r < rows; r += 1) logits.set(p['dense.bias'], r * C);
  multiply(hidden, p['dense.kernel'], logits, rows, H2, C);
  return logits;
}

/** @param bits  of every number that is kept and computed with */
export function createNaiveEngine(shape: LstmShape, bits: 32 | 64 = 32): Engine {
  const { E, H1, H2, C, head } = shape;
  const make = (length: number): Floats => (bits === 32 ? new Float32Array(length) : new Float64Array(length));
  const zeros = (): Named => Object.fromEntries(parameterNames.map((name) => [name, make(lengthOf(shape, name))])) as Named;
  const quantities = { value: zeros(), mean: zeros(), square: zeros() };
  const p = quantities.value;
  const gradients = zeros();

  /** @param batch  undefined: nothing is left out */
  function forward(tokens: Int32Array, batch?: Batch, b = 0): Forward {
    const positions = [...tokens.keys()].filter((t) => tokens[t] !== 0);
    const n = positions.length;
    const x = make(n * E);
    positions.forEach((at, t) => x.set(p.embedding.subarray(tokens[at] * E, (tokens[at] + 1) * E), t * E));
    if (batch !== undefined) dropOut(x, 0, n, E, batch, sites.embedding, batch.dropout.embedding, b);
    const one = lstm(x, n, E, H1, layerOf(p, 'lstm1'), make);
    const between = one.h.slice(H1);
    if (batch !== undefined) dropOut(between, 0, n, H1, batch, sites.between, batch.dropout.between, b);
    const two = lstm(between, n, H1, H2, layerOf(p, 'lstm2'), make);
    return { positions, one, two };
  }

  /** What the classes are computed from: [n, H2] or [1, H2], and where each row's target stands. */
  function outputs({ two, positions }: Forward, b: number, T: number, batch?: Batch): { hidden: Floats; targets: number[] } {
    const hidden = two.h.slice(H2);
    if (batch !== undefined) dropOut(hidden, 0, two.n, H2, batch, sites.output, batch.dropout.output, b);
    if (head === 'each') return { hidden, targets: positions.map((t) => b * T + t) };
    return { hidden: two.n === 0 ? make(H2) : hidden.slice((two.n - 1) * H2), targets: [b] };
  }

  function learnFrom(batch: Batch, b: number): number {
    const { T, tokens, targets, weights, scale, dropout } = batch;
    const state = forward(tokens.subarray(b * T, (b + 1) * T), batch, b);
    const { one, two } = state;
    const out = outputs(state, b, T, batch);
    const rows = out.targets.length;
    const logits = dense(p, out.hidden, rows, shape, make);
    let loss = 0;
    for (let r = 0; r < rows; r += 1) {
      const weight = weights[out.targets[r]];
      if (weight === 0) logits.fill(0, r * C, (r + 1) * C);
      else loss += weight * scale * softmaxCrossEntropy(logits, r * C, C, targets[out.targets[r]], weight * scale);
      for (let j = 0; j < C; j += 1) gradients['dense.bias'][j] += logits[r * C + j];
    }
    const dout = make(rows * H2);
    multiplyBack(out.hidden, p['dense.kernel'], logits, dout, gradients['dense.kernel'], rows, H2, C);
    if (two.n === 0) return loss;
    const dh2 = make((two.n + 1) * H2);
    dh2.set(dout, head === 'each' ? H2 : two.n * H2);
    dropOut(dh2, 1, two.n, H2, batch, sites.output, dropout.output, b);
    const dbetween = lstmBack(two, layerOf(p, 'lstm2'), dh2, layerOf(gradients, 'lstm2'), make);
    dropOut(dbetween, 0, two.n, H1, batch, sites.between, dropout.between, b);
    const dh1 = make((one.n + 1) * H1);
    dh1.set(dbetween, H1);
    const dx = lstmBack(one, layerOf(p, 'lstm1'), dh1, layerOf(gradients, 'lstm1'), make);
    dropOut(dx, 0, one.n, E, batch, sites.embedding, dropout.embedding, b);
    state.positions.forEach((at, t) => {
      const row = tokens[b * T + at] * E;
      for (let j = 0; j < E; j += 1) gradients.embedding[row + j] += dx[t * E + j];
    });
    return loss;
  }

  return {
    read: (quantity, name) => Float32Array.from(quantities[quantity][name]),
    write: (quantity, name, values) => quantities[quantity][name].set(values),
    infer(tokens) {
      const state = forward(tokens);
      const { hidden, targets } = outputs(state, 0, tokens.length);
      const logits = dense(p, hidden, targets.length, shape, make);
      if (head === 'last') return Float32Array.from(logits);
      const out = new Float32Array(tokens.length * C);
      targets.forEach((t, r) => out.set(logits.subarray(r * C, (r + 1) * C), t * C));
      return out;
    },
    hidden(tokens) {
      const { two } = forward(tokens);
      return Float32Array.from(two.h.subarray(two.n * H2));
    },
    crossEntropy({ B, T, tokens, targets, weights }) {
      const out = new Float32Array(targets.length);
      for (let b = 0; b < B; b += 1) {
        const { hidden, targets: places } = outputs(forward(tokens.subarray(b * T, (b + 1) * T)), b, T);
        const logits = dense(p, hidden, places.length, shape, make);
        places.forEach((place, r) => {
          if (weights[place] !== 0) out[place] = softmaxCrossEntropy(logits, r * C, C, targets[place], 1);
        });
      }
      return out;
    },
    gradients(batch) {
      for (const name of parameterNames) gradients[name].fill(0);
      let loss = 0;
      for (let b = 0; b < batch.B; b += 1) loss += learnFrom(batch, b);
      return loss;
    },
    gradient: (name) => Float32Array.from(gradients[name]),
    update(step, options, frozen) {
      const names = parameterNames.filter((name) => !frozen.has(name));
      const clip = clipOf(names.map((name) => gradients[name]), options.clipNorm);
      for (const name of names) adam(p[name], quantities.mean[name], quantities.square[name], gradients[name], clip, step, options);
    },
  };
}
