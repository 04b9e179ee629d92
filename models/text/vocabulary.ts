/**
 * Words as dense numbers, for an embedding.
 *
 *   0 padding | 1 unknown | 2 .. words, most frequent first, ties in code unit order | shapes, if asked for
 *
 * With `shapes` a word that is not in it is not just unknown, it has the shape of what it is: the number of an order that nobody
 * has seen is a number. With `spelling` an unknown English word is read as the most frequent word that is one slip away. Bags of
 * words, validation parts of bitext and clinc150 (vocabularies of words seen twice): .990 and .900 without either, .989 and .902
 * with shapes, .995 and .904 with both. Which numbers are taken does not depend on the order in which texts were counted.
 *
 * File (models/snapshot.ts): header {max, min, shapes, spelling} | words as JSON, UTF-8 | counts, u32 each
 */
import { pack, unpack, type Format, type Header } from '../snapshot.js';

export const PADDING = 0;
export const UNKNOWN = 1;
const FIRST = 2;

export interface VocabularySettings {
  /** words at most, the most frequent; without padding, unknown and shapes */
  max: number;
  /** a word must have been seen so often */
  min: number;
  /** numbers, codes and the like that are unknown words get one id for each shape. Default false */
  shapes?: boolean;
  /** see above; makes the vocabulary nine times as large in memory. Default false */
  spelling?: boolean;
}

export interface Vocabulary {
  /** ids there are: the rows of an embedding */
  readonly size: number;
  /** `words[id - 2]` */
  readonly words: readonly string[];
  readonly counts: Uint32Array;
  readonly settings: Required<VocabularySettings>;
  /** UNKNOWN, or the id of its shape, for a word that is not in it */
  idOf(word: string): number;
}

const format: Format = { name: 'vocabulary', magic: 'AVOC', version: 1 };

