/** The life of a model, begun by a workflow that has a name of its own: one way to make, judge and promote, whoever asks. */
import { ApplicationFailure, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { executeChild, ParentClosePolicy } from '@temporalio/workflow';
import { retrainId, retrainType } from './names.js';
import type { retrain } from './retrain.js';
import type { RetrainInput, RetrainResult } from './retrain-types.js';

/** What whoever starts it may say besides; the defaults are those of `retrain`. */
export type LifeOptions = Pick<RetrainInput, 'gate' | 'holdout' | 'approval' | 'approvalHours' | 'watch'>;

const lifeKeys = ['gate', 'holdout', 'approval', 'approvalHours', 'watch'] as const satisfies readonly (keyof LifeOptions)[];

/** Those of them that are there; `retrain` checks them. */
export const lifeOptionsOf = (given: Partial<LifeOptions> | undefined): LifeOptions =>
  Object.fromEntries(lifeKeys.flatMap((key) => (given?.[key] === undefined ? [] : [[key, given[key]]])));

/** @throws ApplicationFailure refused while one of the model runs */
export async function retraining(input: RetrainInput): Promise<RetrainResult> {
  try {
    return await executeChild<typeof retrain>(retrainType, { workflowId: retrainId(input.model), args: [input], parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw ApplicationFailure.nonRetryable(`${input.model} is being retrained already; "aftercare retrain ${input.model} --state" shows how far it is`, 'refused');
  }
}

/** A figure of the version that was judged; NaN where it could not be told. */
export const metricOf = ({ metrics = [] }: RetrainResult, name: string, of: 'challenger' | 'champion' = 'challenger'): number => metrics.find((one) => one.name === name)?.[of] ?? NaN;
