/** Two threads learn the same bits as one, whichever of them does what. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { alone, startPair, type Crew, type Pair } from '../../models/lstm/crew.js';
import { createFastEngine, fastEngineOn } from '../../models/lstm/fast.js';
import { loadKernels } from '../../models/lstm/load.js';
import { createMemory } from '../../models/lstm/memory.js';
import { createNetwork, loadTraining, type Network } from '../../models/lstm/network.js';
import { halvesOf } from '../../models/lstm/plan.js';
import { parameterNames, type LstmShape } from '../../models/lstm/shape.js';
import { createStore, trainingOf } from '../../models/lstm/store.js';
import { phases } from '../../models/lstm/work.js';
import { randomBatch } from '../support/lstm.js';

const intents: LstmShape = { V: 700, E: 40, H1: 48, H2: 24, C: 30, head: 'last' };
const words: LstmShape = { V: 300, E: 24, H1: 33, H2: 17, C: 300, head: 'each' };

const bytesOf = (network: Network): Buffer => Buffer.concat(network.saveTraining());

/** Batches of 1 to 40 sentences of up to 30 words, so that memory grows on the way, some with an example without words. */
function train(network: Network, from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => {
    const step = from + i;
    const sentences = 1 + ((step * 13) % 40);
    const { tokens, targets, B, T } = randomBatch(network.shape, sentences, 2 + ((step * 7) % 29), 300 + step, step % 5 === 0 && sentences > 1);
    return network.trainStep(tokens, targets, B, T, Float32Array.from(targets, (_target, j) => 0.5 + (j % 3)));
  });
}

const learning = { learningRate: 5e-3, dropout: { embedding: 0.1, between: 0.2, output: 0.3 }, clipNorm: 0.5 };
const start = (shape: LstmShape, crew: Crew): Network => createNetwork(shape, 9, { ...learning, engine: fastEngineOn(crew) });

describe('the halves of a batch', () => {
  it('have as many tokens, and each example once', () => {
    const [B, T] = [7, 6];
    const lengths = [1, 6, 3, 0, 5, 2, 4];
    const tokens = new Int32Array(B * T);
    lengths.forEach((length, b) => tokens.fill(3, b * T, b * T + length));
    // By length: examples 1, 4, 6, 2, 5, 0, 3.
    expect(halvesOf(tokens, B, T)).toEqual([Int32Array.of(1, 2, 5), Int32Array.of(0, 3, 4, 6)]);
    // In tiles of four where there are many.
    const many = new Int32Array(20 * 2).fill(3).fill(0, 30, 31);
    expect(halvesOf(many, 20, 2).map((half) => [...half])).toEqual([[0, 1, 2, 3, 8, 9, 10, 11, 15, 17, 18, 19], [4, 5, 6, 7, 12, 13, 14, 16]]);
    expect(halvesOf(Int32Array.of(4, 4), 1, 2)).toEqual([Int32Array.of(0), new Int32Array(0)]);
  });
});

describe('two threads', () => {
  const pair = startPair();
  afterAll(() => pair.close());

  it('has begun', () => {
    expect(pair.begun(30_000)).toBe(true);
  });

  for (const shape of [intents, words]) {
    it(`learn what one learns in twenty steps, bit for bit, and go on from each other's checkpoints (head ${shape.head})`, () => {
      const [one, two] = [start(shape, alone), start(shape, pair)];
      expect(train(two, 0, 12)).toEqual(train(one, 0, 12));
      const [byOne, byTwo] = [loadTraining(two.saveTraining(), createFastEngine), loadTraining(one.saveTraining(), fastEngineOn(pair))];
      for (const network of [one, two, byOne, byTwo]) train(network, 12, 20);
      const whole = bytesOf(one);
      for (const network of [two, byOne, byTwo]) expect(bytesOf(network).equals(whole)).toBe(true);
    });
  }

  it('do so when the second one is sure to have had a hand in it, and two networks learn in turns', () => {
    const shapes = [intents, words];
    const [ones, twos] = [alone, pair].map((crew) => shapes.map((shape) => start(shape, crew)));
    const before = pair.helped();
    let step = 0;
    for (; step < 20 || (pair.helped() - before < 200 && step < 2000); step += 1) twos.forEach((network) => train(network, step, step + 1));
    expect(pair.helped() - before).toBeGreaterThanOrEqual(200);
    ones.forEach((network, i) => {
      train(network, 0, step);
      expect(bytesOf(twos[i]).equals(bytesOf(network))).toBe(true);
    });
  }, 120_000);

  it('have the same gradients as one, and answer in between as one does', () => {
    const [one, two] = [start(intents, alone), start(intents, pair)];
    for (let step = 0; step < 3; step += 1) {
      const { tokens, targets, B, T } = randomBatch(intents, 9, 8, step);
      const [a, b] = [one, two].map((network) => network.gradients(tokens, targets, B, T));
      expect(b.loss).toBe(a.loss);
      for (const name of parameterNames) expect(Buffer.from(b.gradients[name].buffer).equals(Buffer.from(a.gradients[name].buffer)), name).toBe(true);
      expect(two.crossEntropy(tokens, targets, B, T)).toEqual(one.crossEntropy(tokens, targets, B, T));
      expect(two.infer(tokens)).toEqual(one.infer(tokens));
      train(one, step, step + 1);
      train(two, step, step + 1);
    }
  });
});

describe('memory', () => {
  it('is shared with a second thread alone, as V8 gives shared memory back late', () => {
    const kernels = loadKernels();
    expect(createMemory(kernels, false).wasm.buffer).toBeInstanceOf(ArrayBuffer);
    expect(createMemory(kernels, true).wasm.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(alone.shares).toBe(false);
  });
});

describe('the second thread', () => {
  it('ends when it is told to, and who trains on is alone', async () => {
    const pair = startPair();
    const [one, two] = [start(intents, alone), start(intents, pair)];
    train(two, 0, 5);
    await pair.close();
    train(two, 5, 8);
    train(one, 0, 8);
    expect(bytesOf(two).equals(bytesOf(one))).toBe(true);
    expect(pair.begun(0)).toBe(false);
  });

  it('says what went wrong, and the next network is trained all the same', async () => {
    const pair: Pair = startPair();
    pair.begun(30_000);
    const memory = createMemory(loadKernels(), true);
    const store = createStore(intents, memory);
    const site = { views: memory, ground: store.ground, training: trainingOf(store) };
    expect(() => pair.run(site, phases.learn, site.training.steps.length + 40)).toThrow('Cannot destructure property'); // whichever of them came to it
    const [one, two] = [start(intents, alone), start(intents, pair)];
    for (const network of [one, two]) train(network, 0, 3);
    expect(bytesOf(two).equals(bytesOf(one))).toBe(true);
    await pair.close();
  });

  it('costs nothing while it has nothing to do, and holds no process up', () => {
    const crew = new URL('../../dist/models/lstm/crew.js', import.meta.url).href;
    const program = `
      const { startPair } = await import(${JSON.stringify(crew)});
      const pair = startPair();
      if (!pair.begun(30000)) throw new Error('it has not begun');
      await new Promise((resolve) => setTimeout(resolve, 500)); // what starting it cost
      const before = process.cpuUsage();
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const { user, system } = process.cpuUsage(before);
      console.log((user + system) / 1000);`;
    const said = execFileSync(process.execPath, ['--input-type=module', '-e', program], { timeout: 60_000, encoding: 'utf8', cwd: fileURLToPath(new URL('../..', import.meta.url)) });
    expect(Number(said)).toBeLessThanOrEqual(50); // of 1000 ms
  }, 70_000);
});
