/**
 * The last C texts of tickets, until their label tells what they were about: a ring, the one that arrived first makes room.
 *
 *   n = 0, 1, 2 ...   number of a text; it stands in slot n mod C until text n + C takes its place
 *
 *   atMs, seq, ticket, body, customer   f64 x C   ticket, body (of the ticket and its text), customer: 53-bit hashes
 *   sameTicket, sameCustomer            f64 x C   number of the ticket's or customer's text before it, -1 for none
 *   confidence                          f64 x C
 *   intent, verdict, version            u16 x C   numbers of names that the state holds; verdict 0: waits for its label
 *   entityVersion                       u16 x C   likewise, of what read the entities
 *   language, decision, reason, flags   u8 x C    flags: see below
 *   text                                masked, its first units | newline | entities that were read | newline | the true ones, once
 *                                       they are known; see models/support/span-text.ts
 *
 * A ticket may have several texts, as customers write again. Its label is about the first one that is held: "any news?" tells
 * nobody what the matter was.
 */
import { hash53 } from '../../models/hash53.js';
import type { Span } from '../../models/metrics/spans.js';
import { createRingTexts, type RingTexts } from '../../models/ring-texts.js';
import { bytesOf, kept, unpack, type Format } from '../../models/snapshot.js';
import { readSpanText, spanText } from '../../models/support/span-text.js';
import { limits } from '../../schemas/limits.js';

/** The model did not abstain. */
export const CONFIDENT = 1;
/** Its answer is remembered. */
export const ANSWERED = 2;
/** Units of a text that are kept. */
export const KEPT_TEXT = limits.ticketKeptMax;
/** How far back one looks for an answer to the same customer. */
const LOOKS = 8;
/** Texts of one ticket among which the first is looked for. */
const TEXTS_MAX = 64;
/** Labels that came before their ticket, and are remembered: a queue that is out of order is so by minutes. */
const EARLY_MAX = 4096;

export interface TicketEntry {
  customer: string;
  ticket: string;
  atMs: number;
  seq: number;
  /** masked */
  text: string;
  confidence: number;
  intent: number;
  version: number;
  entityVersion: number;
  /** that were read, in order; of them those are kept that lie within the text that is */
  entities: readonly Span[];
  language: number;
  decision: number;
  reason: number;
  flags: number;
}

export interface Tickets {
  readonly columns: TicketColumns;
  slotOf(n: number): number;
  push(entry: TicketEntry): void;
  /** The first text of a ticket that is held. */
  ofTicket(customer: string, ticket: string): number | undefined;
  /** Whether the same text came under the same ticket. */
  isHeld(customer: string, ticket: string, text: string): boolean;
  /** Numbers of the customer's last texts, the latest to arrive first. Never writes. */
  lastOf(customer: string): number[];
  textOf(n: number): string;
  /** @returns truth: undefined until a label has told it */
  entitiesOf(n: number): { found: Span[]; truth: Span[] | undefined };
  setEntities(n: number, truth: readonly Span[]): void;
  setVerdict(n: number, intent: number): void;
  setFlag(n: number, flag: number): void;
  /** A label came whose ticket has not. */
  early(customer: string, ticket: string): void;
  isEarly(customer: string, ticket: string): boolean;
  forget(customer: string): void;
  stats(): { held: number; waiting: number; dropped: number };
  snapshot(): Uint8Array[];
  hash(): string;
}

const columnsOf = (C: number) => ({
  atMs: new Float64Array(C), seq: new Float64Array(C), ticket: new Float64Array(C), body: new Float64Array(C), customer: new Float64Array(C),
  sameTicket: new Float64Array(C), sameCustomer: new Float64Array(C), confidence: new Float64Array(C), intent: new Uint16Array(C), verdict: new Uint16Array(C), version: new Uint16Array(C), entityVersion: new Uint16Array(C),
  language: new Uint8Array(C), decision: new Uint8Array(C), reason: new Uint8Array(C), flags: new Uint8Array(C),
});
export type TicketColumns = ReturnType<typeof columnsOf>;

const format: Format = { name: 'support tickets', magic: 'AFST', version: 2 };
const ticketKey = (customer: string, ticket: string): number => hash53(customer, ticket);
const bodyKey = (customer: string, ticket: string, text: string): number => hash53(customer, ticket, text);

/**
 * @param capacity  C
 * @param chunks  a snapshot, made with the same capacity
 * @throws RangeError when they are not a whole snapshot of this version
 */
