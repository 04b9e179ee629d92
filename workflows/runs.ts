import { ServiceError, WorkflowFailedError, type Client, type WorkflowHandle } from '@temporalio/client';
import { TemporalFailure, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { AftercareError, dispositionOf, messageOf, type ErrorCode } from '../schemas/errors.js';
import { callTemporal } from './client.js';
import type { exportNeighbours, ExportNeighboursInput, ExportNeighboursResult } from './export-neighbours.js';
import type { backfill, BackfillInput, BackfillResult } from './backfill.js';
import type { forget, ForgetInput, ForgetResult } from './forget.js';
import { backfillType, exportNeighboursType, exportScheduleId, forgetType, rebuildType, refreshSvdScheduleId, refreshSvdType, taskQueue, tuneBlendScheduleId, tuneBlendType } from './names.js';
import type { rebuild, RebuildInput, RebuildResult } from './rebuild.js';
import type { refreshSvd, RefreshSvdInput, RefreshSvdResult } from './refresh-svd.js';
import type { tuneBlend, TuneBlendInput, TuneBlendResult } from './tune-blend.js';

export interface Started<Result> {
  workflowId: string;
  runId: string;
  /** present when it was waited for */
  result?: Result;
}
export type StartedExport = Started<ExportNeighboursResult>;
export type StartedRefresh = Started<RefreshSvdResult>;
export type StartedTuning = Started<TuneBlendResult>;
export type StartedBackfill = Started<BackfillResult>;
export type StartedForget = Started<ForgetResult>;
export type StartedRebuild = Started<RebuildResult>;

export interface RunOptions {
  /** wait for the result instead of returning as soon as it has started */
  wait: boolean;
  /** called about every second of waiting */
  onProgress?: (progress: RunProgress) => void;
}

/** How far a run is. It comes from the server, so it is there without a worker, and tells when that is what is missing. */
export interface RunProgress {
  status: string;
  /** the activity that is running or waits for its next attempt; undefined when no worker has taken the run */
  activity?: string;
  /** from 1 */
  attempt?: number;
  /** why the last attempt failed */
  failure?: string;
  /** what the activity told last of how far it is */
  details?: Record<string, unknown>;
}

const waitMs = 1000;

/**
 * Starts an export now, whatever the schedule does.
 * @throws AftercareError unavailable when Temporal does not answer; when the run failed, its code and its words
 */
export function runExportNeighbours(client: Client, input: ExportNeighboursInput, options: RunOptions): Promise<StartedExport> {
  return run<typeof exportNeighbours>(client, exportNeighboursType, exportScheduleId, input, options);
}

/** Starts a refresh of the factorisation now. @throws as `runExportNeighbours` */
export function runRefreshSvd(client: Client, input: RefreshSvdInput, options: RunOptions): Promise<StartedRefresh> {
  return run<typeof refreshSvd>(client, refreshSvdType, refreshSvdScheduleId, input, options);
}

/** Starts a tuning of the blend now. @throws as `runExportNeighbours` */
export function runTuneBlend(client: Client, input: TuneBlendInput, options: RunOptions): Promise<StartedTuning> {
  return run<typeof tuneBlend>(client, tuneBlendType, tuneBlendScheduleId, input, options);
}

/** Compares the live states with the stream, now. @throws as `runExportNeighbours` */
export function runRebuild(client: Client, input: RebuildInput, options: RunOptions): Promise<StartedRebuild> {
  return run<typeof rebuild>(client, rebuildType, rebuildType, input, options);
}

/**
 * Takes customers out of everything, now.
 * @throws AftercareError refused while another run does the same; otherwise as `runExportNeighbours`
 */
export function runForget(client: Client, input: ForgetInput, options: RunOptions): Promise<StartedForget> {
  return run<typeof forget>(client, forgetType, forgetType, input, options, forgetType).catch((error: unknown) => {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw new AftercareError('refused', 'forget: another run is under way, and two would undo each other\'s state; start this one when it has ended', { cause: error });
  });
}

/** Lets a version decide the same events again, now. @throws as `runExportNeighbours` */
export function runBackfill(client: Client, input: BackfillInput, options: RunOptions): Promise<StartedBackfill> {
  return run<typeof backfill>(client, backfillType, backfillType, input, options);
}

type OneInput = (input: never) => Promise<unknown>;

async function run<Flow extends OneInput>(client: Client, type: string, prefix: string, input: Parameters<Flow>[0], options: RunOptions, workflowId = `${prefix}-${new Date().toISOString()}`): Promise<Started<Awaited<ReturnType<Flow>>>> {
  const handle = await callTemporal(client, () => client.workflow.start(type, { taskQueue, workflowId, args: [input] }));
  const started = { workflowId, runId: handle.firstExecutionRunId };
  return options.wait ? { ...started, result: (await resultOf(client, handle, options.onProgress)) as Awaited<ReturnType<Flow>> } : started;
}

export async function progressOf(client: Client, workflowId: string): Promise<RunProgress> {
  const { status, raw } = await callTemporal(client, () => client.workflow.getHandle(workflowId).describe());
  const pending = raw.pendingActivities?.[0];
  // It waits for another one that it has started: that one tells.
  const child = raw.pendingChildren?.[0]?.workflowId ?? undefined;
  if (pending === undefined && child !== undefined) return progressOf(client, child);
  const activity = pending?.activityType?.name ?? undefined; // protobuf's "absent" is null
  const failure = pending?.lastFailure?.message ?? undefined;
  return {
    status: status.name,
    ...(activity !== undefined && { activity, attempt: pending?.attempt ?? 1 }),
    ...(failure !== undefined && { failure }),
    ...detailsOf(pending?.heartbeatDetails?.payloads?.[0]?.data),
  };
}

/** A heartbeat's details as JSON, where they are an object. */
function detailsOf(data: Uint8Array | null | undefined): Pick<RunProgress, 'details'> {
  try {
    const details: unknown = data === null || data === undefined ? undefined : JSON.parse(Buffer.from(data).toString());
    return typeof details === 'object' && details !== null ? { details: details as Record<string, unknown> } : {};
  } catch {
    return {}; // of another program's activity
  }
}

/** Waits in short turns; between two of them it shows how far the run is, and finds out when the server is gone. */
export async function resultOf(client: Client, handle: WorkflowHandle, onProgress: RunOptions['onProgress']): Promise<unknown> {
  for (;;) {
    try {
      return await client.withDeadline(Date.now() + waitMs, () => handle.result());
    } catch (error) {
      if (error instanceof WorkflowFailedError) throw failureOf(handle.workflowId, error);
      if (!(error instanceof ServiceError)) throw error; // the turn is over, or the server restarts: the next call tells
    }
    const progress = await progressOf(client, handle.workflowId);
    onProgress?.(progress);
  }
}

/** The innermost failure has the words of the activity; those around it say that an activity and a workflow failed. */
function failureOf(workflowId: string, error: WorkflowFailedError): AftercareError {
  let inner: Error = error;
  while (inner.cause instanceof TemporalFailure) inner = inner.cause;
  const type = (inner as { type?: string | null }).type ?? '';
  const code = Object.hasOwn(dispositionOf, type) ? (type as ErrorCode) : 'refused';
  return new AftercareError(code, `${workflowId} failed: ${messageOf(inner)}`, { cause: error });
}
