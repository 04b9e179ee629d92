import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { callTemporal } from './client.js';
import type { ExportNeighboursInput } from './export-neighbours.js';
import { retrainScheduleId, scheduledRetrainType, exportNeighboursType, exportScheduleId, refreshSvdScheduleId, refreshSvdType, taskQueue, tuneBlendScheduleId, tuneBlendType } from './names.js';
import type { RefreshSvdInput } from './refresh-svd.js';
import type { RetrainInput } from './retrain-types.js';
import type { TuneBlendInput } from './tune-blend.js';

/** Of everything that runs by itself. */
export const scheduleIds = (): string[] => [exportScheduleId, refreshSvdScheduleId, tuneBlendScheduleId, ...retrainedModels.map(retrainScheduleId)];

export type ScheduleChange = 'created' | 'updated' | 'unchanged';

/** What runs by itself. */
export interface Schedule {
  id: string;
  type: string;
  every: '15 minutes' | '1 day' | '7 days';
  input: object;
}

export const exportSchedule = (input: ExportNeighboursInput): Schedule => ({ id: exportScheduleId, type: exportNeighboursType, every: '15 minutes', input });
/** By night or by day: a customer who came after it is folded in, so only items that are new wait for it. */
export const refreshSvdSchedule = (input: RefreshSvdInput): Schedule => ({ id: refreshSvdScheduleId, type: refreshSvdType, every: '1 day', input });
/** Habits change by the season, and a week's decisions are needed to see a difference. */
export const tuneBlendSchedule = (input: TuneBlendInput): Schedule => ({ id: tuneBlendScheduleId, type: tuneBlendType, every: '7 days', input });

/** Models that are retrained by themselves, and how often. A kernel learns little from one more day, and what reads tickets takes minutes. */
export const retrainEvery = { 'risk-logistic': '1 day', 'risk-svm': '7 days', intent: '7 days', entities: '7 days' } as const satisfies Record<string, Schedule['every']>;
export type RetrainedModel = keyof typeof retrainEvery;
export const retrainedModels = Object.keys(retrainEvery) as RetrainedModel[];

export const retrainSchedule = (input: RetrainInput & { model: RetrainedModel }): Schedule => ({ id: retrainScheduleId(input.model), type: scheduledRetrainType, every: retrainEvery[input.model], input });

/**
 * Makes sure that a workflow runs by itself. A schedule that is there keeps what operators changed about it (when it runs,
 * whether it is paused); only what it starts is brought up to date.
 * @throws AftercareError unavailable
 */
export async function ensureSchedule(client: Client, schedule: Schedule): Promise<ScheduleChange> {
  try {
    await callTemporal(client, () => client.schedule.create({
      scheduleId: schedule.id,
      spec: { intervals: [{ every: schedule.every }] },
      policies: {
        overlap: ScheduleOverlapPolicy.SKIP,
        catchupWindow: '1 minute', // after an outage, one run over what is now is worth more than those that were missed
      },
      action: actionOf(schedule),
    }));
    return 'created';
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
  return bringUpToDate(client, schedule);
}

async function bringUpToDate(client: Client, schedule: Schedule): Promise<ScheduleChange> {
  const handle = client.schedule.getHandle(schedule.id);
  const { action } = await callTemporal(client, () => handle.describe());
  const same = action.workflowType === schedule.type && action.taskQueue === taskQueue && JSON.stringify(action.args) === JSON.stringify([schedule.input]);
  if (same) return 'unchanged';
  await callTemporal(client, () => handle.update((previous) => ({ ...previous, action: actionOf(schedule) })));
  return 'updated';
}

function actionOf({ id, type, input }: Schedule) {
  return {
    type: 'startWorkflow' as const,
    workflowType: type,
    workflowId: id, // the server appends the time
    taskQueue,
    args: [input],
  };
}
