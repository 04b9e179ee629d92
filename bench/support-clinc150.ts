/**
 * CLINC150, data_full: 150 intents, and texts that are about none of them, of which 100 train and 100 validate ("oos-train" in the paper).
 * The validation part chooses, the test part is looked at once. In-scope accuracy is that of the best of the 150 intents, before
 * anybody abstains; how many texts in scope would be taken for out of scope is said beside it.
 */
import { readClinc150, type Clinc150 } from '../datasets/clinc150.js';
import { createFastEngine } from '../models/lstm/fast.js';
import { expectedCalibrationError } from '../models/metrics/calibration.js';
import { accuracy } from '../models/metrics/classes.js';
import { auc } from '../models/metrics/ranking.js';
import { readIntent } from '../models/support/intent.js';
import { intentDefaults, trainIntent } from '../models/support/intent-train.js';
import { readLanguageModel } from '../models/support/language.js';
import { languageDefaults, trainLanguage } from '../models/support/language-train.js';
import { strangeness } from '../models/support/scope.js';
import { wordOf } from '../models/support/words.js';
import type { SuiteOptions } from './main.js';
import { row, type Row } from './report.js';
import { absent, argmax, fitLinear, labelsOf, run, wordsOf } from './support-text.js';

type Say = SuiteOptions['say'];
const engine = createFastEngine;
const baselineIs = 'TF-IDF of words and softmax regression';
const outsideLabel = 'oos';
/** Out of scope is the positive class. */
const outsideIs = (inside: number, outside: number): number[] => [...new Array<number>(inside).fill(0), ...new Array<number>(outside).fill(1)];

export function clinc150Rows(say: Say): Row[] {
  const set = readClinc150();
  if (set === undefined) return absent('support.clinc150', 'clinc150', say);
  return [...intentRows(set, say), ...perplexityRows(set, say)];
}

function intentRows({ train, validation, test, outOfScope }: Clinc150, say: Say): Row[] {
  const examples = (part: Clinc150['train']): { tokens: string[]; intent: string }[] => part.map(({ text, label }) => ({ tokens: wordsOf(text, 'en'), intent: label }));
  const others = (texts: string[]): { tokens: string[]; intent: string }[] => texts.map((text) => ({ tokens: wordsOf(text, 'en'), intent: outsideLabel }));
  const learn = [...examples(train), ...others(outOfScope.train)];
  const choose = [...examples(validation), ...others(outOfScope.validation)];
  const model = readIntent(run('support.clinc150 intent', trainIntent({ train: learn, validation: choose }, { ...intentDefaults, outside: outsideLabel }, { engine }), say));
  const out = model.labels.indexOf(outsideLabel);
  const [inside, outside] = [test.map(({ text }) => wordsOf(text, 'en')), outOfScope.test.map((text) => wordsOf(text, 'en'))];
  const truth = labelsOf(test);
  const positive = outsideIs(inside.length, outside.length);
  const all = [...inside, ...outside];
  const answers = all.map((words) => model.predict(words.map((text) => ({ text }))));
  const known = answers.slice(0, inside.length);
  const halves = all.map((words) => model.logits(words.map(wordOf)));
  const half = (name: 'deep' | 'wide'): { accuracy: number; auroc: number } => ({
    accuracy: accuracy(halves.slice(0, inside.length).map((z) => model.labels[argmax(z[name], out)]), truth),
    auroc: auc(halves.map((z) => strangeness(z[name], model.labels.length, out)), positive),
  });
  const linear = fitLinear(learn.map(({ tokens }) => tokens), learn.map(({ intent }) => intent));
  const z = all.map((words) => linear.logits(words));
  const base = { accuracy: accuracy(z.slice(0, inside.length).map((logits) => linear.labels[argmax(logits, out)]), truth), auroc: auc(z.map((logits) => strangeness(logits, logits.length, out)), positive) };
  const right = known.map(({ intent }, i) => (intent === truth[i] ? 1 : 0));
  const sure = answers.map(({ abstain }, i) => ({ abstain, right: right[i] ?? 0 })).filter(({ abstain }) => abstain === undefined);
  const [deep, wide] = [half('deep'), half('wide')];
  say(`support.clinc150: network alone ${deep.accuracy.toFixed(4)} and ${deep.auroc.toFixed(4)}, letter groups alone ${wide.accuracy.toFixed(4)} and ${wide.auroc.toFixed(4)}; calibration error ${expectedCalibrationError(known.map(({ confidence }) => confidence), right).toFixed(4)}`);
  const detected = answers.slice(inside.length).filter(({ abstain }) => abstain === 'out_of_scope').length;
  say(`support.clinc150: of all ${all.length}, ${outside.length} of them out of scope, ${(sure.length / all.length).toFixed(3)} are answered, ${(sure.filter((answer) => answer.right === 1).length / sure.length).toFixed(4)} rightly; ${detected} of those out of scope are told, ${known.filter(({ abstain }) => abstain === 'out_of_scope').length} in scope are taken for such`);
  return [
    row('support.clinc150.in_scope_accuracy', accuracy(known.map(({ intent }) => intent), truth), 'share', base.accuracy, baselineIs),
    row('support.clinc150.in_scope_accuracy_lstm', deep.accuracy, 'share', base.accuracy, `the network alone; ${baselineIs}`),
    row('support.clinc150.oos_auroc', auc(answers.map(({ outOfScope: score }) => score), positive), 'AUROC', base.auroc, `${baselineIs}, its score made as ours is`),
    row('support.clinc150.oos_auroc_lstm', deep.auroc, 'AUROC', base.auroc, `the network alone; ${baselineIs}`),
  ];
}

/** How well perplexity alone tells what is out of scope: no intent is known to it. */
function perplexityRows({ train, validation, test, outOfScope }: Clinc150, say: Say): Row[] {
  const words = (part: Clinc150['train']): string[][] => part.map(({ text }) => wordsOf(text, 'en'));
  const model = readLanguageModel(run('support.clinc150 language', trainLanguage({ train: words(train), validation: words(validation) }, languageDefaults, { engine }), say));
  const surprise = (text: string): number => Math.log(model.perplexity(wordsOf(text, 'en').map((word) => ({ text: word }))));
  const [inside, outside] = [test.map(({ text }) => surprise(text)), outOfScope.test.map(surprise)];
  const mean = (values: number[]): number => Math.exp(values.reduce((sum, value) => sum + value, 0) / values.length);
  say(`support.clinc150 language: perplexity ${mean(inside).toFixed(1)} in scope, ${mean(outside).toFixed(1)} out of scope`);
  return [row('support.clinc150.perplexity_auroc', auc([...inside, ...outside], outsideIs(inside.length, outside.length)), 'AUROC')];
}
