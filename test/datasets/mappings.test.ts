import { describe, expect, it } from 'vitest';
import { checkEvent } from '../../schemas/decode.js';
import { eventsOf, rowsOf, sampleFolder } from './files.js';

const sample = sampleFolder();
const tsv = (...rows: string[][]): string => rows.map((row) => `${row.join('\t')}\n`).join('');

describe('taobao-userbehavior', () => {
  const rows = '700001,11,5,pv,1511658000\n700001,12,5,fav,1511658001\n700001,12,5,cart,1511658002\n700001,12,5,buy,1511658003\n';

  it('maps each behaviour, with a line of names or without', async () => {
    const bare = await eventsOf('taobao-userbehavior', sample('taobao-bare.csv', rows));
    expect(bare).toEqual([
      { v: 1, type: 'click', id: 'taobao-1', customer: '700001', atMs: 1_511_658_000_000, action: 'view', item: '11' },
      { v: 1, type: 'click', id: 'taobao-2', customer: '700001', atMs: 1_511_658_001_000, action: 'favourite', item: '12' },
      { v: 1, type: 'click', id: 'taobao-3', customer: '700001', atMs: 1_511_658_002_000, action: 'cart', item: '12' },
      {
        v: 1, type: 'purchase', id: 'taobao-4', customer: '700001', atMs: 1_511_658_003_000, order: 'taobao-4',
        lines: [{ item: '12', quantity: 1, unitMinor: 0 }], amountMinor: 0, currency: 'CNY',
      },
    ]);
    for (const event of bare) expect(checkEvent(event)).toHaveProperty('event');
    const named = await rowsOf('taobao-userbehavior', sample('taobao.csv', `user_id,item_id,category_id,behavior,timestamp\n${rows}`));
    expect(named.map((row) => row.line)).toEqual([2, 3, 4, 5]);
  });

  it('names line and field of a bad row', async () => {
    const file = sample('taobao-bad.csv', `${rows}700001,12,5,stare,1511658003\n700001,12,5,pv,now\n`);
    expect((await rowsOf('taobao-userbehavior', file)).slice(4).map((row) => row.error)).toEqual([
      'line 5: behavior: must be pv, fav, cart or buy, got "stare"',
      'line 6: timestamp: must be whole seconds since 1970, got "now"',
    ]);
  });
});

describe('retailrocket', () => {
  it('maps each kind and sorts by time; rows of one moment keep their order', async () => {
    const file = sample('rr.csv', [
      'timestamp,visitorid,event,itemid,transactionid',
      '1433193000002,9,transaction,44,1531', '1433193000000,9,view,44,', '1433193000001,9,addtocart,44,', '1433193000000,8,view,45,', '',
    ].join('\n'));
    expect(await rowsOf('retailrocket', file)).toMatchObject([
      { line: 3, event: { type: 'click', action: 'view', customer: '9', item: '44', atMs: 1_433_193_000_000 } },
      { line: 5, event: { type: 'click', action: 'view', customer: '8' } },
      { line: 4, event: { type: 'click', action: 'cart' } },
      { line: 2, event: { type: 'purchase', order: '1531', amountMinor: 0, currency: 'XXX', lines: [{ item: '44', quantity: 1, unitMinor: 0 }] } },
    ]);
  });

  it('names line and field of a bad row', async () => {
    const file = sample('rr-bad.csv', 'timestamp,visitorid,event,itemid,transactionid,datetime\n1,9,transaction,44,,x\n1,9,sale,44,,x\n');
    expect((await rowsOf('retailrocket', file)).map((row) => row.error)).toEqual([
      'line 2: transactionid: must name the transaction, got ""',
      'line 3: event: must be view, addtocart or transaction, got "sale"',
    ]);
  });
});

describe('movielens', () => {
  it('makes a stronger event of a better rating, in order of time', async () => {
    const file = sample('u.data', tsv(['901', '242', '5', '981250951'], ['901', '243', '3', '981250950'], ['902', '244', '1', '981250949']));
    const events = await eventsOf('movielens', file);
    expect(events).toMatchObject([
      { type: 'click', action: 'view', id: 'ml-3', customer: '902', item: '244', atMs: 981_250_949_000 },
      { type: 'click', action: 'favourite', id: 'ml-2' },
      { type: 'purchase', id: 'ml-1', order: 'ml-1', amountMinor: 0, currency: 'XXX', lines: [{ item: '242', quantity: 1, unitMinor: 0 }] },
    ]);
    for (const event of events) expect(checkEvent(event)).toHaveProperty('event');
  });

  it('names line and field of a bad row', async () => {
    const file = sample('bad.data', tsv(['901', '242', '5', '981250951'], ['901', '242', '6', '981250951']));
    expect((await rowsOf('movielens', file))[0].error).toBe('line 2: rating: must be an integer of 1 to 5, got "6"');
  });
});

describe('yoochoose', () => {
  it('makes a view of each row, milliseconds exact, in order of time', async () => {
    const file = sample('yc.tsv', tsv(['SessionId', 'ItemId', 'Time'], ['8', '21', '1396766999.5'], ['7', '22', '1396766998.728']));
    const events = await eventsOf('yoochoose', file);
    expect(events).toEqual([
      { v: 1, type: 'click', id: 'yc-7-3', customer: 's7', atMs: 1_396_766_998_728, action: 'view', item: '22', session: '7' },
      { v: 1, type: 'click', id: 'yc-8-2', customer: 's8', atMs: 1_396_766_999_500, action: 'view', item: '21', session: '8' },
    ]);
    for (const event of events) expect(checkEvent(event)).toHaveProperty('event');
  });

  it('names line and field of a bad row', async () => {
    const file = sample('yc-bad.tsv', tsv(['SessionId', 'ItemId', 'Time'], ['8', '21', 'noon']));
    expect((await rowsOf('yoochoose', file))[0].error).toBe('line 2: Time: must be seconds since 1970, such as 1396766998.728, got "noon"');
  });
});
