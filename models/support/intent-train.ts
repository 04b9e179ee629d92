/**
 * An intent model from examples: the network by epochs, then the weights of the wide half, then what both halves count, the
 * threshold and the scale of the unusual, all three on the validation part.
 */
import type { CreateEngine } from '../lstm/engine.js';
import { createNetwork, loadNetwork, type Network } from '../lstm/network.js';
import { fitFactors, mix, softmax } from '../linear/temperature.js';
import { thresholdForPrecision } from '../metrics/classes.js';
import type { Sequence } from './epochs.js';
import { intentModel, saveIntent, type IntentCalibration } from './intent.js';
import { scopeQuantiles, strangeness } from './scope.js';
import { trainNetwork, type EpochTraining } from './training.js';
import { warmStart, type WarmStart } from './transfer.js';
import { trainWide } from './wide-train.js';
import { collectFeatures, sparseRows, wideFeatures } from './wide.js';
import type { Vocabulary } from '../text/vocabulary.js';
import { numbersOf, vocabularyOf, wordOf } from './words.js';

export interface IntentExample {
  /** tokens of the masked text, lower-cased, in order */
  tokens: readonly string[];
  intent: string;
}

export interface IntentSettings {
  seed: number;
  epochs: number;
  /** steps below which more epochs are taken, at most 60: a network learns by steps, and few examples are few steps an epoch */
  stepsMin: number;
  batch: number;
  learningRate: number;
  wordDropout: number;
  dropout: { embedding: number; between: number; output: number };
  E: number;
  H1: number;
  H2: number;
  /** words of a text that the network reads: what somebody wants is said at the start */
  tokensMax: number;
  /** occurrences that a word needs, and words at most */
  wordMin: number;
  wordsMax: number;
  featureTextsMin: number;
  featuresMax: number;
  wideEpochs: number;
  wideLearningRate: number;
  /** the label of texts that are about none of the intents, where examples have it */
  outside?: string;
  /** share of answers that must be right on the validation part */
  precision: number;
  /** share of texts in scope that may be taken for out of scope */
  refusedMax: number;
}

/** Chosen on the validation parts of clinc150 and bitext-support (docs/decisions/0018-intents.md). */
export const intentDefaults: IntentSettings = {
  seed: 1,
  epochs: 14,
  stepsMin: 1500,
  batch: 32,
  learningRate: 4e-3,
  wordDropout: 0.1,
  dropout: { embedding: 0.4, between: 0.3, output: 0.3 },
  E: 96,
  H1: 128,
  H2: 64,
  tokensMax: 64,
  wordMin: 2,
  wordsMax: 20_000,
  featureTextsMin: 2,
  featuresMax: 40_000,
  wideEpochs: 6,
  wideLearningRate: 0.1,
  precision: 0.95,
  refusedMax: 0.05,
};

/** More than that only learn the few examples by heart. */
const epochsMax = 60;

/** Of both parts; the validation part trains nothing. */
export interface IntentExamples {
  train: readonly IntentExample[];
  validation: readonly IntentExample[];
}

export interface IntentTrainingOptions {
  engine: CreateEngine;
  /** what `save` gave, for the same examples and settings */
  saved?: Uint8Array[] | undefined;
  /** embeddings and LSTM layers of a model that was trained on other intents */
  from?: WarmStart | undefined;
}

