import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lbfgs } from '../../../models/linear/lbfgs.js';
import { fitSoftmax, loadSoftmax, lossAndGradient, saveSoftmax, softmaxLogits, softmaxProbabilities, softmaxSteps, type SoftmaxData } from '../../../models/linear/softmax.js';
import { stack, type SparseRow } from '../../../models/linear/sparse.js';
import { createUniform } from '../../../models/random.js';
import { fitTfidf, loadTfidf, saveTfidf, type Tfidf } from '../../../models/text/tfidf.js';

interface Golden {
  texts: string[];
  labels: number[];
  asked: string[];
  words: Record<'fitted' | 'asked', Record<string, number>[]>;
  letters: Record<'fitted' | 'asked', Record<string, number>[]>;
  softmax: Record<string, { C: number; loss: number; fitted: number[][]; asked: number[][] }>;
}
const golden = JSON.parse(readFileSync('test/golden/text-models.json', 'utf8')) as Golden;
const split = (text: string): { text: string }[] => text.split(' ').map((word) => ({ text: word }));
const words = { runs: [1, 2], dfMin: 2, max: 10_000 } as const;
const letters = { runs: [2, 4], dfMin: 2, max: 10_000 } as const;
const worst = (a: ArrayLike<number>, b: ArrayLike<number>): number => (a.length === b.length ? Array.from(a).reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0) : NaN);

function named({ indices, values }: SparseRow, { terms }: Tfidf): Record<string, number> {
  return Object.fromEntries(Array.from(indices, (column, k) => [terms[column].replaceAll('\u0001', ' '), values[k]]));
}

describe('tfidf', () => {
  it.each([
    ['words', { words, sublinear: true }],
    ['letters', { letters, sublinear: false }],
  ] as const)('weighs %s as scikit-learn does', (name, settings) => {
    const tfidf = fitTfidf(golden.texts.map(split), settings);
    for (const [part, texts] of [['fitted', golden.texts], ['asked', golden.asked]] as const) {
      texts.forEach((text, i) => {
        const [ours, theirs] = [named(tfidf.row(split(text)), tfidf), golden[name][part][i]];
        expect(Object.keys(ours).sort()).toEqual(Object.keys(theirs).sort());
        for (const [term, weight] of Object.entries(theirs)) expect(Math.abs(ours[term] - weight) <= 1e-12, `${text}: ${term}`).toBe(true);
      });
    }
  });

  it('gives the same columns whatever the order of the texts, and the words of most texts if there are too many', () => {
    const settings = { words: { ...words, dfMin: 1, max: 7 }, letters: { ...letters, max: 20 }, sublinear: true };
    const [there, back] = [golden.texts, [...golden.texts].reverse()].map((texts) => fitTfidf(texts.map(split), settings));
    expect(back.terms).toEqual(there.terms);
    expect([there.wordColumns, there.F]).toEqual([7, 27]);
    expect(there.terms.slice(0, 3)).toEqual(['invoice', 'my', 'order']);
  });

  it('has rows in order of their columns, and none for what nobody knows', () => {
    const tfidf = fitTfidf(golden.texts.map(split), { words, letters, sublinear: true });
    const { starts, indices, values, F } = tfidf.rows([...golden.texts, ''].map(split));
    expect(F).toBe(tfidf.F);
    for (let i = 0; i + 1 < starts.length; i += 1) {
      for (let k = starts[i] + 1; k < starts[i + 1]; k += 1) expect(indices[k]).toBeGreaterThan(indices[k - 1]);
      const length = values.subarray(starts[i], starts[i + 1]).reduce((sum, value) => sum + value * value, 0);
      expect([0, 1, 2].some((blocks) => Math.abs(length - blocks) <= 1e-12)).toBe(true);
    }
    expect(tfidf.row([]).indices).toHaveLength(0);
  });

  it('comes back from its file as it was', () => {
    const tfidf = fitTfidf(golden.texts.map(split), { words, letters, sublinear: true });
    const loaded = loadTfidf(saveTfidf(tfidf));
    for (const text of golden.asked) expect(loaded.row(split(text))).toEqual(tfidf.row(split(text)));
    expect(Buffer.concat(saveTfidf(loaded)).equals(Buffer.concat(saveTfidf(tfidf)))).toBe(true);
    expect(() => loadTfidf(saveTfidf(tfidf).slice(0, 2))).toThrow(/tfidf snapshot/);
  });

  it('refuses settings that make no sense', () => {
    expect(() => fitTfidf([], { sublinear: true })).toThrow('needs words, letters or both');
    expect(() => fitTfidf([], { words: { ...words, runs: [2, 1] }, sublinear: true })).toThrow('words.runs must be two whole numbers');
    expect(() => fitTfidf([], { letters: { ...letters, dfMin: 0 }, sublinear: true })).toThrow('letters.dfMin must be a whole number >= 1, got 0');
  });
});

function madeUp(N: number, F: number, C: number): SoftmaxData {
  const uniform = createUniform(4);
  const rows = Array.from({ length: N }, () => {
    const columns = Array.from({ length: F }, (_, j) => j).filter(() => uniform() < 0.4);
    return { indices: Int32Array.from(columns), values: Float64Array.from(columns, () => uniform() * 2 - 1) };
  });
  return { X: stack(F, rows), y: Int32Array.from({ length: N }, (_, i) => i % C), c: Float64Array.from({ length: N }, () => 0.5 + uniform()), C };
}

