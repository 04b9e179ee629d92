/**
 * What the risk features know: a record for each customer, device, card, address and item, and pools of what hangs on them.
 *
 *   any       key a, key b, seen (entities.ts)  i32
 *   customer  newest tick, cells, orders; cards, devices, addresses, each with the tick of a set of one; first, order, click
 *             (s); purchases, known amounts, trouble  i32 | bought, mean and m2 of ln(1 + a), greatest  f64      104 bytes
 *   trouble   refund, ticket, bad verdict (s), refunds  i32 | refunded  f64                                       24, where there was any
 *   other     cells, customers, purchases ever  i32; its newest tick is when it was seen                            24
 *   item      lines bought  i32 | mean of ln(1 + unit price)  f64                                                   24
 *   cell      windows.ts                                                                                              16
 *   order     orders.ts                                                                                             16, in the pool of the cells
 *   entry     distinct.ts                                                                                           16
 *
 * Times are whole seconds since 1970 as unsigned integers, good until 2106.
 */
import { digest, pack, unpack, type Format, type Header } from '../snapshot.js';
import { createAsked, type Asked } from './asked.js';
import { drop, ENTRY_INTS, SKETCH_INTS, type Sets } from './distinct.js';
import { createEntities, entitySections, OWN, placesOf, type Entities, type Places } from './entities.js';
import { createPool, give, giveAll, loadPages, MASK, sectionsOf, SHIFT, SMALL_SHIFT, type Pool } from './pages.js';
import { checkSettings, flat, type RiskFeatureSettings } from './settings.js';
import { CELL_INTS } from './windows.js';

export { SEEN, type Entities } from './entities.js';

/** Integers of a customer: the newest tick of its purchases and refunds, the chain of orders, three sets, each before the tick of a set of one. */
export const NEWEST = OWN;
export const CELLS = OWN + 1;
export const ORDERS = OWN + 2;
export const CARDS = OWN + 3;
export const DEVICES = OWN + 5;
export const ADDRESSES = OWN + 7;
export const SETS = [CARDS, DEVICES, ADDRESSES] as const;
export const FIRST_S = OWN + 9;
export const ORDER_S = OWN + 10;
export const CLICK_S = OWN + 11;
export const PURCHASES = OWN + 12;
export const AMOUNTS = OWN + 13;
export const TROUBLE = OWN + 14;
/** Of a device, card or address, whose newest tick is SEEN; a set of one was last met then. */
export const ITS_CELLS = OWN;
export const CUSTOMERS = OWN + 1;
export const EVER = OWN + 2;
const OTHER_INTS = OWN + 3;
/** Floats of a customer, behind its integers. */
export const BOUGHT = (OWN + 15) / 2;
export const LOG_MEAN = BOUGHT + 1;
export const LOG_M2 = BOUGHT + 2;
export const GREATEST = BOUGHT + 3;
const CUSTOMER_INTS = OWN + 15 + 8;
/** Integers of a trouble, and its float. */
export const REFUND_S = 0;
export const TICKET_S = 1;
export const BAD_S = 2;
export const REFUNDS = 3;
export const REFUNDED = 2;
export const TROUBLE_INTS = 6;
/** Of an item: an integer and a float. */
export const LINES = OWN;
export const PRICE_MEAN = (OWN + 1) / 2;
const ITEM_INTS = OWN + 3;

export const kinds = ['customers', 'devices', 'cards', 'addresses', 'items'] as const;
export type Kind = (typeof kinds)[number];

export interface State extends Record<Kind, Entities> {
  settings: RiskFeatureSettings;
  cells: Pool;
  troubles: Pool;
  sets: Sets;
  /** No part of the state: what was looked up for the event that is asked about. */
  asked: Asked;
}

const format: Format = { name: 'risk features', magic: 'AFRF', version: 2 };
interface FeaturesHeader extends Header {
  used: number[];
  free: number[];
  held: number[];
  places: Places[];
}

const strides: Record<Kind, number> = { customers: CUSTOMER_INTS, devices: OTHER_INTS, cards: OTHER_INTS, addresses: OTHER_INTS, items: ITEM_INTS };

/** @throws RangeError when a setting is out of bounds, or the chunks are not a whole snapshot made with these settings */
export function openState(settings: RiskFeatureSettings, chunks?: Uint8Array[]): State {
  checkSettings(settings);
  const saved = chunks === undefined ? undefined : unpack<FeaturesHeader>(chunks, flat(settings), format);
  const [cells, troubles] = [createPool(CELL_INTS, SMALL_SHIFT), createPool(TROUBLE_INTS)];
  const sets: Sets = { entries: createPool(ENTRY_INTS, SMALL_SHIFT), sketches: createPool(SKETCH_INTS), sketchesMax: settings.sketches };
  const onDrop: Record<Kind, Entities['onDrop']> = {
    customers: (of, id) => emptyCustomer(cells, troubles, sets, of, id),
    devices: (of, id) => emptyOther(cells, sets, of, id),
    cards: (of, id) => emptyOther(cells, sets, of, id),
    addresses: (of, id) => emptyOther(cells, sets, of, id),
    items: () => undefined,
  };
  const [customers, devices, cards, addresses, items] = kinds.map((kind, i) =>
    createEntities(strides[kind], settings[kind], onDrop[kind], saved === undefined ? undefined : { places: saved.header.places[i], next: saved.next }));
  const pools = [cells, troubles, sets.entries, sets.sketches];
  if (saved !== undefined) {
    const { used, free, held } = saved.header;
    pools.forEach((pool, i) => {
      [pool.used, pool.free, pool.held] = [used[i], free[i], held[i]];
      loadPages(pool, pool.used, saved.next);
    });
  }
  return { settings, customers, devices, cards, addresses, items, cells, troubles, sets, asked: createAsked() };
}

/** Gives back what hangs on a record. */
function emptyCustomer(cells: Pool, troubles: Pool, sets: Sets, { stride, ints }: Entities, id: number): void {
  const page = ints[id >>> SHIFT];
  const at = (id & MASK) * stride;
  giveAll(cells, page[at + CELLS]);
  giveAll(cells, page[at + ORDERS]);
  for (const set of SETS) drop(sets, page[at + set]);
  if (page[at + TROUBLE] !== 0) give(troubles, page[at + TROUBLE]);
}

function emptyOther(cells: Pool, sets: Sets, { stride, ints }: Entities, id: number): void {
  const page = ints[id >>> SHIFT];
  const at = (id & MASK) * stride;
  giveAll(cells, page[at + ITS_CELLS]);
  drop(sets, page[at + CUSTOMERS]);
}

function parts(state: State): { header: FeaturesHeader; sections: Uint8Array[] } {
  const pools = [state.cells, state.troubles, state.sets.entries, state.sets.sketches];
  const sections = [...kinds.flatMap((kind) => entitySections(state[kind])), ...pools.flatMap((pool) => sectionsOf(pool, pool.used))];
  const header: FeaturesHeader = {
    settings: flat(state.settings), sections: sections.map(({ length }) => length),
    used: pools.map(({ used }) => used), free: pools.map(({ free }) => free), held: pools.map(({ held }) => held),
    places: kinds.map((kind) => placesOf(state[kind])),
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
