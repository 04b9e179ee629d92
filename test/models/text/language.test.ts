import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detectLanguage } from '../../../models/text/language.js';
import { normalise } from '../../../models/text/normalise.js';
import { anyString, anyText } from '../../support/any-string.js';
import { sharedData } from '../../support/datasets.js';

const bitext = sharedData('bitext-support', 'test.csv');
const clinc = sharedData('clinc150', 'data_full.json.gz');
const reviews = sharedData('chinese-online-shopping-reviews', 'waimai_10k.csv');
const olist = sharedData('olist-sample', 'olist_order_reviews_dataset.csv.gz');

const rows = (bytes: Buffer): Record<string, string>[] => parse(bytes, { columns: true });
/** The share of texts that are taken for what is expected. */
function share(texts: string[], expected: string | undefined): number {
  const known = texts.map(normalise).filter((text) => /\p{L}/u.test(text));
  expect(known.length).toBeGreaterThan(800);
  return known.filter((text) => detectLanguage(text) === expected).length / known.length;
}

describe('detectLanguage', () => {
  it.each([
    ['where is my order', 'en'],
    ['roll die', 'en'],
    ['ok', 'en'],
    ['refund {{Order Number}} <email> SO-123', 'en'],
    ['为什么这个商品没有配送选项?', 'zh'],
    ['我的iPhone 13 Pro Max到了吗', 'zh'],
    ['退', 'zh'],
    ['改<address><phone>', 'zh'],
    ['查SF1234567890123 JD-123', 'zh'],
    ['<email> SO-123/45', undefined],
    ['\u{20000}\u{20001}', 'zh'],
    ['please send it to 北京', 'en'],
    ['Où est ma commande, je ne comprends pas', undefined],
    ['Wo bleibt meine Bestellung, ich warte seit zwei Wochen', undefined],
    ['¿Dónde está mi pedido? Lo necesito hoy', undefined],
    ['注文した商品はどこですか', undefined],
    ['私の注文', undefined],
    ['주문이 어디에 있나요', undefined],
    ['Где мой заказ', undefined],
    ['שלום איפה ההזמנה שלי', undefined],
    ['أين طلبي', undefined],
    ['', undefined],
    ['12345 !!', undefined],
    ['\u{1f600}\u{1f621}', undefined],
  ])('%j: %s', (text, expected) => {
    expect(detectLanguage(text)).toBe(expected);
  });

  it('never throws and always says the same', () => {
    fc.assert(fc.property(fc.oneof(anyString, anyText), (text) => {
      expect(['en', 'zh', undefined]).toContain(detectLanguage(text));
      expect(detectLanguage(text)).toBe(detectLanguage(text));
    }), { numRuns: 1000 });
  });

  it.skipIf(bitext.missing || clinc.missing)('refuses no English of customers', () => {
    const customers = rows(readFileSync(bitext.file)).map(({ utterance }) => utterance);
    const { test, oos_test } = JSON.parse(gunzipSync(readFileSync(clinc.file)).toString()) as Record<string, [string, string][]>;
    const [support, general] = [share(customers, 'en'), share([...test, ...oos_test].map(([text]) => text), 'en')];
    console.log(`English taken for English: bitext ${support.toFixed(4)}, clinc150 ${general.toFixed(4)}`);
    expect(support).toBeGreaterThanOrEqual(0.995);
    expect(general).toBeGreaterThanOrEqual(0.999);
  });

  // The bounds of language.ts were chosen on the training parts of the two above and on these Portuguese texts.
  it.skipIf(reviews.missing || olist.missing)('knows Chinese, and Portuguese as neither', () => {
    const chinese = share(rows(readFileSync(reviews.file)).map(({ review }) => review), 'zh');
    const portuguese = share(rows(gunzipSync(readFileSync(olist.file))).map(({ review_comment_message }) => review_comment_message ?? ''), undefined);
    console.log(`Chinese taken for Chinese ${chinese.toFixed(4)}, Portuguese for neither ${portuguese.toFixed(4)}`);
    expect(chinese).toBeGreaterThanOrEqual(0.99);
    expect(portuguese).toBeGreaterThanOrEqual(0.9);
  });
});
