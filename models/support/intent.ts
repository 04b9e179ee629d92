/**
 * What a customer wants: one of a closed set of intents, or none of them.  C = intents
 *
 *   words -> numbers -> network (head last)  -> z_deep  \
 *   words -> letter groups, pairs -> weights -> z_wide  -> b_deep z_deep + b_wide z_wide -> softmax -> confidence
 *                                                                        \-> how strange -> outOfScope
 *
 * Confidences are calibrated on texts that trained nothing, and below the threshold that reaches the wanted precision there, a person
 * reads the text. Deterministic: the same artefact and words give the same bits everywhere.
 */
import { loadNetwork, type Network } from '../lstm/network.js';
import { mix, softmax } from '../linear/temperature.js';
import { bytesOf, pack, unpack, type Format, type Header } from '../snapshot.js';
import { strangeness, unusualness } from './scope.js';
import { concat, linesOf, textBytes } from './sections.js';
import type { WarmStart } from './transfer.js';
import { scoreRow } from './wide-train.js';
import { wideFeatures, wordsMax, type WideFeatures } from './wide.js';
import { loadVocabulary, saveVocabulary, type Vocabulary } from '../text/vocabulary.js';
import { numbersOf, wordOf } from './words.js';

export interface IntentPrediction {
  intent: string;
  /** calibrated probability that it is the right one */
  confidence: number;
  /** the next most likely ones */
  alternatives: { intent: string; confidence: number }[];
  /** share of the texts about some intent that look less unusual: 0.99 is hardly about any */
  outOfScope: number;
  /** why a person should read it: `out_of_scope`, or a sentence; absent when it is sure enough */
  abstain?: string;
}

export interface IntentModel {
  readonly labels: readonly string[];
  /** @param tokens  of the masked text, in order */
  predict(tokens: readonly { text: string }[]): IntentPrediction;
  /** The text as a vector of length H2: the network's last output. Zeros for a text without tokens. */
  sentence(tokens: readonly { text: string }[]): Float32Array;
  /** What the two halves say, C numbers each: for calibration and comparison. */
  logits(words: readonly string[]): { deep: Float32Array; wide: Float64Array };
}

/** What is put into a file beside the weights. */
export interface IntentCalibration {
  labels: readonly string[];
  /** the label that means none of the others; it is never an answer */
  outside?: string | undefined;
  /** words of a text that the network reads */
  tokensMax: number;
  /** b_deep, b_wide */
  factors: readonly number[];
  /** answered from this confidence on; undefined: never, as no threshold reached the precision */
  threshold?: number | undefined;
  /** unusualness from which a text is out of scope */
  outOfScopeMin: number;
}

export interface IntentWeights {
  /** of `network.save()` */
  network: Uint8Array[];
  words: Vocabulary;
  /** names and inverse document frequencies of the F features */
  features: readonly string[];
  idf: Float32Array;
  /** [F, C] and [C] */
  W: Float32Array;
  b: Float32Array;
  /** ascending, of texts in scope */
  scope: Float64Array;
}

/** Raise the version when a word, a feature or a calibration means something else. */
const format: Format = { name: 'intent model', magic: 'AINT', version: 1 };
const alternativesMax = 3;

type IntentHeader = Header & { calibration: IntentCalibration };

/** Deterministic: the same model gives the same bytes. */
export function saveIntent(calibration: IntentCalibration, { network, words, features, idf, W, b, scope }: IntentWeights): Uint8Array[] {
  const sections = [concat(network), concat(saveVocabulary(words)), textBytes(features), bytesOf(idf), bytesOf(W), bytesOf(b), bytesOf(scope)];
  const header: IntentHeader = { settings: {}, sections: sections.map(({ length }) => length), calibration };
  return pack(header, sections, format);
}

/** A ModelReader. @throws RangeError that says what is wrong when the parts are not an intent model of this build */
export function readIntent(parts: readonly Uint8Array[]): IntentModel {
  const { header, network, words, take } = open(parts);
  const features = linesOf(take());
  const [idf, W, b] = [0, 1, 2].map(() => new Float32Array(take().buffer));
  const scope = new Float64Array(take().buffer);
  return intentModel(header.calibration, network, words, wideFeatures(features, idf), W, b, scope);
}

