/**
 * What a text names: orders, products, amounts, dates, tracking numbers, and whatever the examples say.  T pieces, C tags
 *
 *   pieces -> numbers -> network that reads forwards   -> logits [T, C]  \
 *          -> reversed -> network that reads backwards -> logits [T, C]  -> b_f z_f + b_b z_b - b_p ln prior -> the best tags
 *                                                                                                      that make whole spans
 * Two networks, as one that reads forwards does not see what follows: "299 dollars" and "299 pieces" begin alike. Each knows how
 * frequent a tag is, and together they would count it twice, so the prior is taken off; how much each counts is fitted on the
 * validation part.
 * Source: Graves and Schmidhuber 2005 (both directions); Huang, Xu and Yu 2015 (on tags).
 */
import { loadNetwork, type Network } from '../lstm/network.js';
import type { Span } from '../metrics/spans.js';
import { pack, unpack, type Format, type Header } from '../snapshot.js';
import { bestTags, decodeBio, tagsOf } from './bio.js';
import { numberOfPiece, piecesOf } from './pieces.js';
import { concat } from './sections.js';
import { loadVocabulary, saveVocabulary, type Vocabulary } from '../text/vocabulary.js';

export interface EntityModel {
  readonly kinds: readonly string[];
  /**
   * @param text  masked
   * @param tokens  of it, in order
   * @returns in order, none overlapping, offsets into the text
   */
  predict(text: string, tokens: readonly { start: number; end: number }[]): Span[];
}

/** Pieces of a text that are read: whoever pastes a page is not answered by its middle. */
const piecesMax = 256;

/** Raise the version when a piece or a word means something else. */
const format: Format = { name: 'entity model', magic: 'AENT', version: 1 };

export interface EntityCalibration {
  kinds: readonly string[];
  /** b_f, b_b, b_p */
  factors: readonly number[];
  /** C: -ln of each tag's share of the pieces */
  rarity: readonly number[];
}

type EntityHeader = Header & { calibration: EntityCalibration };

export interface EntityWeights {
  words: Vocabulary;
  /** of `network.save()`: forwards, and backwards */
  networks: readonly Uint8Array[][];
}

/** Deterministic: the same model gives the same bytes. */
export function saveEntities(calibration: EntityCalibration, { words, networks }: EntityWeights): Uint8Array[] {
  const sections = [concat(saveVocabulary(words)), ...networks.map(concat)];
  const header: EntityHeader = { settings: {}, sections: sections.map(({ length }) => length), calibration };
  return pack(header, sections, format);
}

/** A ModelReader. @throws RangeError that says what is wrong when the parts are not an entity model of this build */
export function readEntities(parts: readonly Uint8Array[]): EntityModel {
  const { header, next } = unpack<EntityHeader>([...parts], {}, format);
  const [words, forwards, backwards] = header.sections.map(() => next((bytes) => new Uint8Array(bytes)));
  return entityModel(header.calibration, loadVocabulary([words]), loadNetwork([forwards]), loadNetwork([backwards]));
}

export function entityModel({ kinds, factors, rarity }: EntityCalibration, words: Vocabulary, forwards: Network, backwards: Network): EntityModel {
  const C = tagsOf(kinds.length);
  if (factors.length !== 3 || rarity.length !== C) throw new RangeError(`entity model: ${factors.length} factors and ${rarity.length} shares do not fit ${kinds.length} kinds`);
  for (const { shape } of [forwards, backwards]) {
    if (shape.C !== C || shape.head !== 'each' || shape.V !== words.size) throw new RangeError(`entity model: a network has ${shape.V} words, ${shape.C} tags and the head ${shape.head}, the lists have ${words.size} words and ${kinds.length} kinds; they are of two models`);
  }
  return {
    kinds,
    predict(text, tokens) {
      const pieces = piecesOf(text, tokens).slice(0, piecesMax);
      const T = pieces.length;
      if (T === 0) return [];
      const numbers = Int32Array.from(pieces, (piece) => numberOfPiece(piece, words));
      const [ahead, back] = [forwards.infer(numbers), backwards.infer(numbers.reverse())];
      const scores = new Float64Array(T * C);
      for (let t = 0; t < T; t += 1) {
        for (let c = 0; c < C; c += 1) scores[t * C + c] = factors[0] * ahead[t * C + c] + factors[1] * back[(T - 1 - t) * C + c] + factors[2] * rarity[c];
      }
      return decodeBio(pieces, bestTags(scores, T, C), kinds);
    },
  };
}
