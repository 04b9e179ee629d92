/**
 * The factorisation of what customers did, and its switch to live in every shard: the life of the model `svd` (retrain.ts), by the name
 * that schedules and users know.
 */
import { ApplicationFailure, patched } from '@temporalio/workflow';
import type { Check } from '../activities/gate.js';
import { earlierRefreshSvd } from './earlier-runs.js';
import { lifeOptionsOf, metricOf, retraining, type LifeOptions } from './retraining.js';

export interface RefreshSvdInput extends LifeOptions {
  /** how many shards there are; each one is told */
  shards: number;
  /** days after which what a customer did counts half, as the shards have it */
  halfLifeDays: number;
  /** entries of a customer at most */
  history: number;
  /** components, and items at most; the model's defaults when absent */
  rank?: number;
  items?: number;
}

export interface RefreshSvdResult {
  version: number;
  /** position of the newest event that it knows */
  seq: number;
  /** of what it was trained on; 0 where there was nothing to factorise */
  customers: number;
  items: number;
  entries: number;
  rank: number;
  /** of the artefact; absent where there was nothing to factorise, and what was live stays */
  sha256?: string;
  bytes?: number;
  /** what it was judged beside, and how */
  champion?: string;
  checks: Check[];
  /** sequences of EVENTS from which each shard decides by it; empty where it did not go live */
  live: number[];
  /** why it did not */
  reason?: string;
}

const bounds = { shards: 256, history: 10_000, rank: 512, items: 1_000_000 } as const;
/**
 * Of the rows the newest twentieth judges and trains nothing: customers are folded in whenever they came, but an item that came since
 * has no factor.
 */
const holdout = 0.05;

export async function refreshSvd(given: RefreshSvdInput): Promise<RefreshSvdResult> {
  const input = checked(given);
  if (!patched('recipe')) return earlierRefreshSvd(input);
  const { shards, halfLifeDays, history, rank, items } = input;
  const settings = { halfLifeDays, history, ...(rank !== undefined && { rank }), ...(items !== undefined && { items }) };
  const found = await retraining({ model: 'svd', shards, settings, holdout, ...lifeOptionsOf(given) });
  const { version, data, sha256, bytes, champion, checks, live, reason } = found;
  const count = (name: string): number => (sha256 === undefined ? 0 : metricOf(found, name));
  return {
    version, seq: data.seq, customers: count('customers'), items: count('items'), entries: count('entries'), rank: count('rank'), checks, live,
    ...(sha256 !== undefined && { sha256 }), ...(bytes !== undefined && { bytes }), ...(champion !== undefined && { champion }), ...(reason !== undefined && { reason }),
  };
}

/** The input may come from any client of Temporal, so nothing about it is known. */
function checked(given: Partial<RefreshSvdInput> | undefined): RefreshSvdInput {
  const { shards, halfLifeDays, history, rank, items } = given ?? {};
  if (!(typeof halfLifeDays === 'number' && halfLifeDays >= 0.01 && halfLifeDays <= 36_500)) throw refused('halfLifeDays', 'a number from 0.01 to 36500', halfLifeDays);
  return {
    shards: whole('shards', shards),
    history: whole('history', history),
    halfLifeDays,
    ...(rank !== undefined && { rank: whole('rank', rank) }),
    ...(items !== undefined && { items: whole('items', items) }),
  };
}

function whole(field: keyof typeof bounds, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= bounds[field]) return value;
  throw refused(field, `a whole number from 1 to ${bounds[field]}`, value);
}

const refused = (field: string, wanted: string, value: unknown): ApplicationFailure =>
  ApplicationFailure.nonRetryable(`refreshSvd: ${field} must be ${wanted}, got ${JSON.stringify(value)}`, 'bad_request');
