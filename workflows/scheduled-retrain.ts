/**
 * What a schedule starts. The server puts a time behind the id of what a schedule starts, and a retraining's id is its model, so
 * that two of one model never run side by side: so this one starts it, and waits for it.
 */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { executeChild, ParentClosePolicy } from '@temporalio/workflow';
import { retrainId, retrainType } from './names.js';
import type { retrain } from './retrain.js';
import type { RetrainInput, RetrainResult } from './retrain-types.js';

export async function scheduledRetrain(input: RetrainInput): Promise<RetrainResult | { model: string; outcome: 'skipped'; reason: string }> {
  try {
    return await executeChild<typeof retrain>(retrainType, { workflowId: retrainId(input.model), args: [input], parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    return { model: input.model, outcome: 'skipped', reason: 'one is running that somebody else started' };
  }
}
