import { describe, expect, it } from 'vitest';
import type { Batch, Engine } from '../../models/lstm/engine.js';
import { createNaiveEngine } from '../../models/lstm/naive.js';
import { createNetwork, loadNetwork, loadTraining, type Network } from '../../models/lstm/network.js';
import { initialise, lengthOf, parameterNames, sizeOf, type Head, type LstmShape, type ParameterName } from '../../models/lstm/shape.js';
import { randomBatch, type Examples } from '../support/lstm.js';

const shapeOf = (head: Head): LstmShape => ({ V: 11, E: 5, H1: 6, H2: 3, C: 4, head });
const heads: readonly Head[] = ['last', 'each'];

const batchOf = ({ tokens, targets, B, T }: Examples, rate: number): Batch => {
  const weights = Float32Array.from(targets, (_, i) => (targets.length === B || tokens[i] !== 0 ? 0.5 + (i % 3) : 0));
  const scale = 1 / weights.reduce((sum, weight) => sum + weight, 0);
  return { B, T, tokens, targets, weights, scale, dropout: { embedding: rate, between: rate, output: rate }, seed: 3, step: 2 };
};

/** The largest difference between the gradient and (loss(p + e) - loss(p - e)) / 2 e over all numbers of a parameter. */
function againstDifferences(engine: Engine, batch: Batch, name: ParameterName): number {
  engine.gradients(batch);
  const gradient = engine.gradient(name);
  const values = engine.read('value', name);
  let most = 0;
  values.forEach((value, i) => {
    const lossAt = (shifted: number): number => {
      const moved = values.slice();
      moved[i] = shifted;
      engine.write('value', name, moved);
      return engine.gradients(batch);
    };
    const [above, below] = [Math.fround(value + 2 ** -13), Math.fround(value - 2 ** -13)];
    const numeric = (lossAt(above) - lossAt(below)) / (above - below);
    most = Math.max(most, Math.abs(numeric - gradient[i])); // NaN wins
  });
  engine.write('value', name, values);
  return most;
}

describe('the naive network', () => {
  for (const head of heads) {
    for (const rate of [0, 0.4]) {
      it(`has the gradients that central differences show (head ${head}, dropout ${rate})`, () => {
        const shape = shapeOf(head);
        const engine = createNaiveEngine(shape, 64);
        // Larger numbers than training starts with, so that no gate is near its middle.
        for (const name of parameterNames) engine.write('value', name, initialise(shape, name, 5).map((value, i) => 2 * value + 0.3 * Math.sin(i)));
        const batch = batchOf(randomBatch(shape, 4, 6, 7, true), rate);
        for (const name of parameterNames) expect(againstDifferences(engine, batch, name), name).toBeLessThanOrEqual(1e-7);
        expect(Math.max(...engine.gradient('embedding').map(Math.abs))).toBeGreaterThan(1e-3);
      });
    }
  }
});

describe('initial numbers', () => {
  const shape: LstmShape = { V: 50, E: 16, H1: 12, H2: 8, C: 6, head: 'last' };

  it('are the same for the same seed, and others for another', () => {
    for (const name of parameterNames) {
      expect(initialise(shape, name, 1)).toEqual(initialise(shape, name, 1));
      expect(initialise(shape, name, 1)).toHaveLength(lengthOf(shape, name));
      if (!name.endsWith('.bias')) expect(initialise(shape, name, 1), name).not.toEqual(initialise(shape, name, 2));
    }
  });

  it('keep recurrent rows orthonormal, kernels within their limit, and the forget gate open', () => {
    const [rows, columns] = sizeOf(shape, 'lstm1.recurrent');
    const q = initialise(shape, 'lstm1.recurrent', 1);
    for (let a = 0; a < rows; a += 1) {
      for (let b = 0; b <= a; b += 1) {
        let dot = 0;
        for (let j = 0; j < columns; j += 1) dot += q[a * columns + j] * q[b * columns + j];
        expect(Math.abs(dot - (a === b ? 1 : 0))).toBeLessThanOrEqual(1e-6);
      }
    }
    const limit = Math.sqrt(6 / (16 + 48));
    const most = Math.max(...initialise(shape, 'lstm1.kernel', 1).map(Math.abs));
    expect(most).toBeLessThanOrEqual(limit);
    expect(most).toBeGreaterThan(0.98 * limit);
    expect([...initialise(shape, 'lstm2.bias', 1)]).toEqual([...new Float32Array(8), ...new Float32Array(8).fill(1), ...new Float32Array(16)]);
    expect(initialise(shape, 'embedding', 1).subarray(0, 16).every((value) => value === 0)).toBe(true);
  });

  it('do not depend on the vocabulary or the classes in the layers between', () => {
    const other = { ...shape, V: 70, C: 9 };
    for (const name of ['lstm1.kernel', 'lstm1.recurrent', 'lstm2.kernel', 'lstm2.recurrent'] as const) expect(initialise(other, name, 1)).toEqual(initialise(shape, name, 1));
  });
});

