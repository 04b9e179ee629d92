/**
 * What a network gains from one that was trained on other intents: of clinc150, for those of bitext, with few examples a label.
 * Both start from the same seed, learn from the same examples for as many epochs and choose among them on the same few others; the
 * test part is bitext's. Gains are differences of accuracy, of the network alone: letter groups would hide them.
 */
import { readBitext } from '../datasets/bitext.js';
import { readClinc150 } from '../datasets/clinc150.js';
import { createFastEngine } from '../models/lstm/fast.js';
import { accuracy } from '../models/metrics/classes.js';
import { createUniform } from '../models/random.js';
import { shuffle } from '../models/support/epochs.js';
import { readIntent, warmStartOf } from '../models/support/intent.js';
import { intentDefaults, trainIntent, type IntentExample } from '../models/support/intent-train.js';
import { wordOf } from '../models/support/words.js';
import type { SuiteOptions } from './main.js';
import { row, type Row } from './report.js';
import { absent, argmax, fitLinear, run, spread, wordsOf } from './support-text.js';

type Say = SuiteOptions['say'];
const engine = createFastEngine;
const seeds = [1, 2, 3, 4, 5];
/** Epochs are many where steps are few. */
const plans = [
  { each: 10, epochs: 40, batch: 16 },
  { each: 50, epochs: 16, batch: 16 },
  { each: 200, epochs: 6, batch: 32 },
] as const;
const widths = { E: 64, H1: 64, H2: 32 };

export function transferRows(say: Say): Row[] {
  const [clinc, bitext] = [readClinc150(), readBitext()];
  if (clinc === undefined || bitext === undefined) return absent('support.transfer', clinc === undefined ? 'clinc150' : 'bitext-support', say);
  const examples = (part: readonly { text: string; label: string }[]): IntentExample[] => part.map(({ text, label }) => ({ tokens: wordsOf(text, 'en'), intent: label }));
  const source = run('support.transfer clinc150', trainIntent({ train: examples(clinc.train), validation: examples(clinc.validation) }, { ...intentDefaults, ...widths, epochs: 8, wideEpochs: 1 }, { engine }), say);
  const [train, dev, test] = [bitext.train, bitext.dev, bitext.test].map(examples);
  return plans.map(({ each, epochs, batch }) => {
    const results = seeds.map((seed) => {
      const parts = { train: some(train, each, seed), validation: some(dev, Math.max(2, Math.floor(each / 5)), seed) };
      const settings = { ...intentDefaults, ...widths, seed, epochs, batch, stepsMin: 0, wordMin: 1, wideEpochs: 1 };
      const network = (from?: ReturnType<typeof warmStartOf>): number => deepAccuracy(silently(trainIntent(parts, settings, { engine, from })), test);
      const linear = fitLinear(parts.train.map(({ tokens }) => tokens), parts.train.map(({ intent }) => intent));
      const [cold, warm] = [network(), network(warmStartOf(source))];
      return { cold, warm, linear: accuracy(test.map(({ tokens }) => linear.labels[argmax(linear.logits(tokens))]), test.map(({ intent }) => intent)) };
    });
    const [cold, warm, linear, gain] = [spread(results.map((r) => r.cold)), spread(results.map((r) => r.warm)), spread(results.map((r) => r.linear)), spread(results.map((r) => r.warm - r.cold))];
    const shown = ({ mean, sd }: { mean: number; sd: number }): string => `${mean.toFixed(4)} (sd ${sd.toFixed(4)})`;
    say(`support.transfer ${each} examples a label, ${seeds.length} seeds: from nothing ${shown(cold)}, warm ${shown(warm)}, gain ${shown(gain)}; TF-IDF and softmax regression ${shown(linear)}`);
    // A ratio of two gains says nothing: either may be 0.
    return { ...row(`support.transfer.gain_${each}`, gain.mean, 'accuracy', linear.mean - cold.mean, `what TF-IDF of words and softmax regression gain over the same network from nothing (${cold.mean.toFixed(3)}); sd of the gain over ${seeds.length} seeds ${gain.sd.toFixed(4)}`), ratio: null };
  });
}

const silently = (training: ReturnType<typeof trainIntent>): Uint8Array[] => run('', training, () => undefined);

function deepAccuracy(parts: Uint8Array[], test: readonly IntentExample[]): number {
  const model = readIntent(parts);
  return accuracy(test.map(({ tokens }) => model.labels[argmax(model.logits(tokens.map(wordOf)).deep)]), test.map(({ intent }) => intent));
}

/** So many of each label, drawn by the seed. */
function some(all: readonly IntentExample[], each: number, seed: number): IntentExample[] {
  const order = Uint32Array.from(all, (_, i) => i);
  shuffle(order, createUniform(seed));
  const taken = new Map<string, number>();
  return Array.from(order, (i) => all[i]).filter(({ intent }) => {
    const count = taken.get(intent) ?? 0;
    taken.set(intent, count + 1);
    return count < each;
  });
}
