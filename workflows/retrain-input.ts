/** The input may come from any client of Temporal, so nothing about it is known. */
import { ApplicationFailure } from '@temporalio/common';
import type { RetrainInput, WatchPeriod } from './retrain-types.js';

export interface CheckedRetrain extends RetrainInput {
  holdout: number;
  approval: boolean;
  approvalHours: number;
  watch: WatchPeriod;
}

export const refusal = (message: string): ApplicationFailure => ApplicationFailure.nonRetryable(message, 'bad_request');

const within = (what: string, value: unknown, least: number, most: number, whole = false): number => {
  if (typeof value === 'number' && value >= least && value <= most && (!whole || Number.isInteger(value))) return value;
  throw refusal(`retrain: ${what} must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}, got ${JSON.stringify(value)}`);
};

const numbers = (what: string, value: unknown): void => {
  if (value === undefined) return;
  if (typeof value !== 'object' || value === null) throw refusal(`retrain: ${what} must be an object of numbers, got ${JSON.stringify(value)}`);
  for (const [name, number] of Object.entries(value)) if (!Number.isFinite(number)) throw refusal(`retrain: ${what}.${name} must be a number, got ${JSON.stringify(number)}`);
};

/** @throws bad_request that names the field */
export function checkedRetrain(given: Partial<RetrainInput> | undefined): CheckedRetrain {
  const { model, shards, settings, gate, holdout = 0.2, approval = false, approvalHours = 168, watch = { hours: 24, everyMinutes: 10 } } = given ?? {};
  if (typeof model !== 'string' || !/^[a-z][a-z0-9_-]{0,23}$/.test(model)) throw refusal(`retrain: model must be a model's name, got ${JSON.stringify(model)}`);
  if (typeof approval !== 'boolean') throw refusal(`retrain: approval must be true or false, got ${JSON.stringify(approval)}`);
  numbers('settings', settings);
  numbers('gate', gate);
  return {
    model, shards: within('shards', shards, 1, 256, true), holdout: within('holdout', holdout, 0.01, 0.9), approval, approvalHours: within('approvalHours', approvalHours, 0.001, 8760),
    watch: checkedWatch(watch),
    ...(settings !== undefined && { settings }), ...(gate !== undefined && { gate }),
  };
}

export const checkedWatch = ({ hours, everyMinutes }: Partial<WatchPeriod>): WatchPeriod =>
  ({ hours: within('watch.hours', hours, 0, 8760), everyMinutes: within('watch.everyMinutes', everyMinutes, 0.001, 1440) });
