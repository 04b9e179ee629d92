import { describe, expect, it } from 'vitest';
import type { Batch, Engine } from '../../models/lstm/engine.js';
import { createFastEngine } from '../../models/lstm/fast.js';
import { loadKernels } from '../../models/lstm/load.js';
import { createMemory } from '../../models/lstm/memory.js';
import { createNaiveEngine } from '../../models/lstm/naive.js';
import { createNetwork, type Network } from '../../models/lstm/network.js';
import { planOf } from '../../models/lstm/plan.js';
import { parameterNames, type LstmShape } from '../../models/lstm/shape.js';
import { distance, randomBatch } from '../support/lstm.js';

const shapes: LstmShape[] = [
  { V: 40, E: 16, H1: 16, H2: 8, C: 16, head: 'last' }, // whole registers
  { V: 23, E: 5, H1: 13, H2: 3, C: 7, head: 'last' },
  { V: 23, E: 9, H1: 6, H2: 17, C: 21, head: 'each' },
  { V: 300, E: 24, H1: 70, H2: 33, C: 300, head: 'each' }, // products in several blocks, the head in several pieces
];

describe('the kernels', () => {
  const memory = createMemory(loadKernels(), false);
  const { kernels } = memory;

  it('know e^x to 2e-7 of itself, and tanh x to 4e-7', () => {
    const n = 200_000;
    const at = memory.take(4 * n);
    const x = Float32Array.from({ length: n }, (_, i) => -64 + (151.9 * i) / n);
    memory.f32(at, n).set(x);
    kernels.exponentials(n, at);
    expect(mostOf(memory.f32(at, n), (y, i) => Math.abs(y / Math.exp(x[i]) - 1))).toBeLessThanOrEqual(2e-7);
    memory.f32(at, n).set(x.map((value) => value / 8));
    kernels.hyperbolicTangents(n, at);
    expect(mostOf(memory.f32(at, n), (y, i) => Math.abs(y - Math.tanh(Math.fround(x[i] / 8))))).toBeLessThanOrEqual(4e-7);
    memory.f32(at, 8).set([-1e30, -100, -65, 0, 88, 100, -0, 1]);
    kernels.exponentials(8, at);
    expect([...memory.f32(at, 8).subarray(0, 4)]).toEqual([0, 0, 0, 1]);
    expect(memory.f32(at, 8)[5]).toBe(memory.f32(at, 8)[4]);
    for (const of of [kernels.exponentials, kernels.hyperbolicTangents]) {
      memory.f32(at, 4).set([NaN, 1, NaN, -1]); // a training that has diverged must show it
      of(4, at);
      expect([...memory.f32(at, 4)].map(Number.isNaN)).toEqual([true, false, true, false]);
    }
  });
});

/** NaN wins. */
function mostOf(values: Float32Array, of: (value: number, i: number) => number): number {
  let most = 0;
  for (let i = 0; i < values.length; i += 1) most = Math.max(most, of(values[i], i));
  return most;
}

describe('a plan', () => {
  it('puts the longest first, and each step behind the one before', () => {
    const plan = planOf(Int32Array.of(5, 0, 0, 1, 2, 3, 0, 0, 0, 7, 0, 8), 4, 3);
    expect(plan).toEqual({
      B: 4, N: 6, steps: 3, offset: Int32Array.of(0, 3, 5, 6), order: Int32Array.of(1, 3, 0, 2),
      tokens: Int32Array.of(1, 7, 5, 2, 8, 3), place: Int32Array.of(3, 9, 0, 4, 11, 5), examples: Int32Array.of(0, 1, 2, 3), last: Int32Array.of(2, 5, 6, 4),
    });
  });
});

describe.each(shapes)('the fast engine beside the naive one, shape %o', (shape) => {
  const engines = (): [Engine, Engine] => [createFastEngine(shape), createNaiveEngine(shape, 64)];
  const start = (engine: Engine): void => {
    const network = createNetwork(shape, 3, { engine: createNaiveEngine });
    for (const name of parameterNames) engine.write('value', name, network.get(name).map((value, i) => 1.5 * value + 0.05 * Math.sin(i)));
  };
  const batch = (rate: number, step = 1): Batch => {
    const { tokens, targets, B, T } = randomBatch(shape, 11, 13, 50 + step, true);
    const weights = Float32Array.from(targets, (_, i) => (i % 7 === 3 || (shape.head === 'each' && tokens[i] === 0) ? 0 : 0.5 + (i % 3)));
    return { B, T, tokens, targets, weights, scale: 1 / weights.reduce((sum, weight) => sum + weight, 0), dropout: { embedding: rate, between: rate, output: rate }, seed: 8, step };
  };

  it('answers the same to 2e-6', () => {
    const [fast, naive] = engines();
    for (const engine of [fast, naive]) start(engine);
    for (const tokens of [Int32Array.of(1, 2, 3, 4, 5, 6, 7), Int32Array.of(0, 9, 0, 3, 0), Int32Array.of(0, 0), new Int32Array(0)]) {
      expect(distance(fast.infer(tokens), naive.infer(tokens))).toBeLessThanOrEqual(2e-6);
      expect(distance(fast.hidden(tokens), naive.hidden(tokens))).toBeLessThanOrEqual(2e-6);
    }
    expect(distance(fast.crossEntropy(batch(0)), naive.crossEntropy(batch(0)))).toBeLessThanOrEqual(4e-6);
  });

  it.each([0, 0.3])('has the same gradients to 2e-6, with dropout %d', (rate) => {
    const [fast, naive] = engines();
    for (const engine of [fast, naive]) start(engine);
    expect(Math.abs(fast.gradients(batch(rate)) - naive.gradients(batch(rate)))).toBeLessThanOrEqual(2e-6);
    for (const name of parameterNames) {
      expect(distance(fast.gradient(name), naive.gradient(name)), name).toBeLessThanOrEqual(2e-6);
      expect(Math.max(...naive.gradient(name).map(Math.abs)), name).toBeGreaterThan(1e-4);
    }
  });
});

describe('training on the fast engine', () => {
  it.each(shapes)('takes the same twenty steps as the naive one to 1e-4, shape %o', (shape) => {
    const train = (network: Network): number[] => Array.from({ length: 20 }, (_, step) => {
      const { tokens, targets, B, T } = randomBatch(shape, 8, 9, 200 + step);
      return network.trainStep(tokens, targets, B, T);
    });
    const options = { learningRate: 1e-3, dropout: { embedding: 0.1, between: 0.1, output: 0.1 }, clipNorm: 0.5, epsilon: 1e-5 };
    const [fast, naive] = [createNetwork(shape, 1, { ...options, engine: createFastEngine }), createNetwork(shape, 1, { ...options, engine: (own) => createNaiveEngine(own, 64) })];
    expect(distance(Float32Array.from(train(fast)), Float32Array.from(train(naive)))).toBeLessThanOrEqual(2e-5);
    for (const name of parameterNames) expect(distance(fast.get(name), naive.get(name)), name).toBeLessThanOrEqual(1e-4);
  });
});
