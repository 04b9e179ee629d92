/**
 * What a model's life needs to know of it, and no more: one recipe a model, and one workflow for all of them. Everything here
 * runs in a thread of its own (recipe-thread.ts) but the plan of the cut and the rules of the watch, which are data.
 *
 *   plan -> rows of ClickHouse -> Arrow -> read -> train, epoch by epoch -> judge beside the champion -> gate
 */
import type { CreateEngine } from '../../models/lstm/engine.js';
import type { Ratio } from '../../models/metrics/bootstrap.js';
import type { Cut, CutColumns } from '../arrow-cut.js';
import type { GateLimits } from '../gate.js';

/** Numbers that an installation sets: days, widths. They are recorded with the run. */
export type RecipeSettings = Readonly<Record<string, number>>;

export interface CutPlan {
  /**
   * The newest {most:UInt32} rows that no event behind {seq:UInt64} had a say in, in order of time. The order is total, so that
   * the same cut again gives the same rows. It may use {asOf:Int64}, the time of the newest event in milliseconds since 1970,
   * and the settings (Float64).
   */
  query: string;
  /** what it selects, in that order; `at_ms`, of type i64, is the time of the row and ascends */
  columns: CutColumns;
  /** fixed parameters of the query */
  parameters?: Readonly<Record<string, unknown>>;
  /** rows at most: what a worker has memory for */
  rowsMax: number;
  /** with their defaults */
  settings: RecipeSettings;
}

/** Rows `from` to `to` (excluded) of a data set. */
export interface Range {
  from: number;
  to: number;
}

/** After an epoch. */
export interface Epoch {
  /** from 1 */
  epoch: number;
  epochs: number;
  loss: number;
  /** from which a training that was cut off goes on, to the same bytes in the end */
  checkpoint: Uint8Array[];
}

export type Training = Generator<Epoch, Uint8Array[]> | AsyncGenerator<Epoch, Uint8Array[]>;

/** How one version did on the rows that judge it. */
export interface Judged {
  /**
   * Of each example, the higher the better, in the recipe's unit: what the gate compares, by its mean. An example is a row, or all rows of a
   * customer, whatever the recipe says; it depends on the rows alone, and not on the version.
   */
  scores: Float64Array;
  /** where the figure is the sum of the scores by the sum of these and no mean, as F1 is */
  wholes?: Float64Array;
  /** the same of a part of what is read in a row, for slices of it */
  parts?: Readonly<Record<string, Ratio>>;
  metrics: Readonly<Record<string, number>>;
  /** how far its probabilities are from what happened, 0 to 1; NaN where it gives none */
  calibrationError: number;
  /** of one row, the 99th percentile; NaN where it was not measured */
  latencyMsP99: number;
}

export interface Slice {
  name: string;
  /** among the examples that judge, from 0 */
  rows: Uint32Array;
  /** of `parts`, where the slice looks at no more than that; rows without anything of it do not count */
  part?: string;
}

/** What the watch asks of live figures: after the promotion beside before it. */
export interface WatchRule {
  metric: string;
  /** the direction that is worse */
  worse: 'higher' | 'lower';
  /** how far it may move: after <= before * factor + by for `higher`, after >= before / factor - by for `lower` */
  factor: number;
  by: number;
  /** rows that say something, before and after */
  rowsMin: number;
}

export interface WatchPlan {
  /**
   * Rows (metric, value, rows) over the newest {most:UInt32} decisions at positions above {from:UInt64} up to {to:UInt64}: those
   * of the version {tag:String}, or of whatever decided where it is ''. Its promotions, one a shard, begin at {since:UInt64} and end at {from:UInt64}.
   */
  query: string;
  rules: readonly WatchRule[];
  /** decisions that are looked at */
  most: number;
}

export interface Recipe<Data = unknown> {
  model: string;
  /** models of which the one promoted last decides, this one included: the champion is the live one of them */
  rivals: readonly string[];
  plan: CutPlan;
  gate: GateLimits;
  watch: WatchPlan;
  /** What scores where no version is live; absent: what decided then, as it was recorded. */
  baseline?: string;
  /** Metrics of a version that may not fall below half of the champion's: of a store that lost rows comes a model of what is left. */
  half?: readonly string[];
  /** @param settings  the plan's, with those of the installation */
  read(cut: Cut, settings: RecipeSettings): Data;
  /** @returns why these rows are too few to learn from; undefined when they are not */
  tooFew(data: Data, rows: Range): string | undefined;
  /**
   * Deterministic: the same rows give the same bytes, also from a checkpoint of its own on, and whatever the engine's threads.
   * @param engine  of LSTM networks: createFastEngine where it is absent
   */
  train(data: Data, rows: Range, checkpoint?: readonly Uint8Array[], engine?: CreateEngine): Training;
  /**
   * @param version  undefined: the baseline
   * @returns undefined where nothing was recorded
   * @throws RangeError when the parts are not the model's
   */
  judge(data: Data, rows: Range, version: { model: string; parts: readonly Uint8Array[] } | undefined): Judged | undefined;
  slices(data: Data, rows: Range): Slice[];
  /** How many of the rows are of the rare class; NaN where there is none. */
  positives(data: Data, rows: Range): number;
  /** What the card says: what the model is for, the unit of its score, and where it must not be relied upon. */
  card: { purpose: string; score: string; limits: readonly string[] };
}

/** The column that every data set has. */
export const atColumn = 'at_ms';
