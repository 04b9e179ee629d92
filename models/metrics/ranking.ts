/**
 * How well scores rank a binary truth.  N = rows, P = positives among them.
 *
 *   scores  Float64Array(N)  any scale, larger is more likely positive; finite
 *   labels  Uint8Array(N)    1 positive, 0 negative
 *
 * Nothing here depends on the order of rows whose scores are equal: a group of ties enters as one.
 */
export type Labels = Uint8Array | readonly number[];
export type Scores = Float64Array | Float32Array | readonly number[];

/**
 * Area under the ROC curve by ranks: the share of (positive, negative) pairs that are in order, a tie counting half.
 * @returns NaN when one of the classes is absent
 * Source: Hanley and McNeil 1982, Radiology 143(1).  Worked: scores 1, 2, 2, 3 with labels 0, 0, 1, 1 -> (2 + 1.5) / 4 = 0.875
 */
export function auc(scores: Scores, labels: Labels): number {
  checkBinary('auc', scores, labels);
  let [positives, negatives, inOrder] = [0, 0, 0];
  eachTie(scores, labels, (tied, tiedPositives) => {
    const tiedNegatives = tied - tiedPositives;
    // Descending: a negative here is below every positive that was met before, and level with those of its own group.
    inOrder += tiedNegatives * (positives + tiedPositives / 2);
    positives += tiedPositives;
    negatives += tiedNegatives;
  });
  return inOrder / (positives * negatives);
}

/**
 * Average precision: the sum over thresholds of (recall gained) x (precision there); no interpolation.
 * @returns NaN without positives
 * Source: scikit-learn's definition (average_precision_score).  Worked: scores 4, 3, 2 with labels 1, 0, 1 -> 1/2 x 1 + 1/2 x 2/3 = 0.8333
 */
export function averagePrecision(scores: Scores, labels: Labels): number {
  checkBinary('averagePrecision', scores, labels);
  let [seen, positives, sum] = [0, 0, 0];
  eachTie(scores, labels, (tied, tiedPositives) => {
    seen += tied;
    positives += tiedPositives;
    sum += tiedPositives * (positives / seen);
  });
  return sum / positives;
}

/**
 * Precision among the `capacity` rows that a team has time to look at, the highest scores first. Where the cut runs through
 * a group of ties it takes an average share of that group, so that the answer does not hang on the rows' order.
 * @param capacity  rows; more than there are means all
 * Worked: scores 3, 2, 2, 1 with labels 1, 1, 0, 0 and capacity 2 -> (1 + 1/2) / 2 = 0.75
 */
export function precisionAtCapacity(scores: Scores, labels: Labels, capacity: number): number {
  checkBinary('precisionAtCapacity', scores, labels);
  if (!(Number.isInteger(capacity) && capacity >= 1)) throw new RangeError(`precisionAtCapacity: capacity must be a whole number of rows >= 1, got ${capacity}`);
  const rows = Math.min(capacity, scores.length);
  let [seen, positives] = [0, 0];
  eachTie(scores, labels, (tied, tiedPositives) => {
    const taken = Math.min(tied, rows - seen);
    positives += (taken * tiedPositives) / tied;
    seen += taken;
  });
  return positives / rows;
}

/** Calls back once for each group of equal scores, highest first. */
function eachTie(scores: Scores, labels: Labels, group: (tied: number, positives: number) => void): void {
  const order = Uint32Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[b] - scores[a]);
  for (let from = 0; from < order.length; ) {
    const score = scores[order[from]];
    let [to, positives] = [from, 0];
    for (; to < order.length && scores[order[to]] === score; to += 1) positives += labels[order[to]];
    group(to - from, positives);
    from = to;
  }
}

/** @throws RangeError that names the row and the value */
export function checkBinary(metric: string, scores: Scores, labels: Labels): void {
  if (scores.length === 0 || scores.length !== labels.length) {
    throw new RangeError(`${metric}: needs as many scores as labels and at least one, got ${scores.length} and ${labels.length}`);
  }
  for (let i = 0; i < scores.length; i += 1) {
    if (!Number.isFinite(scores[i])) throw new RangeError(`${metric}: scores[${i}] must be finite, got ${scores[i]}`);
    if (labels[i] !== 0 && labels[i] !== 1) throw new RangeError(`${metric}: labels[${i}] must be 0 or 1, got ${labels[i]}`);
  }
}
