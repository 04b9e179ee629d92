/**
 * Personal data is masked before anything is stored: by the step before it keeps or emits a text, by the sink before it makes
 * rows. The stream EVENTS and the dead letters in NATS hold what the producer sent: the one is what a rebuild folds again, the
 * others are what somebody repairs.
 *
 *   event    text of a ticket, answer and entities of a label, reason of a refund     normalised and masked
 *   reject   its detail, its subject, and its body                       masked where it can be read as text
 *
 * A body is JSON more often than not: its texts are masked one by one, as JSON may write any character as \uXXXX.
 */
import { isUtf8 } from 'node:buffer';
import { mask, type Masked } from '../../models/text/mask.js';
import { normalise, textMax } from '../../models/text/normalise.js';
import type { Event } from '../../schemas/events.js';
import { limits } from '../../schemas/limits.js';

export const maskText = (text: string): Masked => mask(normalise(text));

/** The event as it may be stored; itself where it has no free text. */
export function maskEvent(event: Event): Event {
  switch (event.type) {
    case 'ticket': return { ...event, text: maskText(event.text).text };
    case 'label': return {
      ...event, ...(event.answer !== undefined && { answer: maskText(event.answer).text }),
      ...(event.entities !== undefined && { entities: event.entities.map((entity) => ({ ...entity, text: maskText(entity.text).text })) }),
    };
    case 'refund': return event.reason === undefined ? event : { ...event, reason: maskText(event.reason).text };
    case 'click':
    case 'purchase':
    case 'control': return event;
  }
}

/** Bytes of a body too large to be taken that are kept beside its dead letter. */
const HUGE_KEPT = 65_536;
/** Units that are masked at once, and how far back one looks for a place to cut. */
const PIECE = textMax / 2;
const CUT_BACK = 500;
/** Characters around a cut without a digit or an @: the longest number is shorter. */
const CLEAR = 30;

/** @returns the same bytes where nothing is masked */
export function maskBody(body: Uint8Array): Uint8Array {
  const bytes = body.byteLength > limits.messageBytesMax ? body.subarray(0, HUGE_KEPT) : body;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // What is not UTF-8 may be any encoding: those of ASCII's kin show e-mails, numbers and cards as ASCII does; of UTF-16 every second byte is 0.
  if (!isUtf8(bytes)) return maskBytes(buffer, buffer.toString('latin1'), 'latin1');
  return maskBytes(buffer, buffer.toString('utf8'), 'utf8');
}

function maskBytes(buffer: Buffer, text: string, encoding: 'utf8' | 'latin1'): Uint8Array {
  const masked = maskLines(text.includes('\0') ? text.replaceAll('\0', '') : text);
  return masked === undefined ? buffer : Buffer.from(masked, encoding);
}

/** @returns undefined where there is nothing to mask */
function maskLines(text: string): string | undefined {
  const lines = text.split('\n');
  let found = false;
  const masked = lines.map((line) => {
    const of = maskLine(line);
    if (of !== undefined) found = true;
    return of ?? line;
  });
  return found ? masked.join('\n') : undefined;
}

function maskLine(line: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return maskEscaped(line);
  }
  if (typeof value === 'string') {
    const masked = maskLong(value);
    return masked === undefined ? undefined : JSON.stringify(masked);
  }
  // A number alone on its line may be a card's.
  if (typeof value !== 'object' || value === null) return maskLong(line);
  if (!maskTree(value)) return undefined;
  try {
    return JSON.stringify(value);
  } catch {
    return maskEscaped(line); // nested deeper than the stack
  }
}

/** What may be a piece of JSON, or quote one: as it stands, and as it reads. @returns undefined where there is nothing to mask */
export function maskEscaped(text: string): string | undefined {
  const plain = text.replace(/\\(?:u([0-9a-fA-F]{4})|([bfnrt])|(["\\/]))/g, (_, code?: string, white?: string, sign?: string) => (code === undefined ? (white === undefined ? sign ?? '' : ' ') : String.fromCharCode(Number.parseInt(code, 16))));
  return plain === text ? maskLong(text) : maskLong(plain) ?? maskLong(text);
}

/** Masks every text and every number in place, by a list: JSON may be nested deeper than the stack. @returns whether something was masked */
function maskTree(root: object): boolean {
  let found = false;
  const open: object[] = [root];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const holder = node as Record<string, unknown>;
    for (const [key, value] of Object.entries(holder)) {
      const name = Array.isArray(node) ? undefined : maskLong(key);
      const masked = typeof value === 'string' ? maskLong(value) : typeof value === 'number' ? maskLong(String(value)) : undefined;
      if (typeof value === 'object' && value !== null) open.push(value);
      if (masked !== undefined) holder[key] = masked;
      if (name !== undefined) {
        holder[name] = holder[key];
        delete holder[key];
      }
      if (masked !== undefined || name !== undefined) found = true;
    }
  }
  return found;
}

/** A place to cut, at most CUT_BACK before `end`: far from digits and from an @, else at least behind no Latin word. */
function cutBefore(text: string, end: number): number {
  for (let at = end; at > end - CUT_BACK; at -= 1) if (!/[\d@]/.test(text.slice(at - CLEAR, at + CLEAR)) && /[^A-Za-z]/.test(text[at - 1])) return at;
  const back = text.slice(end - CUT_BACK, end).search(/[^A-Za-z0-9@._+-][A-Za-z0-9@._+-]*$/);
  return back < 0 ? end : end - CUT_BACK + back + 1;
}

/** Any length, masked in pieces that end where nothing is cut in two. @returns undefined where there is nothing to mask */
export function maskLong(text: string): string | undefined {
  if (text.length <= PIECE) {
    const { text: masked, found } = maskText(text);
    return found.length === 0 ? undefined : masked;
  }
  const pieces: string[] = [];
  let found = false;
  for (let at = 0; at < text.length;) {
    const end = text.length - at <= PIECE ? text.length : cutBefore(text, at + PIECE);
    const piece = text.slice(at, end);
    const masked = maskText(piece);
    if (masked.found.length > 0) found = true;
    pieces.push(masked.found.length > 0 ? masked.text : piece);
    at = end;
  }
  return found ? pieces.join('') : undefined;
}