describe('softmax', () => {
  it('has the gradient of its loss, by central differences', () => {
    const data = madeUp(31, 6, 4);
    const uniform = createUniform(9);
    const W = Float64Array.from({ length: 7 * 4 }, () => uniform() - 0.5);
    const [dW, waste, h] = [new Float64Array(28), new Float64Array(28), 1e-5];
    lossAndGradient(data, W, 0.3, dW);
    for (let k = 0; k < 28; k += 1) {
      const [up, down] = [W.slice(), W.slice()];
      up[k] += h;
      down[k] -= h;
      expect(Math.abs((lossAndGradient(data, up, 0.3, waste) - lossAndGradient(data, down, 0.3, waste)) / (2 * h) - dW[k]) <= 1e-8).toBe(true);
    }
  });

  it.each(Object.keys(golden.softmax))('agrees with scikit-learn: %s', (name) => {
    const { C, loss, fitted, asked } = golden.softmax[name];
    const tfidf = [fitTfidf(golden.texts.map(split), { words, sublinear: true }), fitTfidf(golden.texts.map(split), { letters, sublinear: false })];
    const rowOf = (text: string): SparseRow => {
      const [a, b] = tfidf.map((part) => part.row(split(text)));
      return { indices: Int32Array.from([...a.indices, ...b.indices.map((column) => column + tfidf[0].F)]), values: Float64Array.from([...a.values, ...b.values]) };
    };
    const X = stack(tfidf[0].F + tfidf[1].F, golden.texts.map(rowOf));
    const y = Int32Array.from(golden.labels);
    const weights = name === 'weighted' ? Float64Array.from(golden.texts, (_, i) => 0.5 + i / golden.texts.length) : new Float64Array(y.length).fill(1);
    const model = fitSoftmax(X, y, 3, { l2: 1 / C, weights, gradientMax: 1e-9, iterationsMax: 1000 });
    const reached = lossAndGradient({ X, y, c: weights, C: 3 }, Float64Array.from(model.W), 1 / C, new Float64Array(model.W.length));
    expect(Math.abs(reached - loss) <= 1e-5).toBe(true);
    for (const [texts, theirs] of [[golden.texts, fitted], [golden.asked, asked]] as const) {
      texts.forEach((text, i) => expect(worst(softmaxProbabilities(model, rowOf(text)), theirs[i]) <= 1e-5, text).toBe(true));
    }
  });

  it('does not overflow, adds up to one, and passes over columns it does not have', () => {
    const model = { F: 2, C: 3, W: Float32Array.of(1000, -1000, 0, 0, 0, 0, 0, 0, 0) };
    const row = { indices: Int32Array.of(0, 7), values: Float64Array.of(1000, 1) };
    expect([...softmaxProbabilities(model, row)]).toEqual([1, 0, 0]);
    expect([...softmaxLogits(model, { indices: new Int32Array(0), values: new Float64Array(0) })]).toEqual([0, 0, 0]);
  });

  it('tells at each step how far it is, and falls with each', () => {
    const { X, y } = madeUp(60, 8, 3);
    const values = [...softmaxSteps(X, y, 3, { l2: 0.1 })].map((step) => step.value);
    expect(values.length).toBeGreaterThan(3);
    for (let i = 1; i < values.length; i += 1) expect(values[i] <= values[i - 1]).toBe(true);
  });

  it('comes back from its file as it was', () => {
    const { X, y } = madeUp(40, 5, 3);
    const model = fitSoftmax(X, y, 3, { l2: 1 });
    const chunks = saveSoftmax(model);
    expect(loadSoftmax(chunks)).toEqual(model);
    const bytes = Buffer.concat(chunks);
    bytes[40] ^= 1;
    expect(() => loadSoftmax([bytes])).toThrow(/softmax snapshot/);
  });

  it('refuses what it cannot be trained on', () => {
    const { X, y } = madeUp(6, 5, 3);
    expect(() => fitSoftmax(X, y, 2, { l2: 1 })).toThrow('softmax: label of row 2 must be 0 to 1, got 2');
    expect(() => fitSoftmax(X, y.subarray(1), 3, { l2: 1 })).toThrow('softmax: 6 rows but 5 labels');
    expect(() => fitSoftmax(X, y, 3, { l2: 0 })).toThrow('softmax: l2 must be a number > 0, got 0');
    expect(() => fitSoftmax({ ...X, values: X.values.map(() => NaN) }, y, 3, { l2: 1 })).toThrow(/softmax: row 0, column \d must be finite, got NaN/);
  });
});

describe('lbfgs', () => {
  it("finds the bottom of Rosenbrock's valley", () => {
    const x = Float64Array.of(-1.2, 1);
    const steps = [...lbfgs(([a, b], g) => {
      g[0] = -400 * a * (b - a * a) - 2 * (1 - a);
      g[1] = 200 * (b - a * a);
      return 100 * (b - a * a) ** 2 + (1 - a) ** 2;
    }, x, { gradientMax: 1e-8 })];
    expect(worst(x, [1, 1]) <= 1e-6).toBe(true);
    expect(steps.at(-1)?.done).toBe(true);
    expect(steps.length).toBeLessThan(80);
  });

  it('stops after so many steps, and says that it is not done', () => {
    const x = Float64Array.of(-1.2, 1);
    const steps = [...lbfgs(([a, b], g) => { g[0] = 2 * a; g[1] = 2000 * b; return a * a + 1000 * b * b; }, x, { iterationsMax: 2, gradientMax: 1e-12 })];
    expect(steps).toHaveLength(3);
    expect(steps.at(-1)?.done).toBe(false);
  });
});
