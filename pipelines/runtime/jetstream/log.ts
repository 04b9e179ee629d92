/** A stream read in order, with back-pressure: what nobody takes is not asked for. */
import { setTimeout as delay } from 'node:timers/promises';
import { DeliverPolicy, jetstream, JetStreamApiError, jetstreamManager, type Consumer, type ConsumerMessages, type JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { StoredMessage } from '../../../schemas/decode.js';
import { AftercareError } from '../../../schemas/errors.js';
import type { LogCursor, MessageLog } from '../ports.js';
import { noMessageFound } from './api-errors.js';

/** Messages asked for ahead. At most a megabyte each (a larger one is a reject), so this bounds the memory as well. */
const aheadMessages = 512;
/** Messages that wait here to be taken before the reader stops. */
const waitingMax = 1024;

/** The short times are for a server that was restarted: by default its consumer is missed for 44 s (FACTS). */
const patience = { expires: 2000, idle_heartbeat: 500 };

/**
 * @param everyMs  0: each message comes as soon as it is stored. Above: what has come is fetched together, so often at most. For a
 * reader that nobody waits for: it saves the server and the reader a turn with each message.
 */
export function jetstreamLog(nc: NatsConnection, stream: string, everyMs = 0): MessageLog {
  return {
    async lastSeq(subject) {
      const jsm = await jetstreamManager(nc);
      if (subject === undefined) return (await jsm.streams.info(stream)).state.last_seq;
      try {
        return (await jsm.streams.getMessage(stream, { last_by_subj: subject }))?.seq ?? 0;
      } catch (error) {
        if (error instanceof JetStreamApiError && error.code === noMessageFound) return 0;
        throw error;
      }
    },
    async open(fromSeq, subject) {
      // An ordered consumer, never a durable one: a durable that is restarted re-delivers old messages after newer ones.
      const consumer = await jetstream(nc).consumers.get(stream, {
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: Math.max(1, fromSeq),
        ...(subject === undefined ? {} : { filter_subjects: [subject] }),
      });
      return readAhead(everyMs === 0 ? await consumer.consume({ max_messages: aheadMessages, ...patience }) : inPortions(consumer, everyMs), fromSeq);
    },
  };
}

type Messages = AsyncIterable<JsMsg> & Pick<ConsumerMessages, 'close'>;

/** Fetches that fail one after the other before the reader is told: a server that is started again needs a few. */
const failuresMax = 30;
const retryMs = 100;

function inPortions(consumer: Consumer, everyMs: number): Messages {
  const closing = new AbortController();
  const pause = async (ms: number): Promise<void> => { await delay(ms, undefined, { signal: closing.signal }).catch(() => undefined); };
  let portion: ConsumerMessages | undefined;
  async function* read(): AsyncGenerator<JsMsg> {
    let failures = 0;
    // Nobody knows how many will come: the first tells how many came with it.
    for (let count = 1; !closing.signal.aborted;) {
      const startMs = performance.now();
      let pending = 0;
      try {
        portion = await consumer.fetch({ max_messages: Math.min(count, aheadMessages), ...patience });
        for await (const message of portion) {
          failures = 0;
          ({ pending } = message.info);
          yield message;
        }
      } catch (error) {
        // The next one makes a consumer that goes on where this one was.
        failures += 1;
        if (failures > failuresMax) throw error;
        await pause(retryMs);
      }
      count = Math.max(1, pending);
      if (pending === 0) await pause(Math.max(0, startMs + everyMs - performance.now()));
    }
  }
  return {
    [Symbol.asyncIterator]: read,
    async close() {
      closing.abort();
      return await portion?.close();
    },
  };
}

function readAhead(messages: Messages, fromSeq: number): LogCursor {
  let waiting: StoredMessage[] = [];
  let newest = fromSeq - 1;
  let failure: Error | undefined;
  let closed = false;
  let wakeTaker: (() => void) | undefined;
  let wakeReader: (() => void) | undefined;

  const read = async (): Promise<void> => {
    for await (const message of messages) {
      if (closed) return;
      const stored = toStored(message);
      if (stored.seq <= newest) throw new AftercareError('order_broken', `message ${stored.seq} came after ${newest}`);
      newest = stored.seq;
      waiting.push(stored);
      wakeTaker?.();
      if (waiting.length >= waitingMax) await new Promise<void>((resolve) => { wakeReader = resolve; });
    }
  };
  const done = read()
    .catch((error: unknown) => { failure = error as Error; })
    .finally(() => {
      failure ??= new AftercareError('closed', 'the cursor is closed');
      wakeTaker?.();
    });

  const ready = (max: number): StoredMessage[] => {
    const taken = waiting.length <= max ? waiting : waiting.slice(0, max);
    waiting = waiting.length <= max ? [] : waiting.slice(max);
    if (waiting.length < waitingMax / 2) wakeReader?.();
    return taken;
  };
  return {
    async take(max, waitMs) {
      if (waiting.length > 0) return ready(max);
      if (failure !== undefined) throw failure;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs);
        wakeTaker = () => { clearTimeout(timer); resolve(); };
      });
      wakeTaker = undefined;
      return ready(max);
    },
    async close() {
      closed = true;
      waiting = [];
      wakeReader?.();
      void messages.close();
      await done;
    },
  };
}

const nanosPerMilli = 1_000_000;

function toStored(message: JsMsg): StoredMessage {
  const { info } = message;
  return { subject: message.subject, seq: info.streamSequence, receivedMs: Math.floor(info.timestampNanos / nanosPerMilli), body: message.data };
}
