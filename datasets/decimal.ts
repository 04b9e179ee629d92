/**
 * Decimals as published (`2.55`, `-11062.06`, `0.001`) to integers, without passing through a float: 1.005 * 100 is
 * 100.49999999999999, and half a million of those do not add up to the file's sum. NaN means "not a decimal".
 */

const decimal = /^(-?)(\d+)(?:\.(\d*))?$/;
const integer = /^-?\d+$/;

/** @returns NaN unless the whole text is an integer; digits beyond 2^53 are kept as a float, for a schema to refuse */
export const parseInteger = (text: string): number => (integer.test(text) ? Number(text) : NaN);

/**
 * quantity * text, in units of 10^-places, rounded half away from zero.
 * Worked: scaled('2.55', 2, 6) = 1530;  scaled('0.001', 2, 1) = 0;  scaled('0.005', 2, 1) = 1;  scaled('-1.5', 2) = -150
 */
export function scaled(text: string, places: number, quantity = 1): number {
  const match = decimal.exec(text);
  if (match === null || Number.isNaN(quantity)) return NaN;
  const fraction = match[3] ?? '';
  const product = Number(match[2] + fraction) * quantity * (match[1] === '-' ? -1 : 1);
  const surplus = fraction.length - places;
  // -0 becomes 0: it would be published as 0 anyway, and must compare equal to it.
  if (!Number.isSafeInteger(product) || surplus > 15) return large(match, places, quantity);
  if (surplus <= 0) return product * 10 ** -surplus + 0;
  const divisor = 10 ** surplus;
  const size = Math.abs(product);
  const rest = size % divisor;
  return Math.sign(product) * ((size - rest) / divisor + (rest * 2 >= divisor ? 1 : 0)) + 0;
}

/** The same where the digits do not fit 53 bits. */
function large(match: RegExpExecArray, places: number, quantity: number): number {
  const fraction = match[3] ?? '';
  const product = BigInt(match[2] + fraction) * BigInt(quantity) * (match[1] === '-' ? -1n : 1n);
  const surplus = fraction.length - places;
  if (surplus <= 0) return Number(product * 10n ** BigInt(-surplus));
  const divisor = 10n ** BigInt(surplus);
  const size = product < 0n ? -product : product;
  const rounded = (size * 2n + divisor) / (divisor * 2n);
  return Number(product < 0n ? -rounded : rounded) + 0;
}
