/**
 * A version that has just gone live, watched for a while: where its live figures fall beyond a limit it is rolled back.
 *
 *   sleep -> figures since the promotion beside those before -> fallen: the version before again -> ... until the time is over
 *
 * It continues as new before its history grows, with all that it knows in its input.
 */
import { ActivityFailure, ApplicationFailure, CancellationScope, continueAsNew, defineQuery, proxyActivities, setHandler, sleep, workflowInfo } from '@temporalio/workflow';
import type { LiveFigure, WatchActivities } from '../activities/live-metrics.js';
import type { RegistryActivities } from '../activities/registry.js';
import { stateName } from './names.js';
import { checking, telling } from './retry.js';

export interface WatchInput {
  model: string;
  version: number;
  shards: number;
  /** sequences of EVENTS of its promotion: the first and the last of the shards' */
  sinceSeq: number;
  untilSeq: number;
  everyMs: number;
  /** when the watch is over, milliseconds since 1970 */
  untilMs: number;
  /** looks that earlier runs took */
  looks?: number;
  /** looks after which it continues as new; 100 when absent */
  looksOfARun?: number;
}

export interface WatchResult {
  outcome: 'kept' | 'rolled_back' | 'superseded';
  looks: number;
  figures: LiveFigure[];
  reason?: string;
}

export interface WatchState {
  looks: number;
  figures: LiveFigure[];
}

export const watchStateQuery = defineQuery<WatchState>(stateName);

/** A look is some ten events of history: far below what makes a workflow slow. */
const looksDefault = 100;

const { liveMetrics } = proxyActivities<WatchActivities>(checking);
const { goLive, recordRun } = proxyActivities<RegistryActivities>(telling);

export async function watchModel(input: WatchInput): Promise<WatchResult> {
  const { model, version, sinceSeq, untilSeq, everyMs, untilMs, looks: earlier = 0, looksOfARun = looksDefault } = input;
  const state: WatchState = { looks: earlier, figures: [] };
  setHandler(watchStateQuery, () => state);
  for (;;) {
    await sleep(Math.max(1, Math.min(everyMs, untilMs - Date.now())));
    const { superseded, figures } = await liveMetrics({ model, version, sinceSeq, untilSeq });
    state.looks += 1;
    state.figures = figures;
    if (superseded) return { outcome: 'superseded', ...state };
    const fallen = figures.filter(({ passed }) => !passed);
    if (fallen.length > 0) return rollBack(input, state, fallen);
    // Of a model without live figures there is nothing to wait for.
    if (Date.now() >= untilMs || figures.length === 0) {
      await tell(input, 'watched', `kept after ${state.looks} looks`);
      return { outcome: 'kept', ...state };
    }
    if (state.looks - earlier >= looksOfARun || workflowInfo().continueAsNewSuggested) await continueAsNew<typeof watchModel>({ ...input, looks: state.looks });
  }
}

async function rollBack({ model, version, shards }: WatchInput, state: WatchState, fallen: readonly LiveFigure[]): Promise<WatchResult> {
  const reason = fallen.map(({ metric, value, before, limit }) => `${metric} is ${shown(value)} and was ${shown(before)} before; the limit is ${shown(limit)}`).join('; ');
  return CancellationScope.nonCancellable(async () => {
    try {
      const { live, seqs } = await goLive({ model, shards, to: 'before', instead: version, atMs: Date.now(), by: 'watch', reason });
      await tell({ model, version }, 'rolled_back', `${reason}; ${live === undefined ? 'no version' : `version ${live.version}`} is live from sequence ${seqs.join(', ')}`);
      return { outcome: 'rolled_back', ...state, reason };
    } catch (error) {
      if (error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.type === 'champion_changed') return { outcome: 'superseded', ...state };
      throw error;
    }
  });
}

const shown = (value: number | null): string => (value === null ? 'not told' : String(Number(value.toPrecision(4))));

const tell = ({ model, version }: Pick<WatchInput, 'model' | 'version'>, step: 'rolled_back' | 'watched', detail: string): Promise<void> => {
  const { runId, workflowId } = workflowInfo();
  return recordRun({ run: runId, workflow: workflowId, model, version, atMs: Date.now(), step, detail });
};
