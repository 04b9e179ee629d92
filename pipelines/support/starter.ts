/**
 * The model that reads intents until one is promoted: TF-IDF of words, pairs and letter groups, the cosine to the sum of each
 * intent's texts (Rocchio's classifier), and softmax. Its texts are the example utterances of the approved answers, the answers'
 * own sentences and the intents' names, and examples of what is none of them. The same answers give the same model, to the bit.
 *
 *   F = features, C = intents and (none), S (C x F) sums of weighed rows of length 1
 *   z[c] = x . S[c] / |S[c]|     confidence = softmax(scale z)
 *
 * Leaving one example out takes its rows from one sum, so each is judged by a model that has not seen it, nor another filling of it,
 * at the price of a look at each. From there come the scale, the threshold and what is unusual. With a dozen examples an intent,
 * a trained softmax reads no more of them right and takes some thirty times as long (docs/decisions/0023-starter.md).
 * Source: Rocchio 1971; Joachims 1997 (ICML).
 */
import { fitInverseTemperature, softmax } from '../../models/linear/temperature.js';
import { thresholdForPrecision } from '../../models/metrics/classes.js';
import { FILLINGS, trainingExamples } from '../../models/support/answers-examples.js';
import { answerLanguages, type Answers } from '../../models/support/answers.js';
import { scopeQuantiles, undecided, unusualness } from '../../models/support/scope.js';
import { slotsOf } from '../../models/support/slots.js';
import { collectFeatures, wideFeatures, wordsMax, type WideFeatures } from '../../models/support/wide.js';
import { wordOf } from '../../models/support/words.js';
import type { Language } from '../../models/text/language.js';
import { loadText } from '../../models/text/load.js';
import { normalise } from '../../models/text/normalise.js';
import { tokenise } from '../../models/text/tokenise.js';
import type { IntentReader } from './models.js';
import { outsideExamples } from './outside.js';
import type { Starter } from './reading.js';

/** Raised when the same answers would give another model. */
const name = 'intent-starter-1';
const outside = '(none)';
const features = { textsMin: 1, featuresMax: 60_000 };
/** What a sentence of an answer counts beside an example. Without answers a tenth less is read right; 0.1, 0.3 and 1 do equally well. */
const ANSWER_WEIGHT = 0.3;
/** Share of the examples of some intent that may be taken for out of scope. */
const REFUSED_MAX = 0.05;
const ALTERNATIVES = 3;

interface Example {
  words: string[];
  label: string;
  /** of what it is a filling; undefined: it only teaches, and is not asked about */
  group: number | undefined;
  weight: number;
}

export interface StarterReport {
  examples: number;
  /** by cross-validation: share of the in-scope examples whose intent is read */
  accuracy: number;
  /** share of all examples that it does not abstain from, and how many of them are right */
  coverage: number;
  precision: number;
  threshold: number | undefined;
  /** share of the outside examples that it abstains from */
  refused: number;
}

/** One for each set of answers and precision: tests and shards of one process share it. */
const made = new Map<string, Starter & { report: StarterReport }>();

/** What the first ticket would wait for: the dictionaries, and this model. */
export const warmUpSupport = ({ answers, precision }: { answers: Answers; precision: number }): (() => void)[] => [loadText, () => void starterOf(answers, precision)];

/** @param precision  share of what it does not abstain from that must be right in its cross-validation */
export function starterOf(answers: Answers, precision: number): Starter & { report: StarterReport } {
  const key = `${answers.version} ${precision}`;
  let starter = made.get(key);
  if (starter === undefined) made.set(key, (starter = trainStarter(answers, precision)));
  return starter;
}

export function trainStarter(answers: Answers, precision: number): Starter & { report: StarterReport } {
  const asked = examplesOf(answers);
  const model = sumUp([...asked, ...answerSentences(answers)]);
  const { labels, classes, out } = model;
  const C = labels.length;
  const truth = classes.subarray(0, asked.length);
  const logits = leftOut(model, asked);
  const scale = fitInverseTemperature(logits, truth, C);
  const { confidences, right, scores } = judge(logits, truth, C, scale, out);
  const found = thresholdForPrecision(confidences, right, precision);
  const quantiles = scopeQuantiles(Float64Array.from(scores.filter((_, i) => truth[i] !== out)));
  const threshold = found?.threshold;
  const isRefused = (i: number): boolean => confidences[i] < (threshold ?? Infinity) || unusualness(quantiles, scores[i]) > 1 - REFUSED_MAX;
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const of = (wanted: boolean, value: (i: number) => number): number[] => [...truth].flatMap((c, i) => ((c === out) === wanted ? [value(i)] : []));
  return {
    name, reader: readerOf({ ...model, scale, threshold, quantiles, said: sayings(model, asked) }),
    report: {
      examples: asked.length, accuracy: mean(of(false, (i) => right[i])), coverage: found?.coverage ?? 0, precision: found?.precision ?? Number.NaN, threshold,
      refused: mean(of(true, (i) => (isRefused(i) ? 1 : 0))),
    },
  };
}

