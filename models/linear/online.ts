/**
 * The online risk score: scaling, logistic regression with a step for each weight, calibration.  D = features, W = columns.
 *
 *   x --scale--> W columns --w . x + w_W--> s --a s + b--> log-odds --sigmoid--> probability
 *
 * Three moments, which may lie weeks apart: `score` reads and never writes; `observe` takes a row into the scaling when it
 * is decided on; `learn` takes it into weights and calibration when its verdict arrives.
 */
import { pack, unpack, type Format } from '../snapshot.js';
import { calibrated, createCalibration, learnCalibration, type Calibration, type CalibrationSettings } from './calibrate.js';
import { createFtrl, learnFtrl, restoreWeights, type Ftrl, type FtrlSettings } from './ftrl.js';
import { linear, sigmoid } from './logistic.js';
import { createScaler, flagOf, joined, loadScaler, observe, observeChecked, saveScaler, scale, scaledOne, scaledPairs, split, type Feature, type Scaler } from './scaler.js';

export interface OnlineSettings {
  features: readonly Feature[];
  /** in standard deviations */
  clip: number;
  ftrl: FtrlSettings;
  calibration: CalibrationSettings;
}

export interface Online {
  settings: OnlineSettings;
  scaler: Scaler;
  ftrl: Ftrl;
  calibration: Calibration;
  /** verdicts learned */
  learned: number;
  /** a row of W on its way, and two of the active features; no state */
  row: Float64Array;
  pairs: Float64Array;
  /** follows from the weights */
  active: Active;
}

/** Features whose weight or whose flag's weight is not 0: with l1 they are few, and nothing else moves a score. */
export interface Active {
  /** the first `count` are it, ascending */
  features: Int32Array;
  count: number;
  stale: boolean;
}

export function activeOf({ active, ftrl: { w }, scaler: { flagAt } }: Online): Active {
  if (!active.stale) return active;
  active.stale = false;
  active.count = 0;
  for (let j = 0; j < flagAt.length; j += 1) if (w[j] !== 0 || (flagAt[j] >= 0 && w[flagAt[j]] !== 0)) active.features[active.count++] = j;
  return active;
}

const format: Format = { name: 'online logistic regression', magic: 'ALRO', version: 1 };

/** @throws RangeError that names the setting */
export function createOnline(settings: OnlineSettings): Online {
  const scaler = createScaler(settings.features, settings.clip);
  const W = scaler.columns.length;
  return {
    settings, scaler, ftrl: createFtrl(W, settings.ftrl), calibration: createCalibration(settings.calibration), learned: 0, row: new Float64Array(W), pairs: new Float64Array(4 * settings.features.length),
    active: { features: new Int32Array(settings.features.length), count: 0, stale: true },
  };
}

/** Calibrated log-odds of the row at x[at] (D numbers, NaN where missing). @throws RangeError for a value that no feature may be */
export function logOdds({ scaler, ftrl, calibration, row }: Online, x: Float64Array, at = 0): number {
  scale(scaler, x, at, row, 0);
  return calibrated(calibration, linear(ftrl.w, row, 0, row.length));
}

/** The probability that the row's verdict will be 1. */
export const score = (model: Online, x: Float64Array, at = 0): number => sigmoid(logOdds(model, x, at));

/**
 * The terms of the log-odds: `out[j]` for column j (the flags of missing values follow the features), and the rest returned,
 * so that rest + sum of out = log-odds. A term is 0 where a z-scaled feature has its mean and a ranged one its lowest value.
 * @param out  W
 */
export function terms({ scaler, ftrl, calibration, row }: Online, x: Float64Array, at: number, out: Float64Array): number {
  scale(scaler, x, at, row, 0);
  const slope = calibration.state[0];
  for (let j = 0; j < row.length; j += 1) out[j] = slope * ftrl.w[j] * row[j];
  return calibrated(calibration, ftrl.w[row.length]);
}

/** As `logOdds`, by the active features alone: the same but for rounding. */
export function activeLogOdds(model: Online, x: Float64Array): number {
  const { scaler, ftrl: { w }, calibration } = model;
  const { features, count } = activeOf(model);
  let z = w[w.length - 1];
  for (let i = 0; i < count; i += 1) {
    const j = features[i];
    const flagAt = scaler.flagAt[j];
    z += w[j] * scaledOne(scaler, j, x[j]);
    if (flagAt >= 0) z += w[flagAt] * flagOf(scaler, j, x[j]);
  }
  return calibrated(calibration, z);
}

