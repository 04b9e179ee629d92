/**
 * How good the scores were, by day and model version: prequential, as each was given before its verdict.
 *
 *   verdicts   those that arrived on a day: known at once, and one-sided, as some verdicts come later than others
 *   decisions  those made on a day, once the maturity is over: complete
 *
 * A day's verdicts of one version are kept up to a bound; beyond it every second one is dropped, and from then on every
 * second one is not taken: an even thinning that needs no chance, and leaves shares and ranks what they are.
 */
import { auc, averagePrecision, precisionAtCapacity } from '../../models/metrics/ranking.js';
import { brier, expectedCalibrationError, logLoss } from '../../models/metrics/calibration.js';
import { kept as inSections, unpack, type Format } from '../../models/snapshot.js';

/** Verdicts of a day and a version: standard errors of an AUC are then below 0.003, whatever the shares. */
const KEPT_MAX = 32_768;

export interface Measured {
  metric: string;
  value: number;
  rows: number;
  positives: number;
}

/**
 * Every metric that the rows can tell; one whose class is absent is not among them.
 * @param capacity  rows that a team looks at in a day
 */
export function measure(probabilities: Float64Array, labels: Uint8Array, capacity: number): Measured[] {
  const positives = labels.reduce((sum, label) => sum + label, 0);
  if (labels.length === 0) return [];
  const found: Record<string, number> = {
    auc: auc(probabilities, labels),
    average_precision: averagePrecision(probabilities, labels),
    precision_at_capacity: precisionAtCapacity(probabilities, labels, capacity),
    brier: brier(probabilities, labels),
    log_loss: logLoss(probabilities, labels),
    calibration_error: expectedCalibrationError(probabilities, labels),
  };
  return Object.entries(found).filter(([, value]) => Number.isFinite(value)).map(([metric, value]) => ({ metric, value, rows: labels.length, positives }));
}

interface Kept {
  p: Float64Array;
  y: Uint8Array;
  held: number;
  /** every `stride`-th is taken; `seen` of them came by */
  stride: number;
  seen: number;
}

/** The verdicts of the day that runs. */
export interface Scorecard {
  add(version: number, p: number, label: number): void;
  /** Everything since the last call, by version; `seen` counts what was thinned out too. */
  take(): { version: number; p: Float64Array; y: Uint8Array; seen: number }[];
  snapshot(): Uint8Array[];
  hash(): string;
}

const format: Format = { name: 'risk scorecard', magic: 'AFRS', version: 1 };

/** @throws RangeError when the chunks are not a whole snapshot of this version */
export function createScorecard(chunks?: Uint8Array[], keptMax = KEPT_MAX): Scorecard {
  const byVersion = new Map<number, Kept>();
  if (chunks !== undefined) load();
  const inOrder = (): [number, Kept][] => [...byVersion].sort(([a], [b]) => a - b);

  return {
    add(version, p, label) {
      let kept = byVersion.get(version);
      if (kept === undefined) byVersion.set(version, (kept = { p: new Float64Array(64), y: new Uint8Array(64), held: 0, stride: 1, seen: 0 }));
      kept.seen += 1;
      if (kept.seen % kept.stride !== 0) return;
      if (kept.held === keptMax) {
        thin(kept);
        if (kept.seen % kept.stride !== 0) return;
      }
      if (kept.held === kept.p.length) grow(kept, keptMax);
      kept.p[kept.held] = p;
      kept.y[kept.held] = label;
      kept.held += 1;
    },
    take() {
      const taken = inOrder().map(([version, { p, y, held, seen }]) => ({ version, p: p.slice(0, held), y: y.slice(0, held), seen }));
      byVersion.clear();
      return taken;
    },
    ...inSections({ keptMax }, sections, format),
  };

  function sections(): Uint8Array[] {
    return inOrder().flatMap(([version, { p, y, held, stride, seen }]) => [
      new Uint8Array(Float64Array.of(version, held, stride, seen).buffer), new Uint8Array(p.slice(0, held).buffer), y.slice(0, held),
    ]);
  }
  function load(): void {
    const { header, next } = unpack(chunks ?? [], { keptMax }, format);
    for (let i = 0; i < header.sections.length; i += 3) {
      const [version, held, stride, seen] = new Float64Array(next((bytes) => new Uint8Array(bytes)).buffer);
      const kept: Kept = { p: new Float64Array(Math.max(64, held)), y: new Uint8Array(Math.max(64, held)), held, stride, seen };
      next((bytes) => new Uint8Array(kept.p.buffer, 0, bytes));
      next((bytes) => kept.y.subarray(0, bytes));
      byVersion.set(version, kept);
    }
  }
}

function thin(kept: Kept): void {
  let held = 0;
  for (let i = 1; i < kept.held; i += 2) {
    kept.p[held] = kept.p[i];
    kept.y[held] = kept.y[i];
    held += 1;
  }
  kept.held = held;
  kept.stride *= 2;
}

function grow(kept: Kept, most: number): void {
  const [p, y] = [new Float64Array(Math.min(most, kept.p.length * 2)), new Uint8Array(Math.min(most, kept.p.length * 2))];
  p.set(kept.p);
  y.set(kept.y);
  kept.p = p;
  kept.y = y;
}
