/**
 * The champion from the first event on: online logistic regression over the features, whose say grows with its evidence.
 *
 *   log-odds(x) = (1 - g) prior + g (online(x) + ln r),      g = 1 - 2^(-F / trust),   r = G / (q N - F),   q = 1 - d / T
 *
 * F, G: verdicts learned, fraud and genuine; N: decisions made, in the time T since the first. Before the first fraud g is 0: there is the prior alone, and
 * the shop's rules decide. With `trust` frauds the regression has half the say, with twice as many three quarters (in the log-odds: a
 * shrinkage towards the prior).
 *
 * r corrects for what verdicts come of: nearly every fraud gets one, and of the genuine orders only some before their maturity.
 * Such sampling by outcome leaves the weights right and shifts the intercept by ln r. q is the share of the frauds whose verdict
 * has come by now: with a mean delay of d, and as many decisions a day throughout, those of the last d are missing on average.
 * Source: King and Zeng 2001, "Logistic regression in rare events data", Political Analysis 9(2), equation 7.
 * Worked: N = 10,000, F = 100, G = 990, d = 0: one genuine order in ten has its verdict, and the log-odds are ln .1 = -2.30 lower.
 */
import { defaultCalibrationSettings } from '../../models/linear/calibrate.js';
import { defaultFtrlSettings } from '../../models/linear/ftrl.js';
import { activeLogOdds, activeOf, activeTerms, createOnline, learn, loadOnline, observeCheckedRow, saveOnline, type Active, type Online, type OnlineSettings } from '../../models/linear/online.js';
import { riskFeatures } from './features.js';
import type { Scorer } from './promoted.js';

const nothing: Active = { features: new Int32Array(), count: 0, stale: false };

export const onlineModel = 'risk-online-1';

/** Share of frauds among verdicts, before any: nearly every fraud gets one, and few of the genuine orders. */
const verdictShare = 0.1;

/**
 * clip, in standard deviations: an absurd value says no more than a very large one. l1: of 152 features, many of which say nearly
 * the same, those with little evidence stay at exactly 0; l2: and no early fraud sends one far off. start: from even odds the
 * first verdicts are spent on how rare fraud is; from one in a thousand no genuine one teaches anything. All chosen on simulated
 * shops (seeds 101 to 106) by the average precision of a month; docs/decisions/0016 has the figures.
 */
export const onlineSettings: OnlineSettings = {
  features: riskFeatures, clip: 16, ftrl: { ...defaultFtrlSettings, l1: 2, l2: 10, start: Math.log(verdictShare / (1 - verdictShare)) }, calibration: defaultCalibrationSettings,
};

export interface Counts {
  decisions: number;
  frauds: number;
  genuine: number;
  /** of the first and the latest decision, milliseconds since 1970 */
  firstMs: number;
  lastMs: number;
  /** sum over the frauds, from the decision to the verdict */
  delayMs: number;
}

export interface OnlineChampion extends Scorer {
  /** a new decision's row, without infinite numbers as the assessor makes it, goes into the scaling */
  observe(x: Float64Array, atMs: number): void;
  /** @param times  how often it counts @param delayMs  from the decision to the verdict */
  learn(x: Float64Array, label: number, times: number, delayMs: number): void;
  /** A verdict of this label is not the last word: it counts no longer. What the weights made of it stays. */
  takeBack(label: number): void;
  /** What each of some features usually is in this shop; NaN before it was ever there. */
  usual(out: Float64Array, of: Active): void;
  counts: Counts;
  save(): Uint8Array[];
}

/** At the start, when hardly any verdict can have come, the few that have say little about how many are missing. */
const ARRIVED_MIN = 0.1;

/** @param prior  log-odds of fraud where nothing is known @param trust  frauds at which the regression has half the say */
export function createOnlineChampion({ prior, trust }: { prior: number; trust: number }, saved?: { chunks: Uint8Array[]; counts: Counts }): OnlineChampion {
  const model: Online = saved === undefined ? createOnline(onlineSettings) : loadOnline(onlineSettings, saved.chunks);
  const counts: Counts = saved?.counts ?? { decisions: 0, frauds: 0, genuine: 0, firstMs: 0, lastMs: 0, delayMs: 0 };
  const say = (): number => 1 - 2 ** (-counts.frauds / trust);
  const shift = (): number => {
    const { decisions, frauds, genuine, firstMs, lastMs, delayMs } = counts;
    const arrived = Math.max(ARRIVED_MIN, 1 - delayMs / Math.max(1, frauds) / Math.max(1, lastMs - firstMs));
    return Math.log(Math.min(1, Math.max(1, genuine) / Math.max(1, arrived * decisions - frauds)));
  };
  return {
    counts,
    logOdds(x) {
      const g = say();
      return g === 0 ? prior : (1 - g) * prior + g * (activeLogOdds(model, x) + shift());
    },
    reads: () => (counts.frauds === 0 ? nothing : activeOf(model)),
    terms(x, usual, out) {
      const g = say();
      if (g === 0) return prior;
      const rest = activeTerms(model, x, usual, out);
      const { features, count } = activeOf(model);
      for (let i = 0; i < count; i += 1) out[features[i]] *= g;
      return (1 - g) * prior + g * (rest + shift());
    },
    observe(x, atMs) {
      observeCheckedRow(model, x);
      if (counts.decisions === 0) counts.firstMs = atMs;
      counts.decisions += 1;
      counts.lastMs = Math.max(counts.lastMs, atMs);
    },
    learn(x, label, times, delayMs) {
      for (let n = 0; n < times; n += 1) learn(model, x, label);
      if (label === 1) {
        counts.frauds += 1;
        counts.delayMs += Math.max(0, delayMs);
      } else counts.genuine += 1;
    },
    takeBack(label) {
      if (label === 1) {
        counts.delayMs -= counts.delayMs / counts.frauds;
        counts.frauds -= 1;
      }
      else counts.genuine -= 1;
    },
    usual(out, { features, count: places }) {
      const { moments: { count, mean } } = model.scaler;
      for (let i = 0; i < places; i += 1) out[features[i]] = count[features[i]] > 0 ? mean[features[i]] : NaN;
    },
    save: () => saveOnline(model),
  };
}
