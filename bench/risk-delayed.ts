/**
 * Prequential scores with late verdicts: a row is scored when it comes, its verdict is learned `delayMs` later, from the
 * row as it was then.  N = rows, D = columns.
 *
 *   t      row i comes:  verdicts of all j with at_j + delay <= t, in order  ->  score i  ->  observe i
 */
import { createOnline, learn, observeRow, score } from '../models/linear/online.js';
import type { OnlineSettings } from '../models/linear/online.js';
import { linear, sigmoid } from '../models/linear/logistic.js';
import { createScaler, observe, scale, type Feature } from '../models/linear/scaler.js';
import { stepSgd } from '../models/linear/sgd.js';
import { auc } from '../models/metrics/ranking.js';

export interface Learner {
  score(X: Float64Array, at: number): number;
  /** at the decision, when its verdict is not known */
  observe(X: Float64Array, at: number): void;
  learn(X: Float64Array, at: number, label: number): void;
}

export interface Judged {
  /** N * D, as they were at the decision */
  X: Float64Array;
  D: number;
  /** N, ascending */
  atMs: Float64Array;
  y: Uint8Array;
}

/** @returns N scores */
export function delayed(learner: Learner, { X, D, atMs, y }: Judged, delayMs: number): Float64Array {
  const scores = new Float64Array(y.length);
  let next = 0;
  for (let i = 0; i < y.length; i += 1) {
    for (; next < i && atMs[next] + delayMs <= atMs[i]; next += 1) learner.learn(X, next * D, y[next]);
    scores[i] = learner.score(X, i * D);
    learner.observe(X, i * D);
  }
  return scores;
}

/** The first row that some verdict was known for; N where none ever is. */
export function firstTaught(atMs: Float64Array, delayMs: number): number {
  const found = atMs.findIndex((at) => atMs[0] + delayMs <= at);
  return found < 0 ? atMs.length : found;
}

/**
 * AUC over pairs of the same day (UTC): what is gained by knowing that there is more fraud this week than last does not count.
 * @returns NaN when no day has both classes
 */
export function dailyAuc(scores: Float64Array, y: Uint8Array, atMs: Float64Array): number {
  let [inOrder, pairs] = [0, 0];
  for (let from = 0; from < y.length; ) {
    const day = Math.floor(atMs[from] / 86_400_000);
    let [to, positives] = [from, 0];
    for (; to < y.length && Math.floor(atMs[to] / 86_400_000) === day; to += 1) positives += y[to];
    const both = positives * (to - from - positives);
    if (both > 0) inOrder += both * auc(scores.subarray(from, to), y.subarray(from, to));
    pairs += both;
    from = to;
  }
  return inOrder / pairs;
}

/** This project's: it scales by every row that it has seen, with a verdict or without. */
export function onlineLearner(settings: OnlineSettings): Learner {
  const model = createOnline(settings);
  return {
    score: (X, at) => score(model, X, at),
    observe: (X, at) => observeRow(model, X, at),
    learn: (X, at, label) => learn(model, X, label, at),
  };
}

/** river's StandardScaler | LogisticRegression(SGD(rate)): scaling, too, learns with the verdict. */
export function sgdLearner(features: readonly Feature[], rate: number): Learner {
  const scaler = createScaler(features);
  const W = scaler.columns.length;
  const [w, row] = [new Float64Array(W + 1), new Float64Array(W)];
  return {
    score(X, at) {
      scale(scaler, X, at, row, 0);
      return sigmoid(linear(w, row, 0, W));
    },
    observe() { /* river's pipeline learns nothing while it predicts */ },
    learn(X, at, label) {
      observe(scaler, X, at);
      scale(scaler, X, at, row, 0);
      stepSgd(w, row, 0, label, rate);
    },
  };
}
