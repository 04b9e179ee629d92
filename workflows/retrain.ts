/**
 * The life of a model up to its promotion, one workflow for every recipe:
 *
 *   cut (position, then rows -> Arrow) -> train -> judge beside the champion -> gate -> [a person approves] -> promote -> watch
 *
 * Its id is `retrain-<model>`, so that a second one is refused while one runs. What has been promoted is watched by a workflow of
 * its own, so that the next retraining need not wait for it.
 */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ActivityFailure, ApplicationFailure, CancellationScope, ParentClosePolicy, condition, defineQuery, defineSignal, defineUpdate, isCancellation, proxyActivities, setHandler, startChild, workflowInfo,
} from '@temporalio/workflow';
import type { CutActivities } from '../activities/cut.js';
import type { RegistryActivities, Standing } from '../activities/registry.js';
import type { TrainActivities, TrainedModel, TrainInput, Verdict } from '../activities/train.js';
import type { TrainingRunRow } from '../schemas/model-tables.js';
import { approveName, pauseName, rejectName, resumeName, stateName, watchId, watchModelType } from './names.js';
import { checkedRetrain, refusal, type CheckedRetrain } from './retrain-input.js';
import type { Decided, RetrainInput, RetrainResult, RetrainState } from './retrain-types.js';
import { checking, collecting, telling, training } from './retry.js';
import type { WatchInput } from './watch-model.js';

export const stateQuery = defineQuery<RetrainState>(stateName);
export const pauseSignal = defineSignal(pauseName);
export const resumeSignal = defineSignal(resumeName);
export const approveUpdate = defineUpdate<RetrainState, [Decided]>(approveName);
export const rejectUpdate = defineUpdate<RetrainState, [Decided]>(rejectName);

const { cutPosition, cutData } = proxyActivities<CutActivities>(collecting);
const { trainModel, judgeModel } = proxyActivities<TrainActivities>(training);
const { standing } = proxyActivities<RegistryActivities>(checking);
const { recordRun, registerModel, goLive } = proxyActivities<RegistryActivities>(telling);

export async function retrain(given: RetrainInput): Promise<RetrainResult> {
  const input = checkedRetrain(given);
  const { runId, startTime } = workflowInfo();
  // The same in every retry and replay, so that a step that is repeated has the name of the first time.
  const state: RetrainState = { model: input.model, version: startTime.getTime(), phase: 'cut', paused: false };
  handle(state);
  await tell(state, 'started', `run ${runId}`);
  try {
    return await life(input, state);
  } catch (error) {
    const [step, detail] = isCancellation(error) ? (['cancelled', 'it was cancelled'] as const) : (['failed', reasonOf(error)] as const);
    await CancellationScope.nonCancellable(() => tell(state, step, detail));
    throw error;
  }
}

function handle(state: RetrainState): void {
  setHandler(stateQuery, () => state);
  setHandler(pauseSignal, () => { state.paused = true; });
  setHandler(resumeSignal, () => { state.paused = false; });
  const validator = ({ by, version }: Decided): void => {
    if (state.phase !== 'approval' || state.waitsFor === undefined || state.decision !== undefined) throw refusal(`${state.model} waits for no approval: its phase is ${state.phase}`);
    if (version !== undefined && version !== state.waitsFor.version) throw refusal(`${state.model} waits for the approval of version ${state.waitsFor.version}, not of ${version}`);
    if (typeof by !== 'string' || by === '') throw refusal('by must name who decides');
  };
  const decide = (approved: boolean) => ({ by, reason }: Decided): RetrainState => {
    state.decision = { approved, by, reason: reason ?? '' };
    return state;
  };
  setHandler(approveUpdate, decide(true), { validator });
  setHandler(rejectUpdate, decide(false), { validator });
}

async function life(input: CheckedRetrain, state: RetrainState): Promise<RetrainResult> {
  const { model, version } = state;
  const data = await step(state, 'cut', async () => {
    const position = await cutPosition({ shards: input.shards });
    return cutData({ model, version, ...(input.settings !== undefined && { settings: input.settings }), ...position });
  });
  state.data = data;
  await tell(state, 'cut', `${data.rows} rows, sha256 ${data.ref.sha256}`);

  const trained = await train(state, { model, version, data, holdout: input.holdout, ...(input.settings !== undefined && { settings: input.settings }) });
  const { ref } = trained;
  state.trained = { rows: trained.rows, epochs: trained.epochs, resumed: trained.resumed, seconds: trained.seconds };
  const result: Omit<RetrainResult, 'outcome'> = { model, version, data, checks: [], live: [] };
  if (ref === undefined) return end(state, { ...result, outcome: 'refused', reason: trained.reason ?? 'nothing was trained' });
  await tell(state, 'trained', `${trained.rows} rows, ${trained.epochs} epochs, sha256 ${ref.sha256}`);

  const { found, verdict } = await step(state, 'judge', () => judge(input, data, trained, version));
  state.champion = verdict.champion;
  state.checks = verdict.checks;
  await registerModel({ model, version, run: workflowInfo().runId, atMs: Date.now(), ref, data, trained, verdict });
  const judged = { ...result, sha256: ref.sha256, bytes: ref.bytes, champion: verdict.champion, checks: verdict.checks, metrics: verdict.metrics };
  const failed = verdict.checks.filter(({ passed }) => !passed);
  await tell(state, 'evaluated', `${verdict.checks.length - failed.length} of ${verdict.checks.length} checks passed, beside ${verdict.champion}`);
  if (failed.length > 0 || verdict.checks.length === 0) return end(state, { ...judged, outcome: 'refused', reason: failed.map(({ name, slice }) => (slice === '' ? name : `${name} of ${slice}`)).join(', ') });

  if (input.approval) {
    state.waitsFor = { version, sha256: ref.sha256, bytes: ref.bytes };
    const refused = await approval(state, input.approvalHours);
    if (refused !== undefined) return end(state, { ...judged, outcome: 'rejected', reason: refused });
  }
  await condition(() => !state.paused);
  return promotion(input, state, found, judged);
}

