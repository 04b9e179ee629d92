/**
 * Which of many answers belongs to what was said: a linear dual encoder, learnt from pairs of context and answer.
 *
 *   u = normed( sum over the terms of the context x_t Wc[t]  +  sum over those of its end x_t We[t] )
 *   v = normed( sum over the terms of the answer  x_t Wa[t] )          x: TF-IDF, dropped at random in training
 *   loss = mean over a batch of  -log softmax_j( u_i . v_j / temperature )[i]      the other answers of the batch are the wrong ones
 *
 * A question and its answer share few words, so what must be learnt is which words go with which; two sums of word vectors are
 * the least that can, and thousands of pairs are too few for more.
 *
 * Legend: V terms, E numbers of a vector, B batch, P pairs.
 * Source: Henderson et al. 2017, "Efficient Natural Language Response Suggestion" (dot products, the batch's other answers);
 * Wu et al. 2018, "StarSpace" (sums of word vectors). Adagrad with one rate a row.
 */
import { createUniform } from '../random.js';

export interface PairTerms {
  /** of all that was said */
  context: readonly string[];
  /** of the end of it: what the answer answers */
  end: readonly string[];
  answer: readonly string[];
  /** The same for answers in the same words: they are no wrong ones for each other. */
  key: string;
}

export interface PairSettings {
  E: number;
  B: number;
  epochs: number;
  temperature: number;
  /** Share of the terms that are dropped, anew each time. */
  dropout: number;
  rate: number;
  /** Texts that must have a term, or it is none. */
  textsMin: number;
  seed: number;
}

/** Chosen on a cut of the training pairs of JDDC, by R@5 (bench/support-jddc.ts). */
export const defaultPairSettings: PairSettings = { E: 128, B: 256, epochs: 6, temperature: 0.2, dropout: 0.5, rate: 0.1, textsMin: 2, seed: 1 };

/** Terms by number, with their TF-IDF weight. */
export interface SparseRow {
  ids: Int32Array;
  weights: Float32Array;
}

export interface TermWeights {
  V: number;
  /** Sublinear TF times smoothed IDF, of length 1. Source: Manning et al. 2008, 6.4; as scikit-learn's TfidfVectorizer */
  row(terms: readonly string[]): SparseRow;
}

/** @param textsMin  a term is one when so many texts have it */
export function termWeights(texts: readonly (readonly string[])[], textsMin: number): TermWeights {
  const frequency = new Map<string, number>();
  for (const text of texts) for (const term of new Set(text)) frequency.set(term, (frequency.get(term) ?? 0) + 1);
  const known = [...frequency].filter(([, count]) => count >= textsMin).sort(([a], [b]) => (a < b ? -1 : 1));
  const ids = new Map(known.map(([term], id) => [term, id]));
  const idf = Float64Array.from(known, ([, count]) => Math.log((1 + texts.length) / (1 + count)) + 1);
  return {
    V: known.length,
    row(terms) {
      const counts = new Map<number, number>();
      for (const term of terms) {
        const id = ids.get(term);
        if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + 1);
      }
      const sorted = [...counts].sort(([a], [b]) => a - b);
      const weights = sorted.map(([id, count]) => (1 + Math.log(count)) * idf[id]);
      const norm = Math.sqrt(weights.reduce((sum, weight) => sum + weight * weight, 0)) || 1;
      return { ids: Int32Array.from(sorted, ([id]) => id), weights: Float32Array.from(weights, (weight) => weight / norm) };
    },
  };
}

/** Of rows of length 1 their cosine. */
export function dotOfRows(a: SparseRow, b: SparseRow): number {
  let [i, k, sum] = [0, 0, 0];
  while (i < a.ids.length && k < b.ids.length) {
    if (a.ids[i] === b.ids[k]) sum += a.weights[i++] * b.weights[k++];
    else if (a.ids[i] < b.ids[k]) i += 1;
    else k += 1;
  }
  return sum;
}

