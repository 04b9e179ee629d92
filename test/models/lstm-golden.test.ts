import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadTensorFlowEngine } from '../../activities/tensorflow.js';
import type { CreateEngine } from '../../models/lstm/engine.js';
import { createFastEngine } from '../../models/lstm/fast.js';
import { createNaiveEngine } from '../../models/lstm/naive.js';
import { createNetwork, loadTraining, type Network } from '../../models/lstm/network.js';
import { parameterNames, type LstmShape, type ParameterName } from '../../models/lstm/shape.js';
import { distance, randomBatch } from '../support/lstm.js';

interface Case {
  shape: LstmShape;
  B: number;
  T: number;
  options: { learningRate: number; clipNorm: number; epsilon: number };
  batches: { tokens: number[]; targets: number[]; weights: number[] }[];
  initial: Record<ParameterName, number[]>;
  /** of the first batch, before anything is learnt */
  logits: number[];
  gradients: Record<ParameterName, number[]>;
  losses: number[];
  norms: number[];
  final: Record<ParameterName, number[]>;
}

/** test/golden/lstm.py wrote it. */
const golden = JSON.parse(readFileSync(new URL('../golden/lstm.json', import.meta.url), 'utf8')) as { torch: string; cases: Case[] };
/** An optional package: TFJS_NODE may say where else it lies. */
const tensorFlow = await loadTensorFlowEngine(process.env.TFJS_NODE);
const engines: Record<string, CreateEngine> = {
  naive: (shape) => createNaiveEngine(shape),
  WebAssembly: createFastEngine,
  ...('engine' in tensorFlow && { TensorFlow: tensorFlow.engine }),
};

describe.skipIf('engine' in tensorFlow)('the TensorFlow engine', () => {
  it.skip(`is not here: ${'reason' in tensorFlow ? tensorFlow.reason : ''}`, () => undefined);
});

describe.runIf('engine' in tensorFlow)('the TensorFlow engine beside the naive one, with dropout, holes and an example without words', () => {
  const engine = 'engine' in tensorFlow ? tensorFlow.engine : createNaiveEngine;
  it.each(golden.cases)('$shape', ({ shape }) => {
    const { tokens, targets, B, T } = randomBatch(shape, 7, 9, 3, true);
    const options = { dropout: { embedding: 0.2, between: 0.3, output: 0.4 }, clipNorm: 0.1, epsilon: 1e-4, frozen: ['lstm1.kernel', 'dense.bias'] as const };
    const [theirs, naive] = [engine, (own: LstmShape) => createNaiveEngine(own, 64)].map((create) => createNetwork(shape, 2, { ...options, engine: create }));
    const [a, b] = [theirs, naive].map((network) => network.gradients(tokens, targets, B, T));
    expect(Math.abs(a.loss - b.loss)).toBeLessThanOrEqual(1e-6);
    for (const name of parameterNames) expect(distance(a.gradients[name], b.gradients[name]), name).toBeLessThanOrEqual(1e-6);
    for (let step = 0; step < 5; step += 1) {
      const batch = randomBatch(shape, 7, 9, 20 + step, true);
      for (const network of [theirs, naive]) network.trainStep(batch.tokens, batch.targets, B, T);
    }
    for (const name of parameterNames) expect(distance(theirs.get(name), naive.get(name)), name).toBeLessThanOrEqual(1e-5);
    expect(distance(theirs.crossEntropy(tokens, targets, B, T), naive.crossEntropy(tokens, targets, B, T))).toBeLessThanOrEqual(1e-5);
    for (const text of [tokens.subarray(0, T), Int32Array.of(0, 3, 0, 4), Int32Array.of(0, 0)]) {
      expect(distance(theirs.infer(text), naive.infer(text))).toBeLessThanOrEqual(1e-5);
      expect(distance(theirs.hidden(text), naive.hidden(text))).toBeLessThanOrEqual(1e-5);
    }
    const resumed = loadTraining(theirs.saveTraining(), engine);
    for (const network of [theirs, resumed]) network.trainStep(tokens, targets, B, T);
    expect(distance(theirs.get('lstm2.kernel'), resumed.get('lstm2.kernel'))).toBeLessThanOrEqual(1e-7);
  });
});

describe.each(Object.entries(engines))('the %s engine beside PyTorch', (_name, engine) => {
  describe.each(golden.cases)('$shape', ({ shape, B, T, options, batches, initial, logits, gradients, losses, norms, final }) => {
    const start = (): Network => {
      const network = createNetwork(shape, 1, { ...options, engine });
      for (const name of parameterNames) network.set(name, Float32Array.from(initial[name]));
      return network;
    };
    const first = { tokens: Int32Array.from(batches[0].tokens), targets: Int32Array.from(batches[0].targets), weights: Float32Array.from(batches[0].weights) };

    it('gives the logits to 1e-6', () => {
      const network = start();
      const rows = Array.from({ length: B }, (_, b) => [...network.infer(first.tokens.subarray(b * T, (b + 1) * T))]);
      expect(distance(rows.flat(), logits)).toBeLessThanOrEqual(1e-6);
    });

    it('gives the loss and the gradients to 1e-6', () => {
      const found = start().gradients(first.tokens, first.targets, B, T, first.weights);
      expect(Math.abs(found.loss - losses[0])).toBeLessThanOrEqual(1e-6);
      for (const name of parameterNames) expect(distance(found.gradients[name], gradients[name]), name).toBeLessThanOrEqual(1e-6);
      const norm = Math.hypot(...parameterNames.flatMap((name) => [...found.gradients[name]]));
      expect(Math.abs(norm - norms[0])).toBeLessThanOrEqual(1e-6);
    });

    it('takes the same twenty steps of Adam: losses to 1e-5, parameters to 1e-4', () => {
      const network = start();
      const found = batches.map(({ tokens, targets, weights }) => network.trainStep(Int32Array.from(tokens), Int32Array.from(targets), B, T, Float32Array.from(weights)));
      expect(distance(found, losses)).toBeLessThanOrEqual(1e-5);
      for (const name of parameterNames) expect(distance(network.get(name), final[name]), name).toBeLessThanOrEqual(1e-4);
      // What was learnt is far larger than the tolerance.
      expect(distance(final['dense.kernel'], initial['dense.kernel'])).toBeGreaterThan(0.05);
    });
  });

  it('has a case in which gradients are clipped, and one in which they are not', () => {
    const clipped = golden.cases.map(({ norms, options }) => norms.some((norm) => norm > options.clipNorm));
    expect(clipped).toEqual([true, false]);
  });
});
