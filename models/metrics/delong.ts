/**
 * Whether one ranking is better than another on the same rows, or only luckier.  P = positives, N = negatives.
 *
 *   V_i = share of negatives below positive i (ties half)      U_j = share of positives above negative j (ties half)
 *   d_i = V_i - V'_i,  e_j = U_j - U'_j                        AUC - AUC' = mean d = mean e
 *   se^2 = var(d) / P + var(e) / N
 *
 * Source: DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44(3), for two correlated curves.
 */
import { checkBinary, type Labels, type Scores } from './ranking.js';

export interface AucDifference {
  /** AUC of a less that of b */
  difference: number;
  /** its standard error, rows taken as independent */
  standardError: number;
}

/**
 * @returns NaN in both when one of the classes has fewer than two rows
 * Worked: a 1, 3, 2, 4 and b 1, 2, 3, 4 with labels 0, 0, 1, 1 -> .75 - 1 = -.25; d = -.5, 0; e = 0, -.5; se^2 = .125 / 2 + .125 / 2, se = .3536
 */
export function aucDifference(a: Scores, b: Scores, labels: Labels): AucDifference {
  checkBinary('aucDifference', a, labels);
  checkBinary('aucDifference', b, labels);
  const [placedA, placedB] = [placements(a, labels), placements(b, labels)];
  const d = placedA.map((value, i) => value - placedB[i]);
  const [positives, negatives] = [d.filter((_, i) => labels[i] === 1), d.filter((_, i) => labels[i] === 0)];
  const [ofPositives, ofNegatives] = [spread(positives), spread(negatives)];
  return { difference: ofPositives.mean, standardError: Math.sqrt(ofPositives.variance / positives.length + ofNegatives.variance / negatives.length) };
}

/** Of each row: the share of the other class that it is on the right side of. */
function placements(scores: Scores, labels: Labels): Float64Array {
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i).sort((i, j) => scores[i] - scores[j]);
  const P = order.reduce((sum, i) => sum + labels[i], 0);
  const N = order.length - P;
  const placed = new Float64Array(scores.length);
  let [positives, negatives] = [0, 0]; // below the group of ties
  for (let from = 0; from < order.length; ) {
    let [to, tied] = [from, 0];
    for (; to < order.length && scores[order[to]] === scores[order[from]]; to += 1) tied += labels[order[to]];
    const others = to - from - tied;
    for (let k = from; k < to; k += 1) {
      placed[order[k]] = labels[order[k]] === 1 ? (negatives + others / 2) / N : (P - positives - tied / 2) / P;
    }
    positives += tied;
    negatives += others;
    from = to;
  }
  return placed;
}

function spread(values: Float64Array): { mean: number; variance: number } {
  if (values.length < 2) return { mean: NaN, variance: NaN };
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1) };
}
