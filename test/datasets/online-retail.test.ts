import { describe, expect, it } from 'vitest';
import { eventsOf, rowsOf, sampleFolder } from './files.js';
import { checkEvent } from '../../schemas/decode.js';

const sample = sampleFolder();
const header = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
const lines = (...rows: string[]): string => [header, ...rows, ''].join('\n');

describe('online-retail', () => {
  it('makes a purchase of a line, with the amount exact in pence', async () => {
    const file = sample('purchase.csv', lines('500001,90210A,"BLUE TIN, ""LARGE""",7,2010-12-01 08:26:00,2.55,17001.0,France'));
    expect(await eventsOf('online-retail', file)).toEqual([
      {
        v: 1, type: 'purchase', id: '500001-2', customer: '17001', atMs: Date.UTC(2010, 11, 1, 8, 26), order: '500001',
        lines: [{ item: '90210A', quantity: 7, unitMinor: 255 }], amountMinor: 1785, currency: 'GBP',
      },
    ]);
  });

  it('makes a refund of a negative quantity, and a guest of a missing customer', async () => {
    const file = sample('refund.csv', lines('C500002,90210A,TIN,-2,2010-12-01 09:41:00,2.5,,France'));
    expect(await eventsOf('online-retail', file)).toMatchObject([
      { type: 'refund', id: 'C500002-2', customer: 'guest-C500002', order: 'C500002', lines: [{ item: '90210A', quantity: 2, unitMinor: 250 }], amountMinor: 500 },
    ]);
  });

  it('passes impossible values on, for the stream to reject by name', async () => {
    const file = sample('odd.csv', lines('A500003,B,Adjust,1,2010-12-01 09:41:00,-10.5,,France', '500004,B,NOTHING,0,2010-12-01 09:41:00,1,,France'));
    const [negative, none] = (await eventsOf('online-retail', file)).map(checkEvent);
    expect(negative).toEqual({ error: 'lines.0.unitMinor must be >= 0, got -1050 (and 1 more)' });
    expect(none).toEqual({ error: 'lines.0.quantity must be >= 1, got 0' });
  });

  it('rounds once, half away from zero, however many decimals the price has', async () => {
    const file = sample('round.csv', lines('1,A,X,3,2010-12-01 09:41:00,0.001,1.0,F', '1,A,X,5,2010-12-01 09:41:00,0.001,1.0,F', '1,A,X,3,2010-12-01 09:41:00,1.005,1.0,F'));
    const events = (await eventsOf('online-retail', file)) as { amountMinor: number }[];
    expect(events.map((event) => event.amountMinor)).toEqual([0, 1, 302]);
  });

  it('names line and field of a bad row, and goes on', async () => {
    const file = sample('bad.csv', lines(
      '1,A,X,many,2010-12-01 09:41:00,1,1.0,F',
      '1,A,X,1,2010-11-31 09:41:00,1,1.0,F',
      '1,A,X,1,2010-12-01 09:41:00,"1,5",1.0,F',
      '1,A,X,1',
      '1,A,"two\nlines",1,2010-12-01 09:41:00,1,1.0,F',
      '1,A,X,1,yesterday,1,1.0,F',
    ));
    expect(await rowsOf('online-retail', file)).toMatchObject([
      { line: 2, error: 'line 2: Quantity: must be an integer, got "many"' },
      { line: 3, error: 'line 3: InvoiceDate: must be a time such as 2010-12-01 08:26:00, got "2010-11-31 09:41:00"' },
      { line: 4, error: 'line 4: UnitPrice: must be a decimal number, got "1,5"' },
      { line: 5, error: 'line 5: InvoiceDate: missing, 4 fields, expected 8' },
      { line: 6, event: { id: '1-6' } },
      { line: 8, error: 'line 8: InvoiceDate: must be a time such as 2010-12-01 08:26:00, got "yesterday"' },
    ]);
  });
});
