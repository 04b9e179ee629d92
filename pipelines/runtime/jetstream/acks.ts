/**
 * Messages whose acknowledgements are awaited. `js.publish` does the same in three times the time (FACTS): for each message it makes an
 * error with a stack, a race of two promises and a timer.
 */
import { JetStreamApiError, type ApiError } from '@nats-io/jetstream';
import { createInbox, type MsgHdrs, type NatsConnection, type Subscription } from '@nats-io/transport-node';
import { AftercareError } from '../../../schemas/errors.js';

/** What a stream answers to a message. */
export interface Ack { seq: number; duplicate: boolean }

/** @throws JetStreamApiError when the stream refused it; AftercareError unavailable when no stream takes its subject */
export function readAck(data: Uint8Array): Ack {
  const ack = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString() || '{}') as { seq?: number; duplicate?: boolean; error?: ApiError };
  // First: with some errors it says "seq":0 as well.
  if (ack.error !== undefined) throw new JetStreamApiError(ack.error);
  if (ack.seq === undefined) throw new AftercareError('unavailable', 'no stream takes this subject');
  return { seq: ack.seq, duplicate: ack.duplicate === true };
}

interface Waiting { resolve: (ack: Ack) => void; reject: (error: unknown) => void; untilMs: number }

export class Acknowledged {
  readonly #inbox = createInbox();
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #answers: Subscription | undefined;
  #watch: NodeJS.Timeout | undefined;

  /** @param timeoutMs  how long an acknowledgement is waited for; it is looked at ten times in it */
  constructor(private readonly nc: NatsConnection, private readonly timeoutMs: number) {}

  /** @throws JetStreamApiError when the stream refuses it; AftercareError unavailable when it is unknown whether it was stored */
  publish(subject: string, body: Uint8Array, fields: MsgHdrs): Promise<Ack> {
    return new Promise((resolve, reject) => {
      // With the first message: who only reads a commit log leaves no subscription behind.
      this.#answers ??= this.nc.subscribe(`${this.#inbox}.*`, { callback: (_error, message) => { this.#answered(Number(message.subject.slice(this.#inbox.length + 1)), message.data); } });
      const n = this.#next++;
      this.nc.publish(subject, body, { reply: `${this.#inbox}.${n}`, headers: fields });
      this.#waiting.set(n, { resolve, reject, untilMs: performance.now() + this.timeoutMs });
      this.#watch ??= setInterval(() => { this.#expire(); }, this.timeoutMs / 10);
    });
  }

  #answered(n: number, data: Uint8Array): void {
    const waiting = this.#waiting.get(n);
    if (waiting === undefined) return; // given up before
    this.#waiting.delete(n);
    try {
      waiting.resolve(readAck(data));
    } catch (error) {
      waiting.reject(error);
    }
  }

  #expire(): void {
    const nowMs = performance.now();
    // In the order in which they were sent.
    for (const [n, { reject, untilMs }] of this.#waiting) {
      if (untilMs > nowMs) return;
      this.#waiting.delete(n);
      reject(new AftercareError('unavailable', `no acknowledgement in ${this.timeoutMs} ms`));
    }
    clearInterval(this.#watch);
    this.#watch = undefined;
  }
}
