/**
 * Payment cards: 13 to 19 digits whose last is the check digit (ISO/IEC 7812-1).
 *
 * One number in ten has a valid check digit by chance, so it takes more: an issuer's prefix with its length, the groups that are
 * embossed on cards, or a word before it that says so. A bare number after "order" is none.
 */
import type { Found } from './mask.js';
import type { Window } from './numbers.js';

/** Prefixes and lengths of networks. Source: their public ranges as of 2026 (Visa, Mastercard, Amex, UnionPay, Discover, JCB, Diners, Maestro, Mir). */
const networks = [
  /^4(?:\d{12}|\d{15}|\d{18})$/,
  /^(?:5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12})$/,
  /^3[47]\d{13}$/,
  /^62\d{14,17}$/,
  /^(?:6011|64[4-9]\d|65\d\d)\d{12,15}$/,
  /^35(?:2[89]|[3-8]\d)\d{12,15}$/,
  /^3(?:0[0-5]|09|[689]\d)\d{11,16}$/,
  /^(?:5018|5020|5038|5893|6304|6759|676[1-3])\d{9,15}$/,
  /^220[0-4]\d{12}$/,
];
const embossed = /^(?:4-4-4-4(?:-[1-3])?|4-6-5|4-6-4|6-13|4-4-4-1)$/;

export function isCard({ digits, shape, whole, subject }: Window): boolean {
  if (digits.length < 13 || !hasLuhn(digits)) return false;
  if (embossed.test(shape()) || subject() === 'card') return true;
  if (!networks.some((network) => network.test(digits))) return false;
  return shape().includes('-') ? whole : subject() !== 'order';
}

/** The code on the back, after a word that says so: it may not be kept at all (PCI DSS 3.3). */
const securityCode = /(?<![A-Za-z])(?:cvv2?|cvc2?|cvn2?|csc|security code|安全码|校验码|后三位)(?: (?:is|was)|是|为)?[ :=#-]{0,3}(\d{3,4})(?!\d)/gi;

export function findSecurityCodes(text: string): Found[] {
  return Array.from(text.matchAll(securityCode), ({ 0: phrase, 1: code, index }) => ({ kind: 'card', start: index + phrase.length - code.length, end: index + phrase.length }));
}

/**
 * Every second digit from the right doubled, the sum of all digits a multiple of ten; a number of one digit repeated is nobody's card.
 * Source: Luhn 1960, US patent 2,950,048.  Worked: 4111111111111111 -> 30, valid
 */
export function hasLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - i) - 48;
    const doubled = i % 2 === 1 ? 2 * digit : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0 && digits !== digits[0].repeat(digits.length);
}
