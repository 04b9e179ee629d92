/**
 * The keys and ids of the names of a purchase or refund, looked up once: whoever asks for its features looks them up, and
 * the fold of the same event, which comes next, finds them here. Whatever changes the state makes it look up again.
 */
import type { Event, Purchase, Refund } from '../../schemas/events.js';
import { find, type Entities } from './entities.js';
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
  itemIds: Int32Array;
  /** no line is of an item that is not there */
  itemsKnown: boolean;
}

export const createAsked = (): Asked => ({
  event: undefined, customer: createKey(), device: createKey(), card: createKey(), address: createKey(), order: createKey(),
  customerId: -1, deviceId: -1, cardId: -1, addressId: -1, itemIds: new Int32Array(16), itemsKnown: false,
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

const item = createKey();

export function lookUp({ asked, customers, devices, cards, addresses, items }: Places, event: Purchase | Refund): Asked {
  if (asked.event === event) return asked;
  asked.event = event;
  asked.customerId = find(customers, keyInto(event.customer, asked.customer));
  asked.deviceId = event.device === undefined ? -1 : find(devices, keyInto(event.device, asked.device));
  keyInto(event.order, asked.order);
  const { card, address } = event.type === 'purchase' ? event : { card: undefined, address: undefined };
  asked.cardId = card === undefined ? -1 : find(cards, keyInto(card, asked.card));
  asked.addressId = address === undefined ? -1 : find(addresses, keyInto(address, asked.address));
  const { lines } = event;
  if (asked.itemIds.length < lines.length) asked.itemIds = new Int32Array(2 * lines.length);
  asked.itemsKnown = true;
  for (let i = 0; i < lines.length; i += 1) {
    const id = find(items, keyInto(lines[i].item, item));
    asked.itemIds[i] = id;
    if (id < 0) asked.itemsKnown = false;
  }
  return asked;
}
