import { describe, expect, it } from 'vitest';
import { createCalibration, learnCalibration } from '../../models/linear/calibrate.js';
import { createFtrl, learnFtrl, restoreWeights, type FtrlSettings } from '../../models/linear/ftrl.js';
import { linear, sigmoid, softplus } from '../../models/linear/logistic.js';
import { createMedians, median, pushMedian } from '../../models/linear/median.js';
import { createOnline, learn, loadOnline, logOdds, observeRow, saveOnline, score, terms, type OnlineSettings } from '../../models/linear/online.js';
import { createScaler, observe, saveScaler, scale, scaleRows, scalerOf, type Feature } from '../../models/linear/scaler.js';
import { stepSgd } from '../../models/linear/sgd.js';
import { createWelford, merge, push, variance } from '../../models/linear/welford.js';
import { expectedCalibrationError } from '../../models/metrics/calibration.js';
import { auc } from '../../models/metrics/ranking.js';
import { goldenRows, readGolden, seeded, worst } from '../support/risk-golden.js';

const feature = (name: string, scale: Feature['scale'] = 'z', missing: Feature['missing'] = 'refuse'): Feature => ({ name, scale, missing });

describe('running statistics', () => {
  it('Welford: the worked number, a large offset, and merging', () => {
    const w = createWelford(1);
    for (const x of [2, 4, 9]) push(w, 0, x);
    expect([w.mean[0], w.m2[0]]).toEqual([5, 26]);
    const [far, sums] = [createWelford(1), { sum: 0, squares: 0 }];
    for (const x of [2, 4, 9]) {
      push(far, 0, x + 1e9);
      sums.sum += x + 1e9;
      sums.squares += (x + 1e9) ** 2;
    }
    expect(variance(far, 0)).toBeCloseTo(26 / 3, 6);
    // What it is kept for: the textbook formula has lost the variance here.
    expect(Math.abs(sums.squares / 3 - (sums.sum / 3) ** 2 - 26 / 3)).toBeGreaterThan(1);
    const [left, right] = [createWelford(1), createWelford(1)];
    for (const x of [2, 4]) push(left, 0, x);
    push(right, 0, 9);
    merge(left, right);
    expect([left.count[0], left.mean[0], left.m2[0]]).toEqual([3, 5, 26]);
    expect(() => push(w, 0, Infinity)).toThrow('welford: feature 0 must be finite, got Infinity');
    expect(() => merge(w, createWelford(2))).toThrow('1 features cannot take those of 2');
  });

  it('median: exact for the first five, near for long streams of any shape and order', () => {
    const small = createMedians(2);
    expect(median(small, 1)).toBeUndefined();
    for (const [x, expected] of [[5, 5], [1, 3], [4, 4], [2, 3], [9, 4]] as const) {
      pushMedian(small, 1, x);
      expect(median(small, 1)).toBe(expected);
    }
    const next = seeded(11);
    const shapes: Record<string, () => number> = { uniform: next, skewed: () => Math.exp(3 * (next() + next() + next() - 1.5)) };
    for (const [name, draw] of Object.entries(shapes)) {
      const values = Float64Array.from({ length: 20_000 }, draw);
      // A stream that only rises is the worst case: the markers follow it from behind.
      for (const [order, tolerance] of [[values, 0.02], [values.slice().sort(), 0.06]] as const) {
        const medians = createMedians(1);
        for (const x of order) pushMedian(medians, 0, x);
        const estimate = median(medians, 0) ?? NaN;
        const rank = values.reduce((below, x) => below + (x < estimate ? 1 : 0), 0) / values.length;
        expect(Math.abs(rank - 0.5) <= tolerance, `${name}: ${estimate} is at ${rank}`).toBe(true);
      }
    }
  });
});

