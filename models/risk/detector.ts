/**
 * What has never been seen, without labels: half-space trees. Each of T perfect binary trees of depth H cuts a random workspace
 * in half at each node, along a random feature; a node's mass is how many of the last full window of W rows fell into it. A row
 * that ends in a node of little mass at little depth lies where few have been.
 *
 *   N = 2^(H+1) - 1 nodes; node n has children 2n + 1 and 2n + 2; trees one behind the other
 *   feature, cut        T x N   from the seed alone, so no part of a snapshot
 *   reference, latest   T x N   u32; masses of the last full window and of the one being filled
 *
 *   density = mean over trees of mass(node) 2^depth(node) / W       1 where rows are spread evenly
 *   score   = 1 / (1 + density)                                     in [0, 1]; 1/2 at an even spread, towards 1 where nobody was
 *
 * `node` is the first on the row's path whose mass is at most W / 10, or its leaf. Features are scaled by running quartiles, which
 * a few absurd values do not move, and squashed into (0, 1): z = 1.349 (x - median) / (q3 - q1), u = 1/2 + z / 2(1 + |z|).
 * A missing one stands at its median: that a value is missing is for others to judge. Rows of many features fill little of
 * the space, so most scores are far below 1/2: what counts is how they rank.
 *
 * Source: Tan, Ting, Liu 2011, Fast anomaly detection for streaming data, IJCAI.
 */
import { createMedians, pushMedian, type Medians } from '../linear/median.js';
import { createUniform } from '../random.js';
import { bytesOf, kept, unpack, type Format } from '../snapshot.js';

export interface DetectorSettings {
  /** Numbers of a row. */
  features: number;
  /** 25 and 250 rows are the paper's. */
  trees: number;
  /** The paper has 15; at 10 a window of 250 already has less than one row a leaf, and the memory is a thirtieth. */
  depth: number;
  window: number;
  seed: number;
}
export const defaultDetectorSettings = { trees: 25, depth: 10, window: 250, seed: 1 } as const;

export interface Detector {
  /** In [0, 1], 1 for what has never been seen; NaN until a first window is full. Never writes. @param x  numbers from `at`, NaN where missing */
  score(x: Float64Array, at?: number): number;
  /** The score that the row would have with each feature alone at its median, into `out`: how much each makes of it. NaN as above. Never writes. */
  without(x: Float64Array, out: Float64Array): void;
  /** @throws RangeError for an infinite value, and then nothing has changed */
  observe(x: Float64Array, at?: number): void;
  /** Windows that have been filled. */
  windows(): number;
  snapshot(): Uint8Array[];
  hash(): string;
}

const format: Format = { name: 'detector', magic: 'AFHS', version: 1 };
/** @throws RangeError that names the setting */
function check(settings: DetectorSettings): void {
  const most = { features: 65_536, trees: 1000, depth: 16, window: 1_000_000, seed: 0xffffffff };
  for (const key of Object.keys(most) as (keyof typeof most)[]) {
    const least = key === 'seed' ? 0 : 1;
    if (Number.isInteger(settings[key]) && settings[key] >= least && settings[key] <= most[key]) continue;
    throw new RangeError(`detector: ${key} must be a whole number from ${least} to ${most[key]}, got ${settings[key]}`);
  }
}

interface Trees {
  N: number;
  feature: Uint16Array;
  cut: Float64Array;
}

/** The workspace of a tree reaches beyond (0, 1) on one side, so that the cuts of different trees differ. */
function plant({ features: D, trees: T, depth: H, seed }: DetectorSettings): Trees {
  const uniform = createUniform(seed);
  const N = 2 ** (H + 1) - 1;
  const [feature, cut] = [new Uint16Array(T * N), new Float64Array(T * N)];
  const [low, high] = [new Float64Array(D), new Float64Array(D)];
  function grow(tree: number, node: number): void {
    if (2 * node + 1 >= N) return;
    const j = Math.floor(uniform() * D);
    const [from, to] = [low[j], high[j]];
    const middle = (from + to) / 2;
    feature[tree * N + node] = j;
    cut[tree * N + node] = middle;
    high[j] = middle;
    grow(tree, 2 * node + 1);
    [low[j], high[j]] = [middle, to];
    grow(tree, 2 * node + 2);
    low[j] = from;
  }
  for (let tree = 0; tree < T; tree += 1) {
    for (let j = 0; j < D; j += 1) {
      const s = uniform();
      const half = 2 * Math.max(s, 1 - s);
      [low[j], high[j]] = [s - half, s + half];
    }
    grow(tree, 0);
  }
  return { N, feature, cut };
}

