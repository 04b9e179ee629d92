/**
 * E-mail addresses, found from their @ outwards.
 *
 *   local part  letters of Latin scripts, digits, . _ % + ' -   or up to 10 Han     at most 64 (RFC 5321, 4.5.3.1)
 *   domain      labels with dots, the last of letters           at most 255
 *
 * A line break leaves a space, which is passed over around the @ and, before a well-known last label, around a dot. "(at)", "[dot]", 艾特 and 点 are read as what they stand for, and "@qq" without its .com as what was meant.
 */
import type { Found } from './mask.js';

const localMax = 64;
const hanMax = 10;
const domainMax = 255;
const local = /[A-Za-z0-9\u00c0-\u024f._%+'-]/;
const han = /\p{Script=Han}/u;
const at = /@|艾特|[([{<] ?at ?[)\]}>]/gi;

const known = '(?:com|net|org|cn|io|co|edu|gov|uk|de|fr|info|biz|me|app|shop|store|us|ca|au|jp|hk|tw|eu)';
const dot = String.raw`(?:\.|点|[(\[{] ?dot ?[)\]}])`;
const label = String.raw`[\p{L}\p{N}](?:[\p{L}\p{N}-]{0,61}[\p{L}\p{N}])?`;
const asciiLabel = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
/** ann@example.co.uk | ann@exam ple.com, ann@example . com | ann@qq */
const domain = [
  new RegExp(`^ ?(?:${asciiLabel}${dot}){1,8}(?:[A-Za-z]{2,63}|xn--[A-Za-z0-9-]{1,59})(?![A-Za-z0-9])`, 'i'),
  new RegExp(`^ ?(?:${asciiLabel} ?${dot} ?){1,8}${known}(?![A-Za-z0-9])`, 'i'),
  new RegExp(`^ ?[A-Za-z0-9-]{1,63} (?:${asciiLabel}${dot}){1,3}${known}(?![A-Za-z0-9])`, 'i'),
  new RegExp(`^ ?(?:${label}\\.){1,4}(?:中国|中國|公司|网络|网址|商城|中文网|在线|[a-z]{2,63})(?![a-z])`, 'iu'),
  /^ ?(?:qq|163|126|gmail|hotmail|outlook|yahoo|sina|foxmail|icloud)(?![A-Za-z0-9])/i,
];

export function findEmails(text: string): Found[] {
  const found: Found[] = [];
  for (const sign of text.matchAll(at)) {
    const start = localStart(text, sign.index);
    if (start === undefined) continue;
    const from = sign.index + sign[0].length;
    const rest = text.slice(from, from + domainMax);
    const length = domain.reduce((longest, shape) => Math.max(longest, shape.exec(rest)?.[0].length ?? 0), 0);
    if (length > 0 && start >= (found.at(-1)?.end ?? 0)) found.push({ kind: 'email', start, end: from + length });
  }
  return found;
}

/** Where the local part before the @ begins; undefined where there is none. */
function localStart(text: string, sign: number): number | undefined {
  let end = sign;
  if (text[end - 1] === ' ') end -= 1;
  let start = back(text, end, local, localMax);
  if (start === end) start = back(text, end, han, hanMax);
  if (start === end) return undefined;
  // "john.\ndoe@": what ends in a joiner, before a space, goes on.
  if (text[start - 1] === ' ' && /[\w][._+-]$/.test(text.slice(Math.max(0, start - 3), start - 1))) start = back(text, start - 1, local, localMax);
  while (start < end && /['.-]/.test(text[start])) start += 1;
  return start === end ? undefined : start;
}

function back(text: string, end: number, of: RegExp, max: number): number {
  let start = end;
  while (start > 0 && end - start < max && of.test(text[start - 1])) start -= 1;
  return start;
}
