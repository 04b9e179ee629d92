/**
 * How the channels of a recommendation are weighed, learnt from the decisions on record and what customers did next: the life of the model
 * `blend` (retrain.ts), by the name that schedules and users know.
 */
import { ApplicationFailure, patched } from '@temporalio/workflow';
import type { Check } from '../activities/gate.js';
import type { Blend, Channel } from '../models/recommend/fuse.js';
import { earlierTuneBlend } from './earlier-runs.js';
import { lifeOptionsOf, metricOf, retraining, type LifeOptions } from './retraining.js';
import type { RetrainResult } from './retrain-types.js';

export interface TuneBlendInput extends LifeOptions {
  /** how many shards there are; each one is told */
  shards: number;
  /** how far back decisions are read */
  days: number;
  /** how long after a decision what the customer does is its success */
  windowHours: number;
}

/** Plain JSON. */
export interface TuneBlendResult {
  version: number;
  /** of the later answers, those that judged; 0 where there was too little */
  decisions: number;
  /** how both weigh; absent where there was too little */
  live?: Blend;
  challenger?: Blend;
  positionBias?: number;
  /** mean nDCG of the later answers by either one; the difference with its 95% interval, by customer */
  ndcg?: { live: number; challenger: number; difference: number; low: number; high: number };
  champion?: string;
  checks: Check[];
  /** why the live one stays */
  reason?: string;
  /** of the artefact; absent where nothing was learnt */
  sha256?: string;
  /** sequences of EVENTS from which each shard decides by it */
  promoted: number[];
}

export async function tuneBlend(given: TuneBlendInput): Promise<TuneBlendResult> {
  const input = checked(given);
  if (!patched('recipe')) return earlierTuneBlend(input);
  const { shards, days, windowHours } = input;
  const found = await retraining({ model: 'blend', shards, settings: { days, windowHours }, ...lifeOptionsOf(given) });
  const { version, sha256, champion, checks, live: promoted, reason } = found;
  return {
    version, checks, promoted, ...(sha256 === undefined ? { decisions: 0 } : comparisonOf(found)),
    ...(champion !== undefined && { champion }), ...(reason !== undefined && { reason }), ...(sha256 !== undefined && { sha256 }),
  };
}

function comparisonOf(found: RetrainResult): Pick<TuneBlendResult, 'decisions' | 'live' | 'challenger' | 'positionBias' | 'ndcg'> {
  const blendOf = (of: 'challenger' | 'champion'): Blend => ({
    weights: Object.fromEntries((found.metrics ?? []).flatMap(({ name }) => (name.startsWith('weight_') ? [[name.slice('weight_'.length), metricOf(found, name, of)]] : []))) as Record<Channel, number>,
    constant: metricOf(found, 'constant', of),
  });
  const gain = found.checks.find(({ name }) => name === 'gain');
  const [challenger, live] = [metricOf(found, 'ndcg'), metricOf(found, 'ndcg', 'champion')];
  return {
    decisions: metricOf(found, 'answers'), live: blendOf('champion'), challenger: blendOf('challenger'), positionBias: metricOf(found, 'position_bias'),
    // JSON has no NaN.
    ...(gain !== undefined && gain.low !== null && gain.high !== null && { ndcg: { live, challenger, difference: challenger - live, low: gain.low, high: gain.high } }),
  };
}

/** The input may come from any client of Temporal, so nothing about it is known. */
function checked(given: Partial<TuneBlendInput> | undefined): TuneBlendInput {
  const { shards, days, windowHours } = given ?? {};
  if (!(typeof shards === 'number' && Number.isInteger(shards) && shards >= 1 && shards <= 256)) throw refused('shards', 'a whole number from 1 to 256', shards);
  if (!(typeof days === 'number' && days > 0 && days <= 3650)) throw refused('days', 'a number above 0 and at most 3650', days);
  if (!(typeof windowHours === 'number' && windowHours > 0 && windowHours <= 24 * days)) throw refused('windowHours', `a number above 0 and at most ${24 * days}, the hours of days`, windowHours);
  return { shards, days, windowHours };
}

const refused = (field: keyof TuneBlendInput, wanted: string, value: unknown): ApplicationFailure =>
  ApplicationFailure.nonRetryable(`tuneBlend: ${field} must be ${wanted}, got ${JSON.stringify(value)}`, 'bad_request');
