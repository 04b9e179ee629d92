/** Files as they come: gz under any name, line ends, quotes left open, damage. */
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { datasets } from '../../datasets/dataset.js';
import { rowsPerBatch } from '../../datasets/rows.js';
import { eventsOf, rowsOf, sampleFolder } from './files.js';

const sample = sampleFolder();
const header = 'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country';
const good = '1,A,X,1,2010-12-01 09:41:00,1,1.0,F';
const text = `${header}\n${good}\n`;

describe('a file', () => {
  it('is unpacked when its first bytes say gz, whatever its name', async () => {
    const plain = await eventsOf('online-retail', sample('plain.gz', text));
    expect(plain).toHaveLength(1);
    expect(await eventsOf('online-retail', sample('packed.csv', text, { gz: true }))).toEqual(plain);
  });

  it('may have a byte order mark, Windows line ends and blank lines', async () => {
    const rows = await rowsOf('online-retail', sample('windows.csv', `\ufeff${header}\r\n${good}\r\n\r\n${good}\r\n`));
    expect(rows.map((row) => [row.line, row.error])).toEqual([[2, undefined], [4, undefined]]);
  });

  it('comes in batches, and every row of it comes', async () => {
    const file = sample('long.csv', `${header}\n${`${good}\n`.repeat(2500)}`);
    const sizes: number[] = [];
    for await (const batch of datasets['online-retail'].read(file)) sizes.push(batch.length);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(rowsPerBatch);
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(2500);
  });

  it('reports its bytes up to the whole', async () => {
    const file = sample('bytes.csv', text);
    const seen: [number, number][] = [];
    for await (const _batch of datasets['online-retail'].read(file, { onBytes: (done, total) => seen.push([done, total]) })) void _batch;
    expect(seen.at(-1)).toEqual([text.length, text.length]);
  });

  it('keeps the rows before a quote that is never closed, and names its line', async () => {
    const rows = await rowsOf('online-retail', sample('open.csv', `${text}1,A,"X,1\n${good}\n`));
    expect(rows.map((row) => row.error)).toEqual([undefined, 'line 3: a quote is opened here and never closed; close it']);
  });

  it('stops at a record of more than a mebibyte', async () => {
    const file = sample('huge.csv', `${text}1,A,"${'x'.repeat(2 ** 21)}",1\n`);
    await expect(rowsOf('online-retail', file)).rejects.toThrow(/record after line \d+ is larger than 1048576 bytes; is a quote left open/);
  });

  it('takes a quote inside a field as it stands', async () => {
    expect(await eventsOf('online-retail', sample('inch.csv', `${header}\n1,5" PLATE,X,1,2010-12-01 09:41:00,1,1.0,F\n`))).toMatchObject([{ lines: [{ item: '5" PLATE' }] }]);
  });
});

describe('a wrong file', () => {
  it.each(Object.keys(datasets).filter((name) => name !== 'olist'))('%s names the columns it expects', async (name) => {
    const file = sample(`wrong-${name}.csv`, 'a,b,c\n1,2,3\n');
    await expect(rowsOf(name, file)).rejects.toThrow(`${file}: line 1 is "a,b,c"; ${name} expects the columns ${datasets[name].columns}`);
  });

  it('is told when it is empty, absent, a folder, or gz cut short', async () => {
    await expect(rowsOf('movielens', sample('empty.csv', ''))).rejects.toThrow(/is empty; movielens expects/);
    await expect(rowsOf('movielens', 'no/such/file')).rejects.toThrow(/no\/such\/file cannot be read: ENOENT/);
    await expect(rowsOf('movielens', '.')).rejects.toThrow(/EISDIR/);
    const cut = sample('cut.gz', '');
    writeFileSync(cut, gzipSync(`${header}\n${`${good}\n`.repeat(50_000)}`).subarray(0, -100));
    await expect(rowsOf('online-retail', cut)).rejects.toThrow(/gz data is damaged or cut short after line \d+; fetch the file again/);
  });
});
