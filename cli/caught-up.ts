/** Waits until what was published is folded and stored. */
import { setTimeout as delay } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/transport-node';
import { requestService } from '../pipelines/runtime/request.js';
import type { SinkProgress } from '../pipelines/runtime/sinks.js';
import { AftercareError } from '../schemas/errors.js';

/** A sink that is away for longer than this is not merely restarting. */
const silenceMsMax = 60_000;

/**
 * @param seq  sequence of EVENTS that must be in ClickHouse
 * @throws AftercareError unavailable when nothing moved for a minute
 */
export async function storedUpTo(nc: NatsConnection, seq: number, onProgress: (stored: number) => void = () => undefined): Promise<void> {
  let newest = -1;
  let movedMs = performance.now();
  for (;;) {
    const status = await requestService<SinkProgress>(nc, 'aftercare.sink.status', {}, 2000).catch(() => undefined);
    if (status !== undefined && status.eventsSeq >= seq) return;
    if (status !== undefined && status.eventsSeq > newest) {
      newest = status.eventsSeq;
      movedMs = performance.now();
      onProgress(newest);
    }
    if (performance.now() - movedMs > silenceMsMax) {
      throw new AftercareError('unavailable', `the sink stands at ${newest} of ${seq} and has not moved for a minute; see "aftercare status" and the log of "aftercare up"`);
    }
    await delay(20);
  }
}
