/** A recipe's training goes on from each of its checkpoints to the same bytes; what it makes is a model of its reader; and it is judged as it should be. Pure. */
import { describe, expect, it } from 'vitest';
import { judgeRisk, type RiskData } from '../../activities/recipes/risk-data.js';
import { riskLogistic, riskSvm } from '../../activities/recipes/risk.js';
import type { Epoch, Range, Recipe } from '../../activities/recipes/recipe.js';
import { createUniform } from '../../models/random.js';
import { riskFeatures } from '../../pipelines/risk/features.js';
import type { Scorer } from '../../pipelines/risk/promoted.js';

const D = riskFeatures.length;
const N = 900;
/** A tenth is fraud, which two features tell, not always; every seventh value is missing. */
function history(): RiskData {
  const uniform = createUniform(9);
  const data: RiskData = { y: new Uint8Array(N), X: new Float64Array(N * D), recorded: new Float64Array(N), refund: new Uint8Array(N), amountMinor: new Float64Array(N) };
  for (let i = 0; i < N; i += 1) {
    data.y[i] = uniform() < 0.1 ? 1 : 0;
    for (let j = 0; j < D; j += 1) data.X[i * D + j] = uniform() < 1 / 7 ? NaN : uniform() + (j < 2 ? 0.8 * data.y[i] : 0);
    data.recorded[i] = 0.1;
    data.refund[i] = i % 5 === 0 ? 1 : 0;
    data.amountMinor[i] = Math.floor(uniform() * 10_000);
  }
  return data;
}
const data = history();
const rows: Range = { from: 0, to: 700 };
const later: Range = { from: 700, to: N };

function run(recipe: Recipe<RiskData>, checkpoint?: readonly Uint8Array[]): { epochs: Epoch[]; bytes: Buffer; parts: Uint8Array[] } {
  const training = recipe.train(data, rows, checkpoint) as Generator<Epoch, Uint8Array[]>;
  const epochs: Epoch[] = [];
  for (;;) {
    const next = training.next();
    if (next.done === true) return { epochs, bytes: Buffer.concat(next.value), parts: next.value };
    epochs.push({ ...next.value, checkpoint: next.value.checkpoint.map((part) => part.slice()) });
  }
}

describe.each([riskLogistic, riskSvm])('$model', (recipe) => {
  const whole = run(recipe);

  it('gives the same bytes from each of its checkpoints on', () => {
    expect(whole.epochs.length).toBe(4);
    for (const { checkpoint, epoch } of whole.epochs) {
      const resumed = run(recipe, checkpoint);
      expect(resumed.epochs.map((one) => one.epoch)).toEqual(whole.epochs.map((one) => one.epoch).filter((one) => one > epoch));
      expect(resumed.bytes.equals(whole.bytes), `from epoch ${epoch}`).toBe(true);
    }
    expect(() => run(recipe, [Buffer.from('{')])).toThrow('the checkpoint cannot be read');
    expect(() => run(recipe, [Buffer.from('{}')])).toThrow('the checkpoint holds no losses');
  });

  it('is better than a constant on rows that it has not seen, and worth a probability', () => {
    const mine = recipe.judge(data, later, { model: recipe.model, parts: whole.parts });
    const recorded = recipe.judge(data, later, undefined);
    const mean = (scores: Float64Array | undefined): number => (scores ?? new Float64Array()).reduce((sum, score) => sum + score, 0) / (later.to - later.from);
    expect(mean(mine?.scores)).toBeGreaterThan(mean(recorded?.scores) + 0.02);
    expect(mine?.metrics.auc).toBeGreaterThan(0.75);
    expect(recorded?.metrics.log_loss).toBeCloseTo(-mean(recorded?.scores), 12);
    expect(mine?.calibrationError).toBeLessThan(0.1);
    expect(mine?.latencyMsP99).toBeLessThan(50);
    expect(recorded?.latencyMsP99).toBeNaN();
  });

  it('says when there is too little to learn from', () => {
    expect(recipe.tooFew(data, rows)).toBeUndefined();
    expect(recipe.tooFew(data, { from: 0, to: 400 })).toContain('too few decisions with a final verdict: 400 with ');
    expect(recipe.tooFew({ ...data, y: new Uint8Array(N) }, rows)).toContain('with 0 frauds');
  });

  it('cuts the rows that judge into slices that are whole', () => {
    const slices = recipe.slices(data, later);
    expect(slices.map(({ name }) => name)).toEqual(['purchases', 'refunds', 'the largest quarter of amounts', 'the other amounts']);
    for (const [a, b] of [[0, 1], [2, 3]]) expect(slices[a].rows.length + slices[b].rows.length).toBe(later.to - later.from);
    expect(slices[1].rows.every((i) => data.refund[later.from + i] === 1)).toBe(true);
  });
});

it('a model whose probabilities are no numbers is told by every figure', () => {
  const { scores, metrics, calibrationError } = judgeRisk(data, later, { reads: riskFeatures.map((_, j) => j), logOdds: () => NaN, terms: () => NaN } as unknown as Scorer);
  expect([...scores].every((score) => Number.isNaN(score))).toBe(true);
  expect(Object.values(metrics).every((value) => Number.isNaN(value))).toBe(true);
  expect(calibrationError).toBeNaN();
});
