/** The two sinks of a system, EVENTS and OUT, under one lease, again and again until the signal. */
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../schemas/errors.js';
import { streams } from '../../schemas/subjects.js';
import { decisionCollector, eventCollector } from './collectors.js';
import type { Logger } from './log-line.js';
import type { CommitLog, CutStore, KeptDecisions, Lease, Leases, MessageLog, Messages, RowStore } from './ports.js';
import { runSink, type SinkSettings } from './sink.js';

export interface SinksParts {
  shards: number;
  holder: string;
  events: MessageLog;
  out: MessageLog;
  commits: CommitLog;
  leases: Leases;
  cuts: CutStore;
  rows: RowStore;
  messages: Messages;
  kept: KeptDecisions;
  settings: SinkSettings;
  logger: Logger;
}

export interface SinkProgress {
  /** everything up to here is in ClickHouse: a sequence of EVENTS, and one of OUT */
  eventsSeq: number;
  outSeq: number;
  rows: number;
  owner: boolean;
}

/** Commits that are stored are kept this long, so that a trim is one call for many; for each of them nats-server stands still for a microsecond. */
const trimMs = 1000;

export async function runSinks(parts: SinksParts, progress: SinkProgress, signal: AbortSignal): Promise<void> {
  const { leases, logger } = parts;
  while (!signal.aborted) {
    let lease: Lease | undefined;
    try {
      lease = await leases.acquire('sink', parts.holder);
      if (lease === undefined) {
        await delay(leases.ttlMs / 4, undefined, { signal }).catch(() => undefined);
        continue;
      }
      progress.owner = true;
      logger('info', 'sink is live', { epoch: lease.epoch });
      await runBoth(parts, progress, lease, signal);
    } catch (error) {
      logger('warn', 'sink starts again from its recorded cuts', { reason: messageOf(error) });
      await delay(200, undefined, { signal }).catch(() => undefined);
    } finally {
      progress.owner = false;
      await lease?.release().catch((error: unknown) => logger('warn', 'lease could not be released, it will expire', { reason: messageOf(error) }));
    }
  }
}

/** When one of the two fails the other stops too: they share the lease. */
async function runBoth(parts: SinksParts, progress: SinkProgress, lease: Lease, signal: AbortSignal): Promise<void> {
  const both = new AbortController();
  const stop = (): void => { both.abort(); };
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  const { cuts, rows, messages, kept, settings, logger } = parts;
  const shared = { cuts, rows, messages, kept, lease, settings, logger };
  let trimmedMs = performance.now();
  const sinks = [
    runSink({
      ...shared, name: streams.events, log: parts.events, collector: eventCollector(parts.shards),
      onStored: (seq, count) => { progress.eventsSeq = seq; progress.rows += count; },
    }, both.signal),
    runSink({
      ...shared, name: streams.out, log: parts.out, collector: decisionCollector(),
      onStored: (seq, count) => {
        progress.outSeq = seq;
        progress.rows += count;
        if (performance.now() - trimmedMs < trimMs) return;
        trimmedMs = performance.now();
        for (let shard = 0; shard < parts.shards; shard++) {
          parts.commits.trim(shard, seq).catch((error: unknown) => logger('warn', 'stored commits could not be dropped', { shard, reason: messageOf(error) }));
        }
      },
    }, both.signal),
  ];
  try {
    await Promise.all(sinks);
  } finally {
    stop();
    await Promise.allSettled(sinks);
    signal.removeEventListener('abort', stop);
  }
}
