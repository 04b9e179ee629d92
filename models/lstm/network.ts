/**
 * Embedding -> LSTM -> LSTM -> Dense, trained by softmax cross entropy.
 *
 *   B batch, T time, V vocabulary, H2 hidden, C classes
 *
 * Token 0 is padding. It is left out before anything is computed, wherever it stands: padding never changes a result, not
 * by a bit. The same calls on the same network give the same bits, on every machine.
 */
import type { Batch, CreateEngine, Engine } from './engine.js';
import { createFastEngine } from './fast.js';
import { readNetwork, readTrainingState, saveNetwork, saveTrainingState, type TrainingState } from './file.js';
import { trainingOptions, type PartialOptions } from './options.js';
import { checkShape, initialise, lengthOf, parameterNames, type LstmShape, type ParameterName } from './shape.js';

export type Parameters = Record<ParameterName, Float32Array>;

export interface NetworkOptions extends PartialOptions {
  /** parameters that training leaves as they are */
  frozen?: readonly ParameterName[];
  /** what computes; the WebAssembly kernels unless told otherwise */
  engine?: CreateEngine;
}

export interface Network {
  readonly shape: LstmShape;
  /** training steps taken */
  readonly step: number;
  /** Logits: C, or [T, C] for the head `each`, zeros where the token is padding. @param tokens  [T] */
  infer(tokens: Int32Array): Float32Array;
  /** The second LSTM's output at the last token, H2: the sentence as a vector. Zeros for a sentence without tokens. */
  hidden(tokens: Int32Array): Float32Array;
  /** -ln of the probability of each target, without dropout, nothing learnt: [B] or [B, T], 0 where the target is -1 or its token is padding. */
  crossEntropy(tokens: Int32Array, targets: Int32Array, B: number, T: number): Float32Array;
  /**
   * One step of Adam on one batch.
   * @param tokens  [B, T], row-major
   * @param targets  classes: [B], or [B, T] for the head `each`; -1 is not counted
   * @param weights  how much each target counts, as long as the targets; 1 each
   * @returns the loss before the step: the weighted mean of the targets' cross entropy, with dropout
   * @throws RangeError when a shape, a token or a target does not fit, no target counts, or the loss is not finite (nothing is learnt)
   */
  trainStep(tokens: Int32Array, targets: Int32Array, B: number, T: number, weights?: Float32Array): number;
  /** What the next trainStep would learn from, before clipping; nothing is learnt. */
  gradients(tokens: Int32Array, targets: Int32Array, B: number, T: number, weights?: Float32Array): { loss: number; gradients: Parameters };
  /** A copy, as shape.ts lays it out. */
  get(name: ParameterName): Float32Array;
  /** Takes over numbers, as from a model of other classes (warm start). @throws RangeError when the length does not fit or one is not finite */
  set(name: ParameterName, values: Float32Array): void;
  setLearningRate(rate: number): void;
  /** The parameters alone: what a model artefact holds. */
  save(): Uint8Array[];
  /** All that the next steps depend on: a training restored from it goes on bit for bit. */
  saveTraining(): Uint8Array[];
}

/** A longer text is cut by its caller: the trace of a step is kept for each token. */
const mostTokens = 4096;
/** Of one batch. */
const mostRows = 65_536;
/** Tokens whose cross entropy is computed at a time, so that a whole data set may be asked for. */
const atATime = 4096;

/** @param seed  a whole number: of the initial numbers and of what dropout leaves out */
export function createNetwork(shape: LstmShape, seed: number, options: NetworkOptions = {}): Network {
  checkShape(shape);
  const { engine: create = createFastEngine, frozen = [], ...rest } = options;
  const training: TrainingState = { seed: checkSeed(seed), step: 0, options: trainingOptions(rest), frozen: checkFrozen(frozen) };
  const engine = create(shape);
  for (const name of parameterNames) engine.write('value', name, initialise(shape, name, seed));
  return networkOf({ ...shape }, engine, training);
}

/**
 * @param parts  what `save` gave, cut in any way
 * @param options  for training it further, with a fresh Adam and the seed of its dropout
 * @throws RangeError that names what is wrong with the bytes
 */
export function loadNetwork(parts: readonly Uint8Array[], options: NetworkOptions & { seed?: number } = {}): Network {
  const { engine: create = createFastEngine, frozen = [], seed = 0, ...rest } = options;
  const { shape, engine } = readNetwork(parts, create);
  return networkOf(shape, engine, { seed: checkSeed(seed), step: 0, options: trainingOptions(rest), frozen: checkFrozen(frozen) });
}

/** @param parts  what `saveTraining` gave @throws RangeError that names what is wrong with the bytes */
export function loadTraining(parts: readonly Uint8Array[], create: CreateEngine = createFastEngine): Network {
  const { shape, engine, training } = readTrainingState(parts, create);
  return networkOf(shape, engine, training);
}

