/** Texts of the public sets as a shard reads them, and what the parts of the suite have in common. */
import type { EntitySpan, LabelledText } from '../datasets/labelled-text.js';
import { fitSoftmax, softmaxLogits } from '../models/linear/softmax.js';
import type { EpochTraining } from '../models/support/training.js';
import { mask } from '../models/text/mask.js';
import { normalise } from '../models/text/normalise.js';
import { fitTfidf } from '../models/text/tfidf.js';
import { tokenise, type Token } from '../models/text/tokenise.js';
import type { Language } from '../models/text/language.js';
import type { SuiteOptions } from './main.js';

type Say = SuiteOptions['say'];

export interface ReadText {
  text: string;
  tokens: Token[];
}

/** Normalised, masked, in tokens. */
export function readText(raw: string, language: Language): ReadText {
  const { text } = mask(normalise(raw));
  return { text, tokens: tokenise(text, language) };
}

export const wordsOf = (raw: string, language: Language): string[] => readText(raw, language).tokens.map(({ text }) => text);

/**
 * The spans of a text after it was normalised and masked: the same occurrence of the same value. What the mask took is a span that nobody
 * can find, and counts as missed.
 */
export function movedSpans(raw: string, spans: readonly EntitySpan[], text: string): EntitySpan[] {
  return spans.map(({ kind, start, end }) => {
    const value = normalise(raw.slice(start, end));
    const before = normalise(raw.slice(0, end)).split(value).length - 1;
    let at = -1;
    for (let i = 0; i < before; i += 1) at = text.indexOf(value, at + 1);
    return at < 0 ? { kind, start: -1, end: -1 } : { kind, start: at, end: at + value.length };
  });
}

/** All epochs, with a line for each. */
export function run<Result>(name: string, training: EpochTraining<Result>, say: Say): Result {
  const from = performance.now();
  while (training.epoch < training.epochs) {
    const { epoch, epochs, loss, validation } = training.next();
    say(`${name}: epoch ${epoch} of ${epochs}, loss ${loss.toFixed(4)}, on the validation part ${validation.toFixed(4)}, ${((performance.now() - from) / 1000).toFixed(1)} s`);
  }
  return training.finish();
}

export interface Linear {
  labels: string[];
  /** C numbers */
  logits(words: readonly string[]): Float64Array;
}

/** scikit-learn's C = 20 was the best of 10, 20 and 30 on the validation part of clinc150. */
const l2 = 1 / 20;

/** The baseline: single words weighed by TF-IDF, and multinomial logistic regression. @param texts  words of each */
export function fitLinear(texts: readonly (readonly string[])[], labelsOf: readonly string[], featuresMax = 50_000): Linear {
  const labels = [...new Set(labelsOf)].sort();
  const tokens = (words: readonly string[]): { text: string }[] => words.map((text) => ({ text }));
  const tfidf = fitTfidf(texts.map(tokens), { words: { runs: [1, 1], dfMin: 1, max: featuresMax }, sublinear: true });
  const classOf = new Map(labels.map((label, c) => [label, c]));
  const y = Int32Array.from(labelsOf, (label) => classOf.get(label) as number);
  const model = fitSoftmax(tfidf.rows(texts.map(tokens)), y, labels.length, { l2, iterationsMax: 60 });
  return { labels, logits: (words) => softmaxLogits(model, tfidf.row(tokens(words))) };
}

export function argmax(values: ArrayLike<number>, except = -1): number {
  let best = except === 0 ? 1 : 0;
  for (let c = 0; c < values.length; c += 1) if (c !== except && values[c] > values[best]) best = c;
  return best;
}

export const share = (of: number, all: number): number => of / all;

/** Mean and standard deviation. */
export function spread(values: readonly number[]): { mean: number; sd: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, sd: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1)) };
}

/** Says what is skipped. */
export function absent(rows: string, folder: string, say: Say): [] {
  say(`${rows}: skipped, ${folder} is absent; fetch the public data sets to measure it`);
  return [];
}

export const labelsOf = (texts: readonly LabelledText[]): string[] => texts.map(({ label }) => label);