/** Between two steps a paused run waits. */
async function step<T>(state: RetrainState, phase: RetrainState['phase'], work: () => Promise<T>): Promise<T> {
  await condition(() => !state.paused);
  state.phase = phase;
  return work();
}

/** A pause stops the training at its last checkpoint, and gives the worker back; it goes on from there. */
async function train(state: RetrainState, input: TrainInput): Promise<TrainedModel> {
  for (;;) {
    await condition(() => !state.paused);
    state.phase = 'train';
    const scope = new CancellationScope();
    const running = scope.run(() => trainModel(input));
    const outcome = running.then((trained) => ({ trained }), (error: unknown) => ({ error }));
    await Promise.race([outcome, condition(() => state.paused)]);
    if (state.paused) scope.cancel();
    const ended = await outcome;
    if ('trained' in ended) return ended.trained;
    // A cancellation of the whole run is not ours.
    if (!(state.paused && isCancellation(ended.error)) || CancellationScope.current().consideredCancelled) throw ended.error;
  }
}

async function judge(input: CheckedRetrain, data: RetrainResult['data'], trained: TrainedModel, version: number): Promise<{ found: Standing; verdict: Verdict }> {
  const found = await standing({ model: input.model });
  const { ref } = trained;
  if (ref === undefined) throw ApplicationFailure.nonRetryable(`${input.model} ${version}: nothing was trained`, 'refused');
  const verdict = await judgeModel({
    model: input.model, data, challenger: { ref, trainedToMs: trained.toMs },
    ...(found.champion !== undefined && { champion: found.champion }), ...(input.gate !== undefined && { limits: input.gate }), ...(input.settings !== undefined && { settings: input.settings }),
  });
  return { found, verdict };
}

/** @returns why not */
async function approval(state: RetrainState, hours: number): Promise<string | undefined> {
  state.phase = 'approval';
  await tell(state, 'waiting', `a person must approve version ${state.version}: aftercare approve ${state.model}`);
  await condition(() => state.decision !== undefined, `${hours} hours`);
  delete state.waitsFor;
  const { decision } = state;
  if (decision === undefined) return `nobody approved it within ${hours} hours`;
  await tell(state, decision.approved ? 'approved' : 'rejected', `by ${decision.by}${decision.reason === '' ? '' : `: ${decision.reason}`}`);
  return decision.approved ? undefined : `rejected by ${decision.by}${decision.reason === '' ? '' : `: ${decision.reason}`}`;
}

/** From here on it cannot be cancelled: a version is live in every shard, or in none. */
async function promotion(input: CheckedRetrain, state: RetrainState, { revisions }: Standing, judged: Omit<RetrainResult, 'outcome'>): Promise<RetrainResult> {
  return CancellationScope.nonCancellable(async () => {
    state.phase = 'promote';
    const { model, version, sha256 = '', bytes = 0 } = judged;
    const by = state.decision?.by ?? 'retrain';
    try {
      const { seqs, instead } = await goLive({ model, shards: input.shards, to: { version, sha256, bytes }, revisions, atMs: version, by, reason: `better than ${judged.champion ?? 'nothing'}` });
      await tell(state, 'promoted', `live from sequence ${seqs.join(', ')}${instead === undefined ? '' : `, instead of ${instead.version}`}`);
      await startWatch({ model, version, shards: input.shards, sinceSeq: Math.min(...seqs), untilSeq: Math.max(...seqs), ...input.watch });
      state.phase = 'done';
      return { ...judged, outcome: 'promoted', live: seqs };
    } catch (error) {
      if (!(error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.type === 'champion_changed')) throw error;
      return end(state, { ...judged, outcome: 'champion_changed', reason: error.cause.message });
    }
  });
}

/** It outlives its starter. */
export async function startWatch({ hours, everyMinutes, ...watched }: Omit<WatchInput, 'everyMs' | 'untilMs'> & CheckedRetrain['watch']): Promise<void> {
  if (hours === 0) return;
  const input: WatchInput = { ...watched, everyMs: Math.round(everyMinutes * 60_000), untilMs: Math.round(Date.now() + hours * 3_600_000) };
  // Of a version that is promoted once more, an earlier watch may still run: it goes on.
  await startChild(watchModelType, { workflowId: watchId(watched.model, watched.version), args: [input], parentClosePolicy: ParentClosePolicy.ABANDON })
    .catch((error: unknown) => { if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error; });
}

async function end(state: RetrainState, result: RetrainResult): Promise<RetrainResult> {
  await tell(state, 'refused', result.reason ?? '');
  state.phase = 'done';
  return result;
}

const tell = ({ model, version }: Pick<RetrainState, 'model' | 'version'>, did: TrainingRunRow['step'], detail: string): Promise<void> => {
  const { runId, workflowId } = workflowInfo();
  return recordRun({ run: runId, workflow: workflowId, model, version, atMs: Date.now(), step: did, detail });
};

/** The innermost failure has the words of the activity. */
function reasonOf(error: unknown): string {
  let inner = error;
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause;
  return inner instanceof Error ? inner.message : String(inner);
}
