/** What a person decides: a version goes live, or the one before it again. What has gone live is watched, as after a retraining. */
import { CancellationScope, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { RegistryActivities, WentLive } from '../activities/registry.js';
import { checkedWatch, refusal } from './retrain-input.js';
import type { WatchPeriod } from './retrain-types.js';
import { startWatch } from './retrain.js';
import { checking, telling } from './retry.js';

export interface SetLiveInput {
  model: string;
  shards: number;
  /** a version of the registry; or `before`: a roll-back */
  to: number | 'before';
  /** refused where another version is live */
  instead?: number;
  by: string;
  reason?: string;
  /** absent: it is not watched */
  watch?: WatchPeriod;
}

const { findVersion } = proxyActivities<RegistryActivities>(checking);
const { goLive, recordRun } = proxyActivities<RegistryActivities>(telling);

export async function setLive({ model, shards, to, instead, by, reason = '', watch }: SetLiveInput): Promise<WentLive> {
  if (!(to === 'before' || (typeof to === 'number' && Number.isSafeInteger(to) && to >= 1))) throw refusal(`setLive: to must be a version or "before", got ${JSON.stringify(to)}`);
  if (!(Number.isInteger(shards) && shards >= 1 && shards <= 256)) throw refusal(`setLive: shards must be a whole number from 1 to 256, got ${JSON.stringify(shards)}`);
  const { startTime, runId, workflowId } = workflowInfo();
  const target = to === 'before' ? to : await findVersion({ model, version: to });
  return CancellationScope.nonCancellable(async () => {
    const atMs = startTime.getTime();
    const went = await goLive({ model, shards, to: target, ...(instead !== undefined && { instead }), atMs, by, reason });
    const { live, seqs } = went;
    const version = (to === 'before' ? went.instead?.version : live?.version) ?? 0;
    const detail = `by ${by}${reason === '' ? '' : `: ${reason}`}; ${live === undefined ? 'no version' : `version ${live.version}`} is live from sequence ${seqs.join(', ')}`;
    await recordRun({ run: runId, workflow: workflowId, model, version, atMs: Date.now(), step: to === 'before' ? 'rolled_back' : 'promoted', detail });
    if (to !== 'before' && watch !== undefined) await startWatch({ model, version, shards, sinceSeq: Math.min(...seqs), untilSeq: Math.max(...seqs), ...checkedWatch(watch) });
    return went;
  });
}
