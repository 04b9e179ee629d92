/** The life of a model from outside: start it, ask how far it is, decide, pause. Not a part of the bundle. */
import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError, WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { TemporalFailure } from '@temporalio/common';
import type { WentLive } from '../activities/registry.js';
import { AftercareError, messageOf } from '../schemas/errors.js';
import { callTemporal } from './client.js';
import { approveName, pauseName, rejectName, resumeName, retrainId, retrainType, setLiveType, stateName, taskQueue } from './names.js';
import type { Decided, RetrainInput, RetrainResult, RetrainState } from './retrain-types.js';
import { resultOf, type RunOptions, type Started } from './runs.js';
import type { SetLiveInput } from './set-live.js';

export type StartedRetrain = Started<RetrainResult>;

/** Starts a retraining now. @throws AftercareError refused while one of the model runs; unavailable when Temporal does not answer; when it failed, its code and its words */
export async function runRetrain(client: Client, input: RetrainInput, options: RunOptions): Promise<StartedRetrain> {
  const workflowId = retrainId(input.model);
  const handle = await callTemporal(client, () => client.workflow.start(retrainType, { taskQueue, workflowId, args: [input] })).catch((error: unknown) => {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw new AftercareError('refused', `${input.model} is being retrained already; "aftercare retrain ${input.model} --state" shows how far it is`, { cause: error });
  });
  const started = { workflowId, runId: handle.firstExecutionRunId };
  return options.wait ? { ...started, result: (await resultOf(client, handle, options.onProgress)) as RetrainResult } : started;
}

/** The running or the last retraining of a model, by its own word: needs a worker. @throws AftercareError bad_request where there is none */
export const retrainState = (client: Client, model: string): Promise<RetrainState> => withRunOf(client, model, (handle) => handle.query<RetrainState>(stateName));

/** @throws AftercareError refused with the words of the retraining, such as that it waits for no approval */
export async function decideRetrain(client: Client, model: string, approved: boolean, decided: Decided, options: RunOptions): Promise<RetrainState | RetrainResult> {
  const state = await withRunOf(client, model, (handle) => handle.executeUpdate<RetrainState, [Decided]>(approved ? approveName : rejectName, { args: [decided] }));
  return options.wait ? ((await resultOf(client, client.workflow.getHandle(retrainId(model)), options.onProgress)) as RetrainResult) : state;
}

/** pause: it stops at its last checkpoint, or before its next step. */
export async function signalRetrain(client: Client, model: string, what: 'pause' | 'resume' | 'cancel'): Promise<void> {
  await withRunOf(client, model, async (handle) => {
    if (what === 'cancel') await handle.cancel();
    else await handle.signal(what === 'pause' ? pauseName : resumeName);
  });
}

/** Waits until it is done. @throws as `runRetrain` */
export async function runSetLive(client: Client, input: SetLiveInput, onProgress?: RunOptions['onProgress']): Promise<WentLive> {
  const workflowId = `${input.challenger !== undefined ? 'canary' : input.to === 'before' ? 'rollback' : 'promote'}-${input.model}-${new Date().toISOString()}`;
  const handle = await callTemporal(client, () => client.workflow.start(setLiveType, { taskQueue, workflowId, args: [input] }));
  return (await resultOf(client, handle, onProgress)) as WentLive;
}

async function withRunOf<T>(client: Client, model: string, work: (handle: ReturnType<Client['workflow']['getHandle']>) => Promise<T>): Promise<T> {
  try {
    return await callTemporal(client, () => work(client.workflow.getHandle(retrainId(model))));
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw new AftercareError('bad_request', `no retraining of ${model} runs; "aftercare retrain ${model}" starts one`, { cause: error });
    if (error instanceof WorkflowUpdateFailedError) throw new AftercareError('refused', messageOf(error.cause instanceof TemporalFailure ? error.cause : error), { cause: error });
    throw error;
  }
}
