/**
 * What a version of a model goes through that has no recipe of its own (its workflow makes and judges it): the registry, the gate,
 * and the promotion against the champion that it was judged beside.
 */
import { ActivityFailure, ApplicationFailure, CancellationScope, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Check } from '../activities/gate.js';
import type { RegisterInput, RegistryActivities, Standing } from '../activities/registry.js';
import type { TrainingRunRow } from '../schemas/model-tables.js';
import { checking, telling } from './retry.js';

const { standing } = proxyActivities<RegistryActivities>(checking);
const { recordRun, registerModel, goLive } = proxyActivities<RegistryActivities>(telling);

/** Who is champion before the challenger is made. */
export const standingOf = (model: string): Promise<Standing> => standing({ model });

export interface Admitted {
  /** sequences of EVENTS from which each shard decides by it; empty where it was refused */
  live: number[];
  checks: Check[];
  /** why it was refused */
  reason?: string;
}

export async function admit(made: Omit<RegisterInput, 'run' | 'atMs'> & { shards: number; revisions: Standing['revisions'] }): Promise<Admitted> {
  const { shards, revisions, ...version } = made;
  const checks = made.verdict?.checks ?? [];
  await registerModel({ ...version, run: workflowInfo().runId, atMs: Date.now() });
  const failed = checks.filter(({ passed }) => !passed);
  if (failed.length > 0) {
    const reason = failed.map(({ name, value, relation, limit }) => `${name} is ${value ?? 'not told'} and must be ${relation} ${limit}`).join('; ');
    await tell(made, 'refused', reason);
    return { live: [], checks, reason };
  }
  return CancellationScope.nonCancellable(async () => {
    try {
      const { sha256, bytes } = made.ref;
      const { seqs, instead } = await goLive({ model: made.model, shards, to: { version: made.version, sha256, bytes }, revisions, atMs: made.version, by: workflowInfo().workflowType, reason: 'it passed its checks' });
      await tell(made, 'promoted', `live from sequence ${seqs.join(', ')}${instead === undefined ? '' : `, instead of ${instead.version}`}`);
      return { live: seqs, checks };
    } catch (error) {
      if (!(error instanceof ActivityFailure && error.cause instanceof ApplicationFailure && error.cause.type === 'champion_changed')) throw error;
      await tell(made, 'refused', error.cause.message);
      return { live: [], checks, reason: error.cause.message };
    }
  });
}

export const tell = ({ model, version }: { model: string; version: number }, step: TrainingRunRow['step'], detail: string): Promise<void> => {
  const { runId, workflowId } = workflowInfo();
  return recordRun({ run: runId, workflow: workflowId, model, version, atMs: Date.now(), step, detail });
};
