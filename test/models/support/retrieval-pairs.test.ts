import { describe, expect, it } from 'vitest';
import { createUniform } from '../../../models/random.js';
import { answerVector, contextVector, defaultPairSettings, dotOfRows, pairGradients, termWeights, trainPairs, type PairRows, type PairTerms } from '../../../models/support/retrieval-pairs.js';

const small = { ...defaultPairSettings, E: 8, B: 16, epochs: 30, dropout: 0.1, textsMin: 1 };

/** Ten matters, whose questions and answers share no word. */
const pairs = Array.from({ length: 160 }, (_, i): PairTerms => {
  const matter = i % 10;
  return { context: [`q${matter}`, `filler${i % 7}`, 'the'], end: [`q${matter}`], answer: [`a${matter}`, `b${i % 3}`], key: `a${matter} b${i % 3}` };
});

describe('pairs of context and answer', () => {
  it('weigh terms as TF-IDF, by a worked example', () => {
    const weights = termWeights([['a', 'a', 'b'], ['b'], ['c', 'b']], 1);
    const { ids, weights: row } = weights.row(['a', 'a', 'b', 'unknown']);
    const [a, b] = [(1 + Math.log(2)) * (Math.log(4 / 2) + 1), Math.log(4 / 4) + 1];
    expect([...ids]).toEqual([0, 1]);
    expect(row[0]).toBeCloseTo(a / Math.hypot(a, b), 6);
    expect(row[1]).toBeCloseTo(b / Math.hypot(a, b), 6);
    expect(dotOfRows(weights.row(['a', 'b']), weights.row(['b', 'c']))).toBeCloseTo(weights.row(['a', 'b']).weights[1] * weights.row(['b', 'c']).weights[0], 6);
    expect(termWeights([['a'], ['a'], ['b']], 2).V).toBe(1);
  });

  it('have the gradient that central differences have', () => {
    const random = createUniform(3);
    const [E, V, B] = [4, 9, 5];
    const table = () => Float32Array.from({ length: V * E }, () => random() - 0.5);
    const tables = { context: table(), end: table(), answer: table() };
    const row = () => ({ ids: Int32Array.from([Math.floor(random() * 4), 4 + Math.floor(random() * 5)]), weights: Float32Array.of(random() + 0.1, random() + 0.1) });
    // Two of the same key are no wrong answers for each other.
    const batch = Array.from({ length: B }, (_, i): PairRows => ({ context: row(), end: row(), answer: row(), key: i < 2 ? 'same' : String(i) }));
    const { gradients } = pairGradients(tables, batch, E, 0.3);
    for (const [name, side] of [['context', 'u'], ['end', 'u'], ['answer', 'v']] as const) {
      for (let at = 0; at < V * E; at += 1) {
        const [id, e] = [Math.floor(at / E), at % E];
        const analytic = batch.reduce((sum, of, i) => sum + of[name].ids.reduce((all, other, k) => all + (other === id ? of[name].weights[k] * gradients[side][i * E + e] : 0), 0), 0);
        const lossAt = (delta: number): number => {
          const before = tables[name][at];
          tables[name][at] = before + delta;
          const { loss } = pairGradients(tables, batch, E, 0.3);
          tables[name][at] = before;
          return loss;
        };
        expect(Math.abs(analytic - (lossAt(3e-3) - lossAt(-3e-3)) / 6e-3)).toBeLessThanOrEqual(1e-3);
      }
    }
  });

  it('learn which answer belongs to which question though they share no word; the same seed gives the same model', () => {
    const losses: number[] = [];
    const model = trainPairs(pairs, small, (_, loss) => losses.push(loss));
    expect(losses[small.epochs - 1]).toBeLessThan(losses[0] * 0.7); // others of the same matter stay as likely
    for (let matter = 0; matter < 10; matter += 1) {
      const u = contextVector(model, [`q${matter}`, 'the'], [`q${matter}`]);
      const scores = Array.from({ length: 10 }, (_, a) => answerVector(model, [`a${a}`]).reduce((sum, value, e) => sum + value * u[e], 0));
      expect(scores.indexOf(Math.max(...scores))).toBe(matter);
    }
    expect(trainPairs(pairs, small).tables.answer).toEqual(model.tables.answer);
    expect(trainPairs(pairs, { ...small, seed: 2 }).tables.answer).not.toEqual(model.tables.answer);
  });

  it('say when they are too few', () => {
    expect(() => trainPairs(pairs.slice(0, 15), small)).toThrow('pairs: 15 are fewer than a batch of 16; give more, or a smaller batch');
  });
});