/** Tried in this order on an unknown word. */
const shapes: RegExp[] = [
  /^[$€£¥₩₹]/, // an amount
  /^\d{1,4}$/,
  /^\d+$/, // the number of an order
  /^[\d.,:%/-]+$/, // a date, a decimal
  /^(?:\{\{|<|\[)/, // a placeholder
  /^https?:/,
  /\d/, // a code
  /^\p{Script=Han}$/u,
  /^\p{Script=Han}+$/u,
  /^[a-z]{1,3}$/,
];

/** How often each word occurs. */
export function countWords(texts: Iterable<readonly { text: string }[]>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const tokens of texts) {
    for (const { text } of tokens) counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return counts;
}

/** @throws RangeError for settings that are no whole numbers >= 1 */
export function createVocabulary(counts: ReadonlyMap<string, number>, settings: VocabularySettings): Vocabulary {
  for (const key of ['max', 'min'] as const) {
    if (!(Number.isInteger(settings[key]) && settings[key] >= 1)) throw new RangeError(`vocabulary: ${key} must be a whole number >= 1, got ${settings[key]}`);
  }
  const chosen = [...counts].filter(([, count]) => count >= settings.min).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, settings.max);
  return vocabularyOf(chosen.map(([word]) => word), Uint32Array.from(chosen, ([, count]) => count), { shapes: false, spelling: false, ...settings });
}

function vocabularyOf(words: readonly string[], counts: Uint32Array, settings: Required<VocabularySettings>): Vocabulary {
  const ids = new Map(words.map((word, i) => [word, FIRST + i]));
  const firstShape = FIRST + words.length;
  const correct = settings.spelling ? speller(words) : undefined;
  const shapeOf = (word: string): number => {
    const shape = settings.shapes ? shapes.findIndex((expression) => expression.test(word)) : -1;
    return shape < 0 ? UNKNOWN : firstShape + shape;
  };
  return { size: firstShape + (settings.shapes ? shapes.length : 0), words, counts, settings, idOf: (word) => ids.get(word) ?? correct?.(word) ?? shapeOf(word) };
}

/** Shorter words are one slip away from too many. */
const spelledMin = 4;
/** Longer ones are no words, and would be looked up for each of their letters. */
const spelledMax = 24;
const spelled = /^[a-z]+$/;

/**
 * Words that are one slip apart (a letter too many, too few, another, or two swapped) have the same rest when one letter is left
 * out of each, or of the longer. Source: symmetric deletion, Garbe 2012.  Worked: "cancellign", "cancelling" -> "cancelling" less n, less n
 */
function speller(words: readonly string[]): (word: string) => number | undefined {
  const byRest = new Map<string, number[]>();
  words.forEach((word, i) => {
    if (isSpelled(word)) for (const rest of rests(word)) byRest.set(rest, [...(byRest.get(rest) ?? []), i]);
  });
  return (word) => {
    if (!isSpelled(word)) return undefined;
    let best: number | undefined;
    for (const rest of rests(word)) {
      for (const i of byRest.get(rest) ?? []) if ((best === undefined || i < best) && isOneSlip(word, words[i])) best = i;
    }
    return best === undefined ? undefined : FIRST + best;
  };
}

const isSpelled = (word: string): boolean => word.length >= spelledMin && word.length <= spelledMax && spelled.test(word);

/** The word itself, and it without each of its letters. */
function rests(word: string): Set<string> {
  const out = new Set([word]);
  for (let k = 0; k < word.length; k += 1) out.add(word.slice(0, k) + word.slice(k + 1));
  return out;
}

function isOneSlip(a: string, b: string): boolean {
  let [from, to] = [0, 0];
  while (from < a.length && from < b.length && a[from] === b[from]) from += 1;
  while (to < a.length - from && to < b.length - from && a[a.length - 1 - to] === b[b.length - 1 - to]) to += 1;
  const [inA, inB] = [a.slice(from, a.length - to), b.slice(from, b.length - to)];
  return (inA.length <= 1 && inB.length <= 1) || (inA.length === 2 && inB.length === 2 && inA[0] === inB[1] && inA[1] === inB[0]);
}

/** The first `length` tokens, PADDING behind them where there are fewer. */
export function encode(vocabulary: Vocabulary, tokens: readonly { text: string }[], length: number): Int32Array {
  const out = new Int32Array(length);
  for (let i = 0; i < Math.min(length, tokens.length); i += 1) out[i] = vocabulary.idOf(tokens[i].text);
  return out;
}

interface FileHeader extends Header {
  max: number;
  min: number;
  shapes: boolean;
  spelling: boolean;
}

/** The same vocabulary gives the same bytes. */
export function saveVocabulary({ words, counts, settings }: Vocabulary): Uint8Array[] {
  const text = Buffer.from(JSON.stringify(words), 'utf8'); // JSON writes broken surrogates as \ud800, so no word is lost
  const numbers = Buffer.alloc(4 * counts.length);
  counts.forEach((count, i) => numbers.writeUInt32LE(count, 4 * i));
  const header: FileHeader = { settings: {}, sections: [text.length, numbers.length], max: settings.max, min: settings.min, shapes: settings.shapes, spelling: settings.spelling };
  return pack(header, [text, numbers], format);
}

/** @throws RangeError that names what is wrong: truncated, of another kind, of another version */
export function loadVocabulary(chunks: Uint8Array[]): Vocabulary {
  const { header, next } = unpack<FileHeader>(chunks, {}, format);
  const text = next((bytes) => new Uint8Array(bytes));
  const words = JSON.parse(Buffer.from(text).toString('utf8')) as string[];
  const numbers = Buffer.from(next((bytes) => new Uint8Array(bytes)));
  if (numbers.length !== 4 * words.length) throw new RangeError(`vocabulary: ${words.length} words but ${numbers.length / 4} counts: corrupted`);
  return vocabularyOf(words, Uint32Array.from(words, (_, i) => numbers.readUInt32LE(4 * i)), { max: header.max, min: header.min, shapes: header.shapes, spelling: header.spelling });
}
