/**
 * Payment cards, national ids and phone numbers.
 *
 *   "call +1 (202) 555-0143, card 4111 1111 1111 1111"
 *          chain: 1|202|555|0143        chain: 4111|1111|1111|1111
 *
 * Digits stand in groups, and groups that only blanks, dashes, dots or brackets part form a chain. Every run of up to seven
 * groups of a chain, and a short chain as a whole, with 7 to 19 digits (a window) is looked at, cards first: linear. Dates and
 * decimals part chains; what hangs on letters is a code (SO-202-555-0143).
 */
import { isAmount, isPhoneAfter, subjectBefore, type Subject } from './context.js';
import { findSecurityCodes, isCard } from './cards.js';
import type { Found, PersonalKind } from './mask.js';
import { findLetteredIds, nationalIdEnd } from './national-ids.js';
import { createValidator, findSpelled, isPhone } from './phones.js';

const digitsMax = 19;
const digitsMin = 7;
/** Numbers are written in so many groups: +33 6 12 34 56 78 in six. */
const groupsMax = 7;

/** A run of groups of one chain. What costs more than a glance is asked for. */
export interface Window {
  text: string;
  /** the digits alone */
  digits: string;
  /** with a bracket or a plus before the first digit */
  start: number;
  end: number;
  /** it begins and ends where its chain does */
  whole: boolean;
  /** a + stands before it */
  plus: boolean;
  /** lengths of the groups: "3-4-4" */
  shape: () => string;
  /** what the words before it say */
  subject: () => Subject | undefined;
  /** whether the words behind it say that it is a phone's */
  isPhoneAfter: () => boolean;
  /** at most a few hundred times a text, as it is slow; then every number counts as valid */
  isValid: (number: string, country?: 'GB' | 'CN') => boolean;
}

interface Group {
  start: number;
  end: number;
}

/** What may stand within a number: one or two of these with blanks. */
const gap = /^(?: ?[-.()_·\u2010-\u2015\u2212] ?){1,2}$|^ $/;
/** Dates, times and decimals are no part of a number. */
const notNumber = /(?<![\d])(?:(?:19|20)\d{2}([-./])\d{1,2}\1\d{1,2}|\d{1,2}([-./])\d{1,2}\2(?:19|20)\d{2}|\d{1,2}:\d{2}(?::\d{2})?|\d+\.\d{1,2}(?=[^\d.]|$|\.(?!\d))(?! \d{1,2}\.\d{4}(?!\d)))(?![\d])/g;

export function findNumbers(text: string): Found[] {
  const found: Found[] = [];
  const isValid = createValidator();
  for (const chain of chains(text)) {
    const windows = windowsOf(text, chain, isValid);
    const taken = new Uint8Array(chain.length);
    for (const [kind, finder] of finders) scan(chain, windows, taken, kind, finder, found);
  }
  return [...found, ...findSecurityCodes(text), ...findLetteredIds(text), ...findSpelled(text)];
}

/** What a window is the value of: where that ends (a Chinese id may have an X after its digits), or undefined. */
type Finder = (window: Window) => number | undefined;

const finders: [PersonalKind, Finder][] = [
  ['card', (window) => (isCard(window) ? window.end : undefined)],
  ['national_id', nationalIdEnd],
  ['phone', (window) => (isPhone(window) ? window.end : undefined)],
];

/** The longest window from each group on, left to right, without groups that are taken. */
function scan(chain: Group[], windows: (i: number, j: number) => Window | undefined, taken: Uint8Array, kind: PersonalKind, finder: Finder, found: Found[]): void {
  for (let i = 0; i < chain.length; i += 1) {
    const isShort = i === 0 && chain.length <= digitsMax;
    let last = i;
    for (let digits = 0; last < chain.length && taken[last] === 0 && (isShort || last < i + groupsMax); last += 1) {
      digits += chain[last].end - chain[last].start;
      if (digits > digitsMax) break;
    }
    for (let j = last - 1; j >= i; j -= 1) {
      if (j >= i + groupsMax && j < chain.length - 1) continue;
      const window = windows(i, j);
      const end = window && finder(window);
      if (end === undefined || !window || isCodeAfter(window.text, window.end) || isAmount(window.text, chain[i].start, window.end)) continue;
      taken.fill(1, i, j + 1);
      found.push({ kind, start: window.start, end });
      i = j;
      break;
    }
  }
}

/** Windows of a chain from group i to j; undefined where there are too few digits. */
function windowsOf(text: string, chain: Group[], isValid: Window['isValid']): (i: number, j: number) => Window | undefined {
  const subjects: (Subject | undefined)[] = [];
  return (i, j) => {
    let digits = '';
    for (let k = i; k <= j; k += 1) digits += text.slice(chain[k].start, chain[k].end);
    if (digits.length < digitsMin) return undefined;
    let { start } = chain[i];
    const { end } = chain[j];
    if (text[start - 1] === '(' && text.slice(start, end).includes(')')) start -= 1;
    const plus = text[start - 1] === '+';
    if (plus) start -= 1;
    return {
      text, digits, start, end, plus, isValid,
      whole: i === 0 && j === chain.length - 1,
      shape: () => chain.slice(i, j + 1).map((group) => group.end - group.start).join('-'),
      subject: () => {
        if (!(i in subjects)) subjects[i] = subjectBefore(text, start);
        return subjects[i];
      },
      isPhoneAfter: () => isPhoneAfter(text, end),
    };
  };
}

/** SO13800138000, SO-138..: letters before a number make it a code, unless they say what it is (tel138..). */
function isCodeBefore(text: string, start: number): boolean {
  const letters = /([A-Za-z]+)[-/_]?$/.exec(text.slice(Math.max(0, start - 12), start));
  if (!letters) return text[start - 1] === '_' || text[start - 1] === '/';
  return !/^(?:tel|telephone|phone|ph|mobile|mob|cell|call|card|visa|fax|no|t|m|p)$/i.test(letters[1]);
}

/** 138..ab, 138..-AB; an X may be a Chinese id's check digit, and "x12" or "ext" an extension. */
function isCodeAfter(text: string, end: number): boolean {
  return /^(?:[-/]?(?!ext|x\d)[A-WYZ_a-wyz]|[-/]?[xX][A-Za-z])/.test(text.slice(end, end + 5));
}

/** What joins the groups of a code: SO-123-4567. */
const tight = /^[-/._]$/;

function* chains(text: string): Generator<Group[]> {
  const excluded = Array.from(text.matchAll(notNumber), (found) => ({ start: found.index, end: found.index + found[0].length }));
  let chain: Group[] = [];
  let skip = 0;
  let codeEnd = -1;
  for (const found of text.matchAll(/\d+/g)) {
    const group = { start: found.index, end: found.index + found[0].length };
    while (skip < excluded.length && excluded[skip].end <= group.start) skip += 1;
    const isCode = isCodeBefore(text, group.start) || (codeEnd >= 0 && group.start === codeEnd + 1 && tight.test(text[codeEnd]));
    if (isCode) codeEnd = group.end;
    const isExcluded = isCode || (skip < excluded.length && excluded[skip].start <= group.start);
    const joins = chain.length > 0 && group.start - chain[chain.length - 1].end <= 6 && gap.test(text.slice(chain[chain.length - 1].end, group.start));
    if (chain.length > 0 && (isExcluded || !joins || text[group.start - 1] === '+')) {
      yield chain;
      chain = [];
    }
    if (!isExcluded) chain.push(group);
  }
  if (chain.length > 0) yield chain;
}