function networkOf(shape: LstmShape, engine: Engine, training: TrainingState): Network {
  const frozen = new Set(training.frozen);
  const batchOf = (tokens: Int32Array, targets: Int32Array, B: number, T: number, weights?: Float32Array): Batch => {
    checkBatch(shape, tokens, targets, B, T, weights);
    const counted = countedWeights(shape, tokens, targets, weights);
    const sum = counted.reduce((total, weight) => total + weight, 0);
    const { options, seed, step } = training;
    return { B, T, tokens, targets, weights: counted, scale: sum === 0 ? 0 : 1 / sum, dropout: options.dropout, seed, step: step + 1 };
  };
  const lossOf = (batch: Batch): number => {
    if (batch.scale === 0) throw new RangeError('lstm: no target counts in this batch: all are -1, padding, or have the weight 0');
    const loss = engine.gradients(batch);
    if (Number.isFinite(loss)) return loss;
    throw new RangeError(`lstm: the loss of step ${batch.step} is ${loss}: training has diverged, lower learningRate or clipNorm`);
  };
  const checkTokens = (tokens: Int32Array): void => {
    if (tokens.length > mostTokens) throw new RangeError(`lstm: ${tokens.length} tokens are more than ${mostTokens}: cut the text`);
    checkRange('tokens', tokens, 0, shape.V, 'V');
  };
  return {
    shape,
    get step() { return training.step; },
    infer(tokens) {
      checkTokens(tokens);
      return engine.infer(tokens);
    },
    hidden(tokens) {
      checkTokens(tokens);
      return engine.hidden(tokens);
    },
    crossEntropy(tokens, targets, B, T) {
      const batch = batchOf(tokens, targets, B, T);
      const out = new Float32Array(targets.length);
      const [rows, width] = [Math.max(1, Math.floor(atATime / T)), targets.length / B];
      for (let b = 0; b < B; b += rows) {
        const end = Math.min(B, b + rows);
        const [some, wanted] = [tokens.subarray(b * T, end * T), targets.subarray(b * width, end * width)];
        out.set(engine.crossEntropy({ ...batch, B: end - b, tokens: some, targets: wanted, weights: batch.weights.subarray(b * width, end * width) }), b * width);
      }
      return out;
    },
    trainStep(tokens, targets, B, T, weights) {
      const loss = lossOf(batchOf(tokens, targets, B, T, weights));
      training.step += 1;
      engine.update(training.step, training.options, frozen);
      return loss;
    },
    gradients(tokens, targets, B, T, weights) {
      const loss = lossOf(batchOf(tokens, targets, B, T, weights));
      return { loss, gradients: Object.fromEntries(parameterNames.map((name) => [name, engine.gradient(name)])) as Parameters };
    },
    get: (name) => engine.read('value', name),
    set(name, values) {
      const length = lengthOf(shape, name);
      if (values.length !== length) throw new RangeError(`lstm: ${name} has ${length} numbers, got ${values.length}`);
      const bad = values.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) throw new RangeError(`lstm: ${name}[${bad}] must be finite, got ${values[bad]}`);
      engine.write('value', name, values);
    },
    setLearningRate(learningRate) {
      training.options = trainingOptions({ ...training.options, learningRate });
    },
    save: () => saveNetwork(shape, engine),
    saveTraining: () => saveTrainingState(shape, engine, training),
  };
}

function checkSeed(seed: number): number {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`lstm: seed must be a whole number, got ${seed}`);
  return seed;
}

function checkFrozen(frozen: readonly ParameterName[]): ParameterName[] {
  const unknown = frozen.find((name) => !parameterNames.includes(name));
  if (unknown !== undefined) throw new RangeError(`lstm: frozen names "${unknown as string}"; parameters are ${parameterNames.join(', ')}`);
  return [...frozen];
}

function checkBatch({ V, C, head }: LstmShape, tokens: Int32Array, targets: Int32Array, B: number, T: number, weights?: Float32Array): void {
  if (!(Number.isInteger(B) && B >= 1 && B <= mostRows)) throw new RangeError(`lstm: B must be a whole number from 1 to ${mostRows}, got ${B}`);
  if (!(Number.isInteger(T) && T >= 1 && T <= mostTokens)) throw new RangeError(`lstm: T must be a whole number from 1 to ${mostTokens}, got ${T}`);
  if (tokens.length !== B * T) throw new RangeError(`lstm: tokens must be [B, T] = ${B * T} numbers, got ${tokens.length}`);
  const length = head === 'last' ? B : B * T;
  if (targets.length !== length) throw new RangeError(`lstm: targets must be ${head === 'last' ? '[B]' : '[B, T]'} = ${length} numbers, got ${targets.length}`);
  checkRange('tokens', tokens, 0, V, 'V');
  checkRange('targets', targets, -1, C, 'C');
  if (weights === undefined) return;
  if (weights.length !== length) throw new RangeError(`lstm: weights must be ${length} numbers, got ${weights.length}`);
  const bad = weights.findIndex((weight) => !(weight >= 0 && weight <= 1e6));
  if (bad >= 0) throw new RangeError(`lstm: weights[${bad}] must be a number from 0 to a million, got ${weights[bad]}`);
}

function checkRange(name: string, values: Int32Array, least: number, end: number, limit: string): void {
  for (let i = 0; i < values.length; i += 1) {
    if (values[i] < least || values[i] >= end) throw new RangeError(`lstm: ${name}[${i}] must be from ${least} to ${limit} - 1 = ${end - 1}, got ${values[i]}`);
  }
}

/** 0 where nothing is to be learnt. */
function countedWeights({ head }: LstmShape, tokens: Int32Array, targets: Int32Array, weights?: Float32Array): Float32Array {
  const counted = new Float32Array(targets.length);
  for (let i = 0; i < targets.length; i += 1) {
    const counts = targets[i] >= 0 && (head === 'last' || tokens[i] !== 0);
    if (counts) counted[i] = weights === undefined ? 1 : weights[i];
  }
  return counted;
}
