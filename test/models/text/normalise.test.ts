import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalise, textMax } from '../../../models/text/normalise.js';
import { anyString } from '../../support/any-string.js';


describe('normalise', () => {
  it.each([
    ['１３８\u200b0013\n8000，ﬁne  e\u0301', '1380013 8000,fine \u00e9'],
    ['\ud800broken\udc00 \ud83d\ude00', 'broken \ud83d\ude00'],
    ['a\0b\u0007\tc\u0085d', 'ab c d'],
    ['\u0661\u0662\u0663 \u096b \u06f0', '123 5 0'],
    ['1\ufe0f\u20e33\ufe0f\u20e38\ufe0f\u20e3', '138'],
    ['\u202e12\u2066\ufeff34\u00ad', '1234'],
    ['\u2460\u00a0\u3000\u2461', '1 2'],
    ['', ''],
    [' \r\n\t ', ''],
  ])('%j -> %j', (text, expected) => {
    expect(normalise(text)).toBe(expected);
  });

  it('gives every decimal digit its value', () => {
    let count = 0;
    for (let code = 0, expected = 0; code < 0x110000; code += 1) {
      if (code >= 0xd800 && code < 0xe000) continue;
      const character = String.fromCodePoint(code);
      if (!/\p{Nd}/u.test(character)) continue;
      expect(`${code.toString(16)} ${normalise(character)}`).toBe(`${code.toString(16)} ${expected}`);
      expected = (expected + 1) % 10; // they come in tens, 0 to 9
      count += 1;
    }
    expect(count).toBeGreaterThan(600);
  });

  it('keeps at most the bound, cut at a space or at least not within a character', () => {
    expect(normalise('a'.repeat(100_000))).toHaveLength(textMax);
    expect(normalise('\u{1f600}'.repeat(50_000))).toBe('\u{1f600}'.repeat(textMax / 2));
    expect(normalise(`a${'\u{1f600}'.repeat(50_000)}`)).toHaveLength(textMax - 1);
    expect(normalise(`${'x'.repeat(textMax - 5)} 13800138000`)).toBe('x'.repeat(textMax - 5));
    expect(normalise('\ufdfa'.repeat(20_000)).length).toBeLessThanOrEqual(textMax);
    expect(normalise(`a${'\u0301\u0323'.repeat(50_000)}`).length).toBeLessThanOrEqual(5); // 100,000 marks take two seconds to put in order
  });

  it('is idempotent, and what it gives is well-formed, whatever comes in', () => {
    fc.assert(fc.property(anyString, (text) => {
      const once = normalise(text);
      expect(normalise(once)).toBe(once);
      expect(once.normalize('NFKC')).toBe(once);
      expect(once).not.toMatch(/\p{Cc}|\p{Cf}|\p{Cs}|\p{Me}|\s\s|^\s|\s$|[^\S ]/u);
    }), { numRuns: 2000 });
  });
});
