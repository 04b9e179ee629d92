/** What goes into a retraining, comes out of it, and is told on the way: plain JSON. */
import type { DataSet } from '../activities/cut.js';
import type { Check, GateLimits } from '../activities/gate.js';
import type { Verdict } from '../activities/train.js';
import type { VersionRef } from '../pipelines/runtime/live-versions.js';

export interface RetrainInput {
  model: string;
  /** how many shards there are; each one is told */
  shards: number;
  /** numbers of the recipe's cut; its defaults when absent */
  settings?: Record<string, number>;
  /** limits of the gate; the recipe's defaults when absent */
  gate?: Partial<GateLimits>;
  /** share of the rows, the newest, that judge; 0.2 when absent */
  holdout?: number;
  /** a person must approve what has passed the gate */
  approval?: boolean;
  /** hours after which nobody has; 168 when absent */
  approvalHours?: number;
  watch?: WatchPeriod;
}

export interface WatchPeriod {
  /** for how long live figures are watched after the promotion; 0: not at all */
  hours: number;
  everyMinutes: number;
}

export const retrainOutcomes = ['promoted', 'refused', 'rejected', 'champion_changed'] as const;

export interface RetrainResult {
  model: string;
  version: number;
  outcome: (typeof retrainOutcomes)[number];
  /** why it was not promoted */
  reason?: string;
  data: DataSet;
  sha256?: string;
  bytes?: number;
  champion?: string;
  checks: Check[];
  /** figures of both; absent where none was judged */
  metrics?: Verdict['metrics'];
  /** sequences of EVENTS from which each shard decides by it; empty where it was not promoted */
  live: number[];
}

export type RetrainPhase = 'cut' | 'train' | 'judge' | 'approval' | 'promote' | 'done';

/** What the query `state` tells. */
export interface RetrainState {
  model: string;
  version: number;
  phase: RetrainPhase;
  paused: boolean;
  data?: DataSet;
  trained?: { rows: number; epochs: number; resumed: number; seconds: number };
  champion?: string;
  checks?: Check[];
  /** while the phase is approval: what to approve */
  waitsFor?: VersionRef;
  decision?: { approved: boolean; by: string; reason: string };
}

export interface Decided {
  by: string;
  reason?: string;
  /** the version that was looked at: another one must not be approved by mistake */
  version?: number;
}
