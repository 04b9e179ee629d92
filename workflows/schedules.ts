import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { callTemporal } from './client.js';
import type { exportNeighbours, ExportNeighboursInput } from './export-neighbours.js';
import { exportNeighboursType, exportScheduleId, taskQueue } from './names.js';

export type ScheduleChange = 'created' | 'updated' | 'unchanged';

/**
 * Makes sure that the export runs every fifteen minutes. A schedule that is there keeps what operators changed about
 * it (when it runs, whether it is paused); only what it starts is brought up to date.
 * @throws AftercareError unavailable
 */
export async function ensureSchedules(client: Client, input: ExportNeighboursInput): Promise<ScheduleChange> {
  try {
    await callTemporal(client, () => client.schedule.create<typeof exportNeighbours>({
      scheduleId: exportScheduleId,
      spec: { intervals: [{ every: '15 minutes' }] },
      policies: {
        overlap: ScheduleOverlapPolicy.SKIP,
        catchupWindow: '1 minute', // after an outage, one export of what is now is worth more than those that were missed
      },
      action: actionOf(input),
    }));
    return 'created';
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
  return bringUpToDate(client, input);
}

async function bringUpToDate(client: Client, input: ExportNeighboursInput): Promise<ScheduleChange> {
  const handle = client.schedule.getHandle(exportScheduleId);
  const { action } = await callTemporal(client, () => handle.describe());
  const same = action.workflowType === exportNeighboursType && action.taskQueue === taskQueue && JSON.stringify(action.args) === JSON.stringify([input]);
  if (same) return 'unchanged';
  await callTemporal(client, () => handle.update<typeof exportNeighbours>((previous) => ({ ...previous, action: actionOf(input) })));
  return 'updated';
}

function actionOf(input: ExportNeighboursInput) {
  return {
    type: 'startWorkflow' as const,
    workflowType: exportNeighboursType,
    workflowId: exportScheduleId, // the server appends the time
    taskQueue,
    args: [input] as [ExportNeighboursInput],
  };
}
