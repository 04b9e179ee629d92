/**
 * Retailrocket: the behaviour log of a shop, 2015.
 *
 *   timestamp,visitorid,event,itemid,transactionid      the sample adds a column datetime, which is not read
 *   1433193132535,900473,view,396045,
 *   1433193188000,900473,transaction,396045,15311
 *
 *   view -> click view;  addtocart -> click cart
 *   transaction -> purchase of one unit, order = transactionid, amount 0 in XXX (ISO 4217: no currency): prices are hashed
 *   id = rr-<line>
 */
import { parseInteger } from './decimal.js';
import { sortedByTime } from './sorted.js';
import { badField, tableDataset } from './table.js';

const actions: Record<string, string> = { view: 'view', addtocart: 'cart' };

export const retailrocket = sortedByTime(
  tableDataset({
    name: 'retailrocket',
    title: 'Retailrocket: views, carts and transactions of a shop, 2015',
    delimiter: ',',
    header: ['timestamp', 'visitorid', 'event', 'itemid', 'transactionid'],
    timeNote: 'timestamp is milliseconds since 1970; the file is not sorted, events come out in order of time',
    toEvent,
  }),
);

function toEvent(fields: string[], line: number): object | string {
  const [time, customer, what, item, order] = fields;
  const atMs = parseInteger(time);
  if (Number.isNaN(atMs)) return badField('timestamp', time, 'must be milliseconds since 1970');
  const id = `rr-${line}`;
  if (what === 'transaction') {
    if (order === '') return badField('transactionid', order, 'must name the transaction');
    return { v: 1, type: 'purchase', id, customer, atMs, order, lines: [{ item, quantity: 1, unitMinor: 0 }], amountMinor: 0, currency: 'XXX' };
  }
  if (!Object.hasOwn(actions, what)) return badField('event', what, 'must be view, addtocart or transaction');
  return { v: 1, type: 'click', id, customer, atMs, action: actions[what], item };
}
