/** A stream read in order, with back-pressure: what nobody takes is not asked for. */
import { DeliverPolicy, jetstream, JetStreamApiError, jetstreamManager, type ConsumerMessages, type JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { StoredMessage } from '../../../schemas/decode.js';
import { AftercareError } from '../../../schemas/errors.js';
import type { LogCursor, MessageLog } from '../ports.js';
import { noMessageFound } from './api-errors.js';

/** Messages asked for ahead. At most a megabyte each (a larger one is a reject), so this bounds the memory as well. */
const aheadMessages = 512;
/** Messages that wait here to be taken before the reader stops. */
const waitingMax = 1024;

export function jetstreamLog(nc: NatsConnection, stream: string): MessageLog {
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
      // The short times are for a server that was restarted: by default its consumer is missed for 44 s (FACTS).
      return readAhead(await consumer.consume({ max_messages: aheadMessages, expires: 2000, idle_heartbeat: 500 }), fromSeq);
    },
  };
}

function readAhead(messages: ConsumerMessages, fromSeq: number): LogCursor {
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
