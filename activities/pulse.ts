import { Context } from '@temporalio/activity';
import { toFailure } from './failures.js';

/** A fifth of the shortest heartbeat timeout, `workflows/retry.ts`. */
const everyMs = 2000;

/** What an activity last said about how far it is. */
export interface Pulse<Details> {
  /**
   * Says how far it is. A retry finds the last of these in its `heartbeatDetails`, perhaps an older one.
   * @throws CancelledFailure when the activity shall end
   */
  tell: (details: Details) => Promise<void>;
}

/**
 * Runs the body of an activity. It beats by a clock, not by progress: a slow insert is no death, and the time for the
 * whole is bounded by `startToCloseTimeout`.
 * @param start  where it begins, which a retry shall find when this attempt ends before the first `tell`
 */
export async function withPulse<Details, Result>(start: Details, body: (pulse: Pulse<Details>) => Promise<Result>): Promise<Result> {
  const context = Context.current();
  let last = start;
  const beat = (): void => context.heartbeat(last);
  const timer = setInterval(beat, everyMs);
  const tell = async (details: Details): Promise<void> => {
    last = details;
    beat();
    if (context.cancellationSignal.aborted) await context.cancelled; // rejects, with the reason
  };
  try {
    await tell(start);
    return await body({ tell });
  } catch (error) {
    throw toFailure(error);
  } finally {
    clearInterval(timer);
  }
}
