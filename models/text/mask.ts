/**
 * Personal data out of a text, before anything is stored, logged or learned from.
 *
 *   "电话138-0013-8000, mail to ann@example.com"   ->   "电话<phone>, mail to <email>"
 *
 * Finders look for what each kind must have (a check digit, a known prefix, an @) in one pass with bounded look-around, so the time
 * is linear in the text; where the form alone does not tell a phone number from an order number, the nearest word before it does
 * (context.ts). In doubt: a value with a valid check digit is masked, a bare number after "order" is not.
 *
 * What it does not find: names; numbers without form or word; streets that are neither Chinese nor of the English kind.
 */
import { findAddresses } from './addresses.js';
import { findEmails } from './emails.js';
import { findNumbers } from './numbers.js';

export type PersonalKind = 'email' | 'phone' | 'card' | 'national_id' | 'address';

/** Offsets into the text that was searched. */
export interface Found {
  kind: PersonalKind;
  start: number;
  end: number;
}

export interface Masked {
  /** with `<email>`, `<phone>`, `<card>`, `<national_id>`, `<address>` in place of what was found */
  text: string;
  /** in order, without overlap; offsets into the text that was given, not into the masked one */
  found: Found[];
}

/** @param normalised  what normalise() gave: full-width digits folded, nothing invisible. Any string is taken, none throws */
export function mask(normalised: string): Masked {
  const found = disjoint([findEmails(normalised), findNumbers(normalised), findAddresses(normalised)]);
  if (found.length === 0) return { text: normalised, found };
  let text = '';
  let at = 0;
  for (const { kind, start, end } of found) {
    text += `${normalised.slice(at, start)}<${kind}>`;
    at = end;
  }
  return { text: text + normalised.slice(at), found };
}

/** The lists are by rank: where two overlap, both are covered and the kind is that of the earlier list. */
function disjoint(lists: Found[][]): Found[] {
  const all = lists.flatMap((list, rank) => list.map((found) => ({ ...found, rank }))).sort((a, b) => a.start - b.start || a.rank - b.rank);
  const out: (Found & { rank: number })[] = [];
  for (const found of all) {
    const last = out.at(-1);
    if (last === undefined || found.start >= last.end) {
      out.push(found);
      continue;
    }
    if (found.rank < last.rank) [last.kind, last.rank] = [found.kind, found.rank];
    last.end = Math.max(last.end, found.end);
  }
  return out.map(({ kind, start, end }) => ({ kind, start, end }));
}
