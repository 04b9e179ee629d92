/**
 * 53 bits of some texts behind each other, a line feed between them: two 32-bit multiplicative hashes that are mixed at the end.
 * Source: cyrb53 (bryc, public domain). Among 100,000 keys two are the same with a chance of 6e-7.
 */
export function hash53(first: string, second?: string, third?: string): number {
  a = 0xdeadbeef;
  b = 0x41c6ce57;
  feed(first);
  if (second !== undefined) feedNext(second);
  if (third !== undefined) feedNext(third);
  const low = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  const high = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  return 4294967296 * (2097151 & high) + (low >>> 0);
}
let [a, b] = [0, 0];
function feed(text: string): void {
  let [x, y] = [a, b];
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    x = Math.imul(x ^ code, 2654435761);
    y = Math.imul(y ^ code, 1597334677);
  }
  a = x;
  b = y;
}
function feedNext(text: string): void {
  a = Math.imul(a ^ 10, 2654435761);
  b = Math.imul(b ^ 10, 1597334677);
  feed(text);
}
