/**
 * A network trained by epochs on sequences of any length.
 *
 * An epoch's order comes from the seed and the epoch's number alone, and so do the words that are hidden in it, so a training that
 * is resumed between two epochs goes on bit for bit. Sequences of about the same length share a batch: padding costs time.
 */
import type { Network } from '../lstm/network.js';
import { createUniform } from '../random.js';
import { UNKNOWN } from '../text/vocabulary.js';

export interface Sequence {
  /** at least one, none of them padding */
  tokens: Int32Array;
  /** one class for the head `last`, one for each token for `each`; -1 is not counted */
  targets: Int32Array;
  /** what a hidden token becomes; the unknown word where it is absent */
  hidden?: Int32Array;
  /** how much it counts beside the others, for the head `last`; 1 */
  weight?: number;
}

export interface EpochSettings {
  seed: number;
  epochs: number;
  /** sequences of a step */
  batch: number;
  /** of the first epoch; it falls in a straight line to a tenth of it in the last */
  learningRate: number;
  /** share of tokens hidden in each epoch, so that the network learns to do without */
  wordDropout: number;
}

/** Batches whose sequences are sorted by length together. */
const poolBatches = 16;
const lastShare = 0.1;

/** @param epoch  from 0  @returns mean loss of its steps */
export function trainEpoch(network: Network, sequences: readonly Sequence[], settings: EpochSettings, epoch: number): number {
  const uniform = createUniform((Math.imul(settings.seed, 0x9e3779b1) + Math.imul(epoch + 1, 0x85ebca77)) >>> 0);
  network.setLearningRate(settings.learningRate * (1 - (1 - lastShare) * (epoch / Math.max(1, settings.epochs - 1))));
  const order = Uint32Array.from(sequences, (_, i) => i);
  shuffle(order, uniform);
  const batches: Uint32Array[] = [];
  const pool = settings.batch * poolBatches;
  for (let from = 0; from < order.length; from += pool) {
    const sorted = order.subarray(from, from + pool).sort((a, b) => sequences[a].tokens.length - sequences[b].tokens.length || a - b);
    for (let at = 0; at < sorted.length; at += settings.batch) batches.push(sorted.subarray(at, at + settings.batch));
  }
  const turns = Uint32Array.from(batches, (_, i) => i);
  shuffle(turns, uniform);
  let sum = 0;
  for (const turn of turns) {
    const { tokens, targets, weights, B, T } = batchOf(Array.from(batches[turn], (i) => sequences[i]), network.shape.head, () => uniform() < settings.wordDropout);
    sum += network.trainStep(tokens, targets, B, T, weights);
  }
  return sum / batches.length;
}

/** Mean of -ln p over the targets that count; nothing is learnt. */
export function meanCrossEntropy(network: Network, sequences: readonly Sequence[]): number {
  const order = Uint32Array.from(sequences, (_, i) => i).sort((a, b) => sequences[a].tokens.length - sequences[b].tokens.length || a - b);
  let [sum, count] = [0, 0];
  for (let at = 0; at < order.length; at += 64) {
    const { tokens, targets, B, T } = batchOf(Array.from(order.subarray(at, at + 64), (i) => sequences[i]), network.shape.head, () => false);
    for (const loss of network.crossEntropy(tokens, targets, B, T)) sum += loss;
    for (const target of targets) count += target >= 0 ? 1 : 0;
  }
  return sum / count;
}

interface PaddedBatch {
  tokens: Int32Array;
  targets: Int32Array;
  weights: Float32Array;
  B: number;
  T: number;
}

function batchOf(rows: readonly Sequence[], head: 'last' | 'each', hide: () => boolean): PaddedBatch {
  const [B, T] = [rows.length, rows.reduce((longest, { tokens }) => Math.max(longest, tokens.length), 0)];
  const tokens = new Int32Array(B * T);
  const width = head === 'last' ? 1 : T;
  const targets = new Int32Array(B * width).fill(-1);
  const weights = new Float32Array(B * width);
  rows.forEach((row, b) => {
    for (let t = 0; t < row.tokens.length; t += 1) tokens[b * T + t] = hide() ? (row.hidden?.[t] ?? UNKNOWN) : row.tokens[t];
    targets.set(row.targets, b * width);
    weights.fill(row.weight ?? 1, b * width, (b + 1) * width);
  });
  return { tokens, targets, weights, B, T };
}

/** Fisher and Yates. */
export function shuffle(order: Uint32Array, uniform: () => number): void {
  for (let i = order.length - 1; i > 0; i -= 1) {
    const j = Math.floor(uniform() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
}
