/**
 * What customers have against items: they sent them back, or complained about them. A ticket about an item is a question
 * until its label says that it was a complaint.
 *
 * Few customers object, and few times: a map from the customer to the latest few, the customers in the order in which they
 * objected last, so that the one at the front makes room.
 */
import { digest, pack, unpack, type Format } from './snapshot.js';

export interface Objection {
  item: string;
  kind: 'complaint' | 'refund';
  atMs: number;
}

export interface ObjectionSettings {
  limits: {
    /** Customers remembered; beyond it the one who objected longest ago is dropped. Default 100,000: about 300 bytes each. */
    customers: number;
    /** Objections of one customer, the latest. Default 16: an answer looks at the neighbours of each. */
    each: number;
  };
  /** After this many ms an objection has no say. Default 60 days: a season later the next kettle may be welcome. */
  latelyMs: number;
}

export const defaultObjectionSettings: ObjectionSettings = { limits: { customers: 100_000, each: 16 }, latelyMs: 60 * 24 * 3_600_000 };

export interface Objections {
  refund(customer: string, item: string, atMs: number): void;
  /** A ticket that names an item: no objection yet. */
  ticket(customer: string, ticket: string, item: string, atMs: number): void;
  /** The ticket was a complaint. Nothing happens when it is not known, or no longer. */
  complaint(customer: string, ticket: string): void;
  /** Bought again, so it cannot be that bad. */
  settle(customer: string, item: string): void;
  forget(customer: string): void;
  /** Those of the last `latelyMs`, the latest first. */
  of(customer: string, atMs: number): Objection[];
  stats(): { customers: number; evicted: number };
  /** Deterministic: the same events give the same bytes. */
  snapshot(): Uint8Array[];
  hash(): string;
}

/** `ticket` is '' of a refund; a question has one and no say. */
interface Entry { item: string; kind: Objection['kind'] | 'question'; ticket: string; atMs: number }
interface State { settings: ObjectionSettings; entries: Map<string, Entry[]>; evicted: number }

const format: Format = { name: 'objections', magic: 'AFOB', version: 1 };
const flat = ({ limits, latelyMs }: ObjectionSettings): Record<string, number> => ({ ...limits, latelyMs });

export function createObjections(settings: ObjectionSettings): Objections {
  return serve({ settings, entries: new Map(), evicted: 0 });
}

/** @throws RangeError when the chunks are not a whole snapshot of this version made with these settings */
export function restoreObjections(settings: ObjectionSettings, chunks: Uint8Array[]): Objections {
  const { header, next } = unpack<ReturnType<typeof headerOf>>(chunks, flat(settings), format);
  const bytes = next((length) => new Uint8Array(length));
  return serve({ settings, entries: new Map(JSON.parse(Buffer.from(bytes).toString('utf8')) as [string, Entry[]][]), evicted: header.evicted });
}

function serve(state: State): Objections {
  const { settings, entries } = state;
  return {
    refund: (customer, item, atMs) => add(state, customer, { item, kind: 'refund', ticket: '', atMs }),
    ticket: (customer, ticket, item, atMs) => add(state, customer, { item, kind: 'question', ticket, atMs }),
    complaint(customer, ticket) {
      const asked = entries.get(customer)?.find((entry) => entry.ticket === ticket);
      if (asked !== undefined) asked.kind = 'complaint';
    },
    settle(customer, item) {
      const mine = entries.get(customer);
      if (mine === undefined) return;
      const left = mine.filter((entry) => entry.item !== item);
      if (left.length === 0) entries.delete(customer);
      else if (left.length < mine.length) entries.set(customer, left);
    },
    forget: (customer) => void entries.delete(customer),
    of(customer, atMs) {
      const found: Objection[] = [];
      for (const { item, kind, atMs: since } of entries.get(customer) ?? []) {
        if (kind !== 'question' && atMs - since <= settings.latelyMs) found.unshift({ item, kind, atMs: since });
      }
      return found;
    },
    stats: () => ({ customers: entries.size, evicted: state.evicted }),
    snapshot() {
      const part = sectionOf(state);
      return pack(headerOf(state, part), [part], format);
    },
    hash() {
      const part = sectionOf(state);
      return digest(headerOf(state, part), [part], format).digest('hex');
    },
  };
}

/** The latest are at the end; what is already known of the item makes room for the news. */
function add(state: State, customer: string, entry: Entry): void {
  const { entries, settings: { limits } } = state;
  const mine = (entries.get(customer) ?? []).filter(({ item, kind }) => item !== entry.item || kind !== entry.kind);
  mine.push(entry);
  if (mine.length > limits.each) mine.shift();
  entries.delete(customer);
  entries.set(customer, mine);
  if (entries.size <= limits.customers) return;
  const [oldest] = entries.keys();
  entries.delete(oldest);
  state.evicted += 1;
}

const sectionOf = ({ entries }: State): Uint8Array => Buffer.from(JSON.stringify([...entries]));
const headerOf = ({ settings, evicted }: State, part: Uint8Array) => ({ settings: flat(settings), evicted, sections: [part.length] });
