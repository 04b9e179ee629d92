/**
 * What has never been seen, beside the score that verdicts teach: half-space trees (models/risk/detector.ts) over some of
 * the features, of purchases and of refunds apart, taught by every decision and by no label.
 *
 *   s = -ln density of the row = ln(score / (1 - score))           how few have been where it is
 *   unusual: s > q, where q follows the (1 - share) quantile of s:  q <- q + STEP (1 if s > q else 0  -  share)
 *
 * An unusual one may be raised to review, by a setting, and as many as the share of all decisions so far at most.
 * Source of the running quantile: Robbins and Monro 1951.
 */
import { pack, unpack, type Format } from '../../models/snapshot.js';
import { createDetector, type Detector, type DetectorSettings } from '../../models/risk/detector.js';
import { bundle, unbundle } from '../bundle.js';
import { riskFeatures } from './features.js';
import { kinds, type Kind } from './ledger.js';

/** What is told apart without a label: amounts, how often, with how many others, how long ago. All 152 would fill none of the space. */
export const watched = [
  'amount_log', 'quantity', 'amount_over_mean', 'price_over_usual_max', 'since_first_log', 'since_order_log', 'refund_rate', 'refunded_share', 'order_age_log', 'order_refunded_with',
  'customer_purchases_24h', 'customer_amount_log_7d', 'customer_refunds_30d', 'customer_refunded_log_30d', 'customer_cards_30d', 'customer_devices_30d',
  'device_purchases_24h', 'device_refunds_30d', 'device_customers_30d', 'device_since_log', 'card_customers_30d', 'address_customers_30d', 'address_purchases_7d',
] as const;
const names = riskFeatures.map(({ name }) => name);
const places = Int32Array.from(watched, (name) => names.indexOf(name));

/** Fewer and lower trees than the paper's 25 of depth 15: each decision walks all of them. */
export const detectorSettings: DetectorSettings = { features: watched.length, trees: 16, depth: 6, window: 250, seed: 1 };
/** Of a kind, once the first window is full every fourth teaches: a window is then a thousand of them, at a quarter of the time. */
const EVERY = 4;
const STEP = 0.05;
/** Where none is raised an analyst still finds one in two hundred marked. */
const MARKED = 0.005;
const REASONS = 3;

export interface Unusual {
  /** In (0, 1), 1 for what has never been seen; 0 until a first window of the kind is full. Never writes. */
  score(kind: Kind, x: Float64Array): number;
  isUnusual(kind: Kind, score: number): boolean;
  /** Whether one more may be raised. */
  mayRaise(): boolean;
  /** The features without which it would be less unusual, the one that makes most of it first. */
  features(kind: Kind, x: Float64Array, score: number): string[];
  observe(kind: Kind, x: Float64Array, score: number, raised: boolean): void;
  stats(): { scored: number; raised: number };
  snapshot(): Uint8Array[];
}

const format: Format = { name: 'risk unusual', magic: 'AFRU', version: 1 };
const parts = ['purchase', 'refund', 'rest'] as const;
const surprise = (score: number): number => Math.log(score / (1 - score));

/** @param share  of all decisions that may be raised; 0: none. @throws RangeError when the chunks are not a whole snapshot of this build */
export function createUnusual(share: number, chunks?: Uint8Array[]): Unusual {
  const saved = chunks === undefined ? undefined : unbundle(chunks, parts);
  const detectors: Detector[] = [createDetector(detectorSettings, saved?.purchase), createDetector(detectorSettings, saved?.refund)];
  /** by kind: the quantile, and how many were scored | raised, of both | seen, by kind */
  const state = Float64Array.of(-Infinity, -Infinity, 0, 0, 0, 0, 0);
  const bytes = new Uint8Array(state.buffer);
  const settings = { watched: watched.join(), share };
  if (saved !== undefined) unpack(saved.rest, settings, format).next(() => bytes);
  const quantile = share > 0 ? share : MARKED;
  const [row, without] = [new Float64Array(watched.length), new Float64Array(watched.length)];
  const gathered = (x: Float64Array): Float64Array => {
    for (let j = 0; j < places.length; j += 1) row[j] = x[places[j]];
    return row;
  };
  return {
    score(kind, x) {
      const detector = detectors[kinds[kind]];
      return detector.windows() === 0 ? 0 : detector.score(gathered(x));
    },
    // The first rows that have a score say how far it goes.
    isUnusual: (kind, score) => score > 0 && state[2 + kinds[kind]] >= detectorSettings.window && surprise(score) > state[kinds[kind]],
    mayRaise: () => share > 0 && state[4] + 1 <= share * (state[2] + state[3]),
    features(kind, x, score) {
      detectors[kinds[kind]].without(gathered(x), without);
      const order = [...watched.keys()].filter((j) => without[j] < score).sort((a, b) => without[a] - without[b] || a - b);
      return order.slice(0, REASONS).map((j) => watched[j]);
    },
    observe(kind, x, score, raised) {
      const k = kinds[kind];
      if (detectors[k].windows() === 0 || state[5 + k] % EVERY === 0) detectors[k].observe(gathered(x));
      state[5 + k] += 1;
      if (score === 0) return;
      const s = surprise(score);
      if (state[2 + k] < detectorSettings.window) state[k] = Math.max(state[k], s);
      else state[k] += STEP * ((s > state[k] ? 1 : 0) - quantile);
      state[2 + k] += 1;
      if (raised) state[4] += 1;
    },
    stats: () => ({ scored: state[2] + state[3], raised: state[4] }),
    snapshot: () => bundle({ purchase: detectors[0].snapshot(), refund: detectors[1].snapshot(), rest: pack({ settings, sections: [bytes.length] }, [bytes], format) }),
  };
}
