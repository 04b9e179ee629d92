/** The importers against the whole public files, counted a second time by other means. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { datasets, type ImportedRow } from '../../datasets/dataset.js';
import { checkEvent } from '../../schemas/decode.js';
import type { Event } from '../../schemas/events.js';
import { limits } from '../../schemas/limits.js';
import { lacks, publicFile } from './files.js';

interface Tally {
  lines: number;
  errors: number;
  kinds: Record<string, number>;
  rejected: { line: number; error: string }[];
  customers: number;
  /** minor units of purchases and refunds */
  paid: number;
  paidBack: number;
  inOrder: boolean;
}

async function tally(dataset: string, path: string): Promise<Tally> {
  const total: Tally = { lines: 0, errors: 0, kinds: {}, rejected: [], customers: 0, paid: 0, paidBack: 0, inOrder: true };
  const customers = new Set<string>();
  let beforeMs = 0;
  const take = (event: Event): void => {
    const kind = event.type === 'click' ? event.action : event.type;
    total.kinds[kind] = (total.kinds[kind] ?? 0) + 1;
    customers.add(event.customer);
    if (event.type === 'purchase') total.paid += event.amountMinor;
    if (event.type === 'refund') total.paidBack += event.amountMinor;
    total.inOrder &&= event.atMs >= beforeMs;
    beforeMs = event.atMs;
  };
  const judge = (row: ImportedRow): void => {
    total.lines += 1;
    if (row.error !== undefined) {
      total.errors += 1;
      return;
    }
    const checked = checkEvent(row.event);
    if ('event' in checked) take(checked.event);
    else total.rejected.push({ line: row.line, error: checked.error });
  };
  for await (const rows of datasets[dataset].read(publicFile(path))) rows.forEach(judge);
  return { ...total, customers: customers.size };
}

const retail = 'online-retail/online_retail.csv.gz';

/** Reads the file in one piece, splits it by hand and sums in whole numbers; shares nothing with the importer. */
function countRetail(): { lines: number; customers: number; paid: number; paidBack: number; refunds: number; negativePrices: number[] } {
  const text = gunzipSync(readFileSync(publicFile(retail))).toString('utf8');
  const customers = new Set<string>();
  const count = { lines: 0, paid: 0n, paidBack: 0n, refunds: 0, negativePrices: [] as number[] };
  text.split('\n').slice(1).filter((row) => row !== '').forEach((row, index) => {
    const fields = [...row.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map((match) => match[1] ?? match[2]);
    const [invoice, , , quantity, , price, customer] = fields;
    count.lines += 1;
    if (price.startsWith('-')) {
      count.negativePrices.push(index + 2);
      return;
    }
    customers.add(customer === '' ? `guest ${invoice}` : customer);
    const [whole, fraction = ''] = price.split('.');
    const thousandths = BigInt(quantity.replace('-', '')) * BigInt(whole + fraction.padEnd(3, '0'));
    const pence = (thousandths + 5n) / 10n;
    if (quantity.startsWith('-')) {
      count.refunds += 1;
      count.paidBack += pence;
    } else count.paid += pence;
  });
  return { ...count, customers: customers.size, paid: Number(count.paid), paidBack: Number(count.paidBack) };
}

describe('public data sets', () => {
  it.skipIf(lacks(retail))('online-retail: every line, every customer, every penny', async () => {
    const counted = countRetail();
    expect(counted).toMatchObject({ lines: 541_909, negativePrices: [299_985, 299_986] });
    const imported = await tally('online-retail', retail);
    expect(imported).toMatchObject({ lines: counted.lines, errors: 0, customers: counted.customers, paid: counted.paid, paidBack: counted.paidBack, inOrder: true });
    expect(imported.kinds).toEqual({ purchase: counted.lines - counted.refunds - 2, refund: counted.refunds });
    expect(imported.rejected.map((reject) => reject.line)).toEqual(counted.negativePrices);
    for (const { error } of imported.rejected) expect(error).toContain('lines.0.unitMinor must be >= 0, got -1106206');
  });

  const taobao = 'taobao-userbehavior/UserBehavior.csv.gz';
  it.skipIf(lacks(taobao))('taobao-userbehavior', async () => {
    expect(await tally('taobao-userbehavior', taobao)).toMatchObject({
      lines: 96_168, errors: 0, rejected: [], kinds: { view: 85_773, favourite: 2959, cart: 5292, purchase: 2144 }, inOrder: true,
    });
  });

  const rocket = 'retailrocket-sample/events_sample.csv';
  it.skipIf(lacks(rocket))('retailrocket', async () => {
    expect(await tally('retailrocket', rocket)).toMatchObject({ lines: 9385, errors: 0, rejected: [], kinds: { view: 9076, cart: 263, purchase: 46 }, customers: 5000, inOrder: true });
  });

  const yoochoose = 'yoochoose-100k/yoochoose-clicks-100k_train_full.tsv.gz';
  it.skipIf(lacks(yoochoose))('yoochoose', async () => {
    expect(await tally('yoochoose', yoochoose)).toMatchObject({ lines: 70_278, errors: 0, rejected: [], kinds: { view: 70_278 }, customers: 17_794, inOrder: true });
  });

  it.skipIf(lacks('olist-sample'))('olist: an order without items is an error, the rest are events', async () => {
    expect(await tally('olist', 'olist-sample')).toMatchObject({
      errors: 775, rejected: [], kinds: { purchase: 8135 - 775, refund: 467, ticket: 3674, label: 3674 }, inOrder: true,
    });
  });

  const ratings = 'movielens-100k/u.data.gz';
  /** The first rating is of September 1997. */
  const tooOld = limits.atMsMin > 874_724_710_000;
  if (tooOld) console.log('movielens is read, and not judged: its times lie before limits.atMsMin');
  it.skipIf(lacks(ratings))('movielens', async () => {
    const { lines, errors, rejected, kinds } = await tally('movielens', ratings);
    expect({ lines, errors }).toEqual({ lines: 100_000, errors: 0 });
    if (tooOld) expect(rejected.every((reject) => reject.error.startsWith('atMs must be >='))).toBe(true);
    else expect({ rejected, kinds }).toEqual({ rejected: [], kinds: { view: 6110 + 11_370, favourite: 27_145, purchase: 34_174 + 21_201 } });
  });
});
