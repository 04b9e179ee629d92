/**
 * The batch risk model: scaling and logistic regression, fitted to a data set, as one file.  D = features, W = columns.
 *
 *   log-odds = w . scaled(x) + w_W, calibrated by itself: it is what maximises the likelihood. With class weights the
 *   log-odds are shifted; Platt's calibration on rows that were held out puts them right.
 *
 * File (models/snapshot.ts): header {features, clip} | scaler | w (W + 1), a, b
 */
import { pack, unpack, type Format } from '../snapshot.js';
import { linear } from './logistic.js';
import { fitLogistic, type BatchOptions } from './newton.js';
import { fitPlatt, type Platt } from './platt.js';
import { joined, loadScaler, saveScaler, scale, scaleRows, scalerOf, split, type Feature, type Scaler } from './scaler.js';

export interface Logistic {
  scaler: Scaler;
  /** W + 1, the intercept last */
  w: Float64Array;
  platt: Platt;
}

export interface LogisticOptions extends BatchOptions {
  features: readonly Feature[];
  /** in standard deviations */
  clip: number;
}

const format: Format = { name: 'batch logistic regression', magic: 'ALRB', version: 1 };

/** @param X  N * D, NaN where missing. @throws RangeError for bad input, or when it has not converged */
export function trainLogistic(X: Float64Array, y: Uint8Array, options: LogisticOptions): Logistic {
  const scaler = scalerOf(options.features, X, options.clip);
  const { w } = fitLogistic(scaleRows(scaler, X), y, scaler.columns.length, options);
  return { scaler, w, platt: { a: 1, b: 0 } };
}

/** Calibrates on rows that the model was not trained on, in place. */
export function calibrateLogistic(model: Logistic, X: Float64Array, y: Uint8Array): void {
  const W = model.scaler.columns.length;
  const scaled = scaleRows(model.scaler, X);
  model.platt = fitPlatt(Float64Array.from(y, (_, i) => linear(model.w, scaled, i * W, W)), y);
}

/** Calibrated log-odds of the row at x[at] (D numbers, NaN where missing). @throws RangeError for a value that no feature may be */
export function logisticLogOdds({ scaler, w, platt }: Logistic, x: Float64Array, at = 0): number {
  const W = w.length - 1;
  const row = new Float64Array(W);
  scale(scaler, x, at, row, 0);
  return platt.a * linear(w, row, 0, W) + platt.b;
}

/** The terms of the log-odds into `out` (W), the rest returned: rest + sum of out = log-odds. A term is 0 where a z-scaled feature has its mean and a ranged one its lowest value. */
export function logisticTerms({ scaler, w, platt }: Logistic, x: Float64Array, at: number, out: Float64Array): number {
  const W = w.length - 1;
  scale(scaler, x, at, out, 0);
  for (let j = 0; j < W; j += 1) out[j] *= platt.a * w[j];
  return platt.a * w[W] + platt.b;
}

interface FileHeader {
  settings: Record<string, number | string>;
  sections: number[];
  features: readonly Feature[];
  /** 0: none, as JSON has no Infinity */
  clip: number;
}

export function saveLogistic({ scaler, w, platt }: Logistic): Uint8Array[] {
  const sections = [saveScaler(scaler), joined([w, Float64Array.of(platt.a, platt.b)])];
  const header: FileHeader = { settings: {}, sections: sections.map(({ length }) => length), features: scaler.features, clip: scaler.clip === Infinity ? 0 : scaler.clip };
  return pack(header, sections, format);
}

/** @throws RangeError that names what is wrong: truncated, of another kind, of another version */
export function loadLogistic(chunks: Uint8Array[]): Logistic {
  const { header, next } = unpack<FileHeader>(chunks, {}, format);
  const scaler = loadScaler(header.features, header.clip === 0 ? Infinity : header.clip, next((bytes) => new Uint8Array(bytes)));
  const [w, ab] = [new Float64Array(scaler.columns.length + 1), new Float64Array(2)];
  split(format.name, next((bytes) => new Uint8Array(bytes)), [w, ab]);
  return { scaler, w, platt: { a: ab[0], b: ab[1] } };
}
