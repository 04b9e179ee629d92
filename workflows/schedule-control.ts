/** What operators do to schedules: look, change, pause. What they set is kept over restarts (`ensureSchedule`). */
import { ScheduleNotFoundError, type Client, type ScheduleDescription } from '@temporalio/client';
import { AftercareError, messageOf } from '../schemas/errors.js';
import { callTemporal } from './client.js';
import { scheduleIds } from './schedules.js';

export interface ScheduleState {
  id: string;
  workflow: string;
  /** `every 15 minutes`, or the cron expressions */
  when: string;
  paused: boolean;
  /** why it is paused */
  note: string;
  /** ISO times; absent: never */
  next?: string;
  last?: string;
  running: number;
}

/** Of everything that runs by itself and is there. */
export async function listSchedules(client: Client): Promise<ScheduleState[]> {
  const found: ScheduleState[] = [];
  for (const id of scheduleIds()) {
    const state = await describe(client, id).catch((error: unknown) => {
      if (error instanceof AftercareError && error.code === 'bad_request') return undefined;
      throw error;
    });
    if (state !== undefined) found.push(state);
  }
  return found;
}

/** @param when  every so many milliseconds, or a cron expression of five fields, UTC. @throws AftercareError bad_request */
export async function setSchedule(client: Client, id: string, when: { everyMs: number } | { cron: string }): Promise<ScheduleState> {
  // The server makes a calendar of the expression and forgets it; the comment stays.
  const spec = 'cron' in when ? { cronExpressions: [`${when.cron} # ${when.cron}`] } : { intervals: [{ every: when.everyMs }] };
  await change(client, id, (handle) => handle.update((previous) => ({ ...previous, spec })));
  return describe(client, id);
}

export async function pauseSchedule(client: Client, id: string, paused: boolean, note: string): Promise<ScheduleState> {
  await change(client, id, (handle) => (paused ? handle.pause(note) : handle.unpause(note)));
  return describe(client, id);
}

type Handle = ReturnType<Client['schedule']['getHandle']>;

async function change<T>(client: Client, id: string, work: (handle: Handle) => Promise<T>): Promise<T> {
  try {
    return await callTemporal(client, () => work(client.schedule.getHandle(id)));
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) throw new AftercareError('bad_request', `there is no schedule "${id}"; "aftercare schedule list" names them`, { cause: error });
    if (error instanceof AftercareError) throw error;
    throw new AftercareError('bad_request', `schedule ${id}: ${messageOf(error)}`, { cause: error });
  }
}

async function describe(client: Client, id: string): Promise<ScheduleState> {
  const found = await change(client, id, (handle) => handle.describe());
  const { state, info, action } = found;
  const [next] = info.nextActionTimes;
  const last = info.recentActions.at(-1)?.takenAt;
  return {
    id, workflow: action.workflowType, when: whenOf(found), paused: state.paused, note: state.note ?? '',
    ...(next !== undefined && !state.paused && { next: next.toISOString() }), ...(last !== undefined && { last: last.toISOString() }),
    running: info.runningActions.length,
  };
}

const units: [string, number][] = [['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000], ['second', 1000]];

function whenOf({ spec }: ScheduleDescription): string {
  const calendars = (spec.calendars ?? []).map(({ comment }) => (comment === undefined || comment === '' ? 'by a calendar' : comment));
  return [...(spec.intervals ?? []).map(({ every }) => `every ${durationText(every)}`), ...calendars].join('; ');
}

/** Worked: 5,400,000 -> 90 minutes */
export function durationText(ms: number): string {
  const [unit, size] = units.find(([, own]) => ms % own === 0) ?? ['millisecond', 1];
  return `${ms / size} ${unit}${ms === size ? '' : 's'}`;
}
