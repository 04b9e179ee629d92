/**
 * The sink: a log into ClickHouse, each row once.
 *
 *   collect ... -> record the cut {from, to} -> insert each table with token <table>:<from>-<to> -> next
 *      \--> messages, each with an id
 *
 * After a crash the recorded cut is read again and inserted again: the same messages give the same Arrow bytes, and
 * ClickHouse drops an insert whose token it knows. While one cut is stored the next is collected.
 */
import { setImmediate as yieldToIo, setTimeout as delay } from 'node:timers/promises';
import type { StoredMessage } from '../../schemas/decode.js';
import { AftercareError, messageOf } from '../../schemas/errors.js';
import type { Collected, Collector } from './collectors.js';
import type { Logger } from './log-line.js';
import type { CutStore, KeptDecisions, Lease, LogCursor, Message, MessageLog, Messages, RowStore } from './ports.js';
import { recallMessages } from './recalls.js';

export interface SinkSettings {
  /** rows of one insert at most: ClickHouse likes large ones, and a block holds a million */
  rowsMax: number;
  /** bytes of messages in one cut at most */
  bytesMax: number;
  /** milliseconds that a row waits at most before its insert begins */
  lingerMs: number;
}

/** Making rows of a cut must not hold up the renewal of the lease. */
export const cutBytesMax = 16 * 1024 * 1024;

export interface SinkParts {
  /** the log's name: key of its cuts */
  name: string;
  log: MessageLog;
  collector: Collector;
  cuts: CutStore;
  rows: RowStore;
  messages: Messages;
  /** where the decisions of late verdicts are looked for */
  kept: KeptDecisions;
  lease: Lease;
  settings: SinkSettings;
  logger: Logger;
  /** Called when everything up to `seq` is stored. */
  onStored?: (seq: number, rows: number) => void;
}

const firstRetryMs = 100;
const retryMsMax = 2000;
/** Milliseconds of making rows before timers are looked at, as one of them renews the lease: a message of a megabyte of telephone numbers takes a second to mask. */
const sliceMs = 50;
/** Messages on their way at once. */
const messageWindow = 64;

/** Pumps until the signal, then stores what it has. @throws AftercareError fenced, lease_lost, order_broken */
export async function runSink(parts: SinkParts, signal: AbortSignal): Promise<void> {
  const pump = new Pump(parts, signal);
  try {
    await pump.start();
    await pump.run();
  } catch (error) {
    // Stopped while the store was away: the recorded cut is repeated at the next start.
    if (!(signal.aborted && error instanceof AftercareError && error.code === 'closed')) throw error;
  }
}

interface Cut { from: number; to: number }

class Pump {
  #done = 0;
  #revision = 0;
  #left: StoredMessage[] = [];
  #storing: Promise<void> = Promise.resolve();
  #sending: Promise<void> = Promise.resolve();
  #breathedMs = 0;

  constructor(private readonly parts: SinkParts, private readonly signal: AbortSignal) {}

