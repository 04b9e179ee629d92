/** Bitext: 27 intents and 7 kinds of entities, in the published split; the dev part chooses, the test part is looked at once. */
import { readBitext, type BitextUtterance } from '../datasets/bitext.js';
import { createFastEngine } from '../models/lstm/fast.js';
import { accuracy } from '../models/metrics/classes.js';
import { spanScores, type Span } from '../models/metrics/spans.js';
import { readEntities } from '../models/support/entities.js';
import { entityDefaults, trainEntities, type EntityExample } from '../models/support/entities-train.js';
import { readIntent } from '../models/support/intent.js';
import { intentDefaults, trainIntent } from '../models/support/intent-train.js';
import { wordOf } from '../models/support/words.js';
import type { SuiteOptions } from './main.js';
import { row, type Row } from './report.js';
import { absent, argmax, fitLinear, movedSpans, readText, run, wordsOf } from './support-text.js';
import { encodeBio, decodeBio } from '../models/support/bio.js';
import { piecesOf, wordOfPiece } from '../models/support/pieces.js';

type Say = SuiteOptions['say'];
const engine = createFastEngine;
const baselineIs = 'TF-IDF of words and softmax regression';

export function bitextRows(say: Say): Row[] {
  const set = readBitext();
  if (set === undefined) return absent('support.bitext', 'bitext-support', say);
  return [...intentRows(set, say), ...entityRows(set, say)];
}

type Parts = Record<'train' | 'dev' | 'test', BitextUtterance[]>;

function intentRows({ train, dev, test }: Parts, say: Say): Row[] {
  const examples = (part: BitextUtterance[]): { tokens: string[]; intent: string }[] => part.map(({ text, label }) => ({ tokens: wordsOf(text, 'en'), intent: label }));
  const parts = run('support.bitext intent', trainIntent({ train: examples(train), validation: examples(dev) }, { ...intentDefaults, epochs: 8, precision: 0.99 }, { engine }), say);
  const model = readIntent(parts);
  const [asked, truth] = [examples(test), test.map(({ label }) => label)];
  const answers = asked.map(({ tokens }) => model.predict(tokens.map((text) => ({ text }))));
  const halves = asked.map(({ tokens }) => model.logits(tokens.map(wordOf)));
  const of = (half: 'deep' | 'wide'): number => accuracy(halves.map((z) => model.labels[argmax(z[half])]), truth);
  const linear = fitLinear(train.map(({ text }) => wordsOf(text, 'en')), train.map(({ label }) => label));
  const baseline = accuracy(asked.map(({ tokens }) => linear.labels[argmax(linear.logits(tokens))]), truth);
  const sure = answers.map(({ abstain }, i) => ({ answered: abstain === undefined, right: answers[i].intent === truth[i] })).filter(({ answered }) => answered);
  const right = sure.filter((answer) => answer.right).length;
  say(`support.bitext intent: network alone ${of('deep').toFixed(4)}, letter groups alone ${of('wide').toFixed(4)}; answered ${(sure.length / test.length).toFixed(3)} of them, ${(right / sure.length).toFixed(4)} rightly`);
  return [
    row('support.bitext.intent_accuracy', accuracy(answers.map(({ intent }) => intent), truth), 'share', baseline, baselineIs),
    row('support.bitext.intent_accuracy_lstm', of('deep'), 'share', baseline, `the network alone; ${baselineIs}`),
  ];
}

function entityRows({ train, dev, test }: Parts, say: Say): Row[] {
  const examples = (part: BitextUtterance[]): EntityExample[] => part.map(({ text: raw, entities }) => {
    const { text, tokens } = readText(raw, 'en');
    return { text, tokens, entities: movedSpans(raw, entities, text) };
  });
  const [learn, choose, asked] = [train, dev, test].map(examples);
  const seen = (part: typeof learn): typeof learn => part.map((example) => ({ ...example, entities: example.entities.filter(({ start }) => start >= 0) }));
  const model = readEntities(run('support.bitext entities', trainEntities({ train: seen(learn), validation: seen(choose) }, entityDefaults, { engine }), say));
  const truth = asked.map(({ entities }) => entities);
  const scores = spanScores(asked.map(({ text, tokens }) => model.predict(text, tokens)), truth);
  const baseline = spanScores(taggedByWindow(seen(learn), asked), truth);
  say(`support.bitext entities: ${Object.entries(scores.kinds).map(([kind, { f1, true: N }]) => `${kind} ${f1.toFixed(3)} of ${N}`).join(', ')}; masked away ${truth.flat().filter(({ start }) => start < 0).length}`);
  return [row('support.bitext.entity_f1', scores.f1, 'F1', baseline.f1, 'TF-IDF of the pieces around each, tagged by softmax regression')];
}

/** The linear way: each piece is classified by itself, from its own word and its neighbours', each with its place. */
export function taggedByWindow(learn: readonly EntityExample[], asked: readonly EntityExample[]): Span[][] {
  const kinds = [...new Set(learn.flatMap(({ entities }) => entities.map(({ kind }) => kind)))].sort();
  const windows = (pieces: ReturnType<typeof piecesOf>): string[][] => {
    const words = pieces.map(wordOfPiece);
    return words.map((_, i) => [-3, -2, -1, 0, 1, 2, 3].flatMap((by) => (words[i + by] === undefined ? [] : [`${by} ${words[i + by]}`])));
  };
  const [texts, tags]: [string[][], string[]] = [[], []];
  for (const { text, tokens, entities } of learn) {
    const pieces = piecesOf(text, tokens);
    texts.push(...windows(pieces));
    tags.push(...Array.from(encodeBio(pieces, entities, kinds), String));
  }
  const linear = fitLinear(texts, tags);
  return asked.map(({ text, tokens }) => {
    const pieces = piecesOf(text, tokens);
    return decodeBio(pieces, windows(pieces).map((window) => Number(linear.labels[argmax(linear.logits(window))])), kinds);
  });
}
