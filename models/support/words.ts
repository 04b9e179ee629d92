/**
 * What a token is to the models of support, and its number (../text/vocabulary.ts).
 *
 *   refund -> refund     113542617735902 -> #6     $12.50 -> $#.#     so-123/45 -> so-#/#
 *
 * A number is what it looks like: no two customers write the same order number.
 */
import { countWords, createVocabulary, type Vocabulary } from '../text/vocabulary.js';

/** Digits from which on a number is long: order, tracking and telephone numbers are. */
const longDigits = 6;

const hasDigit = /\d/;
const digits = /^\d+$/;

/** @param token  lower-cased */
export function wordOf(token: string): string {
  if (!hasDigit.test(token)) return token;
  return digits.test(token) ? `#${Math.min(longDigits, token.length)}` : token.replace(/\d+/g, '#');
}

export interface WordSettings {
  /** occurrences that a word needs, and words at most */
  min: number;
  max: number;
  /** a word that nobody knows is read as the one that it is one slip away from */
  spelling: boolean;
}

/** More than any count: such words come first, and are never cut. */
const ALWAYS = 2 ** 32 - 1;

/** @param texts  words of each  @param always  words that are listed however often they occur */
export function vocabularyOf(texts: readonly (readonly string[])[], settings: WordSettings, always: readonly string[] = []): Vocabulary {
  const counts = countWords(texts.map((words) => words.map((text) => ({ text }))));
  for (const word of always) counts.set(word, ALWAYS);
  return createVocabulary(counts, settings);
}

export const numbersOf = (words: readonly string[], { idOf }: Vocabulary): Int32Array => Int32Array.from(words, idOf);
