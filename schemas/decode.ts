/**
 * Bytes to events. The one place where `unknown` becomes an event; bad input is a value here, never an exception,
 * and a pure function of what the stream stored, so that shard and sink always agree about it.
 *
 *   subject  ev.3.click
 *   body     {"v":1,...}            or several separated by newlines
 */
import { isUtf8 } from 'node:buffer';
import { Compile } from 'typebox/compile';
import { ControlCommand, eventSchemas, eventTypes, Forget, Promote, Recall, Retire, type Event, type EventType } from './events.js';
import { limits } from './limits.js';
import { batchType, parseStoredSubject, partitionOf } from './subjects.js';
import { explain, jsonProblem } from './explain.js';

export type RejectReason =
  | 'bad_subject'
  | 'unknown_type'
  | 'too_large'
  | 'too_many_events'
  | 'empty'
  | 'not_utf8'
  | 'not_json'
  | 'bad_event'
  | 'wrong_type'
  | 'wrong_partition'
  | 'not_alone'
  | 'bad_time';

/** One message as the stream stored it. */
export interface StoredMessage {
  subject: string;
  /** stream sequence */
  seq: number;
  /** broker's time, milliseconds since 1970 */
  receivedMs: number;
  body: Uint8Array;
  /** What is left of it: lines that are `forgottenLine` were taken out, and the others have kept their positions. */
  remains?: true;
}

/** Stands in `remains` for a line of a customer who was forgotten. */
export const forgottenLine = 0x2d; // -

export interface Reject {
  position: number;
  reason: RejectReason;
  /** the field, the value and the remedy */
  detail: string;
  /** the bytes of the bad line, or of the whole message */
  body: Uint8Array;
}

/** What came out of one message. `event` is called for each good line and `reject` for each bad one, in order. */
export interface DecodeTarget {
  event(event: Event, position: number): void;
  reject(reject: Reject): void;
}

/** Lines of an envelope share the message's sequence; positions keep them apart and in order. */
export const positionOf = (seq: number, index: number): number => seq * 1024 + index;
export const sequenceOf = (position: number): number => Math.floor(position / 1024);

interface Check {
  Check(value: unknown): boolean;
  Errors(value: unknown): Parameters<typeof explain>[0];
}
const checks = Object.fromEntries(eventTypes.map((type) => [type, Compile(eventSchemas[type])])) as unknown as Record<EventType, Check>;
/** By command, so that what is wrong is said of the one that was meant, and not of both. */
const controlChecks: Record<string, Check> = { forget: Compile(Forget), promote: Compile(Promote), retire: Compile(Retire), recall: Compile(Recall) };
const commandCheck: Check = Compile(ControlCommand);

function checkOf(type: EventType, value: unknown): Check {
  if (type !== 'control') return checks[type];
  const { command } = value as { command?: unknown };
  return typeof command === 'string' && Object.hasOwn(controlChecks, command) ? controlChecks[command] : commandCheck;
}

const newline = 0x0a;

export function decode(message: StoredMessage, shards: number, target: DecodeTarget): void {
  const { seq, body } = message;
  const whole = (reason: RejectReason, detail: string): void => target.reject({ position: positionOf(seq, 0), reason, detail, body });
  const subject = parseStoredSubject(message.subject);
  if (subject === undefined) {
    return whole('bad_subject', `subject "${message.subject}" must be events.<type>.<customer>, with no dot inside the customer`);
  }
  if (!subject.known) return whole('unknown_type', `type "${subject.type}" must be one of ${eventTypes.join(', ')} or ${batchType}`);
  if (body.byteLength > limits.messageBytesMax) {
    return whole('too_large', `body has ${body.byteLength} bytes, at most ${limits.messageBytesMax} are taken; publish several messages`);
  }
  const ends = lineEnds(body);
  if (ends === undefined) return whole('too_many_events', `an envelope holds at most ${limits.envelopeEventsMax} events; publish several`);
  if (ends.length === 0) return whole('empty', 'body is empty; send one JSON object, or several separated by newlines');
  const context: LineContext = { message, shards, shard: subject.shard, type: subject.type, lines: ends.length / 2, target };
  for (let i = 0; i < ends.length; i += 2) decodeLine(context, i / 2, body.subarray(ends[i], ends[i + 1]));
}

interface LineContext {
  message: StoredMessage;
  shards: number;
  shard: number;
  type: string;
  lines: number;
  target: DecodeTarget;
}

