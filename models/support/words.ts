/**
 * What a token is to the models of support, and its number.
 *
 *   refund -> refund     113542617735902 -> #6     $12.50 -> $#.#     so-123/45 -> so-#/#
 *
 * A number is what it looks like: no two customers write the same order number. A word that the list lacks is 1, and padding 0.
 */
export const UNKNOWN = 1;
const FIRST = 2;
/** Digits from which on a number is long: order, tracking and telephone numbers are. */
const longDigits = 6;

const hasDigit = /\d/;
const digits = /^\d+$/;

/** @param token  lower-cased */
export function wordOf(token: string): string {
  if (!hasDigit.test(token)) return token;
  return digits.test(token) ? `#${Math.min(longDigits, token.length)}` : token.replace(/\d+/g, '#');
}

export interface WordList {
  /** by number, from 2 */
  readonly words: readonly string[];
  /** numbers in use, those of padding and unknown among them */
  readonly size: number;
  /** @returns 1 when the list lacks it */
  numberOf(word: string): number;
}

/** @throws RangeError when a word stands there twice */
export function wordList(words: readonly string[]): WordList {
  const numbers = new Map(words.map((word, i) => [word, FIRST + i]));
  if (numbers.size !== words.length) throw new RangeError(`words: ${words.length - numbers.size} of ${words.length} words stand in the list twice`);
  return { words, size: FIRST + words.length, numberOf: (word) => numbers.get(word) ?? UNKNOWN };
}

/** How often each word stands in the texts. */
export function countWords(texts: Iterable<readonly string[]>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const words of texts) for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/**
 * The most frequent first, and by code units among those that are as frequent: the order of the texts does not count.
 * @param min  occurrences that a word needs  @param max  words at most
 */
export function frequentWords(counts: ReadonlyMap<string, number>, { min, max }: { min: number; max: number }): string[] {
  const kept = [...counts].filter(([, count]) => count >= min);
  kept.sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return kept.slice(0, max).map(([word]) => word);
}

export const numbersOf = (words: readonly string[], { numberOf }: WordList): Int32Array => Int32Array.from(words, numberOf);
