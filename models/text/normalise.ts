/**
 * One form for what customers type: what looks the same is the same, and nothing hides between the letters.
 *
 *   in   "１３８\u200b0013\n8000，ﬁne  e\u0301"        out   "1380013 8000,fine é"
 *
 * In order: cut to the bound | drop broken surrogates, control, format and invisible characters, enclosing marks | at most 4
 * marks on a letter | NFKC (full-width forms, ligatures, circled digits) | decimal digits of any script to ASCII | white
 * space to single spaces. Joiners are dropped too, so a family emoji becomes its members.
 */
import { limits } from '../../schemas/limits.js';

/** Characters that come out at most, and that are looked at: a ticket cannot be longer. */
export const textMax = limits.textLengthMax;
/** A cut goes back to a space within this many characters, so that it does not leave half an address for the mask to miss. */
const cutBackMax = 100;

/** White space among the control characters stays, to become a space. A class of its own, as a lone surrogate is only seen so with `u`. */
const dropped = /[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cs}\p{Me}]|(?![\t-\r\x85])\p{Cc}/gu;
/** Normalising a run of n marks takes n^2 steps; Vietnamese and vocalised Hebrew need three. */
const marks = /(\p{M}{4})\p{M}+/gu;
const otherDigit = /(?![0-9])\p{Nd}/gu;
const plain = /^[\x20-\x7e]*$/;

export function normalise(text: string): string {
  let out = cut(text);
  if (!plain.test(out)) {
    // Dropping may bring a mark to its letter, and composing may bring forth what is dropped (U+FFA0): again until nothing changes.
    for (let before = ''; out !== before;) {
      before = out;
      out = cut(out.replace(dropped, '').replace(marks, '$1').normalize('NFKC').replace(otherDigit, toAscii));
    }
  }
  return out.replace(/[\s\x85]+/g, ' ').trim();
}

/** At most `textMax` code units, not in the middle of a character, and at a space if one is near. */
function cut(text: string): string {
  if (text.length <= textMax) return text;
  const space = text.slice(textMax - cutBackMax, textMax + 1).search(/\s\S*$/);
  if (space >= 0) return text.slice(0, textMax - cutBackMax + space);
  const broken = (text.charCodeAt(textMax - 1) & 0xfc00) === 0xd800;
  return text.slice(0, broken ? textMax - 1 : textMax);
}

/** Decimal digits lie in tens, 0 to 9, one ten after the other or apart: as far from the first of them as the digit is, it is worth. Worked: U+0663 -> 3 */
function toAscii(digit: string): string {
  const code = digit.codePointAt(0) as number;
  let first = code;
  while (/\p{Nd}/u.test(String.fromCodePoint(first - 1))) first -= 1;
  return String((code - first) % 10);
}