describe('a network', () => {
  const bytesOf = (network: Network): Buffer => Buffer.concat(network.saveTraining());
  const train = (network: Network, steps: number, from = 0): void => {
    for (let step = from; step < from + steps; step += 1) {
      const { tokens, targets, B, T } = randomBatch(network.shape, 5, 6, 100 + step);
      network.trainStep(tokens, targets, B, T);
    }
  };

  for (const head of heads) {
    it(`answers the same with and without padding, bit for bit (head ${head})`, () => {
      const network = createNetwork(shapeOf(head), 1);
      const plain = network.infer(Int32Array.of(3, 1, 7));
      const padded = network.infer(Int32Array.of(0, 3, 1, 0, 7, 0, 0));
      if (head === 'last') expect(padded).toEqual(plain);
      else for (const [t, place] of [1, 2, 4].entries()) expect(padded.subarray(4 * place, 4 * place + 4)).toEqual(plain.subarray(4 * t, 4 * t + 4));
      if (head === 'each') expect([...padded.subarray(0, 4), ...padded.subarray(12, 16)]).toEqual(Array(8).fill(0));
      expect(network.hidden(Int32Array.of(0, 3, 1, 0, 7))).toEqual(network.hidden(Int32Array.of(3, 1, 7)));
    });

    it(`goes on from a saved training bit for bit, dropout included (head ${head})`, () => {
      const start = (): Network => createNetwork(shapeOf(head), 9, { dropout: { embedding: 0.1, between: 0.2, output: 0.3 }, clipNorm: Infinity });
      const [whole, first] = [start(), start()];
      train(whole, 8);
      train(first, 3);
      const resumed = loadTraining(first.saveTraining());
      expect(resumed.step).toBe(3);
      train(resumed, 5, 3);
      expect(bytesOf(resumed).equals(bytesOf(whole))).toBe(true);
    });
  }

  it('learns the same bits from a batch however far it is padded, and whatever is asked between two steps', () => {
    const start = (): Network => createNetwork(shapeOf('last'), 9, { dropout: { embedding: 0.1, between: 0.2, output: 0.3 } });
    const [plain, padded] = [start(), start()];
    for (let step = 0; step < 4; step += 1) {
      const { tokens, targets, B, T } = randomBatch(plain.shape, 5, 6, 100 + step);
      const wide = new Int32Array(B * 40);
      for (let b = 0; b < B; b += 1) wide.set(tokens.subarray(b * T, (b + 1) * T), b * 40 + (b % 3));
      const loss = plain.trainStep(tokens, targets, B, T);
      expect(padded.trainStep(wide, targets, B, 40)).toBe(loss);
      padded.infer(new Int32Array(500).fill(3)); // takes more memory than the steps do
      padded.crossEntropy(tokens, targets, B, T);
      padded.hidden(tokens.subarray(0, T));
    }
    expect(bytesOf(padded).equals(bytesOf(plain))).toBe(true);
  });

  it('says for each target of a whole data set what it says for one example alone', () => {
    for (const head of heads) {
      const network = createNetwork(shapeOf(head), 3);
      const { tokens, targets, B, T } = randomBatch(network.shape, 900, 7, 5, true);
      const all = network.crossEntropy(tokens, targets, B, T);
      const width = targets.length / B;
      for (const b of [0, 1, 584, 585, 899]) {
        const one = network.crossEntropy(tokens.subarray(b * T, (b + 1) * T), targets.subarray(b * width, (b + 1) * width), 1, T);
        expect(all.subarray(b * width, (b + 1) * width)).toEqual(one);
      }
    }
  });

  it('learns a task that needs the order of words', () => {
    const shape: LstmShape = { V: 6, E: 8, H1: 12, H2: 8, C: 2, head: 'last' };
    const network = createNetwork(shape, 2, { learningRate: 0.02 });
    // Class 1: word 1 comes before word 2.
    const examples = Array.from({ length: 60 }, (_, i) => ({ tokens: i % 2 === 0 ? [3 + (i % 3), 1, 4, 2] : [3 + (i % 3), 2, 4, 1], target: i % 2 === 0 ? 1 : 0 }));
    const tokens = Int32Array.from(examples.flatMap((example) => example.tokens));
    const targets = Int32Array.from(examples, ({ target }) => target);
    const first = network.trainStep(tokens, targets, 60, 4);
    for (let step = 0; step < 150; step += 1) network.trainStep(tokens, targets, 60, 4);
    expect(first).toBeGreaterThan(0.6);
    const losses = network.crossEntropy(tokens, targets, 60, 4);
    expect(Math.max(...losses)).toBeLessThanOrEqual(0.05);
  });

  it('leaves frozen parameters as they are, and learns the others', () => {
    const network = createNetwork(shapeOf('last'), 1, { frozen: ['embedding', 'lstm1.kernel'] });
    const before = Object.fromEntries(parameterNames.map((name) => [name, network.get(name)]));
    train(network, 2);
    for (const name of parameterNames) expect(network.get(name).every((value, i) => value === before[name][i]), name).toBe(name === 'embedding' || name === 'lstm1.kernel');
  });

  it('does not count targets of -1', () => {
    const network = createNetwork(shapeOf('last'), 1);
    const { tokens, targets, B, T } = randomBatch(network.shape, 4, 6, 1);
    const some = targets.slice();
    some[1] = -1;
    const weights = Float32Array.from(targets, (_, b) => (b === 1 ? 0 : 1));
    expect(network.gradients(tokens, some, B, T)).toEqual(network.gradients(tokens, targets, B, T, weights));
    expect(network.crossEntropy(tokens, some, B, T)[1]).toBe(0);
    expect(() => network.trainStep(tokens, new Int32Array(4).fill(-1), B, T)).toThrow('no target counts');
  });
});

