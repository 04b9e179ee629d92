/**
 * Factors that answer. A customer is folded in from the history (u = r V S^-1), and u S V^T is (r V) V^T, so neither u nor
 * S^-1 is ever needed:
 *
 *   score(i) = sum over h of r_h c_h (W_h . g W_i)        W_i = s_i^p V_i    s = support, p = itemPower
 *            = g taste . W_i                              c_h = s_h^-2p
 *                                                         g   = (S / S_0)^spectrumPower
 *
 * for the matrix was weighted by s^-p on its items: the history is weighted alike, and what comes out of it is weighted back.
 * The score is a sum over the history: its terms are the reasons.
 */
import type { Ranked } from '../recommend/fuse.js';
import { createScorer } from './kernel.js';
import type { SvdFactors } from './factors.js';
import { weightOf } from './interactions.js';

export interface SvdProposal extends Ranked<string> {
  /** comparable within one answer */
  score: number;
}

export interface Svd {
  readonly factors: SvdFactors;
  /**
   * The items nearest to a history, best first; none when it holds no item that has a factor, or only negative ones are left.
   * Never writes.
   * @param history  strengths finite and above 0; only their ratios matter
   * @param k  whole, from 1
   * @param excluded  asked of those only that would be among the best
   */
  rank(history: readonly { item: string; strength: number }[], k: number, excluded: (item: string) => boolean): SvdProposal[];
}

const REASONS = 3;
/** A score below this part of the largest is what single precision leaves of a 0. */
const ROUNDING = 1e-6;

export function createSvd(factors: SvdFactors, wasm: WebAssembly.Module): Svd {
  const { rank, names, support, singular, v, itemPower, spectrumPower } = factors;
  const d = Math.ceil(rank / 4) * 4;
  const weighted = new Float32Array(names.length * d);
  for (let i = 0; i < names.length; i += 1) {
    const weight = weightOf(support[i], -itemPower);
    for (let j = 0; j < rank; j += 1) weighted[i * d + j] = v[i * rank + j] * weight;
  }
  const g = Float32Array.from({ length: d }, (_, j) => (j < rank ? (singular[j] / singular[0]) ** spectrumPower : 0));
  const counts = Float64Array.from(support, (customers) => weightOf(customers, 2 * itemPower));
  const scorer = createScorer(wasm, weighted, d);
  const rowOf = new Map(names.map((name, row) => [name, row]));
  if (rowOf.size !== names.length) throw new RangeError('svd: an item has more than one factor');
  const best = createBest();

  function because(item: number, rows: Uint32Array, weights: Float32Array): ReturnType<SvdProposal['because']> {
    for (let j = 0; j < d; j += 1) scorer.taste[j] = g[j] * weighted[item * d + j];
    const dots = scorer.dots(rows);
    const first: { h: number; weight: number }[] = [];
    for (let h = 0; h < rows.length; h += 1) {
      const weight = dots[h] * weights[h];
      if (!(weight > (first.length < REASONS ? 0 : first[REASONS - 1].weight))) continue;
      let at = Math.min(first.length, REASONS - 1);
      for (; at > 0 && first[at - 1].weight < weight; at -= 1) first[at] = first[at - 1];
      first[at] = { h, weight };
    }
    return first.map(({ h, weight }) => ({ item: names[rows[h]], weight }));
  }

  return {
    factors,
    rank(history, k, excluded) {
      if (!(Number.isInteger(k) && k >= 1)) throw new RangeError(`svd: k must be a whole number from 1, got ${k}`);
      const [rows, weights] = [new Uint32Array(history.length), new Float32Array(history.length)];
      let known = 0;
      for (const { item, strength } of history) {
        const row = rowOf.get(item);
        if (row === undefined) continue;
        rows[known] = row;
        weights[known] = strength * counts[row];
        known += 1;
      }
      if (known === 0) return [];
      const [mine, by] = [rows.subarray(0, known), weights.subarray(0, known)];
      scorer.taste.fill(0);
      scorer.fold(mine, by);
      for (let j = 0; j < d; j += 1) scorer.taste[j] *= g[j];
      return best(scorer.score(), k, (row) => excluded(names[row])).map(({ row, score }) => ({ item: names[row], score, because: () => because(row, mine, by) }));
    },
  };
}

/** The k largest scores above 0, by a heap whose top is the least of them; of equal ones the more supported item comes first. */
function createBest() {
  let scoreHeap = new Float64Array(128);
  let rowHeap = new Uint32Array(128);
  const less = (aScore: number, aRow: number, bScore: number, bRow: number): boolean => aScore < bScore || (aScore === bScore && aRow > bRow);

  /** Puts an entry where it belongs, from a hole at the top of `size` entries. */
  function sink(score: number, row: number, size: number): void {
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && less(scoreHeap[child + 1], rowHeap[child + 1], scoreHeap[child], rowHeap[child])) child += 1;
      if (!less(scoreHeap[child], rowHeap[child], score, row)) break;
      scoreHeap[at] = scoreHeap[child];
      rowHeap[at] = rowHeap[child];
      at = child;
    }
    scoreHeap[at] = score;
    rowHeap[at] = row;
  }

  function rise(score: number, row: number, size: number): void {
    let at = size;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!less(score, row, scoreHeap[parent], rowHeap[parent])) break;
      scoreHeap[at] = scoreHeap[parent];
      rowHeap[at] = rowHeap[parent];
      at = parent;
    }
    scoreHeap[at] = score;
    rowHeap[at] = row;
  }

  return (scores: Float32Array, k: number, excluded: (row: number) => boolean): { row: number; score: number }[] => {
    const most = Math.min(k, scores.length);
    if (most > scoreHeap.length) [scoreHeap, rowHeap] = [new Float64Array(most), new Uint32Array(most)];
    let size = 0;
    let bar = 0;
    for (let row = 0; row < scores.length; row += 1) if (scores[row] > bar) bar = scores[row];
    bar *= ROUNDING;
    for (let row = 0; row < scores.length; row += 1) {
      const score = scores[row];
      if (!(score > bar) || excluded(row)) continue; // of equal scores the earlier row stays
      if (size < most) rise(score, row, size++);
      else sink(score, row, size);
      if (size === most) bar = scoreHeap[0];
    }
    const found: { row: number; score: number }[] = Array.from({ length: size });
    for (let n = size - 1; n >= 0; n -= 1) {
      found[n] = { row: rowHeap[0], score: scoreHeap[0] };
      sink(scoreHeap[n], rowHeap[n], n);
    }
    return found;
  };
}
