/**
 * Platt's calibration, online: p = sigmoid(a s + b), where (a, b) follow the verdicts as they arrive, by Newton steps.
 *
 *   H <- keep H + (1 - keep) H0 + p (1 - p) (s, 1)(s, 1)^T
 *   (a, b) <- (a, b) + H^-1 (s, 1) (y - p)
 *
 * H0 = prior I is there at the start with (a, b) = (1, 0): as many verdicts' worth of belief that the score is right as it is.
 * `keep` = 2^(-1 / halfLife) lets old verdicts fade, as the model below goes on learning and its scores change their meaning.
 * Source: the stochastic Newton algorithm of Bercu, Godichon and Portier 2020 (SIAM J. Control and Optimization 58(1)) in the
 * two parameters of Platt 1999, with exponential forgetting.
 */
import { sigmoid } from './logistic.js';

export interface CalibrationSettings {
  /** > 0. Default 1: about four verdicts of an undecided score (p (1 - p) is 1/4 at most). */
  prior: number;
  /** In verdicts, > 0; Infinity: nothing fades. Default 100,000. */
  halfLife: number;
}

export const defaultCalibrationSettings: CalibrationSettings = { prior: 1, halfLife: 100_000 };

export interface Calibration {
  settings: CalibrationSettings;
  keep: number;
  /** a | b | H_aa | H_ab | H_bb */
  state: Float64Array;
}

/** A slope of 0 or below would turn the order of the scores over; then this stands in its place. */
const SLOPE_MIN = 1e-3;
/** One surprising verdict moves the slope and the offset by this much at most. */
const STEP_MAX = 1;

/** @throws RangeError that names the setting */
export function createCalibration(settings: CalibrationSettings = defaultCalibrationSettings): Calibration {
  for (const [name, value] of Object.entries(settings) as [string, number][]) {
    if (!(value > 0) || (name === 'prior' && value === Infinity)) throw new RangeError(`calibration: ${name} must be a number > 0, got ${value}`);
  }
  return { settings, keep: 2 ** (-1 / settings.halfLife), state: Float64Array.of(1, 0, settings.prior, 0, settings.prior) };
}

/** a s + b: the calibrated log-odds of a score. */
export const calibrated = ({ state }: Calibration, score: number): number => state[0] * score + state[1];

/**
 * Learns one verdict, in place.
 * @param score  what the model gave *before* it learned this verdict
 * @param label  0 or 1
 * Worked: prior 1, nothing fades, score 0, label 1 -> p = .5, H_bb = 1.25, b = .5 / 1.25 = 0.4, a = 1
 */
export function learnCalibration({ settings: { prior }, keep, state }: Calibration, score: number, label: number): void {
  const p = sigmoid(state[0] * score + state[1]);
  const h = p * (1 - p);
  const fresh = (1 - keep) * prior;
  state[2] = keep * state[2] + fresh + h * score * score;
  state[3] = keep * state[3] + h * score;
  state[4] = keep * state[4] + fresh + h;
  const [haa, hab, hbb] = [state[2], state[3], state[4]];
  const det = haa * hbb - hab * hab; // positive: both eigenvalues are at least prior
  const g = label - p;
  const [stepA, stepB] = [(g * (hbb * score - hab)) / det, (g * (haa - hab * score)) / det];
  state[0] = Math.max(SLOPE_MIN, state[0] + Math.max(-STEP_MAX, Math.min(STEP_MAX, stepA)));
  state[1] += Math.max(-STEP_MAX, Math.min(STEP_MAX, stepB));
}
