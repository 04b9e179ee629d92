/**
 * What the steps of a shard tell each other about a customer, and all that they share: typed columns by customer. A step
 * writes what it has found out (`setRisk`, `setIntent`) and reads what others have; `observe` keeps what the events
 * themselves say.
 */
import { createRoster } from '../models/roster.js';
import { bytesOf, kept, unpack, type Format } from '../models/snapshot.js';
import type { Config } from '../schemas/config.js';
import type { Event, Label } from '../schemas/events.js';

export const riskLevels = { unknown: 0, low: 1, high: 2 } as const;
export type RiskLevel = (typeof riskLevels)[keyof typeof riskLevels];

export interface SignalSettings {
  /** Customers kept; beyond it the one whose last signal came longest ago makes room. About 100 bytes each, and the name. */
  customers: number;
  /** After this many ms a high risk that nobody confirmed has expired. */
  riskMs: number;
}

export const signalSettings = (config: Config): SignalSettings =>
  ({ customers: config.AFTERCARE_CUSTOMERS_MAX, riskMs: config.AFTERCARE_RISK_DAYS * 86_400_000 });

/** Intents of tickets that are complaints, as their labels name them. */
export const complaintIntents = (config: Config): ReadonlySet<string> =>
  new Set(config.AFTERCARE_COMPLAINT_INTENTS.split(',').map((intent) => intent.trim()).filter((intent) => intent !== ''));

/** Everything about one customer; a time of 0 is one that has not been. */
export interface CustomerSignals {
  risk: RiskLevel;
  riskMs: number;
  ticketMs: number;
  /** of the last ticket, where it is known */
  intent: string | undefined;
  refundMs: number;
  /** distinct orders, as far as consecutive purchases tell: the lines of one order may come one by one */
  orders: number;
  boughtMinor: number;
  refundedMinor: number;
}

export interface Signals {
  /** @param atMs  the event's time, no later than it was received */
  observe(event: Event, atMs: number): void;
  /** @param ref  the order that it is about: only a verdict about the same one takes a high risk back */
  setRisk(customer: string, level: RiskLevel, atMs: number, ref?: string): void;
  /** What the customer's last ticket wants; one about an earlier ticket says nothing about the last. */
  setIntent(customer: string, ticket: string, intent: string): void;
  /** The level that holds at a moment. Never writes. */
  risk(customer: string, nowMs: number): RiskLevel;
  /** Everything, with the risk that holds at a moment. Never writes. */
  of(customer: string, nowMs: number): CustomerSignals | undefined;
  /** The last ticket and what it wants; undefined where there was none. Never writes. */
  ticketOf(customer: string): Pick<CustomerSignals, 'ticketMs' | 'intent'> | undefined;
  forget(customer: string): void;
  stats(): { customers: number };
  snapshot(): Uint8Array[];
  hash(): string;
}

const format: Format = { name: 'signals', magic: 'AFSG', version: 2 };
/** Verdicts are free text: beyond this many different ones a new one counts as unknown. */
const INTENTS_MAX = 1000;

/**
 * A customer's 64 bytes lie together, as an event reads and writes most of them and each column of its own would be a cache miss:
 *
 *   riskMs, ticketMs, refundMs, boughtMinor, refundedMinor  f64 | riskKey, ticketKey, orders, orderKey, risk, intent  u32
 */
const FLOATS = 8;
const INTS = 16;
const BYTES = 64;
const [RISK_MS, TICKET_MS, REFUND_MS, BOUGHT, REFUNDED] = [0, 1, 2, 3, 4];
const [RISK_KEY, TICKET_KEY, ORDERS, ORDER_KEY, RISK, INTENT] = [10, 11, 12, 13, 14, 15];
interface Records {
  floats: Float64Array;
  ints: Uint32Array;
}

/** FNV-1a, never 0: told apart are only the last orders or tickets of one customer. */
export function keyOf(ref: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < ref.length; i += 1) h = Math.imul(h ^ ref.charCodeAt(i), 0x01000193);
  return h >>> 0 || 1;
}

/**
 * @param chunks  a snapshot, made with the same number of customers
 * @throws RangeError when they are not a whole snapshot of this version
 */
