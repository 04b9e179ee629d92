/**
 * The models of workflows, as artefacts and as scorers.  D = features of this build, d = those of the model, W = its columns.
 *
 *   risk-logistic, risk-svm                 the one promoted last is the champion, the other scores in the shadow
 *   risk-logistic-shadow, risk-logistic-shadow-2 ... -8, and of risk-svm the same   score in the shadow only
 *
 * A model names its features; each must be one of this build's. One that this build has and the model lacks says nothing
 * there, so that a new feature does not refuse an old model.
 *
 * risk-svm as a file: bundle {scaling: header {features, clip} | scaler, svm: models/svm/model-file.ts}
 */
import { sigmoid } from '../../models/linear/logistic.js';
import { loadLogistic, logisticLogOdds, logisticTerms, type Logistic } from '../../models/linear/batch.js';
import type { Active } from '../../models/linear/online.js';
import { loadScaler, saveScaler, scale, type Feature, type Scaler } from '../../models/linear/scaler.js';
import { pack, unpack, type Format } from '../../models/snapshot.js';
import { loadSvm, saveSvm } from '../../models/svm/model-file.js';
import { changes, decision, type Svm } from '../../models/svm/svm.js';
import { bundle, unbundle } from '../bundle.js';
import { riskFeatures } from './features.js';

/** What gives a probability and its reasons. It never changes a state. */
export interface Scorer {
  /** Calibrated log-odds of a row of D numbers, NaN where missing. */
  logOdds(x: Float64Array): number;
  /**
   * What each feature that it reads contributes beside its usual value, into `out` (D).
   * @returns the rest: rest + sum of those of out = log-odds
   */
  terms(x: Float64Array, usual: Float64Array, out: Float64Array): number;
  /** The features that it reads until it learns again, so that nobody has to find out what is usual of the others. */
  reads(): Active;
}

/** Where a model that never learns stands among this build's features. */
function readsOf(places: Int32Array): Active {
  return { features: places.slice().sort(), count: places.length, stale: false };
}

const columnOf = new Map(riskFeatures.map(({ name }, j) => [name, j]));

/** Positions of the model's features among this build's. @throws RangeError that names those that this build lacks */
function placesOf(features: readonly Feature[]): Int32Array {
  const unknown = features.filter(({ name }) => !columnOf.has(name)).map(({ name }) => name);
  if (unknown.length > 0) throw new RangeError(`the model reads ${unknown.slice(0, 5).join(', ')}${unknown.length > 5 ? ` and ${unknown.length - 5} more` : ''}, which this build has not; train it on this build's features`);
  return Int32Array.from(features, ({ name }) => columnOf.get(name) ?? -1);
}

const gather = (x: Float64Array, places: Int32Array, into: Float64Array): Float64Array => {
  for (let j = 0; j < places.length; j += 1) into[j] = x[places[j]];
  return into;
};

/** Sums the columns of each feature, its value's and its flag's, into the D of this build. */
function scatter(terms: Float64Array, { flagAt }: Scaler, places: Int32Array, out: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < places.length; j += 1) {
    const term = terms[j] + (flagAt[j] >= 0 ? terms[flagAt[j]] : 0);
    out[places[j]] = term;
    sum += term;
  }
  return sum;
}

/** @throws RangeError when the parts are not a model of this build */
export function readRiskLogistic(parts: readonly Uint8Array[]): Scorer {
  return logisticScorer(loadLogistic([...parts]));
}

export function logisticScorer(model: Logistic): Scorer {
  const places = placesOf(model.scaler.features);
  const reads = readsOf(places);
  const W = model.scaler.columns.length;
  const [row, usualRow, terms, usualTerms] = [new Float64Array(places.length), new Float64Array(places.length), new Float64Array(W), new Float64Array(W)];
  return {
    reads: () => reads,
    logOdds: (x) => logisticLogOdds(model, gather(x, places, row)),
    terms(x, usual, out) {
      let rest = logisticTerms(model, gather(x, places, row), 0, terms);
      logisticTerms(model, gather(usual, places, usualRow), 0, usualTerms);
      for (let k = 0; k < W; k += 1) {
        rest += usualTerms[k];
        terms[k] -= usualTerms[k];
      }
      scatter(terms, model.scaler, places, out);
      return rest;
    },
  };
}