/** In the order of the intents' names. */
function examplesOf(answers: Answers): Example[] {
  const groups = [...answers.intents.values()].flatMap(({ examples }) => answerLanguages.flatMap((language) => examples[language]))
    .flatMap((example, group) => new Array<number>(slotsOf(example).slots.length === 0 ? 1 : FILLINGS).fill(group));
  const texts = trainingExamples(answers);
  if (texts.length !== groups.length) throw new RangeError(`starter: ${texts.length} examples came of ${groups.length} that were counted`);
  const inScope = texts.map(({ text, language, intent }, i): Example => ({ words: wordsOf(text, language), label: intent, group: groups[i], weight: 1 }));
  const others = answerLanguages.flatMap((language) => outsideExamples[language].map((text) => ({ text, language })));
  return [...inScope, ...others.map(({ text, language }, i): Example => ({ words: wordsOf(text, language), label: outside, group: texts.length + i, weight: 1 }))];
}

const wordsOf = (text: string, language: Language): string[] => tokenise(normalise(text), language).map((token) => wordOf(token.text));
/** Words of a sentence below which it says nothing. */
const WORDS_MIN = 3;

function answerSentences(answers: Answers): Example[] {
  return [...answers.intents.values()].flatMap(({ intent, aliases, answers: approved }) => {
    const named = [intent, ...aliases].map((label) => label.split(/[_-]/));
    const said = answerLanguages.flatMap((language) => approved[language].flatMap(({ text }) => slotsOf(text).rest.split(/[.;,!?。；，！？]/).map((sentence) => wordsOf(sentence, language))));
    return [...named, ...said.filter(({ length }) => length >= WORDS_MIN)].map((words): Example => ({ words, label: intent, group: undefined, weight: ANSWER_WEIGHT }));
  });
}

interface Row {
  columns: number[];
  values: number[];
}

interface Sums {
  labels: readonly string[];
  /** place of (none) */
  out: number;
  /** of each example */
  classes: Int32Array;
  rows: readonly Row[];
  features: WideFeatures;
  /** F x C: a text's features are looked up one after the other, and every class is wanted of each */
  S: Float64Array;
  /** squares of their lengths, C */
  norm2: Float64Array;
}

function sumUp(examples: readonly Example[]): Sums {
  const labels = [...new Set(examples.map(({ label }) => label))].sort();
  const classOf = new Map(labels.map((label, c) => [label, c]));
  const classes = Int32Array.from(examples, ({ label }) => classOf.get(label) ?? -1);
  const collected = collectFeatures(examples.map(({ words }) => words), features);
  const wide = wideFeatures(collected.names, collected.idf);
  const [C, F] = [labels.length, collected.names.length];
  const [S, norm2] = [new Float64Array(F * C), new Float64Array(C)];
  const rows = examples.map(({ words, weight }, i) => {
    const row: Row = { columns: [], values: [] };
    wide.row(words, row.columns, row.values);
    row.columns.forEach((f, k) => { S[f * C + classes[i]] += weight * row.values[k]; });
    return row;
  });
  for (let f = 0; f < F; f += 1) for (let c = 0; c < C; c += 1) norm2[c] += S[f * C + c] ** 2;
  return { labels, out: classOf.get(outside) ?? -1, classes, rows, features: wide, S, norm2 };
}

/** z of a row, into C numbers. */
function score({ S, norm2 }: Sums, { columns, values }: Row, z: Float64Array): void {
  const C = norm2.length;
  z.fill(0);
  for (let k = 0; k < columns.length; k += 1) {
    const [at, x] = [columns[k] * C, values[k]];
    for (let c = 0; c < C; c += 1) z[c] += x * S[at + c];
  }
  for (let c = 0; c < C; c += 1) z[c] = norm2[c] > 0 ? z[c] / Math.sqrt(norm2[c]) : 0;
}

/** z of each example without itself and the other fillings of it. N x C */
function leftOut(sums: Sums, asked: readonly Example[]): Float64Array {
  const { S, norm2, rows, classes } = sums;
  const C = norm2.length;
  const logits = new Float64Array(asked.length * C);
  for (let from = 0, to = 0; from < asked.length; from = to) {
    while (to < asked.length && asked[to].group === asked[from].group) to += 1;
    const c = classes[from];
    const before = norm2[c];
    const add = (sign: number): void => {
      for (let i = from; i < to; i += 1) rows[i].columns.forEach((f, k) => { S[f * C + c] += sign * asked[i].weight * rows[i].values[k]; });
    };
    // Only where the example has something does the sum change.
    const touched = [...new Set(rows.slice(from, to).flatMap(({ columns }) => columns))];
    const squares = (): number => touched.reduce((sum, f) => sum + S[f * C + c] ** 2, 0);
    const squaresBefore = squares();
    const kept = touched.map((f) => S[f * C + c]);
    add(-1);
    norm2[c] = Math.max(0, before - squaresBefore + squares());
    for (let i = from; i < to; i += 1) score(sums, rows[i], logits.subarray(i * C, (i + 1) * C));
    // The very numbers: what is taken out and put back is not what it was, to the last bit.
    touched.forEach((f, i) => { S[f * C + c] = kept[i]; });
    norm2[c] = before;
  }
  return logits;
}

