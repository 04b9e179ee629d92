/** How patient workflows are, in one place. Whether an error may pass at all is the activity's word: activities/failures.ts. */
import type { ActivityOptions } from '@temporalio/workflow';

/** Half a second, doubled up to half a minute: a server that restarts is back in one, one that was replaced in thirty. */
const retry = { initialInterval: '500 ms', backoffCoefficient: 2, maximumInterval: '30 s' } as const;

/**
 * An export that could not make a step for an hour gives way: the schedule skips while one runs, and the next one
 * starts from lists that are newer.
 */
const patience = { scheduleToCloseTimeout: '1 hour', retry } as const;

/** Activities beat every two seconds, whatever they wait for: five beats missed, and the worker is dead. */
const heartbeatTimeout = '10 s';

/** A state at its limit (200,000 items of 100 neighbours, 20 million entries) takes 40 s here from one shard, on two busy cores. */
export const collecting: ActivityOptions = { ...patience, heartbeatTimeout, startToCloseTimeout: '15 minutes' };

/** The same state is ten million rows, and takes 25 s here: a server may be forty times slower. */
export const writing: ActivityOptions = { ...patience, heartbeatTimeout, startToCloseTimeout: '20 minutes' };

/** A count over one version: seconds; ClickHouse itself gives up after two minutes. */
export const checking: ActivityOptions = { ...patience, heartbeatTimeout, startToCloseTimeout: '3 minutes' };

/**
 * A stream of a billion events takes an hour or two from nothing. Each attempt begins again, and what failed three times (out of
 * memory, for one) fails again.
 */
export const replaying: ActivityOptions = { scheduleToCloseTimeout: '3 days', startToCloseTimeout: '1 day', heartbeatTimeout, retry: { ...retry, maximumAttempts: 5 } };

/**
 * A training may take a night. It is patient with servers that are away, and its checkpoints make a new attempt cheap; one that
 * shall stop is waited for, so that two never train side by side.
 */
export const training: ActivityOptions = { scheduleToCloseTimeout: '24 hours', startToCloseTimeout: '12 hours', heartbeatTimeout, retry, cancellationType: 'WAIT_CANCELLATION_COMPLETED' };

/** What the registry writes must be told: for as long as a server may be away over a weekend. */
export const telling: ActivityOptions = { scheduleToCloseTimeout: '72 hours', startToCloseTimeout: '3 minutes', heartbeatTimeout, retry };
