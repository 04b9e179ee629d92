/** How often one of C labels is the right one.  N = rows. */

/**
 * Share of rows whose label is the true one.
 * @throws RangeError when there is no row, or not as many predictions as truths
 */
export function accuracy<Label>(predicted: ArrayLike<Label>, truth: ArrayLike<Label>): number {
  if (predicted.length !== truth.length || truth.length === 0) throw new RangeError(`accuracy: needs as many predictions as truths and at least one, got ${predicted.length} and ${truth.length}`);
  let right = 0;
  for (let i = 0; i < truth.length; i += 1) right += predicted[i] === truth[i] ? 1 : 0;
  return right / truth.length;
}

export interface Operating {
  /** rows at or above it are answered */
  threshold: number;
  /** share of the answered rows that are right */
  precision: number;
  /** share of all rows that are answered */
  coverage: number;
}

/**
 * The lowest threshold at which the answers at or above it are right as often as wanted: as much is answered as that allows.
 * Choose it on rows that trained nothing, those without a right answer (out of scope) among them.
 * @param confidences  N
 * @param correct  N, 1 where the answer is the right one
 * @param target  precision wanted, 0 to 1
 * @returns undefined when no threshold reaches it: then every row is for a person
 * Worked: confidences .9, .8, .7, .6 with correct 1, 1, 0, 1 and target .75 -> threshold .6 (3 of 4); target .9 -> .8 (2 of 2)
 */
export function thresholdForPrecision(confidences: ArrayLike<number>, correct: ArrayLike<number>, target: number): Operating | undefined {
  const N = confidences.length;
  if (N === 0 || N !== correct.length) throw new RangeError(`thresholdForPrecision: needs as many confidences as outcomes and at least one, got ${N} and ${correct.length}`);
  if (!(target >= 0 && target <= 1)) throw new RangeError(`thresholdForPrecision: target must lie in 0 to 1, got ${target}`);
  const order = Uint32Array.from({ length: N }, (_, i) => i).sort((a, b) => confidences[b] - confidences[a]);
  let [right, found] = [0, undefined as Operating | undefined];
  for (let i = 0; i < N; i += 1) {
    right += correct[order[i]];
    const threshold = confidences[order[i]];
    // Rows of one confidence are answered together or not at all.
    if (i + 1 < N && confidences[order[i + 1]] === threshold) continue;
    const precision = right / (i + 1);
    if (precision >= target) found = { threshold, precision, coverage: (i + 1) / N };
  }
  return found;
}