function judge(logits: Float64Array, truth: Int32Array, C: number, scale: number, out: number): { confidences: number[]; right: number[]; scores: number[] } {
  const p = new Float64Array(C);
  const judged = { confidences: [] as number[], right: [] as number[], scores: [] as number[] };
  for (let i = 0; i < truth.length; i += 1) {
    softmax(logits, i * C, C, scale, p);
    const top = likeliest(p, out, 1)[0];
    judged.confidences.push(p[top]);
    judged.right.push(top === truth[i] ? 1 : 0);
    judged.scores.push(undecided(logits.subarray(i * C, (i + 1) * C), C, out));
  }
  return judged;
}

/** The k largest but `out`, the earlier among equals. */
function likeliest(p: Float64Array, out: number, k: number): number[] {
  const order = Array.from(p, (_, c) => c).filter((c) => c !== out);
  return order.sort((a, b) => p[b] - p[a] || a - b).slice(0, k);
}

/** Share of a text's words that stand in some example. */
function knownShare(tokens: readonly { text: string }[], listed: ReadonlySet<string>): number {
  const words = tokens.slice(0, wordsMax).filter(({ text }) => wordlike.test(text));
  return words.length === 0 ? 0 : Math.sqrt(words.filter(({ text }) => listed.has(wordOf(text))).length / words.length);
}

const wordlike = /[\p{L}\p{N}]/u;
/** The very words of an approved example are that intent's, whatever its neighbours look like. */
const CERTAIN = 0.99;
const keyOf = (tokens: readonly { text: string }[]): string => tokens.filter(({ text }) => wordlike.test(text)).map(({ text }) => wordOf(text)).join(' ');

function certain(p: Float64Array, c: number): void {
  if (p[c] >= CERTAIN) return;
  const rest = (1 - CERTAIN) / (1 - p[c]);
  for (let i = 0; i < p.length; i += 1) p[i] = i === c ? CERTAIN : p[i] * rest;
}

/** Example utterances that one intent alone has, by their words. */
function sayings({ classes }: Sums, asked: readonly Example[]): Map<string, number> {
  const found = new Map<string, number>();
  asked.forEach(({ words }, i) => {
    const key = keyOf(words.map((text) => ({ text })));
    found.set(key, found.has(key) && found.get(key) !== classes[i] ? -1 : classes[i]);
  });
  return new Map([...found].filter(([key, c]) => key !== '' && c >= 0));
}

interface Trained extends Sums {
  scale: number;
  /** undefined: nothing is sure enough */
  threshold: number | undefined;
  quantiles: Float64Array;
  said: ReadonlyMap<string, number>;
}

function readerOf(model: Trained): IntentReader {
  const { labels, out, scale, threshold, quantiles, said } = model;
  const C = labels.length;
  const [z, p] = [new Float64Array(C), new Float64Array(C)];
  const listed = new Set(model.features.names);
  return {
    labels: labels.filter((label) => label !== outside),
    predict(tokens) {
      const row: Row = { columns: [], values: [] };
      model.features.row(tokens.map(({ text }) => wordOf(text)), row.columns, row.values);
      score(model, row, z);
      // What no example has is nothing that the cosine sees: a text of strange words around a known one is not that one.
      const share = knownShare(tokens, listed);
      for (let c = 0; c < C; c += 1) z[c] *= share;
      softmax(z, 0, C, scale, p);
      const example = said.get(row.columns.length === 0 ? '' : keyOf(tokens));
      if (example !== undefined) certain(p, example);
      const [first, ...rest] = likeliest(p, out, ALTERNATIVES + 1);
      const outOfScope = Math.max(p[out], example === undefined ? unusualness(quantiles, undecided(z, C, out)) : 0);
      const strange = p[out] > p[first] || outOfScope > 1 - REFUSED_MAX;
      const sure = threshold !== undefined && p[first] >= threshold;
      const enough = threshold === undefined ? 'nothing is' : `${(threshold * 100).toFixed(0)} % are`;
      return {
        intent: labels[first], confidence: p[first], alternatives: rest.map((c) => ({ intent: labels[c], confidence: p[c] })), outOfScope,
        ...(strange ? { abstain: 'out_of_scope' } : sure ? {} : { abstain: `${(p[first] * 100).toFixed(0)} % sure, ${enough} enough for this model` }),
      };
    },
  };
}
