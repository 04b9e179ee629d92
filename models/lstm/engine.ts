/** What computes a network: parameters, forward, backward, Adam. The naive one, WebAssembly and TensorFlow stand behind it. */
import type { Dropout, TrainingOptions } from './options.js';
import type { LstmShape, ParameterName } from './shape.js';

/** A parameter, or one of Adam's two means of its gradients. */
export type Quantity = 'value' | 'mean' | 'square';

export interface Batch {
  B: number;
  T: number;
  /** [B, T], 0 is padding, wherever it stands */
  tokens: Int32Array;
  /** [B] for the head `last`, [B, T] for `each`; -1 is not counted */
  targets: Int32Array;
  /** of each target, what it counts: 0 where the target is -1 or its token is padding */
  weights: Float32Array;
  /** 1 / sum of the weights: the loss is their mean */
  scale: number;
  dropout: Dropout;
  /** with the step, decides what is left out */
  seed: number;
  /** of this step, from 1 */
  step: number;
}

export interface Engine {
  /** A copy. */
  read(quantity: Quantity, name: ParameterName): Float32Array;
  write(quantity: Quantity, name: ParameterName, values: Float32Array): void;
  /** Logits of one example: C, or [T, C] with zeros where the token is padding. @param tokens  checked, [T] */
  infer(tokens: Int32Array): Float32Array;
  /** The second LSTM's output at the last token that is no padding: H2; zeros where there is none. */
  hidden(tokens: Int32Array): Float32Array;
  /** Cross entropy without dropout, and nothing learnt: [B] or [B, T] of natural logarithms, not weighted, 0 where the weight is. */
  crossEntropy(batch: Batch): Float32Array;
  /** Forward and backward; the gradients stay in the engine until the next call that computes. @returns the loss */
  gradients(batch: Batch): number;
  /** A copy of what `gradients` left. */
  gradient(name: ParameterName): Float32Array;
  /** Clips the gradients and takes Adam's step. @param frozen  parameters that stay as they are, and are not in the norm */
  update(step: number, options: TrainingOptions, frozen: ReadonlySet<ParameterName>): void;
}

/** Its parameters are the caller's to write. */
export type CreateEngine = (shape: LstmShape) => Engine;