describe('scaling', () => {
  it('scales by z and by range, imputes and flags', () => {
    const scaler = createScaler([feature('amount', 'z', 'median'), feature('hour', 'range'), feature('age', 'z', 'mean')], 2);
    expect(scaler.columns).toEqual(['amount', 'hour', 'age', 'amount missing', 'age missing']);
    const out = new Float64Array(5);
    scale(scaler, Float64Array.of(NaN, 3, 7), 0, out, 0);
    expect(Array.from(out)).toEqual([0, 0, 0, 0, 0]); // nothing is known yet, and what was never there is not flagged
    for (const row of [[1, 0, 2], [3, 10, 4], [11, 5, NaN], [NaN, 5, 9]]) observe(scaler, Float64Array.from(row), 0);
    scale(scaler, Float64Array.of(NaN, 20, 4), 0, out, 0);
    const sd = Math.sqrt((16 + 4 + 36) / 3);
    expect(worst(out, [(3 - 5) / sd, 1, -1 / Math.sqrt(26 / 3), 1, 0]) <= 1e-12).toBe(true);
    scale(scaler, Float64Array.of(1e9, -5, NaN), 0, out, 0);
    expect(Array.from(out)).toEqual([2, 0, 0, 0, 1]);
  });

  it('refuses a row that no feature may be, and has then not changed', () => {
    const scaler = createScaler([feature('amount'), feature('age', 'z', 'mean')]);
    observe(scaler, Float64Array.of(1, 2), 0);
    const before = structuredClone(scaler);
    expect(() => observe(scaler, Float64Array.of(5, -Infinity), 0)).toThrow('scaler: age must be finite or missing (NaN), got -Infinity');
    expect(() => observe(scaler, Float64Array.of(NaN, 2), 0)).toThrow('scaler: amount must be finite, got NaN');
    expect(() => observe(scaler, Float64Array.of(1), 0)).toThrow('scaler: age must be finite or missing (NaN), got undefined');
    expect(scaler).toEqual(before);
    expect(() => createScaler([feature('a'), feature('a')])).toThrow('names of the 2 features must differ');
    expect(() => createScaler([feature('a')], 0)).toThrow('clip must be');
  });
});

it('plain SGD behind the scaling gives what river gives, prediction by prediction', () => {
  const golden = readGolden();
  const { D, all } = goldenRows(golden);
  const scaler = createScaler(Array.from({ length: D }, (_, j) => feature(`f${j}`)));
  const [w, row] = [new Float64Array(D + 1), new Float64Array(D)];
  const probabilities = golden.y.map((label, i) => {
    scale(scaler, all, i * D, row, 0);
    const p = sigmoid(linear(w, row, 0, D));
    observe(scaler, all, i * D);
    scale(scaler, all, i * D, row, 0);
    stepSgd(w, row, 0, label, 0.01);
    return p;
  });
  expect(worst(probabilities, golden.stream.probabilities) <= 1e-9).toBe(true);
  expect(worst(w, [...golden.stream.weights, golden.stream.intercept]) <= 1e-9).toBe(true);
});

const ftrlSettings: FtrlSettings = { alpha: 0.1, beta: 1, l1: 0, l2: 0, classWeights: { genuine: 1, fraud: 1 }, start: 0 };

describe('FTRL-Proximal', () => {
  it('gives the worked number', () => {
    const model = createFtrl(1, ftrlSettings);
    learnFtrl(model, Float64Array.of(2), 0, 1);
    expect([model.z[0], model.root[0]]).toEqual([-1, 1]);
    expect(worst(model.w, [0.05, 0.5 / 15]) <= 1e-12).toBe(true);
  });

  it('steps along the gradient of the weighted loss, by central differences', () => {
    const model = createFtrl(3, { ...ftrlSettings, classWeights: { genuine: 1, fraud: 3 } });
    model.w.set([0.4, -0.2, 0.9, 0.1]);
    const [x, w] = [Float64Array.of(1.5, -0.5, 2), model.w.slice()];
    learnFtrl(model, x, 0, 1);
    const f = (v: Float64Array): number => 3 * (softplus(linear(v, x, 0, 3)) - linear(v, x, 0, 3));
    for (let j = 0; j <= 3; j += 1) {
      const [up, down] = [w.slice(), w.slice()];
      up[j] += 1e-5;
      down[j] -= 1e-5;
      // z += g - sigma w with sigma = root / alpha, as root was 0 before.
      const g = model.z[j] + (model.root[j] / 0.1) * w[j];
      expect(Math.abs((f(up) - f(down)) / 2e-5 - g) <= 1e-8).toBe(true);
    }
  });

  it('w minimises what it says it minimises: linearised losses, proximal terms, l1 and l2', () => {
    const [next, settings] = [seeded(5), { ...ftrlSettings, l1: 0.5, l2: 2 }];
    const model = createFtrl(2, settings);
    const [G, S, SW] = [new Float64Array(2), new Float64Array(2), new Float64Array(2)];
    for (let i = 0; i < 60; i += 1) {
      const x = Float64Array.of(next() * 4 - 2, next() * 0.2);
      const label = next() < sigmoid(2 * x[0]) ? 1 : 0;
      const dz = sigmoid(linear(model.w, x, 0, 2)) - label;
      const [before, w] = [model.root.slice(), model.w.slice()];
      learnFtrl(model, x, 0, label);
      for (let j = 0; j < 2; j += 1) {
        const sigma = (model.root[j] - before[j]) / settings.alpha;
        G[j] += dz * x[j];
        S[j] += sigma;
        SW[j] += sigma * w[j];
      }
    }
    for (let j = 0; j < 2; j += 1) {
      // beta stands for a first proximal term around 0.
      const at = (v: number): number => G[j] * v + (S[j] * v * v) / 2 - SW[j] * v + ((settings.beta / settings.alpha) * v * v) / 2 + settings.l1 * Math.abs(v) + (settings.l2 * v * v) / 2;
      for (const step of [1e-3, -1e-3]) expect(at(model.w[j]) < at(model.w[j] + step)).toBe(true);
    }
    expect(model.w[0]).toBeGreaterThan(0);
    expect(model.w[1]).toBe(0); // too little evidence for l1
  });

  it('starts its intercept where it is told, and is held to it as it would be to 0', () => {
    const model = createFtrl(1, { ...ftrlSettings, start: -3 });
    expect([...model.w]).toEqual([0, -3]);
    restoreWeights(model);
    expect(worst(model.w, [0, -3]) <= 1e-12).toBe(true);
    learnFtrl(model, Float64Array.of(0), 0, 0);
    // One proximal step: g + (beta / alpha) (w - start) + sigma (w - start) = 0 with g = p, root = p.
    const p = sigmoid(-3);
    expect(worst(model.w, [0, -3 - p / ((1 + p) / 0.1)]) <= 1e-12).toBe(true);
  });

  it('refuses settings that it cannot learn with', () => {
    expect(() => createFtrl(1, { ...ftrlSettings, start: -Infinity })).toThrow('ftrl: start must be finite log-odds, got -Infinity');
    expect(() => createFtrl(1, { ...ftrlSettings, alpha: 0 })).toThrow('ftrl: alpha must be a number > 0, got 0');
    expect(() => createFtrl(1, { ...ftrlSettings, l1: -1 })).toThrow('ftrl: l1 must be a number >= 0, got -1');
    expect(() => createFtrl(1, { ...ftrlSettings, classWeights: { genuine: 1, fraud: NaN } })).toThrow('classWeights.fraud must be a number > 0, got NaN');
  });
});

