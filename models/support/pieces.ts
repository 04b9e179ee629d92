/**
 * A text in pieces that no entity's border cuts: runs of letters, runs of digits, and each other sign by itself; Han words as the
 * tokeniser cut them.
 *
 *   "order113542, bill #12588: $160.50"  ->  order | 113542 | , | bill | # | 12588 | : | $ | 160 | . | 50
 *
 * A piece is a word that the network knows, or else what it looks like:
 *
 *   113542 -> #6     Hawkings -> <Aa>     USA -> <AA>     gizmo -> <aa>     帆布 -> <han>
 */
import { UNKNOWN, type Vocabulary } from '../text/vocabulary.js';
import { wordOf } from './words.js';

export interface Piece {
  /** as it stands in the text */
  text: string;
  start: number;
  end: number;
}

const han = /\p{Script=Han}/u;
const part = /(<[A-Za-z_]{1,31}>)|((?:(?!\p{Script=Han})[\p{L}\p{M}])+)|(\p{Nd}+)|(\p{Script=Han}+)|(\S)/gu;

/** @param tokens  of the text, in order; only those with Han characters say where to cut */
export function piecesOf(text: string, tokens: readonly { start: number; end: number }[]): Piece[] {
  const pieces: Piece[] = [];
  let next = 0;
  const add = (start: number, end: number): void => void pieces.push({ text: text.slice(start, end), start, end });
  for (const found of text.matchAll(part)) {
    const [start, end] = [found.index, found.index + found[0].length];
    if (found[4] === undefined) {
      add(start, end);
      continue;
    }
    // A run of Han characters: up to each border of a token inside of it.
    let at = start;
    while (next < tokens.length && tokens[next].end <= start) next += 1;
    for (let i = next; i < tokens.length && tokens[i].start < end; i += 1) {
      for (const border of [tokens[i].start, tokens[i].end]) {
        if (border <= at || border > end) continue;
        add(at, border);
        at = border;
      }
    }
    if (at < end) add(at, end);
  }
  return pieces;
}

export const wordOfPiece = ({ text }: Piece): string => wordOf(text.toLowerCase());

/** What a word looks like that nobody knows. */
export function looksOf({ text }: Piece): string {
  if (han.test(text)) return '<han>';
  const upper = text.toUpperCase();
  if (upper === text.toLowerCase()) return '<sign>';
  if (text === upper) return '<AA>';
  return text[0] === upper[0] ? '<Aa>' : '<aa>';
}
export const looks = ['<Aa>', '<AA>', '<aa>', '<han>', '<sign>'] as const;

/** The word's number, or else that of its looks. */
export function numberOfPiece(piece: Piece, words: Vocabulary): number {
  const number = words.idOf(wordOfPiece(piece));
  return number === UNKNOWN ? words.idOf(looksOf(piece)) : number;
}
