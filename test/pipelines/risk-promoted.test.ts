/** Models of workflows as champion and in the shadow, trained on what the step itself has decided. */
import { describe, expect, it } from 'vitest';
import { calibrateLogistic, logisticLogOdds, saveLogistic, trainLogistic, type Logistic } from '../../models/linear/batch.js';
import { sigmoid } from '../../models/linear/logistic.js';
import { scaleRows, scalerOf } from '../../models/linear/scaler.js';
import { trainSvm } from '../../models/svm/svm.js';
import { D } from '../../pipelines/risk/assess.js';
import { featuresOf } from '../../pipelines/risk/decision.js';
import { riskFeatures } from '../../pipelines/risk/features.js';
import { readRiskSvm, saveRiskSvm } from '../../pipelines/risk/promoted.js';
import { buy, day, hour, judge, promote, riskShop, start, type RiskShop } from '../support/risk.js';

/** A few weeks, of which a model is trained: frauds are dear. */
function played(env: Record<string, string> = {}) {
  const shop = riskShop(env);
  const y: number[] = [];
  for (let n = 0; n < 240; n += 1) {
    const fraud = n % 8 === 7;
    const event = buy(fraud ? `bad${n % 5}` : `c${n % 30}`, start + n * 3 * hour, { amountMinor: fraud ? 50_000 + n * 100 : 1500 + (n % 7) * 300 });
    shop.give(event, judge(event.customer, start + n * 3 * hour + hour, event.order, fraud ? 'chargeback' : 'genuine'));
    y.push(fraud ? 1 : 0);
  }
  const X = Float64Array.from(shop.decisions().flatMap(featuresOf));
  return { shop, X, y: Uint8Array.from(y) };
}
const { X, y } = played();
const logistic: Logistic = trainLogistic(X, y, { features: riskFeatures, clip: 8, l2: 1 });
calibrateLogistic(logistic, X, y);
const scaler = scalerOf(riskFeatures, X, 8);
const svmOf = (kernel: Parameters<typeof trainSvm>[3]['kernel']) => trainSvm(scaleRows(scaler, X), y, scaler.columns.length, { kernel, C: 1, supportsMax: 60 }).model;
const svm = svmOf({ kind: 'rbf', gamma: 0.003 });

/** As the loop hands it over: each part in a buffer of its own. */
const parts = (chunks: Uint8Array[]): Uint8Array[] => chunks.map((chunk) => new Uint8Array(chunk));
const atMs = start + 40 * day;
let version = 0;
const give = (shop: RiskShop, model: string, artefact: Uint8Array[] | undefined): void => void shop.receive(promote(model, (version += 1), atMs), atMs, artefact);
const outcome = (shop: RiskShop) => shop.promotions().at(-1);

