/**
 * Which word comes next.  V words, T words of a text
 *
 *   <s> my order is late   ->   p(my | <s>), p(order | <s> my), ... p(</s> | ...)        perplexity = exp(mean of -ln p)
 *
 * A text that the shop's tickets make unlikely is about something else. The list of words is bounded; all others are one word, whose
 * probability they share: without that, a text of nothing but strange words would look likely.
 */
import { loadNetwork, type Network } from '../lstm/network.js';
import { pack, unpack, type Format, type Header } from '../snapshot.js';
import { concat } from './sections.js';
import { loadVocabulary, saveVocabulary, UNKNOWN, type Vocabulary } from '../text/vocabulary.js';
import { numbersOf, wordOf } from './words.js';

/** No token is one of these: a word in angle brackets is masked data, and has letters alone. */
export const [BEGIN, END] = ['<s/>', '</s>'];

export interface LanguageModel {
  readonly words: Vocabulary;
  /** exp of the mean surprise of a text's words and its end, in nats. At least 1; of a text without words, of its end alone. @param tokens  in order */
  perplexity(tokens: readonly { text: string }[]): number;
  /** The k most likely next words after these, most likely first; `undefined` stands for the end. */
  next(tokens: readonly { text: string }[], k: number): { word: string | undefined; probability: number }[];
}

export interface LanguageCalibration {
  /** words of a text that are read */
  tokensMax: number;
  /** different words in the examples that the list lacks */
  unlisted: number;
}

/** Raise the version when a word means something else. */
const format: Format = { name: 'language model', magic: 'ALNG', version: 1 };

type LanguageHeader = Header & { calibration: LanguageCalibration };

/** Deterministic: the same model gives the same bytes. */
export function saveLanguage(calibration: LanguageCalibration, words: Vocabulary, network: Uint8Array[]): Uint8Array[] {
  const sections = [concat(saveVocabulary(words)), concat(network)];
  const header: LanguageHeader = { settings: {}, sections: sections.map(({ length }) => length), calibration };
  return pack(header, sections, format);
}

/** A ModelReader. @throws RangeError that says what is wrong when the parts are not a language model of this build */
export function readLanguageModel(parts: readonly Uint8Array[]): LanguageModel {
  const { header, next } = unpack<LanguageHeader>([...parts], {}, format);
  const [words, network] = header.sections.map(() => next((bytes) => new Uint8Array(bytes)));
  return languageModel(header.calibration, loadVocabulary([words]), loadNetwork([network]));
}

export function languageModel({ tokensMax, unlisted }: LanguageCalibration, words: Vocabulary, network: Network): LanguageModel {
  const { V, C, head } = network.shape;
  if (V !== words.size || C !== V || head !== 'each') throw new RangeError(`language model: the network has ${V} words, ${C} classes and the head ${head}, the list has ${words.size} words; they are of two models`);
  const [begin, end] = [words.idOf(BEGIN), words.idOf(END)];
  if (begin === UNKNOWN || end === UNKNOWN) throw new RangeError(`language model: the list of words lacks ${BEGIN} or ${END}`);
  const share = Math.log(Math.max(1, unlisted));
  const numbers = (tokens: readonly { text: string }[]): Int32Array => Int32Array.of(begin, ...numbersOf(tokens.slice(0, tokensMax).map(({ text }) => wordOf(text)), words));
  return {
    words,
    perplexity(tokens) {
      const inputs = numbers(tokens);
      const targets = Int32Array.of(...inputs.subarray(1), end);
      const surprise = network.crossEntropy(inputs, targets, 1, inputs.length);
      let sum = 0;
      for (let t = 0; t < surprise.length; t += 1) sum += surprise[t] + (targets[t] === UNKNOWN ? share : 0);
      return Math.exp(sum / surprise.length);
    },
    next(tokens, k) {
      const inputs = numbers(tokens);
      const logits = network.infer(inputs).subarray((inputs.length - 1) * C);
      let top = -Infinity;
      for (const logit of logits) top = Math.max(top, logit);
      const p = Float64Array.from(logits, (logit) => Math.exp(logit - top));
      const sum = p.reduce((total, value) => total + value, 0);
      // Padding, the beginning and the unknown word are nothing that one could write.
      const order = Array.from(p.keys()).filter((c) => c > UNKNOWN && c !== begin).sort((a, b) => p[b] - p[a] || a - b);
      return order.slice(0, k).map((c) => ({ word: c === end ? undefined : words.words[c - 2], probability: p[c] / sum }));
    },
  };
}