describe('online calibration', () => {
  it('gives the worked number', () => {
    const calibration = createCalibration({ prior: 1, halfLife: Infinity });
    learnCalibration(calibration, 0, 1);
    expect(calibration.state[0]).toBe(1);
    expect(calibration.state[1]).toBeCloseTo(0.4, 12);
    expect(() => createCalibration({ prior: 0, halfLife: 10 })).toThrow('calibration: prior must be a number > 0, got 0');
  });

  it('takes the Newton step of its formula, whatever the curvature so far', () => {
    const [next, keep] = [seeded(6), 2 ** (-1 / 50)];
    const calibration = createCalibration({ prior: 2, halfLife: 50 });
    for (let i = 0; i < 100; i += 1) {
      const [s, [a, b, haa, hab, hbb]] = [next() * 6 - 1, Array.from(calibration.state)];
      const label = next() < sigmoid(s) ? 1 : 0;
      learnCalibration(calibration, s, label);
      const p = sigmoid(a * s + b);
      const [aa, ab, bb] = [haa, hab, hbb].map((value, k) => keep * value + (1 - keep) * [2, 0, 2][k] + p * (1 - p) * [s * s, s, 1][k]);
      expect(worst(calibration.state.subarray(2), [aa, ab, bb]) <= 1e-12).toBe(true);
      // H times the step is the gradient; no step here is long enough to be cut.
      const [da, db] = [calibration.state[0] - a, calibration.state[1] - b];
      expect(Math.max(Math.abs(da), Math.abs(db))).toBeLessThan(1);
      expect(worst([aa * da + ab * db, ab * da + bb * db], [(label - p) * s, label - p]) <= 1e-10, `step ${i}`).toBe(true);
    }
  });

  it('finds the slope and the offset of scores that are too sure, and follows them when they change', () => {
    const [next, calibration] = [seeded(2), createCalibration({ prior: 1, halfLife: 2000 })];
    const feed = (rows: number, a: number, b: number): void => {
      for (let i = 0; i < rows; i += 1) {
        const s = next() * 8 - 4;
        learnCalibration(calibration, s, next() < sigmoid(a * s + b) ? 1 : 0);
      }
    };
    feed(20_000, 0.4, -1);
    expect(worst(calibration.state.subarray(0, 2), [0.4, -1]) <= 0.1).toBe(true);
    feed(20_000, 1.2, 0.5);
    expect(worst(calibration.state.subarray(0, 2), [1.2, 0.5]) <= 0.15).toBe(true);
    for (let i = 0; i < 5000; i += 1) learnCalibration(calibration, 4, 0);
    expect(calibration.state[0]).toBeGreaterThan(0); // the order of scores is never turned over
  });
});

