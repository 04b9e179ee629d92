/**
 * A shard's stream folded again, beside the live one, up to a sequence:
 *
 *   rebuild    from nothing, to compare with the live state
 *   forget     from nothing, where a customer is no longer in the stream, to take the live state's place
 *   backfill   from nothing, and from a sequence on with another model
 */
import { setImmediate as yieldToIo, setTimeout as delay } from 'node:timers/promises';
import type { StoredMessage } from '../../schemas/decode.js';
import { shardFilter } from '../../schemas/subjects.js';
import type { Folding } from './folding.js';
import type { MessageLog } from './ports.js';

export interface ReplayOptions {
  shard: number;
  /** sequence of the last message of interest */
  to: number;
  /** events a second at most, from its start on; without it as fast as it goes */
  eventsPerSecond?: number | undefined;
  /** Called before a message is folded; what it returns is awaited. */
  before?: ((message: StoredMessage) => Promise<void> | undefined) | undefined;
  /** Whether a message is not folded. */
  skips?: ((message: StoredMessage) => boolean) | undefined;
  /** Called after each slice. */
  onProgress?: (() => void) | undefined;
}

/** Messages that are asked for at once. */
const batchMax = 1000;
/** Milliseconds that nothing comes before it is asked whether there is more. */
const idleMs = 500;
/** Milliseconds of folding before I/O is looked at: heartbeats and cancellations must pass. */
const sliceMs = 20;

/** Resolves when the last message at or below `to` is folded. @throws what folding and reading throw */
export async function replay<State>(events: MessageLog, folding: Folding<State>, options: ReplayOptions): Promise<void> {
  const { shard, to, eventsPerSecond, before, skips, onProgress } = options;
  const cursor = await events.open(folding.seq + 1, shardFilter(shard));
  const [startMs, eventsBefore] = [performance.now(), folding.events];
  try {
    while (folding.seq < to) {
      const messages = await cursor.take(batchMax, idleMs);
      // The message `to` may have been deleted since: the end is there when nothing is left to come.
      if (messages.length === 0 && (await events.lastSeq(shardFilter(shard))) <= folding.seq) return;
      let sliceEnd = performance.now() + sliceMs;
      for (const message of messages) {
        if (message.seq > to) return;
        const waiting = before?.(message);
        if (waiting !== undefined) await waiting;
        const fetching = skips?.(message) === true ? folding.pass(message) : folding.fold(message);
        if (fetching !== undefined) await fetching;
        // By the message, as one may hold a thousand events: a thousand messages at once would be a burst of a million.
        const earlyMs = eventsPerSecond === undefined ? 0 : ((folding.events - eventsBefore) / eventsPerSecond) * 1000 - (performance.now() - startMs);
        if (earlyMs < sliceMs && performance.now() < sliceEnd) continue;
        onProgress?.();
        await (earlyMs < sliceMs ? yieldToIo() : delay(earlyMs));
        sliceEnd = performance.now() + sliceMs;
      }
      onProgress?.();
    }
  } finally {
    await cursor.close();
  }
}
