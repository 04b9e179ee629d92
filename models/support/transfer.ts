/**
 * A warm start: what a network learned of words and of how they follow each other does not depend on the labels it was asked for.
 *
 *   embedding   by word: one that both know keeps its row     LSTM layers   as they are     classes   fresh
 */
import type { Network } from '../lstm/network.js';
import { UNKNOWN, type Vocabulary } from '../text/vocabulary.js';

export interface WarmStart {
  network: Network;
  words: Vocabulary;
}

const layers = ['lstm1.kernel', 'lstm1.recurrent', 'lstm1.bias', 'lstm2.kernel', 'lstm2.recurrent', 'lstm2.bias'] as const;

/**
 * @param into  fresh, changed in place
 * @param words  of `into`
 * @returns how many words kept their row
 * @throws RangeError when the widths differ: nothing fits then
 */
export function warmStart(into: Network, words: Vocabulary, from: WarmStart): number {
  for (const key of ['E', 'H1', 'H2'] as const) {
    if (into.shape[key] !== from.network.shape[key]) throw new RangeError(`transfer: ${key} is ${into.shape[key]}, the network to start from has ${from.network.shape[key]}; use the same widths`);
  }
  for (const name of layers) into.set(name, from.network.get(name));
  const { E } = into.shape;
  const [mine, theirs] = [into.get('embedding'), from.network.get('embedding')];
  const row = (i: number): Float32Array => theirs.subarray(i * E, (i + 1) * E);
  mine.set(row(UNKNOWN), UNKNOWN * E);
  let kept = 0;
  for (const word of words.words) {
    const [to, at] = [words.idOf(word), from.words.idOf(word)];
    // A word that the other network never saw starts as what it made of such words.
    mine.set(row(at), to * E);
    if (at !== UNKNOWN) kept += 1;
  }
  into.set('embedding', mine);
  return kept;
}