export interface PairModel {
  weights: TermWeights;
  E: number;
  /** V x E each */
  tables: PairTables;
}
export interface PairTables {
  context: Float32Array;
  end: Float32Array;
  answer: Float32Array;
}

/**
 * @param onEpoch  called with the mean loss of each
 * @throws RangeError when there are fewer pairs than a batch takes
 */
export function trainPairs(pairs: readonly PairTerms[], settings: PairSettings, onEpoch?: (epoch: number, loss: number) => void): PairModel {
  const { E, B, epochs, seed } = settings;
  if (!(pairs.length >= B)) throw new RangeError(`pairs: ${pairs.length} are fewer than a batch of ${B}; give more, or a smaller batch`);
  const weights = termWeights(pairs.flatMap(({ context, answer }) => [context, answer]), settings.textsMin);
  const random = createUniform(seed);
  // One start for all three: a word begins by standing for itself on both sides.
  const start = Float32Array.from({ length: weights.V * E }, () => 0.2 * (random() + random() + random() - 1.5));
  const tables: PairTables = { context: start.slice(), end: start.slice(), answer: start };
  const rows = pairs.map(({ context, end, answer, key }) => ({ context: weights.row(context), end: weights.row(end), answer: weights.row(answer), key }));
  const learner = { context: adagrad(tables.context, E), end: adagrad(tables.end, E), answer: adagrad(tables.answer, E) };
  const order = Int32Array.from(rows, (_, i) => i);
  for (let epoch = 0; epoch < epochs; epoch += 1) {
    for (let i = order.length - 1; i > 0; i -= 1) {
      const k = Math.floor(random() * (i + 1));
      [order[i], order[k]] = [order[k], order[i]];
    }
    let [loss, batches] = [0, 0];
    for (let from = 0; from + B <= order.length; from += B) {
      const batch = Array.from(order.subarray(from, from + B), (i): PairRows => {
        const { context, end, answer, key } = rows[i];
        return { context: dropped(context, settings.dropout, random), end: dropped(end, settings.dropout, random), answer: dropped(answer, settings.dropout, random), key };
      });
      const { loss: one, gradients } = pairGradients(tables, batch, E, settings.temperature);
      loss += one;
      batches += 1;
      batch.forEach((row, i) => {
        learner.context.add(row.context, gradients.u, i * E);
        learner.end.add(row.end, gradients.u, i * E);
        learner.answer.add(row.answer, gradients.v, i * E);
      });
      for (const one of Object.values(learner)) one.step(settings.rate);
    }
    onEpoch?.(epoch, loss / batches);
  }
  return { weights, E, tables };
}

function dropped({ ids, weights }: SparseRow, share: number, random: () => number): SparseRow {
  return { ids, weights: weights.map((weight) => (random() < share ? 0 : weight)) };
}

export interface PairRows {
  context: SparseRow;
  end: SparseRow;
  answer: SparseRow;
  key: string;
}

