/** What the files of support put between the header and the checksum of models/snapshot.ts. */


/** One word a line: no token holds a line end. */
export const textBytes = (lines: readonly string[]): Uint8Array => Buffer.from(lines.join('\n'));

export const linesOf = (bytes: Uint8Array): string[] => (bytes.length === 0 ? [] : Buffer.from(bytes).toString('utf8').split('\n'));

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
