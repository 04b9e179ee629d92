/** What the support step owns, and one snapshot of all. */
import { createHash } from 'node:crypto';
import { createRetrieval, type Retrieval } from '../../models/support/retrieval.js';
import { pack, unpack, type Format } from '../../models/snapshot.js';
import { bundle, hashOfAll, unbundle } from '../bundle.js';
import { createDecider, type Decider } from './decide.js';
import { createOrders, type Orders } from './orders.js';
import { createScorecard, otherIntent, type Scorecard } from './scorecard.js';
import type { SupportSettings } from './settings.js';
import { createTickets, type Tickets } from './tickets.js';

export interface SupportState {
  orders: Orders;
  tickets: Tickets;
  scorecard: Scorecard;
  /** Answers of agents to earlier tickets. */
  memory: Retrieval;
  /** Names of intents, read and true; the ledger holds their numbers. */
  intents: Names;
  /** Names of the models that have read. */
  versions: Names;
  /** The largest time of an event so far, none taken as later than it was received; milliseconds. */
  clockMs: number;
  /** Reads the rest of the state. */
  decider: Decider;
}

/** Names by number, from 1; 0 is the empty name. */
export interface Names {
  /** Enters it where it is new. */
  numberOf(name: string): number;
  /** undefined where it is new. Never writes. */
  find(name: string): number | undefined;
  nameOf(number: number): string;
  save(): string[];
}

/** Verdicts are free text: of more different ones the rest counts as one. */
const NAMES_MAX = 4000;

export function createNames(saved: readonly string[] = []): Names {
  const numbers = new Map<string, number>();
  const names = [''];
  for (const name of saved) numbers.set(name, names.push(name) - 1);
  const own: Names = {
    numberOf(name) {
      if (name === '') return 0;
      const known = numbers.get(name);
      if (known !== undefined) return known;
      if (names.length > NAMES_MAX && name !== otherIntent) return own.numberOf(otherIntent);
      numbers.set(name, names.push(name) - 1);
      return names.length - 1;
    },
    find: (name) => (name === '' ? 0 : numbers.get(name)),
    nameOf: (number) => names[number] ?? '',
    save: () => names.slice(1),
  };
  return own;
}

const format: Format = { name: 'support', magic: 'AFSU', version: 1 };
const parts = ['orders', 'tickets', 'memory', 'scorecard', 'rest'] as const;

interface Meta {
  intents: string[];
  versions: string[];
  clockMs: number;
}

export function emptySupport(settings: SupportSettings): SupportState {
  return { orders: createOrders(settings.orders), tickets: createTickets(settings.tickets), memory: createRetrieval(settings.memory), scorecard: createScorecard(), intents: createNames(), versions: createNames(), clockMs: 0, decider: createDecider(settings) };
}

export function snapshotOfSupport(state: SupportState): Uint8Array[] {
  return bundle({ orders: state.orders.snapshot(), tickets: state.tickets.snapshot(), memory: state.memory.snapshot(), scorecard: state.scorecard.snapshot(), rest: restOf(state) });
}

function restOf({ intents, versions, clockMs }: SupportState): Uint8Array[] {
  const meta: Meta = { intents: intents.save(), versions: versions.save(), clockMs };
  const section = Buffer.from(JSON.stringify(meta));
  return pack({ settings: {}, sections: [section.length] }, [section], format);
}

/** @throws RangeError when they are not a whole snapshot of this version made with these settings */
export function restoreSupport(chunks: Uint8Array[], settings: SupportSettings): SupportState {
  const saved = unbundle(chunks, parts);
  const { next } = unpack(saved.rest, {}, format);
  const { intents, versions, clockMs } = JSON.parse(Buffer.from(next((bytes) => new Uint8Array(bytes))).toString('utf8')) as Meta;
  return {
    orders: createOrders(settings.orders, saved.orders), tickets: createTickets(settings.tickets, saved.tickets), memory: createRetrieval(settings.memory, saved.memory), scorecard: createScorecard(saved.scorecard),
    intents: createNames(intents), versions: createNames(versions), clockMs, decider: createDecider(settings),
  };
}

/** sha256, hexadecimal, of what a snapshot would hold. */
export function hashOfSupport(state: SupportState): string {
  const rest = restOf(state).reduce((sum, chunk) => sum.update(chunk), createHash('sha256')).digest('hex');
  return hashOfAll([state.orders.hash(), state.tickets.hash(), state.memory.hash(), state.scorecard.hash(), rest]);
}
