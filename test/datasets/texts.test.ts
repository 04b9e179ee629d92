/** The readers of labelled texts: small samples made on the spot, and the public files where they are. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { readBitext } from '../../datasets/bitext.js';
import { readClinc150 } from '../../datasets/clinc150.js';
import { readJddcChats, readJddcPairs } from '../../datasets/jddc.js';
import { readShoppingReviews, readWaimai } from '../../datasets/shopping-reviews.js';
import { lacks, publicFile } from './files.js';

const root = mkdtempSync(join(tmpdir(), 'aftercare-texts-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const folderOf = (files: Record<string, string>): string => {
  const folder = mkdtempSync(join(root, 'set-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), name.endsWith('.gz') ? gzipSync(text) : text);
  return folder;
};

describe('samples', () => {
  const header = 'utterance,intent,entity_type,entity_value,start_offset,end_offset,category,tags\n';
  const bitext = (row: string): string => folderOf({ 'train.csv': header + row, 'dev.csv': header, 'test.csv': header });
  it('bitext: the span is what stands in the text, whatever its case', () => {
    expect(readBitext(bitext('new platinum account,create_account,account_type,Platinum,4,12,ACCOUNT,BKL\n'))?.train).toEqual([
      { text: 'new platinum account', label: 'create_account', entities: [{ kind: 'account_type', start: 4, end: 12 }] },
    ]);
  });
  it('bitext: a span that is not its value names the row', () => {
    expect(() => readBitext(bitext('"a, b",x,order_id,b,0,1,O,B\n'))).toThrow(/train.csv: row 1: start_offset 0 and end_offset 1 cut out "a", but entity_value is "b"/);
  });
  it('clinc150: anything but pairs names the list', () => {
    const empty = { train: [], val: [], test: [], oos_train: [], oos_val: [], oos_test: [] };
    expect(() => readClinc150('full', folderOf({ 'data_full.json.gz': JSON.stringify({ ...empty, val: [['x']] }) }))).toThrow(/val\[0\] must be \[text, intent\], got \["x"\]/);
  });
  it('reviews: the same letters are one review, and a label is 0 or 1', () => {
    expect(readWaimai(folderOf({ 'waimai_10k.csv': '\ufefflabel,review\n1,"快，好"\n0,慢\n1,"快，好"\n' }))).toEqual([
      { text: '快，好', category: 'waimai', favourable: true }, { text: '慢', category: 'waimai', favourable: false },
    ]);
    expect(() => readWaimai(folderOf({ 'waimai_10k.csv': 'label,review\n2,慢\n' }))).toThrow(/row 1: label must be 0 or 1, got "2"/);
    expect(() => readWaimai(folderOf({ 'waimai_10k.csv': 'review,label\n' }))).toThrow(/line 1 is "review,label", expected label,review/);
  });
  it('jddc: contexts and answers belong together', () => {
    const files = { 'train.enc.gz': '你好,在吗,\n', 'train.dec': '在的,\n', 'test.enc': 'a,\nb,\n', 'test.dec': 'c\n' };
    expect(() => readJddcPairs(folderOf(files))).toThrow(/test.enc has 2 lines and test.dec has 1/);
    expect(readJddcPairs(folderOf({ ...files, 'test.dec': 'c\nd\n' }))?.train).toEqual([{ context: ['你好', '在吗'], answer: '在的' }]);
  });
  it('what is absent is undefined', () => expect([readBitext(root), readClinc150('full', root), readShoppingReviews(root), readJddcPairs(root), readJddcChats(root)]).toEqual(Array(5).fill(undefined)));
});

describe('public files', () => {
  it.skipIf(lacks('bitext-support'))('bitext: the published split, and every span', () => {
    const set = readBitext(publicFile('bitext-support'));
    expect([set?.train.length, set?.dev.length, set?.test.length]).toEqual([6480, 810, 810]);
    expect(new Set(set?.test.map(({ label }) => label)).size).toBe(27);
    const values = set?.test.flatMap(({ text, entities }) => entities.map(({ start, end }) => text.slice(start, end)));
    expect(values).toHaveLength(810 - 514);
    // Each row ends in its category and tags: the value stands between two commas before two numbers.
    const byHand = [...readFileSync(publicFile('bitext-support/test.csv'), 'utf8').matchAll(/,[a-z_]+,([^,\n]+),\d+,\d+,[A-Z_]+,[A-Z]+/g)].map(([, value]) => value.toLowerCase());
    expect(values?.map((value) => value.toLowerCase())).toEqual(byHand);
  });
  it.skipIf(lacks('clinc150'))('clinc150: as many texts as the paper says', () => {
    const set = readClinc150('full', publicFile('clinc150'));
    expect([set?.train.length, set?.validation.length, set?.test.length]).toEqual([15_000, 3000, 4500]);
    expect(set?.outOfScope.test).toHaveLength(1000);
    expect([set?.outOfScope.train.length, set?.outOfScope.validation.length]).toEqual([100, 100]);
  });
  const reviews = 'chinese-online-shopping-reviews';
  it.skipIf(lacks(reviews))('reviews: ten categories, both labels', () => {
    const all = readShoppingReviews(publicFile(reviews)) ?? [];
    const lines = gunzipSync(readFileSync(publicFile(`${reviews}/online_shopping_10_cats.csv.gz`))).toString('utf8').match(/^[^,\n]+,[01],/gm)?.length;
    expect(lines).toBe(62_774); // with the repeated and the empty ones
    expect(all.length).toBeLessThanOrEqual(62_774);
    expect(all.length).toBeGreaterThan(62_000);
    expect(new Set(all.map(({ category }) => category)).size).toBe(10);
    expect(readWaimai(publicFile(reviews))?.filter(({ favourable }) => favourable).length).toBeGreaterThan(3900);
  });
  it.skipIf(lacks('jddc-baseline-pairs'))('jddc: pairs and chats', () => {
    const pairs = readJddcPairs(publicFile('jddc-baseline-pairs'));
    expect(pairs?.test.length).toBeGreaterThan(1100);
    expect(pairs?.train.length).toBeGreaterThan(10_000);
    const chats = readJddcChats(publicFile('jddc-chat-sample'));
    expect([...(chats?.values() ?? [])].reduce((sum, { length }) => sum + length, 0)).toBe(5057 + 4998 + 1028 + 1012 + 17 + 15 + 5 + 4);
  });
});