/**
 * What each active feature, with its flag, adds to the log-odds beside its usual value.
 * @param x, usual  D, NaN where missing @param out  D, written at the active ones alone
 * @returns the rest: rest + sum of those of out = log-odds
 */
export function activeTerms(model: Online, x: Float64Array, usual: Float64Array, out: Float64Array): number {
  const { scaler, ftrl: { w }, calibration, pairs } = model;
  const { features, count } = activeOf(model);
  const slope = calibration.state[0];
  const { flagAt: flags } = scaler;
  scaledPairs(scaler, features, count, x, usual, pairs);
  let z = w[w.length - 1];
  for (let i = 0; i < count; i += 1) {
    const j = features[i];
    const flagAt = flags[j];
    let [mine, theirs] = [w[j] * pairs[4 * i], w[j] * pairs[4 * i + 1]];
    if (flagAt >= 0) {
      mine += w[flagAt] * pairs[4 * i + 2];
      theirs += w[flagAt] * pairs[4 * i + 3];
    }
    out[j] = slope * (mine - theirs);
    z += theirs;
  }
  return calibrated(calibration, z);
}

/** Takes the row into the running statistics. */
export const observeRow = (model: Online, x: Float64Array, at = 0): void => observe(model.scaler, x, at);
/** As `observeRow`, of a row without infinite numbers whose missing values may be missing: nobody looks for them again. */
export const observeCheckedRow = (model: Online, x: Float64Array): void => observeChecked(model.scaler, x, 0);

/** Learns the verdict on a row. @param label  0 genuine, 1 fraud. @throws RangeError for a bad row or label, and then nothing has changed */
export function learn(model: Online, x: Float64Array, label: number, at = 0): void {
  if (label !== 0 && label !== 1) throw new RangeError(`online logistic regression: label must be 0 or 1, got ${label}`);
  const { scaler, ftrl, calibration, row } = model;
  scale(scaler, x, at, row, 0);
  const z = linear(ftrl.w, row, 0, row.length);
  learnCalibration(calibration, z, label);
  learnFtrl(ftrl, row, 0, label, z);
  model.active.stale = true;
  model.learned += 1;
}

/** As a flat record, which a snapshot is checked against. */
function flatten({ features, clip, ftrl: { alpha, beta, l1, l2, classWeights, start }, calibration }: OnlineSettings): Record<string, number | string> {
  const text = (value: number): number | string => (Number.isFinite(value) ? value : String(value)); // JSON has no Infinity
  return {
    features: features.map(({ name, scale, missing, share }) => `${name}:${scale}:${missing}${share === undefined ? '' : `:${share}`}`).join('|'),
    clip: text(clip), alpha, beta, l1, l2, genuine: classWeights.genuine, fraud: classWeights.fraud, start,
    prior: calibration.prior, halfLife: text(calibration.halfLife),
  };
}

/** The same rows in the same order give the same bytes, also when restored in between. */
export function saveOnline({ settings, scaler, ftrl, calibration, learned }: Online): Uint8Array[] {
  const sections = [saveScaler(scaler), joined([ftrl.z, ftrl.root, calibration.state])];
  const header: OnlineHeader = { settings: flatten(settings), sections: sections.map(({ length }) => length), learned };
  return pack(header, sections, format);
}

interface OnlineHeader {
  settings: Record<string, number | string>;
  sections: number[];
  learned: number;
}

/** @throws RangeError that names what is wrong: other features or settings, another version, truncated */
export function loadOnline(settings: OnlineSettings, chunks: Uint8Array[]): Online {
  const { header, next } = unpack<OnlineHeader>(chunks, flatten(settings), format);
  const model = createOnline(settings);
  model.scaler = loadScaler(settings.features, settings.clip, next((bytes) => new Uint8Array(bytes)));
  split(format.name, next((bytes) => new Uint8Array(bytes)), [model.ftrl.z, model.ftrl.root, model.calibration.state]);
  restoreWeights(model.ftrl);
  model.learned = header.learned;
  return model;
}
