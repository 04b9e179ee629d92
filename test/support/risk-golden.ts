import { readFileSync } from 'node:fs';

interface Svc {
  kernel: 'linear' | 'rbf';
  C: number;
  balanced: boolean;
  gamma?: number;
  supports: number;
  iterations: number;
  decision: number[];
  train: number[];
  platt: { a: number; b: number };
  probability: number[];
}

interface CreditGolden {
  features: number;
  logistic: { C: number; auc: number };
  svm: { C: number; gamma: number; auc: number };
}

/** test/golden/risk-models.json; the script beside it says what the numbers are. */
export interface Golden {
  X: number[][];
  y: number[];
  train: number;
  scaler: { mean: number[]; sd: number[] };
  logistic: { C: number; balanced: boolean; coef: number[]; intercept: number; decision: number[] }[];
  svc: Svc[];
  metrics: { scores: number[]; probabilities: number[]; auc: number; averagePrecision: number; logLoss: number; brier: number; observed: number[]; predicted: number[] };
  stream: { probabilities: number[]; weights: number[]; intercept: number };
  credit: { plain: CreditGolden; derived: CreditGolden };
}

export function readGolden(): Golden {
  return JSON.parse(readFileSync(new URL('../../test/golden/risk-models.json', import.meta.url), 'utf8')) as Golden;
}

/** The set, flat: the first `train` rows and the rest. */
export function goldenRows({ X, y, train }: Golden) {
  const D = X[0].length;
  return {
    D,
    all: Float64Array.from(X.flat()),
    train: { X: Float64Array.from(X.slice(0, train).flat()), y: Uint8Array.from(y.slice(0, train)) },
    test: { X: Float64Array.from(X.slice(train).flat()), y: Uint8Array.from(y.slice(train)) },
  };
}

/** The largest difference, which fails a comparison where a number is NaN. */
export function worst(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = a.length === b.length ? 0 : NaN;
  for (let i = 0; i < a.length; i += 1) {
    const difference = Math.abs(a[i] - b[i]);
    if (!(difference <= most)) most = difference;
  }
  return most;
}

/** Uniform numbers from a seed, for made-up rows (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
