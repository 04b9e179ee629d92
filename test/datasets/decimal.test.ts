import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseInteger, scaled } from '../../datasets/decimal.js';
import { parseWallTime } from '../../datasets/wall-time.js';

/** The same in whole numbers of any size. */
function naive(negative: boolean, whole: string, fraction: string, places: number, quantity: number): bigint {
  const scale = 10n ** 30n;
  const value = BigInt(whole) * scale + BigInt(fraction.padEnd(30, '0'));
  const exact = value * BigInt(quantity) * 10n ** BigInt(places);
  const size = exact < 0n ? -exact : exact;
  const rounded = (size + scale / 2n) / scale;
  return negative !== exact < 0n ? -rounded : rounded;
}

describe('scaled', () => {
  it.each([
    ['2.55', 2, 6, 1530],
    ['0.001', 2, 1, 0],
    ['0.005', 2, 1, 1],
    ['-0.005', 2, 1, -1],
    ['1.005', 2, 1, 101],
    ['-11062.06', 2, 1, -1_106_206],
    ['7', 2, 1, 700],
    ['7.', 2, 1, 700],
    ['-0', 2, 1, 0],
    ['1396766998.728', 3, 1, 1_396_766_998_728],
  ])('%s in units of 10^-%i, times %i', (text, places, quantity, expected) => expect(scaled(text, places, quantity)).toBe(expected));

  it.each(['', ' 1', '1,5', '1e3', '.5', 'NaN', '0x10', '--1', '1.2.3'])('"%s" is no decimal', (text) => expect(scaled(text, 2)).toBeNaN());

  it('equals whole numbers of any size', () => {
    const digits = (max: number) => fc.integer({ min: 1, max }).chain((n) => fc.string({ unit: fc.constantFrom(...'0123456789'), minLength: n, maxLength: n }));
    fc.assert(
      fc.property(fc.boolean(), digits(18), fc.option(digits(20)), fc.constantFrom(2, 3), fc.integer({ min: -1_000_000, max: 1_000_000 }), (negative, whole, fraction, places, quantity) => {
        const text = `${negative ? '-' : ''}${whole}${fraction === null ? '' : `.${fraction}`}`;
        expect(scaled(text, places, quantity)).toBe(Number(naive(negative, whole, fraction ?? '', places, quantity)));
      }),
      { numRuns: 2000 },
    );
  });
});

it('parseInteger takes whole numbers alone', () => {
  expect(['0', '-5', '42'].map(parseInteger)).toEqual([0, -5, 42]);
  for (const text of ['', '1.0', '1e3', ' 1', '0x1']) expect(parseInteger(text)).toBeNaN();
});

describe('parseWallTime', () => {
  it('reads a time as UTC', () => {
    expect(parseWallTime('2012-02-29 23:59:59')).toBe(Date.UTC(2012, 1, 29, 23, 59, 59));
    expect(parseWallTime('2010-12-01 08:26')).toBe(Date.UTC(2010, 11, 1, 8, 26));
  });

  it.each(['', '2011-02-29 00:00:00', '2010-13-01 00:00:00', '2010-00-01 00:00:00', '2010-12-01 24:00:00', '2010-12-01 00:60:00', '2010-12-01 00:00:60', '12/1/2010 8:26', '2010-12-01'])(
    '"%s" is no time',
    (text) => expect(parseWallTime(text)).toBeNaN(),
  );
});
