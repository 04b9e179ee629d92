/**
 * Taobao UserBehavior (Tianchi 649): what a million users did in nine days.
 *
 *   user_id,item_id,category_id,behavior,timestamp      the published file has no such line; both forms are read
 *   700001,1715,1464116,pv,1511658000
 *
 *   pv -> click view;  fav -> click favourite;  cart -> click cart
 *   buy -> purchase of one unit with amount 0 CNY: the file has no prices
 *   id = taobao-<line>, order = taobao-<line>. The category is not carried.
 */
import { parseInteger } from './decimal.js';
import { badField, tableDataset } from './table.js';

const actions: Record<string, string> = { pv: 'view', fav: 'favourite', cart: 'cart' };

export const taobaoUserBehavior = tableDataset({
  name: 'taobao-userbehavior',
  title: 'Taobao UserBehavior: views, favourites, carts and purchases of a marketplace, 2017',
  delimiter: ',',
  header: ['user_id', 'item_id', 'category_id', 'behavior', 'timestamp'],
  isRow: (fields) => fields.length === 5 && /^(pv|fav|cart|buy)$/.test(fields[3]) && /^\d+$/.test(fields[4]),
  timeNote: 'timestamp is seconds since 1970; events come out in the order of the file',
  toEvent,
});

function toEvent(fields: string[], line: number): object | string {
  const [customer, item, , behaviour, seconds] = fields;
  const atMs = parseInteger(seconds) * 1000;
  if (Number.isNaN(atMs)) return badField('timestamp', seconds, 'must be whole seconds since 1970');
  const id = `taobao-${line}`;
  if (behaviour === 'buy') {
    return { v: 1, type: 'purchase', id, customer, atMs, order: id, lines: [{ item, quantity: 1, unitMinor: 0 }], amountMinor: 0, currency: 'CNY' };
  }
  if (!Object.hasOwn(actions, behaviour)) return badField('behavior', behaviour, 'must be pv, fav, cart or buy');
  return { v: 1, type: 'click', id, customer, atMs, action: actions[behaviour], item };
}
