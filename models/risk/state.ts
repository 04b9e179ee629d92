/**
 * What the risk features know: rosters of names, a record for each id, and pools of what hangs on them.
 *
 *   customer  newest tick, cells, cards, devices, addresses, orders  i32
 *             first, order, refund, ticket, click, bad verdict (ms), purchases, refunds, bought, refunded,
 *             known amounts, their mean and m2 of ln(1 + a), greatest  f64        136 bytes
 *   other     newest tick, cells, customers, -  i32                                16
 *   item      lines bought, mean of ln(1 + unit price)  f64                        16
 *   order     key a, next, tick, key b  i32 | bought, refunded  f64                32, in the pool of the cells
 */
import { createRoster, type Roster } from '../roster.js';
import { digest, pack, unpack, type Format, type Header } from '../snapshot.js';
import { drop, ENTRY_INTS, SKETCH_INTS, type Sets } from './distinct.js';
import { clear, createPages, createPool, giveAll, loadPages, MASK, reach, sectionsOf, SHIFT, type Pages, type Pool } from './pages.js';
import { checkSettings, flat, type RiskFeatureSettings } from './settings.js';
import { CELL_INTS } from './windows.js';

/** Integers of a record. */
export const NEWEST = 0;
export const CELLS = 1;
/** Of a customer: three sets, and the chain of orders. */
export const CARDS = 2;
export const DEVICES = 3;
export const ADDRESSES = 4;
export const ORDERS = 5;
/** Of any other entity. */
export const CUSTOMERS = 2;

/** Floats of a customer, behind its integers. */
export const FIRST_MS = 3;
export const ORDER_MS = 4;
export const REFUND_MS = 5;
export const TICKET_MS = 6;
export const CLICK_MS = 7;
export const BAD_MS = 8;
export const PURCHASES = 9;
export const REFUNDS = 10;
export const BOUGHT = 11;
export const REFUNDED = 12;
export const AMOUNTS = 13;
export const LOG_MEAN = 14;
export const LOG_M2 = 15;
export const GREATEST = 16;
const CUSTOMER_INTS = 34;
const OTHER_INTS = 4;
const ITEM_INTS = 4;

export interface Entities {
  roster: Roster;
  records: Pages;
}

export const kinds = ['customers', 'devices', 'cards', 'addresses', 'items'] as const;
export type Kind = (typeof kinds)[number];

export interface State extends Record<Kind, Entities> {
  settings: RiskFeatureSettings;
  cells: Pool;
  sets: Sets;
  evicted: Record<Kind, number>;
}

const format: Format = { name: 'risk features', magic: 'AFRF', version: 1 };
interface FeaturesHeader extends Header {
  used: number[];
  free: number[];
  held: number[];
  evicted: number[];
}

/** @throws RangeError when a setting is out of bounds, or the chunks are not a whole snapshot made with these settings */
export function openState(settings: RiskFeatureSettings, chunks?: Uint8Array[]): State {
  checkSettings(settings);
  const saved = chunks === undefined ? undefined : unpack<FeaturesHeader>(chunks, flat(settings), format);
  const section = (): Uint8Array => saved?.next((bytes) => new Uint8Array(bytes)) ?? new Uint8Array();
  const cells = createPool(CELL_INTS);
  const sets: Sets = { entries: createPool(ENTRY_INTS), sketches: createPool(SKETCH_INTS), sketchesMax: settings.sketches };
  const evicted = Object.fromEntries(kinds.map((kind, i) => [kind, saved?.header.evicted[i] ?? 0])) as Record<Kind, number>;
  const open = (kind: Kind): Entities => {
    const records = createPages(kind === 'customers' ? CUSTOMER_INTS : kind === 'items' ? ITEM_INTS : OTHER_INTS);
    const names: [Uint8Array, Uint8Array] | undefined = saved === undefined ? undefined : [section(), section()];
    const roster = createRoster({ max: settings[kind], saved: names, onDrop(id) {
      if (kind !== 'items') emptied(cells, sets, records, id, kind);
      clear(records, id);
      evicted[kind] += 1;
    } });
    if (saved !== undefined) loadPages(records, roster.used(), saved.next);
    return { roster, records };
  };
  const [customers, devices, cards, addresses, items] = kinds.map(open);
  const pools = [cells, sets.entries, sets.sketches];
  if (saved !== undefined) {
    const { used, free, held } = saved.header;
    pools.forEach((pool, i) => {
      [pool.used, pool.free, pool.held] = [used[i], free[i], held[i]];
      loadPages(pool, pool.used, saved.next);
    });
  }
  return { settings, customers, devices, cards, addresses, items, cells, sets, evicted };
}

/** Gives back what hangs on a record. */
function emptied(cells: Pool, sets: Sets, { stride, ints }: Pages, id: number, kind: Kind): void {
  const page = ints[id >>> SHIFT];
  const at = (id & MASK) * stride;
  giveAll(cells, page[at + CELLS]);
  if (kind !== 'customers') return drop(sets, page[at + CUSTOMERS]);
  for (const set of [CARDS, DEVICES, ADDRESSES]) drop(sets, page[at + set]);
  giveAll(cells, page[at + ORDERS]);
}

/** The id of a name, which is entered when it is new, with a record of zeros. */
export function enter({ roster, records }: Entities, name: string): number {
  const id = roster.touch(name);
  reach(records, id);
  return id;
}

function parts(state: State): { header: FeaturesHeader; sections: Uint8Array[] } {
  const pools = [state.cells, state.sets.entries, state.sets.sketches];
  const sections = [
    ...kinds.flatMap((kind) => [...state[kind].roster.save(), ...sectionsOf(state[kind].records, state[kind].roster.used())]),
    ...pools.flatMap((pool) => sectionsOf(pool, pool.used)),
  ];
  const header: FeaturesHeader = {
    settings: flat(state.settings), sections: sections.map(({ length }) => length),
    used: pools.map(({ used }) => used), free: pools.map(({ free }) => free), held: pools.map(({ held }) => held),
    evicted: kinds.map((kind) => state.evicted[kind]),
  };
  return { header, sections };
}

export function snapshotOf(state: State): Uint8Array[] {
  const { header, sections } = parts(state);
  return pack(header, sections, format);
}

export function hashOf(state: State): string {
  const { header, sections } = parts(state);
  return digest(header, sections, format).digest('hex');
}
