import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalise } from '../../../models/text/normalise.js';
import { partsOfSpeech, taggedMax } from '../../../models/text/parts-of-speech.js';
import { stopWords } from '../../../models/text/stop-words.js';
import { tokenise } from '../../../models/text/tokenise.js';
import type { Language } from '../../../models/text/language.js';
import { anyString, anyText } from '../../support/any-string.js';

const words = (text: string, language: Language): string => tokenise(text, language).map((token) => token.text).join(' | ');
const tagged = (text: string, language: Language): string => {
  const tokens = tokenise(text, language);
  const tags = partsOfSpeech(tokens, language);
  return tokens.map((token, i) => `${token.text}/${tags[i]}`).join(' ');
};

describe('tokenise', () => {
  it.each([
    ["I can't find SO-123/45, $12.50!", "i | ca | n't | find | so-123/45 | $12.50 | !"],
    ['Cancel {{Order Number}} for <email>??', 'cancel | {{order number}} | for | <email> | ?'],
    ["we've got John's T-shirt, cannot wait", "we | 've | got | john | 's | t | shirt | can | not | wait"],
    ['on 2026-05-01 at 10:30, 1,299.00 or 50% off', 'on | 2026-05-01 | at | 10:30 | 1,299.00 | or | 50% | off'],
    ['see https://shop.example/a?b=1 and/or 1Z999AA10123456784.', 'see | https://shop.example/a?b=1 | and | or | 1z999aa10123456784'],
    ['done.next 5.5kg', 'done | next | 5.5kg'],
    ['ok \u{1f600}\u{1f600}', 'ok | \u{1f600} | \u{1f600}'],
    ['', ''],
  ])('English: %j', (text, expected) => {
    expect(words(text, 'en')).toBe(expected);
  });

  it.each([
    ['为什么这个商品没有配送选项?', '为什么 | 这个 | 商品 | 没有 | 配送 | 选项 | ?'],
    ['订单SO-123的T恤,12.50元', '订单 | so-123 | 的 | t恤 | 12.50 | 元'],
    ['iPhone手机[数字x]天', 'iphone | 手机 | [数字x] | 天'],
  ])('Chinese: %j', (text, expected) => {
    expect(words(text, 'zh')).toBe(expected);
  });

  it('tells where each token stands, in any string, in order and without overlap', () => {
    fc.assert(fc.property(fc.oneof(anyString, anyText), fc.constantFrom('en' as const, 'zh' as const), (text, language) => {
      let last = 0;
      for (const token of tokenise(text, language)) {
        expect(token.start).toBeGreaterThanOrEqual(last);
        expect(token.end).toBeGreaterThan(token.start);
        expect(text.slice(token.start, token.end).toLowerCase()).toBe(token.text);
        last = token.end;
      }
      expect(last).toBeLessThanOrEqual(text.length);
    }), { numRuns: 2000 });
  });

  it('loses no letter and no digit of a normalised text', () => {
    fc.assert(fc.property(fc.oneof(anyString, anyText), fc.constantFrom('en' as const, 'zh' as const), (any, language) => {
      const text = normalise(any);
      const covered = new Set(tokenise(text, language).flatMap(({ start, end }) => Array.from({ length: end - start }, (_, i) => start + i)));
      for (const found of text.matchAll(/[\p{L}\p{N}]/gu)) expect(covered.has(found.index)).toBe(true);
    }), { numRuns: 2000 });
  });

  it('finds the words that Intl.Segmenter finds, in plain English', () => {
    const segmenter = new Intl.Segmenter('en', { granularity: 'word' });
    const plain = fc.array(fc.constantFrom('where', 'is', 'my', 'order', 'Refund', 'please', 'naïve', 'café', '12', '3.5', '1,000', 'and', 'A4', ',', '.', ';', '-', '(', ')', '/'), { maxLength: 20 }).map((parts) => parts.join(' '));
    fc.assert(fc.property(plain, (text) => {
      const expected = [...segmenter.segment(text)].filter(({ isWordLike }) => isWordLike).map(({ segment }) => segment.toLowerCase());
      expect(tokenise(text, 'en').map((token) => token.text)).toEqual(expected);
    }));
  });

  it('cuts a word without end into bounded pieces', () => {
    const tokens = tokenise('a'.repeat(20_000), 'en');
    expect(tokens).toHaveLength(Math.ceil(20_000 / 64));
    expect(tokenise('ก'.repeat(20_000), 'en').every(({ start, end }) => end - start <= 64)).toBe(true);
  });
});

describe('partsOfSpeech', () => {
  it.each([
    ["I can't find my order SO-123/45.", "i/PRON ca/AUX n't/PART find/VERB my/PRON order/NOUN so-123/45/NOUN"],
    ['please cancel the last invoice of <person>!', 'please/INTJ cancel/VERB the/DET last/ADJ invoice/NOUN of/ADP <person>/PROPN !/PUNCT'],
    ["where's John's refund of $12.50", "where/ADV 's/AUX john/PROPN 's/PART refund/NOUN of/ADP $12.50/NUM"],
    ['the quickly delivered parcel and two cups', 'the/DET quickly/ADV delivered/VERB parcel/NOUN and/CCONJ two/NUM cups/NOUN'],
  ])('English: %j', (text, expected) => {
    expect(tagged(text, 'en')).toBe(expected);
  });

  it.each([
    ['为什么这个商品没有配送选项?', '为什么/PRON 这个/DET 商品/NOUN 没有/VERB 配送/VERB 选项/NOUN ?/PUNCT'],
    ['我能退款吗', '我/PRON 能/AUX 退款/VERB 吗/PART'],
    ['3件T恤都太大了', '3/NUM 件/NOUN t恤/X 都/ADV 太/ADV 大/ADJ 了/AUX'],
  ])('Chinese: %j', (text, expected) => {
    expect(tagged(text, 'zh')).toBe(expected);
  });

  it('gives each token one of the seventeen, whatever the text', () => {
    const universal = /^(?:ADJ|ADP|ADV|AUX|CCONJ|DET|INTJ|NOUN|NUM|PART|PRON|PROPN|PUNCT|SCONJ|SYM|VERB|X)$/;
    fc.assert(fc.property(fc.oneof(anyString, anyText), fc.constantFrom('en' as const, 'zh' as const), (text, language) => {
      const tokens = tokenise(text, language);
      const tags = partsOfSpeech(tokens, language);
      expect(tags).toHaveLength(tokens.length);
      for (const tag of tags) expect(tag).toMatch(universal);
    }), { numRuns: 300 });
  });

  it('tags a bounded number of tokens and marks the rest as other', () => {
    const tokens = tokenise('good news '.repeat(2000), 'en');
    const tags = partsOfSpeech(tokens, 'en');
    expect(tags.slice(0, taggedMax).includes('X')).toBe(false);
    expect(new Set(tags.slice(taggedMax))).toEqual(new Set(['X']));
    expect(tags).toHaveLength(4000);
  });
});

describe('stopWords', () => {
  it('leaves what an intent hangs on', () => {
    const keep = (text: string, language: Language): string => tokenise(text, language).map((token) => token.text).filter((word) => !stopWords(language).has(word)).join(' ');
    expect(keep("why can't I return the kettle, it's not broken", 'en')).toBe("why ca n't return kettle not broken");
    expect(keep('我的订单为什么不能退货呢', 'zh')).toBe('订单 为什么 不能 退货 呢');
  });
});
