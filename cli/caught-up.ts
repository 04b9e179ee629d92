/** Waits until what was published is folded and stored. */
import { setTimeout as delay } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { requestService } from '../pipelines/runtime/request.js';
import type { SinkProgress } from '../pipelines/runtime/sinks.js';
import { AftercareError } from '../schemas/errors.js';

/** A sink that is away for longer than this is not merely restarting. */
const silenceMsMax = 60_000;

/**
 * @param seq  sequence that must be in ClickHouse: of EVENTS, or of OUT, where decisions and answers are
 * @throws AftercareError unavailable when nothing moved for a minute
 */
export async function storedUpTo(nc: NatsConnection, seq: number, onProgress: (stored: number) => void = () => undefined, of: 'eventsSeq' | 'outSeq' = 'eventsSeq'): Promise<void> {
  let newest = -1;
  let movedMs = performance.now();
  for (;;) {
    const status = await requestService<SinkProgress>(nc, 'aftercare.sink.status', {}, 2000).catch(() => undefined);
    if (status !== undefined && status[of] >= seq) return;
    if (status !== undefined && status[of] > newest) {
      newest = status[of];
      movedMs = performance.now();
      onProgress(newest);
    }
    if (performance.now() - movedMs > silenceMsMax) {
      throw new AftercareError('unavailable', `the sink stands at ${newest} of ${seq} and has not moved for a minute; see "aftercare status" and the log of "aftercare up"`);
    }
    await delay(20);
  }
}