/** What the next model may start from. @throws RangeError as `readIntent` does */
export function warmStartOf(parts: readonly Uint8Array[]): WarmStart {
  const { network, words } = open(parts);
  return { network, words };
}

function open(parts: readonly Uint8Array[]): WarmStart & { header: IntentHeader; take: () => Uint8Array } {
  const { header, next } = unpack<IntentHeader>([...parts], {}, format);
  const take = (): Uint8Array => next((bytes) => new Uint8Array(bytes));
  return { header, network: loadNetwork([take()]), words: loadVocabulary([take()]), take };
}

export function intentModel(calibration: IntentCalibration, network: Network, words: Vocabulary, features: WideFeatures, W: Float32Array, b: Float32Array, scope: Float64Array): IntentModel {
  const { labels, factors, threshold, outOfScopeMin, tokensMax } = calibration;
  const C = labels.length;
  const { V, C: classes, head } = network.shape;
  if (classes !== C || head !== 'last' || V !== words.size) throw new RangeError(`intent model: the network has ${V} words, ${classes} classes and the head ${head}, the lists have ${words.size} words and ${C} labels; they are of two models`);
  if (W.length !== features.names.length * C || b.length !== C) throw new RangeError(`intent model: ${W.length} weights do not fit ${features.names.length} features and ${C} labels`);
  // Rounded apart: what is not enough must not look like enough.
  const enough = threshold === undefined ? 'nothing is' : `${Math.ceil(100 * threshold)} % are`;
  const outside = calibration.outside === undefined ? -1 : labels.indexOf(calibration.outside);
  const [z, p, wide] = [new Float64Array(C), new Float64Array(C), new Float64Array(C)];
  const [columns, values]: [number[], number[]] = [[], []];
  const wordsOf = (tokens: readonly { text: string }[]): string[] => tokens.slice(0, Math.max(wordsMax, tokensMax)).map(({ text }) => wordOf(text));
  const read = (list: readonly string[]): Int32Array => numbersOf(list.slice(0, tokensMax), words);

  function logits(list: readonly string[]): { deep: Float32Array; wide: Float64Array } {
    columns.length = 0;
    values.length = 0;
    features.row(list, columns, values);
    scoreRow(W, b, columns, values, 0, columns.length, C, wide);
    return { deep: network.infer(read(list)), wide };
  }

  return {
    labels,
    logits: (list) => {
      const both = logits(list);
      return { deep: both.deep.slice(), wide: both.wide.slice() };
    },
    sentence: (tokens) => network.hidden(read(wordsOf(tokens))),
    predict(tokens) {
      const { deep } = logits(wordsOf(tokens));
      mix([deep, wide], factors, 0, C, z);
      softmax(z, 0, C, 1, p);
      const order = best(p, outside, alternativesMax + 1);
      // A text without words is about nothing.
      const outOfScope = tokens.length === 0 ? 1 : unusualness(scope, strangeness(z, C, outside));
      const confidence = p[order[0]];
      const sure = threshold !== undefined && confidence >= threshold;
      return {
        intent: labels[order[0]],
        confidence,
        alternatives: order.slice(1).map((c) => ({ intent: labels[c], confidence: p[c] })),
        outOfScope,
        ...(outOfScope >= outOfScopeMin ? { abstain: 'out_of_scope' } : sure ? {} : { abstain: `${Math.floor(100 * confidence)} % sure, ${enough} enough for this model` }),
      };
    },
  };
}

/** The k largest, the earlier label first among equals. @param outside  never among them */
function best(p: Float64Array, outside: number, k: number): number[] {
  const order: number[] = [];
  for (let c = 0; c < p.length; c += 1) {
    if (c === outside) continue;
    let at = order.length;
    while (at > 0 && p[c] > p[order[at - 1]]) at -= 1;
    if (at < k) {
      order.splice(at, 0, c);
      if (order.length > k) order.pop();
    }
  }
  return order;
}
