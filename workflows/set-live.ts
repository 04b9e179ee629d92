/**
 * What a person decides: a version goes live, or the one before it again; or a version challenges the live one, and ends. What has
 * gone live is watched, as after a retraining; challengers are compared (view canary_comparison).
 */
import { CancellationScope, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { RegistryActivities, WentLive } from '../activities/registry.js';
import type { TrainingRunRow } from '../schemas/model-tables.js';
import { checkedWatch, refusal } from './retrain-input.js';
import type { WatchPeriod } from './retrain-types.js';
import { startWatch } from './retrain.js';
import { checking, telling } from './retry.js';

export interface SetLiveInput {
  model: string;
  shards: number;
  /** a version of the registry; `before`: a roll-back; of a challenger also `none`: it ends */
  to: number | 'before' | 'none';
  /** refused where another version is live, or another one is the challenger */
  instead?: number;
  /** present: it is about the model's challenger, its share of the customers in percent */
  challenger?: { percent: number };
  by: string;
  reason?: string;
  /** absent: it is not watched */
  watch?: WatchPeriod;
}

const { findVersion } = proxyActivities<RegistryActivities>(checking);
const { goLive, recordRun } = proxyActivities<RegistryActivities>(telling);

export async function setLive(given: SetLiveInput): Promise<WentLive> {
  const { model, shards, to, instead, challenger, by, reason = '', watch } = checked(given);
  const { startTime, runId, workflowId } = workflowInfo();
  const target = typeof to === 'number' ? await findVersion({ model, version: to }) : to;
  return CancellationScope.nonCancellable(async () => {
    const atMs = startTime.getTime();
    const went = await goLive({ model, shards, to: target, ...(instead !== undefined && { instead }), ...(challenger !== undefined && { challenger }), atMs, by, reason });
    const { live, seqs } = went;
    const version = (typeof to === 'number' ? live : went.instead)?.version ?? 0;
    const tell = (step: TrainingRunRow['step'], what: string): Promise<void> =>
      recordRun({ run: runId, workflow: workflowId, model, version, atMs: Date.now(), step, detail: `by ${by}${reason === '' ? '' : `: ${reason}`}; ${what} from sequence ${seqs.join(', ')}` });
    if (challenger !== undefined) {
      await tell('challenged', live === undefined ? 'no version challenges it' : `version ${live.version} ${challenger.percent === 0 ? 'scores in the shadow' : `decides for ${challenger.percent} % of the customers`}`);
      return went;
    }
    await tell(to === 'before' ? 'rolled_back' : 'promoted', `${live === undefined ? 'no version' : `version ${live.version}`} is live`);
    if (to !== 'before' && watch !== undefined) await startWatch({ model, version, shards, sinceSeq: Math.min(...seqs), untilSeq: Math.max(...seqs), ...checkedWatch(watch) });
    return went;
  });
}

/** The input may come from any client of Temporal, so nothing about it is known. */
function checked(given: SetLiveInput): SetLiveInput {
  const { shards, to, challenger } = given;
  const words = challenger === undefined ? ['before'] : ['none'];
  if (!(words.includes(to as string) || (typeof to === 'number' && Number.isSafeInteger(to) && to >= 1))) throw refusal(`setLive: to must be a version or "${words[0]}", got ${JSON.stringify(to)}`);
  if (!(Number.isInteger(shards) && shards >= 1 && shards <= 256)) throw refusal(`setLive: shards must be a whole number from 1 to 256, got ${JSON.stringify(shards)}`);
  if (challenger !== undefined && !(Number.isInteger(challenger.percent) && challenger.percent >= 0 && challenger.percent <= 100)) throw refusal(`setLive: challenger.percent must be a whole number from 0 to 100, got ${JSON.stringify(challenger.percent)}`);
  return given;
}
