/**
 * Running medians of D features in 10 numbers each, by the P-square algorithm: five markers, at the smallest value, the
 * quartiles and the largest one, moved along a parabola towards the places where they belong.
 *
 *   heights, places  Float64Array(5 D)    a marker's value, and how many values are at or below it
 *   count            Float64Array(D)
 *
 * Exact for the first five values; afterwards its rank among the values is within .02 of the middle for a stream in random
 * order, and within .06 for one that only rises (test/models/linear-online.test.ts).
 * Source: Jain and Chlamtac 1985, Communications of the ACM 28(10).
 */
export interface Medians {
  heights: Float64Array;
  places: Float64Array;
  count: Float64Array;
}

export const createMedians = (D: number): Medians => ({ heights: new Float64Array(5 * D), places: new Float64Array(5 * D), count: new Float64Array(D) });

/** The estimate; undefined before the first value.  Worked: 5, 1, 4 -> 4; 5, 1, 4, 2 -> 3 */
export function median({ heights, count }: Medians, j: number): number | undefined {
  const [at, n] = [5 * j, count[j]];
  if (n === 0) return undefined;
  if (n >= 5) return heights[at + 2];
  return (heights[at + ((n - 1) >> 1)] + heights[at + (n >> 1)]) / 2;
}

/** Adds one value of feature j, in place. @throws RangeError when x is NaN or infinite */
export function pushMedian(medians: Medians, j: number, x: number): void {
  if (!Number.isFinite(x)) throw new RangeError(`median: feature ${j} must be finite, got ${x}`);
  const { heights: q, places: n, count } = medians;
  const at = 5 * j;
  count[j] += 1;
  if (count[j] <= 5) return insert(q, n, at, count[j], x);
  // Which cell the value falls into; the markers above it move up one place.
  let cell = 0;
  if (x < q[at]) q[at] = x;
  else if (x >= q[at + 4]) {
    q[at + 4] = Math.max(q[at + 4], x);
    cell = 3;
  } else while (cell < 3 && x >= q[at + cell + 1]) cell += 1;
  for (let m = cell + 1; m < 5; m += 1) n[at + m] += 1;
  for (let m = 1; m <= 3; m += 1) {
    const wanted = 1 + ((count[j] - 1) * m) / 4;
    const off = wanted - n[at + m];
    if (off >= 1 && n[at + m + 1] - n[at + m] > 1) move(q, n, at + m, 1);
    else if (off <= -1 && n[at + m - 1] - n[at + m] < -1) move(q, n, at + m, -1);
  }
}

/** The first five are kept as they are, in order. */
function insert(q: Float64Array, n: Float64Array, at: number, count: number, x: number): void {
  let m = count - 1;
  for (; m > 0 && q[at + m - 1] > x; m -= 1) q[at + m] = q[at + m - 1];
  q[at + m] = x;
  n[at + count - 1] = count;
}

/** One place up or down: along the parabola through the three markers, or straight where that would break their order. */
function move(q: Float64Array, n: Float64Array, k: number, d: 1 | -1): void {
  const [below, above] = [n[k] - n[k - 1], n[k + 1] - n[k]];
  const parabola = q[k] + (d / (above + below)) * ((below + d) * ((q[k + 1] - q[k]) / above) + (above - d) * ((q[k] - q[k - 1]) / below));
  if (q[k - 1] < parabola && parabola < q[k + 1]) q[k] = parabola;
  else q[k] += (d * (q[k + d] - q[k])) / (n[k + d] - n[k]);
  n[k] += d;
}
