/**
 * Replies, each said in other words where the large model does it well: replies.<customer> -> rewrites.<customer>.
 *
 *   take -> rewrite, some at a time -> publish each -> record how far
 *
 * Every reply has one message there, the draft where its rewriting failed or was refused, so a shop listens to one of the two
 * subjects. At least once: after a crash what was taken since the last record is asked again, and published with the same id,
 * which the stream drops; the words may differ, the first that was stored holds. One process does it, under a lease.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Compile } from 'typebox/compile';
import { messageOf } from '../../schemas/errors.js';
import { ReplyMessage, type RewriteMessage } from '../../schemas/messages.js';
import { repliesFilter, rewriteSubject } from '../../schemas/subjects.js';
import type { StoredMessage } from '../../schemas/decode.js';
import type { Logger } from './log-line.js';
import { decisionMessage } from './messages.js';
import type { CutStore, Lease, Leases, MessageLog, Messages } from './ports.js';
import type { Rewriter } from './rewriter.js';

export interface RewriterParts {
  holder: string;
  /** DECISIONS */
  log: MessageLog;
  leases: Leases;
  cuts: CutStore;
  messages: Messages;
  rewriter: Rewriter;
  /** name of the large model, for the messages */
  model: string;
  /** A reply that is older is passed on as it is: after an hour away nobody waits for better words. */
  freshMs: number;
  logger: Logger;
  now?: () => number;
}

export interface RewriterProgress {
  seq: number;
  rewritten: number;
  /** by reason */
  kept: Record<string, number>;
  owner: boolean;
}

const name = 'rewriter';
/** Requests at once: a model on one machine answers a few side by side. */
const WINDOW = 4;
const waitMs = 200;
const retryMs = 500;
const check = Compile(ReplyMessage);

export async function runRewriter(parts: RewriterParts, progress: RewriterProgress, signal: AbortSignal): Promise<void> {
  const { leases, logger } = parts;
  while (!signal.aborted) {
    let lease: Lease | undefined;
    try {
      lease = await leases.acquire(name, parts.holder);
      if (lease !== undefined) {
        progress.owner = true;
        logger('info', 'rewriter is live', { epoch: lease.epoch });
        await follow(parts, lease, progress, signal);
      } else {
        await pause(leases.ttlMs / 4, signal);
      }
    } catch (error) {
      if (!signal.aborted) {
        logger('warn', 'rewriter starts again', { reason: messageOf(error) });
        await pause(retryMs, signal);
      }
    } finally {
      progress.owner = false;
      await lease?.release().catch((error: unknown) => logger('warn', 'the rewriter\'s lease was not released; it expires', { reason: messageOf(error) }));
    }
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> => delay(ms, undefined, { signal }).catch(() => undefined);

async function follow(parts: RewriterParts, lease: Lease, progress: RewriterProgress, signal: AbortSignal): Promise<void> {
  const { log, cuts } = parts;
  const found = await cuts.read(name);
  // The first time it begins with what comes from now on: a week of old replies has been read by those they were for.
  let done = found?.record.done ?? (await log.lastSeq());
  let revision = found?.revision ?? 0;
  if (found === undefined) revision = await cuts.write(name, { done }, 0);
  progress.seq = done;
  const cursor = await log.open(done + 1, repliesFilter);
  try {
    while (!signal.aborted && lease.held()) {
      const taken = await cursor.take(WINDOW, waitMs);
      if (taken.length === 0) continue;
      const results = await Promise.all(taken.map((message) => pass(parts, message, signal)));
      // What was not finished is done again after the start.
      if (signal.aborted || !lease.held()) return;
      done = taken[taken.length - 1].seq;
      revision = await cuts.write(name, { done }, revision);
      progress.seq = done;
      for (const reason of results) {
        if (reason === undefined) progress.rewritten += 1;
        else progress.kept[reason] = (progress.kept[reason] ?? 0) + 1;
      }
    }
  } finally {
    await cursor.close();
  }
}

/** @returns why the draft was kept, undefined when it was not */
async function pass({ rewriter, messages, model, freshMs, logger, now = Date.now }: RewriterParts, message: StoredMessage, signal: AbortSignal): Promise<string | undefined> {
  const reply = replyOf(message);
  if (reply === undefined) {
    logger('warn', 'a reply that is none was passed over', { seq: message.seq });
    return 'bad_reply';
  }
  const late = now() - message.receivedMs > freshMs;
  const result = late ? { rewritten: false as const, text: reply.text, reason: 'late', detail: `older than ${freshMs} ms` } : await rewriter.rewrite(reply.text, reply.language, signal);
  if (signal.aborted) return 'stopped';
  const rewrite: RewriteMessage = {
    v: 1, customer: reply.customer, ticket: reply.ticket, atMs: reply.atMs, seq: reply.seq, language: reply.language, text: result.text, draft: reply.text,
    rewritten: result.rewritten, reason: result.rewritten ? '' : result.reason, model, answer: reply.answer, answers: reply.answers,
  };
  if (!result.rewritten) logger('info', 'the draft is kept', { seq: message.seq, reason: result.reason, detail: result.detail });
  await messages.publish(decisionMessage(rewriteSubject(reply.customer), `rewrite:${reply.seq}`, rewrite));
  return result.rewritten ? undefined : result.reason;
}

function replyOf({ body }: StoredMessage): ReplyMessage | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    return check.Check(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