  /** Repeats the cut that a former sink may have stored in part. */
  async start(): Promise<void> {
    const { cuts, name, log, collector, logger } = this.parts;
    const found = await cuts.read(name);
    this.#done = found?.record.done ?? 0;
    this.#revision = found?.revision ?? 0;
    this.parts.onStored?.(this.#done, 0);
    const cut = found?.record.cut;
    if (cut === undefined) return;
    logger('info', 'repeating the recorded cut', { log: name, from: cut.from, to: cut.to });
    const cursor = await log.open(cut.from);
    try {
      // Until the cut's end has been seen, however long nothing comes: a server that is away must not make the cut a part of
      // itself, under the token of the whole.
      for (let seq = cut.from - 1; seq < cut.to && !this.signal.aborted;) {
        for (const message of await cursor.take(1024, 1000)) {
          seq = message.seq;
          if (seq <= cut.to) collector.add(message);
          if (performance.now() - this.#breathedMs > sliceMs) await this.#breathe();
        }
        if (!this.parts.lease.held()) throw new AftercareError('lease_lost', `sink of ${name}: the lease could not be renewed in time`);
      }
      if (this.signal.aborted) return void collector.finish();
      this.#send();
      await this.#store(cut, collector.finish(), this.#sending);
    } finally {
      await cursor.close();
    }
  }

  async run(): Promise<void> {
    if (this.signal.aborted) return;
    const { log, collector, cuts, name } = this.parts;
    const cursor = await log.open(this.#done + 1);
    try {
      let from = this.#done + 1;
      while (!this.signal.aborted) {
        const to = await this.#collect(cursor);
        await this.#storing;
        if (to === undefined) continue;
        const cut = { from, to };
        // The cut before is stored: one write says so, and what comes next.
        this.#revision = await cuts.write(name, { done: this.#done, cut }, this.#revision);
        this.#storing = this.#store(cut, collector.finish(), this.#sending);
        this.#storing.catch(() => undefined); // awaited in the next turn
        from = to + 1;
      }
      await this.#storing;
      this.#revision = await cuts.write(name, { done: this.#done }, this.#revision);
    } finally {
      await cursor.close();
    }
  }

  async #breathe(): Promise<void> {
    await yieldToIo();
    this.#breathedMs = performance.now();
  }

  /** Messages of one cut. @returns the sequence of the last one, undefined when there were none */
  async #collect(cursor: LogCursor): Promise<number | undefined> {
    const { collector, settings } = this.parts;
    let to: number | undefined;
    let endMs = Infinity;
    while (collector.rows < settings.rowsMax && collector.bytes < settings.bytesMax && performance.now() < endMs && !this.signal.aborted) {
      if (this.#left.length === 0) this.#left = await cursor.take(1024, Math.max(1, Math.min(100, endMs - performance.now())));
      if (this.#left.length > 0 && endMs === Infinity) endMs = performance.now() + settings.lingerMs;
      let taken = 0;
      while (taken < this.#left.length && collector.rows < settings.rowsMax && collector.bytes < settings.bytesMax) {
        collector.add(this.#left[taken]);
        to = this.#left[taken++].seq;
        if (performance.now() - this.#breathedMs > sliceMs) await this.#breathe();
      }
      this.#left = this.#left.slice(taken);
      this.#send();
    }
    return to;
  }

  /** Nobody who waits for a reply or a warning waits for rows: what a crash sends again is known by its id. */
  #send(): void {
    const ready = this.parts.collector.takeMessages();
    if (ready.length === 0) return;
    this.#sending = this.#sending.then(() => this.#publish(ready));
    this.#sending.catch(() => undefined); // awaited with the cut
  }

  async #publish(ready: Message[]): Promise<void> {
    const { messages } = this.parts;
    for (let i = 0; i < ready.length; i += messageWindow) {
      const window = ready.slice(i, i + messageWindow);
      await this.#again(async () => { await Promise.all(window.map((message) => messages.publish(message))); });
    }
  }

  /** @param sent  the cut's messages */
  async #store(cut: Cut, collected: Collected, sent: Promise<void>): Promise<void> {
    const { rows, messages, kept, onStored } = this.parts;
    for (const insert of collected.inserts) {
      const token = `${insert.table}:${cut.from}-${cut.to}`;
      await this.#again(() => rows.insert(insert.table, insert.columns, insert.arrow, token));
    }
    await sent;
    // Of the same cut, too: by now its decisions are stored.
    if (collected.late.length > 0) {
      await this.#again(async () => { for (const message of await recallMessages(kept, collected.late)) await messages.publish(message); });
    }
    this.#done = cut.to;
    onStored?.(cut.to, collected.inserts.reduce((sum, insert) => sum + insert.rows, 0));
  }

  /** Until it succeeds, or the lease is lost: a store that is away delays rows, and loses none. */
  async #again(attempt: () => Promise<void>): Promise<void> {
    const { lease, logger, name } = this.parts;
    for (let waitMs = firstRetryMs; ; waitMs = Math.min(waitMs * 2, retryMsMax)) {
      if (!lease.held()) throw new AftercareError('lease_lost', `sink of ${name}: the lease could not be renewed in time`);
      try {
        return await attempt();
      } catch (error) {
        if (this.signal.aborted) throw new AftercareError('closed', `sink of ${name}: stopped before the cut was stored`, { cause: error });
        logger('warn', 'storing again', { log: name, waitMs, reason: messageOf(error) });
        await delay(waitMs);
      }
    }
  }
}
