/**
 * National ids: China (18 with check digit; 15 after a word), USA (SSN and ITIN), United Kingdom (NINO), Hong Kong, Taiwan, and
 * passports after a word.
 */
import { subjectBefore } from './context.js';
import type { Found } from './mask.js';
import type { Window } from './numbers.js';

/** First two digits of a Chinese id: the province. Source: GB/T 2260. */
const provinces = /^(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91)/;
const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/** Where the id ends that begins with the window, or undefined. */
export function nationalIdEnd({ text, digits, shape, end, subject }: Window): number | undefined {
  if (digits.length === 18) return isChineseId(digits) || (isRegionAndDate(digits) && subject() === 'id') ? end : undefined; // said to be one, with a slip
  if (digits.length === 17) {
    const x = /^[ -]?[xX](?![A-Za-z0-9])/.exec(text.slice(end, end + 3));
    return x && isChineseId(`${digits}X`) ? end + x[0].length : undefined;
  }
  if (digits.length === 15) return provinces.test(digits) && isDate(`19${digits.slice(6, 12)}`) && subject() === 'id' ? end : undefined;
  return digits.length === 9 && isSsn(digits) && (shape() === '3-2-4' || subject() === 'id') ? end : undefined;
}

/**
 * Six digits of region, eight of birth, three of order, and a check digit with which the weighted sum is 1 modulo 11, 10 written X.
 * Source: GB 11643-1999.  Worked: 11010519491231002X
 */
export function isChineseId(id: string): boolean {
  if (!isRegionAndDate(id)) return false;
  const sum = weights.reduce((total, weight, i) => total + weight * (id.charCodeAt(i) - 48), 0);
  return '10X98765432'[sum % 11] === id[17];
}

const isRegionAndDate = (id: string): boolean => provinces.test(id) && isDate(id.slice(6, 14));

function isDate(yyyymmdd: string): boolean {
  const [year, month, day] = [Number(yyyymmdd.slice(0, 4)), Number(yyyymmdd.slice(4, 6)), Number(yyyymmdd.slice(6))];
  return year >= 1900 && year < 2100 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/** Area, group and serial that are given out: not 000, 666 or 9xx, but 9xx with a group of the taxpayers' ids. Source: SSA, since 2011; IRS for ITIN. */
function isSsn(digits: string): boolean {
  return /^(?!000|666|9\d\d)\d{3}(?!00)\d\d(?!0000)\d{4}$|^9\d\d(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])\d{4}$/.test(digits);
}

/** GB: two letters, six digits, a letter A to D | HK: A123456(3) | TW: A123456789 | a passport. */
const lettered = /(?<![A-Za-z0-9_/-])(?:([A-Za-z]{2}[ -]?\d{2}[ -]?\d{2}[ -]?\d{2}[ -]?[A-Da-d])|([A-Za-z]{1,2}\d{6} ?\([0-9Aa]\))|([A-Za-z][1289]\d{8})|([A-Za-z]{1,2}\d{7,8}))(?![A-Za-z0-9_-])/g;

export function findLetteredIds(text: string): Found[] {
  const found: Found[] = [];
  for (const match of text.matchAll(lettered)) {
    const [value, gb, hk, tw, passport] = match;
    const subject = subjectBefore(text, match.index);
    const isId = gb !== undefined ? isNino(gb) && (subject !== 'order' || gb.includes(' '))
      : hk !== undefined ? hasHongKongCheck(hk)
        : tw !== undefined ? subject === 'id' || (hasTaiwanCheck(tw) && subject !== 'order')
          : passport !== undefined && subject === 'id';
    if (isId) found.push({ kind: 'national_id', start: match.index, end: match.index + value.length });
  }
  return found;
}

/** Source: HMRC NIM39110. QQ 12 34 56 C is what forms give as the example. */
function isNino(value: string): boolean {
  return /^(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]|^QQ /i.test(value);
}

/** Weights 9 to 1, a missing first letter counts 36, A is 10; the sum with the check digit (A: 10) is a multiple of 11.  Worked: A123456(3) */
function hasHongKongCheck(value: string): boolean {
  const plain = value.toUpperCase().replace(/[^A-Z0-9]/g, '').padStart(9, ' ');
  let sum = 0;
  for (let i = 0; i < 9; i += 1) {
    const code = plain.charCodeAt(i);
    const worth = plain[i] === ' ' ? 36 : code >= 65 ? code - 55 : code - 48;
    sum += worth * (9 - i);
  }
  return sum % 11 === 0;
}

/** The letter's number, its tens once and its ones nine times, then weights 8 to 1 and 1: a multiple of 10.  Worked: A123456789 */
function hasTaiwanCheck(value: string): boolean {
  const letter = 10 + 'ABCDEFGHJKLMNPQRSTUVXYWZIO'.indexOf(value[0].toUpperCase());
  let sum = Math.floor(letter / 10) + 9 * (letter % 10);
  for (let i = 1; i < 10; i += 1) sum += (value.charCodeAt(i) - 48) * Math.max(1, 9 - i);
  return sum % 10 === 0;
}