describe('a file', () => {
  const network = createNetwork(shapeOf('last'), 4);
  const tokens = Int32Array.of(1, 2, 3);

  it('gives the same network back, however it is cut', () => {
    const whole = Buffer.concat(network.save());
    const cut = [whole.subarray(0, 7), whole.subarray(7, 1000), whole.subarray(1000)];
    const again = loadNetwork(cut);
    expect(again.infer(tokens)).toEqual(network.infer(tokens));
    expect(Buffer.concat(again.save()).equals(whole)).toBe(true);
  });

  it('is refused by name when it is cut short, damaged, of another kind or of another version', () => {
    const whole = Buffer.concat(network.save());
    expect(() => loadNetwork([whole.subarray(0, whole.length - 5)])).toThrow('lstm snapshot: checksum differs');
    expect(() => loadNetwork([whole.subarray(0, 9)])).toThrow('lstm snapshot: truncated');
    const damaged = Buffer.from(whole);
    damaged[whole.length - 100] ^= 1;
    expect(() => loadNetwork([damaged])).toThrow('lstm snapshot: checksum differs');
    const newer = Buffer.from(whole);
    newer.writeUInt32LE(2, 4);
    expect(() => loadNetwork([newer])).toThrow('lstm snapshot: version 2, this build reads 1');
    expect(() => loadNetwork(network.saveTraining())).toThrow('instead of ALSM');
    expect(() => loadTraining(network.save())).toThrow('instead of ALST');
  });

  it('is not written of numbers that are none', () => {
    expect(() => network.set('dense.bias', Float32Array.of(0, NaN, 0, 0))).toThrow('dense.bias[1] must be finite');
  });
});

describe('what is refused, by name', () => {
  it('shapes', () => {
    expect(() => createNetwork({ ...shapeOf('last'), H1: 0 }, 1)).toThrow('lstm: H1 must be a whole number from 1 to 1024, got 0');
    expect(() => createNetwork({ V: 1_000_000, E: 1024, H1: 8, H2: 8, C: 2, head: 'last' }, 1)).toThrow('parameters are more than');
  });
  it('options', () => {
    expect(() => createNetwork(shapeOf('last'), 1, { learningRate: NaN })).toThrow('learningRate must be');
    expect(() => createNetwork(shapeOf('last'), 1, { dropout: { output: 1 } })).toThrow('dropout.output must be a rate');
    expect(() => createNetwork(shapeOf('last'), 1.5)).toThrow('seed');
  });
  it('batches', () => {
    const network = createNetwork(shapeOf('last'), 1);
    expect(() => network.infer(Int32Array.of(1, 11))).toThrow('tokens[1] must be from 0 to V - 1 = 10, got 11');
    expect(() => network.trainStep(Int32Array.of(1, 2), Int32Array.of(4), 1, 2)).toThrow('targets[0] must be from -1 to C - 1 = 3, got 4');
    expect(() => network.trainStep(Int32Array.of(1, 2), Int32Array.of(1), 2, 2)).toThrow('tokens must be [B, T] = 4 numbers, got 2');
    expect(() => network.trainStep(Int32Array.of(1, 2), Int32Array.of(1), 1, 2, Float32Array.of(NaN))).toThrow('weights[0]');
  });
});
