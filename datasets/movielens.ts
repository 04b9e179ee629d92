/**
 * MovieLens 100K, `u.data`: ratings of films, tab separated, without a line of names.
 *
 *   901	242	3	881250949        user, item, rating 1 to 5, seconds since 1970
 *
 * A rating says how strong an interest was, and so does the kind of an event:
 *   1, 2 -> click view;  3 -> click favourite;  4, 5 -> purchase of one unit with amount 0 in XXX (ISO 4217: no currency)
 *   id = ml-<line>, order = ml-<line>
 */
import { parseInteger } from './decimal.js';
import { sortedByTime } from './sorted.js';
import { badField, tableDataset } from './table.js';

export const movielens = sortedByTime(
  tableDataset({
    name: 'movielens',
    title: 'MovieLens 100K: ratings of films with their times, 1997-1998',
    delimiter: '\t',
    header: ['user', 'item', 'rating', 'timestamp'],
    isRow: (fields) => fields.length === 4 && fields.every((field) => /^\d+$/.test(field)),
    timeNote: 'timestamp is seconds since 1970; the file is not sorted, events come out in order of time',
    toEvent,
  }),
);

function toEvent(fields: string[], line: number): object | string {
  const [customer, item, ratingText, seconds] = fields;
  const rating = parseInteger(ratingText);
  if (!(rating >= 1 && rating <= 5)) return badField('rating', ratingText, 'must be an integer of 1 to 5');
  const atMs = parseInteger(seconds) * 1000;
  if (Number.isNaN(atMs)) return badField('timestamp', seconds, 'must be whole seconds since 1970');
  const id = `ml-${line}`;
  if (rating >= 4) {
    return { v: 1, type: 'purchase', id, customer, atMs, order: id, lines: [{ item, quantity: 1, unitMinor: 0 }], amountMinor: 0, currency: 'XXX' };
  }
  return { v: 1, type: 'click', id, customer, atMs, action: rating === 3 ? 'favourite' : 'view', item };
}
