/**
 * L-BFGS: the minimum of a smooth function of many numbers, from its gradient.  P = parameters, M = pairs that are remembered.
 *
 *   direction = - H g, where H is built from the last M pairs s = x' - x, y = g' - g (two loops), scaled by s.y / y.y
 *   step      = satisfies the strong Wolfe conditions, so that s.y > 0
 *
 * Source: Nocedal and Wright 2006, algorithms 7.4, 7.5, 3.5 and 3.6, with bisection where they interpolate.
 * Costs M 4 P a step besides the function; memory (2 M + 4) P doubles.
 */
export interface LbfgsOptions {
  /** pairs. Default 10 */
  memory?: number;
  /** stop when no component of the gradient is larger. Default 1e-5 */
  gradientMax?: number;
  /** steps at most. Default 200 */
  iterationsMax?: number;
}

export interface LbfgsStep {
  iteration: number;
  value: number;
  /** largest component of the gradient */
  gradientMax: number;
  /** no component of the gradient is larger than asked for, or no step lowers the value any more (double precision is used up) */
  done: boolean;
}

/** @param gradient  [P], to be filled. @returns the value */
export type Smooth = (at: Float64Array, gradient: Float64Array) => number;

const SUFFICIENT = 1e-4;
const CURVATURE = 0.9;

/**
 * Moves x to the minimum, in place; one step each time it is asked, so that a training can report and be stopped.
 * @throws RangeError when the value at x is not finite
 */
export function* lbfgs(smooth: Smooth, x: Float64Array, options: LbfgsOptions = {}): Generator<LbfgsStep> {
  const { memory = 10, gradientMax = 1e-5, iterationsMax = 200 } = options;
  const P = x.length;
  const [g, gNext, xNext, direction] = [new Float64Array(P), new Float64Array(P), new Float64Array(P), new Float64Array(P)];
  const pairs: { s: Float64Array; y: Float64Array; rho: number }[] = [];
  let value = smooth(x, g);
  if (!Number.isFinite(value)) throw new RangeError(`lbfgs: the value at the start must be finite, got ${value}`);
  for (let iteration = 0; ; iteration += 1) {
    const largest = maxAbs(g);
    const isLast = largest <= gradientMax || iteration >= iterationsMax;
    yield { iteration, value, gradientMax: largest, done: largest <= gradientMax };
    if (isLast) return;
    direct(g, pairs, direction);
    const found = search(smooth, x, value, g, direction, pairs.length === 0 ? 1 / Math.max(1, norm(g)) : 1, xNext, gNext);
    if (found === undefined) {
      yield { iteration: iteration + 1, value, gradientMax: largest, done: true };
      return;
    }
    const pair = pairs.length < memory ? { s: new Float64Array(P), y: new Float64Array(P), rho: 0 } : (pairs.shift() as (typeof pairs)[number]);
    for (let j = 0; j < P; j += 1) {
      pair.s[j] = xNext[j] - x[j];
      pair.y[j] = gNext[j] - g[j];
    }
    const sy = dot(pair.s, pair.y);
    if (sy > 0) pairs.push(Object.assign(pair, { rho: 1 / sy }));
    x.set(xNext);
    g.set(gNext);
    value = found;
  }
}

/** -H g by the two loops. */
function direct(g: Float64Array, pairs: readonly { s: Float64Array; y: Float64Array; rho: number }[], out: Float64Array): void {
  out.set(g);
  const alpha = new Float64Array(pairs.length);
  for (let k = pairs.length - 1; k >= 0; k -= 1) {
    alpha[k] = pairs[k].rho * dot(pairs[k].s, out);
    add(out, -alpha[k], pairs[k].y);
  }
  const last = pairs.at(-1);
  const scale = last === undefined ? 1 : 1 / (last.rho * dot(last.y, last.y));
  for (let j = 0; j < out.length; j += 1) out[j] *= scale;
  for (let k = 0; k < pairs.length; k += 1) add(out, alpha[k] - pairs[k].rho * dot(pairs[k].y, out), pairs[k].s);
  for (let j = 0; j < out.length; j += 1) out[j] = -out[j];
}

/** Doubles the step until the minimum along the line is passed, then halves the bracket. @returns the value at xNext; undefined where no step lowers it */
function search(smooth: Smooth, x: Float64Array, value: number, g: Float64Array, direction: Float64Array, first: number, xNext: Float64Array, gNext: Float64Array): number | undefined {
  const slope = dot(g, direction);
  if (!(slope < 0)) return undefined;
  let [low, high, step] = [0, Infinity, first];
  let best: number | undefined;
  for (let tries = 0; tries < 50; tries += 1) {
    for (let j = 0; j < x.length; j += 1) xNext[j] = x[j] + step * direction[j];
    best = smooth(xNext, gNext);
    if (!(best <= value + SUFFICIENT * step * slope)) high = step;
    else {
      const slopeNext = dot(gNext, direction);
      if (Math.abs(slopeNext) <= -CURVATURE * slope) return best;
      if (slopeNext > 0) high = step;
      else low = step;
    }
    step = high === Infinity ? 2 * step : (low + high) / 2;
  }
  return best !== undefined && best < value ? best : undefined;
}

const norm = (v: Float64Array): number => Math.sqrt(dot(v, v));
const maxAbs = (v: Float64Array): number => v.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j += 1) sum += a[j] * b[j];
  return sum;
}

function add(into: Float64Array, times: number, v: Float64Array): void {
  for (let j = 0; j < into.length; j += 1) into[j] += times * v[j];
}