describe('a promoted logistic regression', () => {
  it('decides from its promotion on, and the one that learns from each verdict goes into the shadow', () => {
    const { shop } = played();
    expect(shop.give(buy('c1', atMs))).toMatchObject({ model: 'risk-online-1', shadow: [] });
    const before = shop.give(buy('c2', atMs)).probability;
    give(shop, 'risk-logistic', parts(saveLogistic(logistic)));
    expect(outcome(shop)).toMatchObject({ outcome: 'live', model: 'risk-logistic' });
    const after = shop.give(buy('c2', atMs));
    expect(after).toMatchObject({ model: `risk-logistic.${version}`, shadow: ['risk-online-1'] });
    const x = Float64Array.from(featuresOf(after));
    expect(after.probability).toBeCloseTo(sigmoid(logisticLogOdds(logistic, x)), 5);
    expect(after.shadowProbabilities).toHaveLength(1);
    expect(Math.abs(after.shadowProbabilities[0] - before)).toBeLessThan(0.05);
    const dear = shop.give(buy('c2', atMs, { amountMinor: 80_000 }));
    expect(dear.decision).not.toBe('allow');
    expect(Math.abs(dear.reasonRest + dear.reasonTerms.reduce((sum, term) => sum + term, 0) - dear.logOdds)).toBeLessThan(1e-9);
  });

  it('may know fewer features than this build, and none that it lacks', () => {
    const few = riskFeatures.slice(0, 3);
    const narrow = Float64Array.from({ length: y.length * 3 }, (_, i) => X[Math.floor(i / 3) * D + (i % 3)]);
    const shop = riskShop();
    give(shop, 'risk-logistic', parts(saveLogistic(trainLogistic(narrow, y, { features: few, clip: 8, l2: 1 }))));
    expect(outcome(shop)?.outcome).toBe('live');
    expect(shop.give(buy('c1', atMs)).model).toBe(`risk-logistic.${version}`);
    const foreign = few.map((feature, j) => ({ ...feature, name: j === 1 ? 'phase_of_the_moon' : feature.name }));
    give(shop, 'risk-logistic', parts(saveLogistic(trainLogistic(narrow, y, { features: foreign, clip: 8, l2: 1 }))));
    expect(outcome(shop)).toMatchObject({ outcome: 'unreadable', detail: 'the model reads phase_of_the_moon, which this build has not; train it on this build\'s features' });
    expect(shop.give(buy('c1', atMs)).model).toBe(`risk-logistic.${version - 1}`);
  });

  it('that is cut short, of another version or gone is refused by name, and the champion stays', () => {
    const shop = riskShop();
    const whole = parts(saveLogistic(logistic));
    const file = Buffer.concat(whole);
    const other = Buffer.from(file);
    other.writeUInt32LE(9, 4);
    give(shop, 'risk-logistic', whole);
    const live = `risk-logistic.${version}`;
    for (const [bytes, detail] of [
      [file.subarray(0, file.length - 40), 'batch logistic regression snapshot: checksum differs over'],
      [file.subarray(0, 20), 'batch logistic regression snapshot: checksum differs over 20 bytes: truncated'],
      [other, 'batch logistic regression snapshot: version 9, this build reads 1'],
    ] as const) {
      give(shop, 'risk-logistic', [new Uint8Array(bytes)]);
      expect(outcome(shop)).toMatchObject({ outcome: 'unreadable', model: 'risk-logistic', version, detail: expect.stringContaining(detail) as string });
      expect(shop.give(buy('c1', atMs)).model).toBe(live);
    }
    give(shop, 'risk-logistic', undefined);
    expect(outcome(shop)).toMatchObject({ outcome: 'missing' });
    give(shop, 'risk-svm', whole);
    expect(outcome(shop)).toMatchObject({ outcome: 'unreadable', model: 'risk-svm', detail: expect.stringContaining('does not start with AFBN') as string });
    expect(shop.give(buy('c1', atMs)).model).toBe(live);
  });
});

describe('a promoted SVM', () => {
  it('decides; each of its reasons is what the score loses when that feature alone is usual', () => {
    const { shop } = played();
    give(shop, 'risk-svm', parts(saveRiskSvm(scaler, svm)));
    expect(outcome(shop)).toMatchObject({ outcome: 'live' });
    const dear = shop.give(buy('c1', atMs, { amountMinor: 70_000 }));
    expect(dear.model).toBe(`risk-svm.${version}`);
    expect(dear.probability).toBeGreaterThan(0.05);
    const scorer = readRiskSvm(saveRiskSvm(scaler, svm));
    const x = Float64Array.from(featuresOf(dear));
    expect(scorer.logOdds(x)).toBeCloseTo(dear.logOdds, 4); // the row holds 24 bits of each feature
    dear.reasonFeatures.forEach((name, i) => {
      const [without, usual] = [x.slice(), dear.reasonUsual[i] ?? NaN];
      const j = riskFeatures.findIndex((feature) => feature.name === name);
      // A value that is there, beside a usual one that is: no flag changes, and the naive way is the same.
      if (Number.isNaN(x[j]) || Number.isNaN(usual)) return;
      without[j] = usual;
      expect(scorer.logOdds(x) - scorer.logOdds(without), name).toBeCloseTo(dear.reasonTerms[i], 4);
    });
    expect(dear.reasonFeatures.length).toBeGreaterThan(0);
  });

  it('with a linear kernel is a sum', () => {
    const scorer = readRiskSvm(saveRiskSvm(scaler, svmOf({ kind: 'linear' })));
    const [x, usual, terms] = [X.slice(7 * D, 8 * D), X.slice(0, D), new Float64Array(D)];
    const rest = scorer.terms(x, usual, terms);
    expect(rest + terms.reduce((sum, term) => sum + term, 0)).toBeCloseTo(scorer.logOdds(x), 9);
    expect(rest).toBeCloseTo(scorer.logOdds(usual), 9);
  });

  it('without probabilities, or of another scaling, is refused', () => {
    const bare = trainSvm(scaleRows(scaler, X), y, scaler.columns.length, { kernel: { kind: 'linear' }, C: 1, folds: 0 }).model;
    expect(() => readRiskSvm(saveRiskSvm(scaler, bare))).toThrow('the svm has no calibration, so no probabilities; train it with folds 5');
    const narrow = scalerOf(riskFeatures.slice(0, 2), Float64Array.from([1, 2, 3, 4]), 8);
    expect(() => readRiskSvm(saveRiskSvm(narrow, svm))).toThrow(`the svm has ${scaler.columns.length} columns and its scaling ${narrow.columns.length}`);
  });
});