/** Start and end of each line that is not blank; undefined when there are too many. */
export function lineEnds(body: Uint8Array): number[] | undefined {
  const ends: number[] = [];
  let start = 0;
  while (start < body.length) {
    let end = body.indexOf(newline, start);
    if (end === -1) end = body.length;
    if (!isBlank(body, start, end)) {
      if (ends.length === limits.envelopeEventsMax * 2) return undefined;
      ends.push(start, end);
    }
    start = end + 1;
  }
  return ends;
}

function isBlank(body: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (body[i] !== 0x20 && body[i] !== 0x0d && body[i] !== 0x09) return false;
  return true;
}

function decodeLine(context: LineContext, index: number, line: Uint8Array): void {
  const { message, target } = context;
  if (message.remains === true && line.length === 1 && line[0] === forgottenLine) return;
  const position = positionOf(message.seq, index);
  const reject = (reason: RejectReason, detail: string): void => target.reject({ position, reason, detail, body: line });
  if (!isUtf8(line)) return reject('not_utf8', 'body is not UTF-8; encode it as UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(line.buffer, line.byteOffset, line.byteLength).toString('utf8'));
  } catch (error) {
    return reject('not_json', `body is not JSON: ${jsonProblem(error)}`);
  }
  const type = typeOf(value);
  if (type === undefined) return reject('bad_event', `type must be one of ${eventTypes.join(', ')}, in the body as in the subject`);
  if (context.type !== batchType && context.type !== type) {
    return reject('wrong_type', `type "${type}" differs from the subject's "${context.type}"; publish mixed types to events.${batchType}.<customer>`);
  }
  const check = checkOf(type, value);
  if (!check.Check(value)) return reject('bad_event', explain(check.Errors(value), value));
  const event = value as Event;
  const wrong = misplaced(event);
  if (wrong !== undefined) return reject('bad_event', wrong);
  if (event.atMs > message.receivedMs + limits.aheadMsMax) {
    return reject('bad_time', `atMs ${event.atMs} lies more than a day after it was received (${message.receivedMs}); check the producer's clock and unit`);
  }
  if (partitionOf(event.customer, context.shards) !== context.shard) {
    return reject('wrong_partition', `customer "${event.customer}" belongs to partition ${partitionOf(event.customer, context.shards)}, not ${context.shard}; name a customer of its own partition in the subject`);
  }
  // Its artefact is fetched before the message is folded; that is known by the subject, without reading every envelope for it.
  if (isPromotion(event) && (context.type !== 'control' || context.lines > 1)) {
    return reject('not_alone', `a promotion is a message of its own; publish it to events.control.${event.customer} without other lines`);
  }
  target.event(event, position);
}

/** What no schema of one field can say. */
const misplaced = (event: Event): string | undefined =>
  event.type === 'label' && event.entities !== undefined && event.of !== 'ticket' ? `entities are those of a ticket, and the label is of a ${event.of}; leave entities out, or set of to ticket` : undefined;

export const isRetirement = (event: Event): event is Retire => event.type === 'control' && event.command === 'retire';
export const isPromotion = (event: Event): event is Promote => event.type === 'control' && event.command === 'promote';

/** The model that a message promotes or retires, undefined for every other message. */
export function switchedBy(message: StoredMessage, shards: number): string | undefined {
  if (!message.subject.endsWith('.control')) return undefined;
  let found: string | undefined;
  decode(message, shards, { event: (event) => { if (isPromotion(event) || isRetirement(event)) found = event.model; }, reject: () => undefined });
  return found;
}

/** The promotion that a message is, undefined for every other message. */
export function promotionOf(message: StoredMessage, shards: number): Promote | undefined {
  if (!message.subject.endsWith('.control')) return undefined;
  let found: Promote | undefined;
  decode(message, shards, { event: (event) => { if (isPromotion(event)) found = event; }, reject: () => undefined });
  return found;
}

function typeOf(value: unknown): EventType | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const type = (value as { type?: unknown }).type;
  return typeof type === 'string' && Object.hasOwn(eventSchemas, type) ? (type as EventType) : undefined;
}

/** One event from its own schema, outside the stream (the command line checks before it publishes). */
export function checkEvent(value: unknown): { event: Event } | { error: string } {
  const type = typeOf(value);
  if (type === undefined) return { error: `type must be one of ${eventTypes.join(', ')}` };
  const check = checkOf(type, value);
  if (!check.Check(value)) return { error: explain(check.Errors(value), value) };
  const wrong = misplaced(value as Event);
  return wrong === undefined ? { event: value as Event } : { error: wrong };
}
