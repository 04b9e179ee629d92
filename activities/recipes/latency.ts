/** How long one row takes. */

/** Of each row the quickest of these counts: what else the machine was doing is not the model's. */
const repeats = 3;
/** The 99th percentile of so many is their fifth largest. */
const rowsTimed = 500;

/** @param predict  of row i; it is called three times. @returns ms, the 99th percentile of the first 500 rows; NaN without rows */
export function latencyMsP99(rows: number, predict: (i: number) => void): number {
  const took = Float64Array.from({ length: Math.min(rowsTimed, rows) }, (_, i) => {
    let best = Infinity;
    for (let n = 0; n < repeats; n += 1) {
      const startMs = performance.now();
      predict(i);
      best = Math.min(best, performance.now() - startMs);
    }
    return best;
  }).sort();
  return took.length === 0 ? NaN : took[Math.ceil(0.99 * took.length) - 1];
}