describe('challengers', () => {
  const models = { logistic: parts(saveLogistic(logistic)), svm: parts(saveRiskSvm(scaler, svm)) };

  it('score in the shadow, each under its version, and decide nothing', () => {
    const { shop } = played();
    const alone = shop.give(buy('c1', atMs));
    give(shop, 'risk-logistic-shadow', models.logistic);
    give(shop, 'risk-svm-shadow', models.svm);
    const beside = shop.give(buy('c1', atMs));
    expect(beside).toMatchObject({ model: 'risk-online-1', shadow: [`risk-logistic-shadow.${version - 1}`, `risk-svm-shadow.${version}`] });
    expect(beside.decision).toBe(alone.decision);
    expect(beside.shadowProbabilities.every((p) => p > 0 && p < 1)).toBe(true);
    give(shop, 'risk-svm', models.svm);
    give(shop, 'risk-logistic', models.logistic);
    expect(shop.give(buy('c1', atMs))).toMatchObject({ model: `risk-logistic.${version}`, shadow: ['risk-online-1', `risk-svm.${version - 1}`, `risk-logistic-shadow.${version - 3}`, `risk-svm-shadow.${version - 2}`] });
  });

  it('the shop may name who decides', () => {
    for (const [champion, wanted] of [['risk-online', 'risk-online-1'], ['risk-svm', 'risk-svm'], ['latest', 'risk-logistic']]) {
      const { shop } = played({ AFTERCARE_RISK_CHAMPION: champion });
      give(shop, 'risk-svm', models.svm);
      give(shop, 'risk-logistic', models.logistic);
      expect(shop.give(buy('c1', atMs)).model).toContain(wanted);
    }
  });

  it('are measured beside the champion, and a restart changes nothing', () => {
    const { shop } = played();
    give(shop, 'risk-svm', models.svm);
    for (let n = 0; n < 40; n += 1) {
      if (n === 20) {
        const hash = shop.hash();
        shop.restart();
        expect(shop.hash()).toBe(hash);
      }
      const event = buy(`x${n}`, atMs + n, { amountMinor: n % 4 === 0 ? 70_000 : 2000 });
      shop.give(event, judge(event.customer, atMs + hour + n, event.order, n % 4 === 0 ? 'chargeback' : 'genuine'));
    }
    shop.give(buy('c1', atMs + day));
    const measured = shop.metrics().filter(({ dayMs, metric, over }) => dayMs === Math.floor(atMs / day) * day && metric === 'auc' && over === 'verdicts');
    expect(measured.map(({ model, role, rows, positives }) => [model, role, rows, positives])).toEqual([['risk-online-1', 'shadow', 40, 10], [`risk-svm.${version}`, 'champion', 40, 10]]);
    for (const { value } of measured) expect(value).toBeGreaterThan(0.9);
  });
});
