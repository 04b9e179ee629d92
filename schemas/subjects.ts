/**
 * Subjects and streams.
 *
 *   producers  events.<type>.<customer>   one event, or several lines of that type
 *              events.batch.<customer>    several lines of any types, all of the customer's partition
 *   EVENTS     ev.<shard>.<type>          the same after the stream's own subject transform
 *   OUT        out.<shard>                one commit a micro-batch
 *              out.answers-<shard>        answers on record, in the form of a commit that folds nothing
 *   DLQ        dlq.<reason>               what did not decode, with its original bytes
 *   DECISIONS  coupons.<customer>         what services of the shop act on, one JSON object each
 *              alerts.risk.<level>        review or block
 *              replies.<customer>         the answer to a ticket
 *              rewrites.<customer>        the same in a large model's words, where one is set up
 *              alerts.support.<reason>    a ticket that a person gets, and why
 *   REMAINS    remains.<shard>.<sequence> what is left of a message of EVENTS of which some lines were forgotten
 *   ARTEFACTS  art.<name>.<version>.>     what workflows made: data sets, exports, models
 */
import { eventTypes, type EventType } from './events.js';

export const streams = { events: 'EVENTS', out: 'OUT', dlq: 'DLQ', decisions: 'DECISIONS', artefacts: 'ARTEFACTS', remains: 'REMAINS' } as const;
export const buckets = { leases: 'aftercare-leases', cuts: 'aftercare-cuts', live: 'aftercare-live', forgotten: 'aftercare-forgotten' } as const;

/** The type token of an envelope whose lines may be of any type. */
export const batchType = 'batch';
export type SubjectType = EventType | typeof batchType;
const subjectTypes: ReadonlySet<string> = new Set([...eventTypes, batchType]);

/** The subject that a producer publishes to. */
export const eventSubject = (type: SubjectType, customer: string): string => `events.${type}.${customer}`;
export const shardFilter = (shard: number): string => `ev.${shard}.>`;
export const remainsSubject = (shard: number | '*', seq: number | '*'): string => `remains.${shard}.${seq}`;
export const outSubject = (shard: number): string => `out.${shard}`;
export const answersSubject = (shard: number): string => `out.answers-${shard}`;
export const dlqSubject = (reason: string): string => `dlq.${reason}`;
export const riskAlertSubject = (level: string): string => `alerts.risk.${level}`;
export const supportAlertSubject = (reason: string): string => `alerts.support.${reason}`;
/** A customer is a token of a subject by the contract: letters, digits, _ and -. */
export const repliesFilter = 'replies.>';
export const replySubject = (customer: string): string => `replies.${customer}`;
/** Each reply once more, where a large model is set up. */
export const rewriteSubject = (customer: string): string => `rewrites.${customer}`;
export const couponSubject = (customer: string): string => `coupons.${customer}`;

/** Headers of a dead letter. */
export const deadLetterHeaders = { subject: 'Aftercare-Subject', seq: 'Aftercare-Seq', detail: 'Aftercare-Detail' } as const;

/** Service subjects: a request to the first is routed to the shard that owns the customer, the second reaches it directly. */
export const serviceSubject = (endpoint: string): string => `aftercare.${endpoint}`;
export const shardServiceSubject = (shard: number, endpoint: string): string => `aftercare.shard.${shard}.${endpoint}`;

/** What EVENTS does to a subject as it stores a message: the partition of the customer becomes the shard. */
export const eventTransform = (shards: number): { src: string; dest: string } => ({
  src: 'events.*.*',
  dest: `ev.{{partition(${shards},2)}}.{{wildcard(1)}}`,
});

/** The shard and type of a stored subject, or undefined when it did not have the form `events.<type>.<customer>`. */
export function parseStoredSubject(subject: string): { shard: number; type: string; known: boolean } | undefined {
  const match = /^ev\.(\d+)\.([^.]+)$/.exec(subject);
  if (match === null) return undefined;
  return { shard: Number(match[1]), type: match[2], known: subjectTypes.has(match[2]) };
}

/**
 * The partition that nats-server gives a customer token: FNV-1a, 32 bits, modulo the number of shards.
 * Source: nats-server `subject_transform.go`.  Worked: partitionOf('a', 4) = 0xe40c292c % 4 = 0
 */
export function partitionOf(customer: string, shards: number): number {
  if (shards === 1) return 0;
  let hash = 0x811c9dc5;
  for (let i = 0; i < customer.length; i++) hash = Math.imul(hash ^ customer.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % shards;
}

/**
 * The token that stands for a shard where an event needs a customer and has none: the first of ~0, ~1, ... in its partition.
 * No customer is named so.
 */
export function shardToken(shard: number, shards: number): string {
  for (let n = 0; ; n++) if (partitionOf(`~${n}`, shards) === shard) return `~${n}`;
}