export function createTickets(capacity: number, chunks?: Uint8Array[]): Tickets {
  const C = capacity;
  const columns = columnsOf(C);
  const { ticket, body, customer, sameTicket, sameCustomer, verdict } = columns;
  const [lastOfTicket, byBody, lastOf] = [new Map<number, number>(), new Map<number, number>(), new Map<number, number>()];
  let early = createEarly();
  let [next, waiting, dropped] = [0, 0, 0];
  const texts = createRingTexts(chunks === undefined ? undefined : load(chunks));

  const known = (n: number): boolean => n >= 0 && n >= next - C && n < next;

  function makeRoom(n: number): void {
    const slot = n % C;
    if (ticket[slot] !== 0 && verdict[slot] === 0) {
      waiting -= 1;
      dropped += 1;
    }
    if (lastOfTicket.get(ticket[slot]) === n) lastOfTicket.delete(ticket[slot]);
    if (byBody.get(body[slot]) === n) byBody.delete(body[slot]);
    if (lastOf.get(customer[slot]) === n) lastOf.delete(customer[slot]);
  }
  function chain(name: string, most: number): number[] {
    const found: number[] = [];
    for (let n = lastOf.get(hash53(name)) ?? -1; known(n) && found.length < most; n = sameCustomer[n % C]) found.push(n);
    return found;
  }

  return {
    columns,
    slotOf: (n) => n % C,
    push(entry) {
      const slot = next % C;
      if (next >= C) makeRoom(next - C);
      const customerKey = hash53(entry.customer);
      for (const name of ['atMs', 'seq', 'confidence', 'intent', 'version', 'entityVersion', 'language', 'decision', 'reason', 'flags'] as const) columns[name][slot] = entry[name];
      ticket[slot] = ticketKey(entry.customer, entry.ticket);
      body[slot] = bodyKey(entry.customer, entry.ticket, entry.text);
      customer[slot] = customerKey;
      sameTicket[slot] = lastOfTicket.get(ticket[slot]) ?? -1;
      sameCustomer[slot] = lastOf.get(customerKey) ?? -1;
      verdict[slot] = 0;
      texts.set(slot, linesOf(entry));
      lastOfTicket.set(ticket[slot], next);
      byBody.set(body[slot], next);
      lastOf.set(customerKey, next);
      waiting += 1;
      next += 1;
    },
    ofTicket(name, id) {
      let first: number | undefined;
      for (let n = lastOfTicket.get(ticketKey(name, id)) ?? -1, looks = 0; known(n) && looks < TEXTS_MAX; n = sameTicket[n % C], looks += 1) first = n;
      return first;
    },
    isHeld: (name, id, text) => byBody.has(bodyKey(name, id, text)),
    lastOf: (name) => chain(name, LOOKS),
    ...readLines(texts, C),
    setVerdict(n, intent) {
      if (!known(n)) throw new RangeError(`support tickets: text ${n} is not held, it holds ${Math.max(0, next - C)} to ${next - 1}`);
      if (verdict[n % C] === 0) waiting -= 1;
      verdict[n % C] = intent;
    },
    setFlag: (n, flag) => void (columns.flags[n % C] |= flag),
    early: (name, id) => early.add(ticketKey(name, id)),
    isEarly: (name, id) => early.has(ticketKey(name, id)),
    forget(name) {
      for (const n of chain(name, Infinity)) {
        const slot = n % C;
        if (verdict[slot] === 0) waiting -= 1;
        lastOfTicket.delete(ticket[slot]);
        if (byBody.get(body[slot]) === n) byBody.delete(body[slot]);
        for (const column of Object.values(columns)) column[slot] = 0;
        texts.clear(slot);
      }
      lastOf.delete(hash53(name));
    },
    stats: () => ({ held: Math.min(next, C), waiting, dropped }),
    ...kept({ tickets: C }, sections, format),
  };

  function sections(): Uint8Array[] {
    const held = Math.min(next, C);
    return [
      bytesOf(Float64Array.of(next, waiting, dropped)), early.save(),
      ...Object.values(columns).map((column) => bytesOf(column.subarray(0, held))), ...texts.save(held),
    ];
  }
  function load(from: Uint8Array[]): [Uint8Array, Uint8Array] {
    const { next: section } = unpack(from, { tickets: C }, format);
    const part = (): Uint8Array => section((bytes) => new Uint8Array(bytes));
    [next, waiting, dropped] = new Float64Array(part().buffer);
    early = createEarly(part());
    for (const column of Object.values(columns)) section((bytes) => bytesOf(column).subarray(0, bytes));
    for (let n = Math.max(0, next - C); n < next; n += 1) {
      const slot = n % C;
      if (ticket[slot] === 0) continue; // forgotten
      lastOfTicket.set(ticket[slot], n);
      byBody.set(body[slot], n);
      lastOf.set(customer[slot], n);
    }
    return [part(), part()];
  }
}

const linesOf = ({ text, entities }: TicketEntry): string => `${text.slice(0, KEPT_TEXT)}\n${spanText(entities.filter(({ end }) => end <= KEPT_TEXT))}`;

/** What is kept as lines: a text that is normalised has no newline. */
function readLines(texts: RingTexts, C: number): Pick<Tickets, 'textOf' | 'entitiesOf' | 'setEntities'> {
  const lines = (n: number): [text: string, found: string, truth: string | undefined] => {
    const [text, found = '', truth] = texts.get(n % C).split('\n') as [string, string | undefined, string | undefined];
    return [text, found, truth];
  };
  return {
    textOf: (n) => lines(n)[0],
    entitiesOf(n) {
      const [, found, truth] = lines(n);
      return { found: readSpanText(found), truth: truth === undefined ? undefined : readSpanText(truth) };
    },
    setEntities(n, truth) {
      const [text, found] = lines(n);
      texts.set(n % C, `${text}\n${found}\n${spanText(truth)}`);
    },
  };
}

/** The last keys that were added, the oldest first where it is saved. */
interface Early {
  add(key: number): void;
  has(key: number): boolean;
  save(): Uint8Array;
}

function createEarly(saved?: Uint8Array): Early {
  // A Set keeps the order of insertion.
  const keys = new Set(saved === undefined ? [] : new Float64Array(saved.slice().buffer));
  return {
    add(key) {
      if (keys.size >= EARLY_MAX && !keys.has(key)) for (const first of keys) {
        keys.delete(first);
        break;
      }
      keys.add(key);
    },
    has: (key) => keys.has(key),
    save: () => bytesOf(Float64Array.from(keys)),
  };
}