export function createSignals(settings: SignalSettings, chunks?: Uint8Array[]): Signals {
  const { customers: max, riskMs } = settings;
  const floats = new Float64Array(max * FLOATS);
  const ints = new Uint32Array(floats.buffer);
  const records: Records = { floats, ints };
  const clear = (id: number): void => void floats.fill(0, id * FLOATS, (id + 1) * FLOATS);
  const saved = chunks === undefined ? undefined : load(max, chunks, floats);
  const intents: string[] = saved?.intents ?? [];
  const roster = createRoster({ max, onDrop: clear, saved: saved?.roster });

  const signals: Signals = {
    observe(event, atMs) {
      switch (event.type) {
        case 'purchase':
          return bought(records, roster.touch(event.customer), event.order, event.amountMinor);
        case 'refund': {
          const id = roster.touch(event.customer);
          floats[id * FLOATS + REFUND_MS] = Math.max(floats[id * FLOATS + REFUND_MS], atMs);
          floats[id * FLOATS + REFUNDED] += event.amountMinor;
          return;
        }
        case 'ticket': {
          const id = roster.touch(event.customer);
          if (atMs < floats[id * FLOATS + TICKET_MS]) return;
          floats[id * FLOATS + TICKET_MS] = atMs;
          ints[id * INTS + TICKET_KEY] = keyOf(event.ticket);
          ints[id * INTS + INTENT] = 0;
          return;
        }
        case 'label':
          return judged(signals, event, atMs);
        case 'control':
          return event.command === 'forget' ? signals.forget(event.customer) : undefined;
        case 'click':
          return;
      }
    },
    setRisk(customer, level, atMs, ref) {
      const id = roster.touch(customer);
      const key = ref === undefined ? 0 : keyOf(ref);
      if (levelOf(id, atMs) === riskLevels.high && level !== riskLevels.high && key !== ints[id * INTS + RISK_KEY]) return;
      ints[id * INTS + RISK] = level;
      floats[id * FLOATS + RISK_MS] = atMs;
      ints[id * INTS + RISK_KEY] = key;
    },
    setIntent(customer, ticket, intent) {
      const id = roster.idOf(customer);
      if (id === undefined || ints[id * INTS + TICKET_KEY] !== keyOf(ticket)) return;
      let number = intents.indexOf(intent) + 1;
      if (number === 0 && intents.length < INTENTS_MAX) number = intents.push(intent);
      ints[id * INTS + INTENT] = number;
    },
    risk(customer, nowMs) {
      const id = roster.idOf(customer);
      if (id === undefined) return riskLevels.unknown;
      return levelOf(id, nowMs);
    },
    of(customer, nowMs) {
      const id = roster.idOf(customer);
      if (id === undefined) return undefined;
      const [at, from] = [id * FLOATS, id * INTS];
      return {
        risk: levelOf(id, nowMs), riskMs: floats[at + RISK_MS], ticketMs: floats[at + TICKET_MS], intent: intents[ints[from + INTENT] - 1], refundMs: floats[at + REFUND_MS],
        orders: ints[from + ORDERS], boughtMinor: floats[at + BOUGHT], refundedMinor: floats[at + REFUNDED],
      };
    },
    ticketOf(customer) {
      const id = roster.idOf(customer);
      if (id === undefined || floats[id * FLOATS + TICKET_MS] === 0) return undefined;
      return { ticketMs: floats[id * FLOATS + TICKET_MS], intent: intents[ints[id * INTS + INTENT] - 1] };
    },
    forget(customer) {
      const id = roster.idOf(customer);
      if (id !== undefined) roster.drop(id);
    },
    stats: () => ({ customers: roster.size() }),
    ...kept({ customers: max }, sections, format),
  };
  return signals;

  function levelOf(id: number, nowMs: number): RiskLevel {
    const level = ints[id * INTS + RISK] as RiskLevel;
    return level === riskLevels.high && nowMs - floats[id * FLOATS + RISK_MS] > riskMs ? riskLevels.unknown : level;
  }
  function sections(): Uint8Array[] {
    return [...roster.save(), Buffer.from(JSON.stringify(intents)), bytesOf(floats).subarray(0, roster.used() * BYTES)];
  }
}

function bought({ floats, ints }: Records, id: number, order: string, amountMinor: number): void {
  const key = keyOf(order);
  if (key !== ints[id * INTS + ORDER_KEY]) {
    ints[id * INTS + ORDER_KEY] = key;
    ints[id * INTS + ORDERS] += 1;
  }
  floats[id * FLOATS + BOUGHT] += amountMinor;
}

/** Until a model scores risk, the verdicts that the shop itself gives are what is known of it. */
function judged(signals: Signals, { customer, of, ref, verdict }: Label, atMs: number): void {
  if (of === 'ticket') return signals.setIntent(customer, ref, verdict);
  if (verdict === 'chargeback' || verdict === 'abuse') signals.setRisk(customer, riskLevels.high, atMs, ref);
  else if (verdict === 'genuine') signals.setRisk(customer, riskLevels.low, atMs, ref);
}

function load(max: number, chunks: Uint8Array[], floats: Float64Array): { roster: [Uint8Array, Uint8Array]; intents: string[] } {
  const { next } = unpack(chunks, { customers: max }, format);
  const part = (): Uint8Array => next((bytes) => new Uint8Array(bytes));
  const roster: [Uint8Array, Uint8Array] = [part(), part()];
  const intents = JSON.parse(Buffer.from(part()).toString('utf8')) as string[];
  next((bytes) => bytesOf(floats).subarray(0, bytes));
  return { roster, intents };
}