/** @returns a training whose result is the artefact's parts  @throws RangeError when the examples cannot make a model */
export function trainIntent({ train, validation }: IntentExamples, settings: IntentSettings, { engine, saved, from }: IntentTrainingOptions): EpochTraining<Uint8Array[]> {
  const labels = [...new Set(train.map(({ intent }) => intent))].sort();
  if (labels.length < 2) throw new RangeError(`intent: needs examples of at least two intents, got ${labels.join(', ') || 'none'}`);
  const classOf = new Map(labels.map((label, c) => [label, c]));
  const texts = train.map(({ tokens }) => tokens.map(wordOf));
  const words = vocabularyOf(texts, { min: settings.wordMin, max: settings.wordsMax, spelling: true });
  // Nothing can be learnt from an intent that only the validation part has.
  const known = validation.filter(({ intent }) => classOf.has(intent));
  const sequenceOf = ({ tokens, intent }: IntentExample): Sequence => ({
    tokens: numbersOf(tokens.slice(0, settings.tokensMax).map(wordOf), words),
    targets: Int32Array.of(classOf.get(intent) as number),
  });
  const hasWords = ({ tokens }: Sequence): boolean => tokens.length > 0;
  const { E, H1, H2, dropout, seed, batch, stepsMin } = settings;
  const epochs = Math.max(settings.epochs, Math.min(epochsMax, Math.ceil(stepsMin / Math.ceil(train.length / batch))));
  const shape = { V: words.size, E, H1, H2, C: labels.length, head: 'last' as const };
  const network = trainNetwork({
    sequences: train.map(sequenceOf).filter(hasWords),
    validation: known.map(sequenceOf).filter(hasWords),
    settings: { ...settings, epochs },
    engine,
    create() {
      const fresh = createNetwork(shape, seed, { engine, dropout });
      if (from !== undefined) warmStart(fresh, words, from);
      return fresh;
    },
  }, saved);
  return {
    get epoch() { return network.epoch; },
    epochs: network.epochs,
    next: () => network.next(),
    save: () => network.save(),
    finish: () => assemble({ labels, classOf, words, texts, train, validation: known, settings, parts: network.finish(), network: loadNetwork(network.finish(), { engine }) }),
  };
}

interface Assembly {
  labels: string[];
  classOf: ReadonlyMap<string, number>;
  words: Vocabulary;
  /** words of the training texts */
  texts: string[][];
  train: readonly IntentExample[];
  validation: readonly IntentExample[];
  settings: IntentSettings;
  parts: Uint8Array[];
  network: Network;
}

function assemble({ labels, classOf, words, texts, train, validation, settings, parts, network }: Assembly): Uint8Array[] {
  const C = labels.length;
  const { featureTextsMin, featuresMax, wideEpochs, wideLearningRate, seed, tokensMax, outside } = settings;
  const collected = collectFeatures(texts, { textsMin: featureTextsMin, featuresMax });
  const features = wideFeatures(collected.names, collected.idf);
  const classes = train.map(({ intent }) => classOf.get(intent) as number);
  const { W, b } = trainWide(sparseRows(features, texts), classes, collected.names.length, C, { seed, epochs: wideEpochs, learningRate: wideLearningRate });
  const plain: IntentCalibration = { labels, outside, tokensMax, factors: [1, 1], outOfScopeMin: 1 };
  const model = intentModel(plain, network, words, features, W, b, Float64Array.of(0));

  const N = validation.length;
  const [deep, wide] = [new Float64Array(N * C), new Float64Array(N * C)];
  validation.forEach(({ tokens }, i) => {
    const both = model.logits(tokens.map(wordOf));
    deep.set(both.deep, i * C);
    wide.set(both.wide, i * C);
  });
  const truth = Int32Array.from(validation, ({ intent }) => classOf.get(intent) as number);
  const factors = fitFactors([deep, wide], truth, C);
  const out = outside === undefined ? -1 : labels.indexOf(outside);
  const [z, p] = [new Float64Array(C), new Float64Array(C)];
  const [confidences, correct, scores]: [number[], number[], number[]] = [[], [], []];
  for (let i = 0; i < N; i += 1) {
    mix([deep, wide], factors, i * C, C, z);
    softmax(z, 0, C, 1, p);
    let top = out === 0 ? 1 : 0;
    for (let c = 0; c < C; c += 1) if (c !== out && p[c] > p[top]) top = c;
    confidences.push(p[top]);
    correct.push(top === truth[i] ? 1 : 0);
    if (truth[i] !== out) scores.push(strangeness(z, C, out));
  }
  const calibration: IntentCalibration = {
    ...plain,
    factors: [...factors],
    threshold: thresholdForPrecision(confidences, correct, settings.precision)?.threshold,
    outOfScopeMin: 1 - settings.refusedMax,
  };
  return saveIntent(calibration, { network: parts, words, features: collected.names, idf: collected.idf, W, b, scope: scopeQuantiles(Float64Array.from(scores)) });
}
