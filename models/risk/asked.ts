/**
 * The keys and ids of the names of a purchase or refund, looked up once: whoever asks for its features looks them up, and
 * the fold of the same event, which comes next, finds them here. Whatever changes the state makes it look up again.
 */
import type { Event, Purchase, Refund } from '../../schemas/events.js';
import { find, homeSlot, type Entities } from './entities.js';
import { createKey, keyInto, type Key } from './key.js';

export interface Asked {
  /** undefined: none is valid */
  event: Event | undefined;
  customer: Key;
  device: Key;
  card: Key;
  address: Key;
  order: Key;
  /** -1: not there, or not named */
  customerId: number;
  deviceId: number;
  cardId: number;
  addressId: number;
  /** of the lines, as many as there are */
  items: Key[];
  itemIds: Int32Array;
  /** no line is of an item that is not there */
  itemsKnown: boolean;
  /** No state: it is there so that what is read for the cache's sake has a use. */
  homes: number;
}

export const createAsked = (): Asked => ({
  event: undefined, customer: createKey(), device: createKey(), card: createKey(), address: createKey(), order: createKey(),
  customerId: -1, deviceId: -1, cardId: -1, addressId: -1, items: [createKey()], itemIds: new Int32Array(16), itemsKnown: false, homes: 0,
});

/** Where the names are looked for. */
export interface Places {
  asked: Asked;
  customers: Entities;
  devices: Entities;
  cards: Entities;
  addresses: Entities;
  items: Entities;
}

/**
 * All keys first and all look-ups behind one another: each is a cache miss or two, and the processor waits for those that stand
 * close together at the same time.
 */
export function lookUp({ asked, customers, devices, cards, addresses, items }: Places, event: Purchase | Refund): Asked {
  if (asked.event === event) return asked;
  asked.event = event;
  const { device, lines } = event;
  const { card, address } = event.type === 'purchase' ? event : { card: undefined, address: undefined };
  while (asked.items.length < lines.length) asked.items.push(createKey());
  if (asked.itemIds.length < lines.length) asked.itemIds = new Int32Array(2 * lines.length);
  keyInto(event.customer, asked.customer);
  keyInto(event.order, asked.order);
  if (device !== undefined) keyInto(device, asked.device);
  if (card !== undefined) keyInto(card, asked.card);
  if (address !== undefined) keyInto(address, asked.address);
  for (let i = 0; i < lines.length; i += 1) keyInto(lines[i].item, asked.items[i]);
  asked.homes = homeSlot(customers, asked.customer) ^ homeSlot(devices, asked.device) ^ homeSlot(cards, asked.card) ^ homeSlot(addresses, asked.address) ^ homeSlot(items, asked.items[0]);
  asked.customerId = find(customers, asked.customer);
  asked.deviceId = device === undefined ? -1 : find(devices, asked.device);
  asked.cardId = card === undefined ? -1 : find(cards, asked.card);
  asked.addressId = address === undefined ? -1 : find(addresses, asked.address);
  asked.itemsKnown = true;
  for (let i = 0; i < lines.length; i += 1) {
    const id = find(items, asked.items[i]);
    asked.itemIds[i] = id;
    if (id < 0) asked.itemsKnown = false;
  }
  return asked;
}