const format: Format = { name: 'risk svm scaling', magic: 'ALRS', version: 1 };
interface ScalingHeader {
  settings: Record<string, number | string>;
  sections: number[];
  features: readonly Feature[];
  /** 0: none, as JSON has no Infinity */
  clip: number;
}

/** @param svm  trained on what the scaler makes, and calibrated */
export function saveRiskSvm(scaler: Scaler, svm: Svm): Uint8Array[] {
  const section = saveScaler(scaler);
  const header: ScalingHeader = { settings: {}, sections: [section.length], features: scaler.features, clip: scaler.clip === Infinity ? 0 : scaler.clip };
  return bundle({ scaling: pack(header, [section], format), svm: saveSvm(svm) });
}

/** @throws RangeError when the parts are not a model of this build */
export function readRiskSvm(parts: readonly Uint8Array[]): Scorer {
  const { scaling, svm: svmParts } = unbundle([...parts], ['scaling', 'svm']);
  const { header, next } = unpack<ScalingHeader>(scaling, {}, format);
  const scaler = loadScaler(header.features, header.clip === 0 ? Infinity : header.clip, next((bytes) => new Uint8Array(bytes)));
  return svmScorer(scaler, loadSvm(svmParts));
}

/**
 * The reasons of a kernel are not a sum: each is how far the score moves when its feature alone is put to its usual value,
 * in log-odds; the rest holds what they share.
 */
export function svmScorer(scaler: Scaler, svm: Svm): Scorer {
  const places = placesOf(scaler.features);
  const reads = readsOf(places);
  const W = scaler.columns.length;
  if (svm.D !== W) throw new RangeError(`the svm has ${svm.D} columns and its scaling ${W}; they are of two models`);
  const { platt } = svm;
  if (platt === undefined) throw new RangeError('the svm has no calibration, so no probabilities; train it with folds 5');
  const [row, scaled, usualScaled, moved] = [new Float64Array(places.length), new Float64Array(W), new Float64Array(W), new Float64Array(W)];
  return {
    reads: () => reads,
    logOdds(x) {
      scale(scaler, gather(x, places, row), 0, scaled, 0);
      return platt.a * decision(svm, scaled) + platt.b;
    },
    terms(x, usual, out) {
      scale(scaler, gather(usual, places, row), 0, usualScaled, 0);
      scale(scaler, gather(x, places, row), 0, scaled, 0);
      const logOdds = platt.a * changes(svm, scaled, usualScaled, moved) + platt.b;
      for (let k = 0; k < W; k += 1) moved[k] *= platt.a;
      return logOdds - scatter(moved, scaler, places, out);
    },
  };
}

export const probabilityOf = sigmoid;

/** Challengers of a kind, eight: each costs every decision its score, and the ledger 6 bytes. */
const numbers = ['', '-2', '-3', '-4', '-5', '-6', '-7', '-8'] as const;
/** Those that may decide. */
export const championModels = ['risk-logistic', 'risk-svm'] as const;
export type ChampionModel = (typeof championModels)[number];
export type RiskModel = ChampionModel | `${ChampionModel}-shadow${(typeof numbers)[number]}`;

const challengers = (name: ChampionModel): RiskModel[] => numbers.map((number) => `${name}-shadow${number}` as const);
const readerOf = { 'risk-logistic': readRiskLogistic, 'risk-svm': readRiskSvm } as const;

/** Which promoted models score, and how each is read. */
export const riskReaders = {
  ...readerOf,
  ...Object.fromEntries(championModels.flatMap((name) => challengers(name).map((challenger) => [challenger, readerOf[name]] as const))),
} as Readonly<Record<RiskModel, (parts: readonly Uint8Array[]) => Scorer>>;
export const riskModels = Object.keys(riskReaders) as readonly RiskModel[];
/** Scorers beside the champion: the regression, and every promoted model. */
export const SHADOWS = 1 + riskModels.length;