/** The loss of a batch, and its gradient by the sums before they are normed (B x E each). */
export function pairGradients(tables: PairTables, batch: readonly PairRows[], E: number, temperature: number): { loss: number; gradients: { u: Float32Array; v: Float32Array } } {
  const B = batch.length;
  const [u, v] = [new Float32Array(B * E), new Float32Array(B * E)];
  const norms = { u: new Float32Array(B), v: new Float32Array(B) };
  batch.forEach((row, i) => {
    addRow(row.context, tables.context, E, u, i * E);
    addRow(row.end, tables.end, E, u, i * E);
    addRow(row.answer, tables.answer, E, v, i * E);
    norms.u[i] = norm(u, i * E, E);
    norms.v[i] = norm(v, i * E, E);
  });
  const [du, dv] = [new Float32Array(B * E), new Float32Array(B * E)];
  const scores = new Float64Array(B);
  let loss = 0;
  for (let i = 0; i < B; i += 1) {
    let most = -Infinity;
    for (let j = 0; j < B; j += 1) {
      scores[j] = j !== i && batch[j].key === batch[i].key ? -Infinity : dot(u, i * E, v, j * E, E) / temperature;
      most = Math.max(most, scores[j]);
    }
    let sum = 0;
    for (let j = 0; j < B; j += 1) sum += scores[j] = Math.exp(scores[j] - most);
    loss -= Math.log(scores[i] / sum) / B;
    for (let j = 0; j < B; j += 1) {
      const d = (scores[j] / sum - (i === j ? 1 : 0)) / (temperature * B);
      if (d === 0) continue;
      for (let e = 0; e < E; e += 1) {
        du[i * E + e] += d * v[j * E + e];
        dv[j * E + e] += d * u[i * E + e];
      }
    }
  }
  for (let i = 0; i < B; i += 1) {
    throughNorm(du, u, norms.u[i], i * E, E);
    throughNorm(dv, v, norms.v[i], i * E, E);
  }
  return { loss, gradients: { u: du, v: dv } };
}

function addRow({ ids, weights }: SparseRow, table: Float32Array, E: number, into: Float32Array, at: number): void {
  for (let i = 0; i < ids.length; i += 1) {
    if (weights[i] === 0) continue;
    for (let e = 0, from = ids[i] * E; e < E; e += 1) into[at + e] += weights[i] * table[from + e];
  }
}

function dot(a: Float32Array, from: number, b: Float32Array, at: number, E: number): number {
  let sum = 0;
  for (let e = 0; e < E; e += 1) sum += a[from + e] * b[at + e];
  return sum;
}

/** Norms in place. @returns the norm; a sum of nothing stays nothing */
function norm(a: Float32Array, at: number, E: number): number {
  const length = Math.sqrt(dot(a, at, a, at, E)) + 1e-6;
  for (let e = 0; e < E; e += 1) a[at + e] /= length;
  return length;
}

/** dx = (dy - (dy . y) y) / |x|, in place. */
function throughNorm(d: Float32Array, y: Float32Array, length: number, at: number, E: number): void {
  const along = dot(d, at, y, at, E);
  for (let e = 0; e < E; e += 1) d[at + e] = (d[at + e] - along * y[at + e]) / length;
}

function adagrad(table: Float32Array, E: number) {
  const squares = new Float32Array(table.length / E).fill(1e-8);
  const sums = new Float32Array(table.length);
  const touched = new Set<number>();
  return {
    add({ ids, weights }: SparseRow, gradient: Float32Array, at: number): void {
      for (let i = 0; i < ids.length; i += 1) {
        if (weights[i] === 0) continue;
        touched.add(ids[i]);
        for (let e = 0, to = ids[i] * E; e < E; e += 1) sums[to + e] += weights[i] * gradient[at + e];
      }
    },
    step(rate: number): void {
      for (const id of touched) {
        squares[id] += dot(sums, id * E, sums, id * E, E) / E;
        const by = rate / Math.sqrt(squares[id]);
        for (let e = 0, at = id * E; e < E; e += 1) {
          table[at + e] -= by * sums[at + e];
          sums[at + e] = 0;
        }
      }
      touched.clear();
    },
  };
}

/** u of a context, E numbers of length 1. */
export function contextVector({ weights, tables, E }: PairModel, context: readonly string[], end: readonly string[]): Float32Array {
  const vector = new Float32Array(E);
  addRow(weights.row(context), tables.context, E, vector, 0);
  addRow(weights.row(end), tables.end, E, vector, 0);
  norm(vector, 0, E);
  return vector;
}

/** v of an answer. */
export function answerVector({ weights, tables, E }: PairModel, answer: readonly string[]): Float32Array {
  const vector = new Float32Array(E);
  addRow(weights.row(answer), tables.answer, E, vector, 0);
  norm(vector, 0, E);
  return vector;
}