const settings: OnlineSettings = {
  features: [feature('amount', 'z', 'median'), feature('age', 'z', 'mean'), feature('share', 'range')],
  clip: 8,
  ftrl: { alpha: 0.1, beta: 1, l1: 0, l2: 1, classWeights: { genuine: 1, fraud: 5 }, start: -2 },
  calibration: { prior: 1, halfLife: 1000 },
};

function shop(rows: number): { x: Float64Array; label: number }[] {
  const next = seeded(9);
  return Array.from({ length: rows }, () => {
    const [amount, age, share] = [Math.exp(3 * next()), next() * 60, next()];
    const label = next() < sigmoid(0.15 * amount - 0.05 * age + 2 * share - 3) ? 1 : 0;
    return { x: Float64Array.of(next() < 0.1 ? NaN : amount, next() < 0.2 ? NaN : age, share), label };
  });
}

describe('the online model', () => {
  it('ranks, and its probabilities hold although frauds weigh five times', () => {
    const model = createOnline(settings);
    const [scores, labels] = [[] as number[], [] as number[]];
    for (const [i, { x, label }] of shop(20_000).entries()) {
      if (i >= 5000) {
        scores.push(score(model, x));
        labels.push(label);
      }
      observeRow(model, x);
      learn(model, x, label);
    }
    expect(auc(scores, labels)).toBeGreaterThan(0.75);
    expect(expectedCalibrationError(scores, labels)).toBeLessThan(0.02);
    const { w } = model.ftrl;
    const raw = shop(20_000).slice(5000).map(({ x }) => {
      scale(model.scaler, x, 0, model.row, 0);
      return sigmoid(linear(w, model.row, 0, model.row.length));
    });
    expect(expectedCalibrationError(raw, labels)).toBeGreaterThan(0.1); // what calibration is for
  });

  it('explains a score by terms that add up to its log-odds; reading changes nothing', () => {
    const model = createOnline(settings);
    for (const { x, label } of shop(500)) {
      observeRow(model, x);
      learn(model, x, label);
    }
    const before = Buffer.concat(saveOnline(model));
    const out = new Float64Array(5);
    for (const x of [Float64Array.of(20, NaN, 0.3), Float64Array.of(NaN, 30, 2)]) {
      const rest = terms(model, x, 0, out);
      expect(rest + out.reduce((sum, term) => sum + term, 0)).toBeCloseTo(logOdds(model, x), 10);
    }
    expect(Buffer.concat(saveOnline(model)).equals(before)).toBe(true);
  });

  it('has the same bytes when it is restored in the middle', () => {
    const [whole, rows] = [createOnline(settings), shop(400)];
    let halves = createOnline(settings);
    for (const [i, { x, label }] of rows.entries()) {
      if (i === 3 || i === 200) halves = loadOnline(settings, saveOnline(halves));
      for (const model of [whole, halves]) {
        observeRow(model, x);
        if (i % 3 > 0) learn(model, x, label);
      }
    }
    expect(whole.learned).toBe(266);
    expect(Buffer.concat(saveOnline(halves)).equals(Buffer.concat(saveOnline(whole)))).toBe(true);
  });

  it('refuses bad rows, labels and snapshots by name, and has then not changed', () => {
    const model = createOnline(settings);
    const bytes = Buffer.concat(saveOnline(model));
    expect(() => learn(model, Float64Array.of(1, 2, 3), 2)).toThrow('label must be 0 or 1, got 2');
    expect(() => learn(model, Float64Array.of(1, 2, NaN), 1)).toThrow('share must be finite, got NaN');
    expect(() => score(model, Float64Array.of(Infinity, 2, 3))).toThrow('amount must be finite or missing (NaN), got Infinity');
    expect(Buffer.concat(saveOnline(model)).equals(bytes)).toBe(true);
    expect(() => loadOnline(settings, [bytes.subarray(0, 100)])).toThrow('online logistic regression snapshot: checksum differs');
    expect(() => loadOnline({ ...settings, clip: 9 }, [bytes])).toThrow('made with clip 8, but the setting is 9');
    expect(() => loadOnline({ ...settings, features: settings.features.slice(1) }, [bytes])).toThrow('made with features');
  });
});

it('scaling whole rows equals scaling them one by one', () => {
  const rows = shop(50).map(({ x }) => x);
  const scaler = scalerOf(settings.features, Float64Array.from(rows.flatMap((x) => Array.from(x))), 8);
  const single = createScaler(settings.features, 8);
  for (const x of rows) observe(single, x, 0);
  expect(saveScaler(scaler)).toEqual(saveScaler(single));
  expect(scaleRows(scaler, rows[7])).toEqual(scaleRows(single, rows[7]));
});
