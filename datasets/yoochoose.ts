/**
 * Yoochoose clicks (RecSys Challenge 2015) in the tab-separated form that session-rec publishes.
 *
 *   SessionId	ItemId	Time
 *   8	214838855	1396766998.728
 *
 * Every row is a click view. Sessions are all that is known of a visitor: customer = s<SessionId>, session = SessionId,
 * id = yc-<SessionId>-<line>, so that the train and test files of one split can be imported one after the other.
 */
import { scaled } from './decimal.js';
import { sortedByTime } from './sorted.js';
import { badField, tableDataset } from './table.js';

export const yoochoose = sortedByTime(
  tableDataset({
    name: 'yoochoose',
    title: 'Yoochoose: sessions of clicks of a shop, 2014',
    delimiter: '\t',
    header: ['SessionId', 'ItemId', 'Time'],
    timeNote: 'Time is seconds since 1970 with decimals; the file is sorted by session, events come out in order of time',
    toEvent,
  }),
);

function toEvent(fields: string[], line: number): object | string {
  const [session, item, time] = fields;
  const atMs = scaled(time, 3);
  if (Number.isNaN(atMs)) return badField('Time', time, 'must be seconds since 1970, such as 1396766998.728');
  return { v: 1, type: 'click', id: `yc-${session}-${line}`, customer: `s${session}`, atMs, action: 'view', item, session };
}
