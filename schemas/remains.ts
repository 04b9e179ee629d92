/** A message's body without the lines of one customer; the others keep their places, and so their positions. */
import { forgottenLine, lineEnds } from './decode.js';

export interface Remaining {
  /** lines that were the customer's */
  taken: number;
  /** lines of others */
  left: number;
  body: Uint8Array;
}

/**
 * @param customer  by the contract letters, digits, _ and -, so that its name is a JSON string as it stands
 * @param marked  whether the body is of remains already
 */
export function withoutCustomer(body: Uint8Array, customer: string, marked: boolean): Remaining {
  const ends = lineEnds(body);
  // A message that is no envelope at all is one reject, with all of its bytes.
  if (ends === undefined) return names(body, customer) ? { taken: 1, left: 0, body: Uint8Array.of(forgottenLine) } : { taken: 0, left: 1, body };
  const lines: Uint8Array[] = [];
  let [taken, left] = [0, 0];
  for (let i = 0; i < ends.length; i += 2) {
    const line = body.subarray(ends[i], ends[i + 1]);
    if (marked && line.length === 1 && line[0] === forgottenLine) lines.push(line);
    else if (isOf(line, customer)) {
      taken += 1;
      lines.push(Uint8Array.of(forgottenLine));
    } else {
      left += 1;
      lines.push(line);
    }
  }
  return { taken, left, body: Buffer.from(lines.map((line) => Buffer.from(line).toString('latin1')).join('\n'), 'latin1') };
}

function isOf(line: Uint8Array, customer: string): boolean {
  if (!names(line, customer)) return false;
  try {
    const value = JSON.parse(Buffer.from(line).toString('utf8')) as { customer?: unknown };
    return typeof value !== 'object' || value === null || typeof value.customer !== 'string' || value.customer === customer;
  } catch {
    return true; // a reject that names the customer
  }
}

/** As a JSON string: `c1` is not in "c12". */
const names = (bytes: Uint8Array, customer: string): boolean => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(`"${customer}"`);