/** Rows to (0, 1), by the quartiles so far. */
function squash({ heights, count }: Medians, x: Float64Array, at: number, u: Float64Array): void {
  for (let j = 0; j < u.length; j += 1) {
    const value = x[at + j];
    u[j] = 0.5;
    if (!Number.isFinite(value) || count[j] < 5) continue;
    const spread = heights[5 * j + 3] - heights[5 * j + 1];
    // Half of the values are the same: any other is as far from them as it is in its own unit.
    const z = (value - heights[5 * j + 2]) * (spread > 0 ? 1.349 / spread : 1);
    u[j] = 0.5 + z / (2 * (1 + Math.abs(z)));
  }
}

/** @throws RangeError when a setting is out of bounds, or the chunks are not a whole snapshot made with these settings */
export function createDetector(settings: DetectorSettings, chunks?: Uint8Array[]): Detector {
  check(settings);
  const { features: D, trees: T, depth: H, window: W } = settings;
  const { N, feature, cut } = plant(settings);
  const medians = createMedians(D);
  let [reference, latest] = [new Uint32Array(T * N), new Uint32Array(T * N)];
  /** rows of the window being filled, windows filled */
  const counts = new Float64Array(2);
  const u = new Float64Array(D);
  const sections = (): Uint8Array[] => [medians.heights, medians.places, medians.count, counts, reference, latest].map(bytesOf);
  if (chunks !== undefined) {
    const { next } = unpack(chunks, { ...settings }, format);
    for (const section of sections()) next(() => section);
  }

  /** Of the row in `u`. */
  function scored(): number {
    let sum = 0;
    for (let tree = 0; tree < T; tree += 1) {
      const base = tree * N;
      let [node, depth] = [0, 0];
      while (depth < H && reference[base + node] > W / 10) {
        node = 2 * node + (u[feature[base + node]] < cut[base + node] ? 1 : 2);
        depth += 1;
      }
      sum += reference[base + node] * (1 << depth);
    }
    return 1 / (1 + sum / (T * W));
  }

  return {
    score(x, at = 0) {
      if (counts[1] === 0) return NaN;
      squash(medians, x, at, u);
      return scored();
    },
    without(x, out) {
      out.fill(NaN);
      if (counts[1] === 0) return;
      squash(medians, x, 0, u);
      for (let j = 0; j < D; j += 1) {
        const mine = u[j];
        u[j] = 0.5;
        out[j] = scored();
        u[j] = mine;
      }
    },
    observe(x, at = 0) {
      for (let j = 0; j < D; j += 1) if (Math.abs(x[at + j]) === Infinity) throw new RangeError(`detector: feature ${j} must be finite or missing (NaN), got ${x[at + j]}`);
      for (let j = 0; j < D; j += 1) if (Number.isFinite(x[at + j])) pushMedian(medians, j, x[at + j]);
      squash(medians, x, at, u);
      for (let base = 0; base < T * N; base += N) {
        let node = 0;
        for (let depth = 0; depth < H; depth += 1) {
          latest[base + node] += 1;
          node = 2 * node + (u[feature[base + node]] < cut[base + node] ? 1 : 2);
        }
        latest[base + node] += 1;
      }
      counts[0] += 1;
      if (counts[0] < W) return;
      counts[0] = 0;
      counts[1] += 1;
      [reference, latest] = [latest, reference];
      latest.fill(0);
    },
    windows: () => counts[1],
    ...kept({ ...settings }, sections, format),
  };
}
