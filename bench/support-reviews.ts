/** Is a Chinese review favourable? Ten categories of an online shop; a seeded split of 80, 10 and 10 %, as there is no published one. */
import { readShoppingReviews } from '../datasets/shopping-reviews.js';
import { createFastEngine } from '../models/lstm/fast.js';
import { accuracy } from '../models/metrics/classes.js';
import { createUniform } from '../models/random.js';
import { shuffle } from '../models/support/epochs.js';
import { readIntent } from '../models/support/intent.js';
import { intentDefaults, trainIntent } from '../models/support/intent-train.js';
import { wordOf } from '../models/support/words.js';
import type { SuiteOptions } from './main.js';
import { row, type Row } from './report.js';
import { absent, argmax, fitLinear, run, wordsOf } from './support-text.js';

/** A review is longer than a ticket, and its verdict stands anywhere in it. Three epochs: the fourth is worse on the validation part. */
const settings = { ...intentDefaults, epochs: 3, batch: 64, E: 64, H1: 64, H2: 32, tokensMax: 80, wordMin: 5, featureTextsMin: 3, featuresMax: 200_000, wideEpochs: 3 };

export function reviewRows(say: SuiteOptions['say']): Row[] {
  const reviews = readShoppingReviews();
  if (reviews === undefined) return absent('support.reviews', 'chinese-online-shopping-reviews', say);
  const order = Uint32Array.from(reviews, (_, i) => i);
  shuffle(order, createUniform(2026));
  const examples = Array.from(order, (i) => ({ tokens: wordsOf(reviews[i].text, 'zh'), intent: reviews[i].favourable ? 'favourable' : 'not' }));
  const [choose, test] = [Math.floor(0.8 * examples.length), Math.floor(0.9 * examples.length)];
  const [train, validation, asked] = [examples.slice(0, choose), examples.slice(choose, test), examples.slice(test)];
  say(`support.reviews: ${train.length} reviews to learn from, ${validation.length} to choose by, ${asked.length} to be asked about`);
  const model = readIntent(run('support.reviews', trainIntent({ train, validation }, settings, { engine: createFastEngine }), say));
  const truth = asked.map(({ intent }) => intent);
  const halves = asked.map(({ tokens }) => model.logits(tokens.map(wordOf)));
  const half = (name: 'deep' | 'wide'): number => accuracy(halves.map((z) => model.labels[argmax(z[name])]), truth);
  const linear = fitLinear(train.map(({ tokens }) => tokens), train.map(({ intent }) => intent));
  const baseline = accuracy(asked.map(({ tokens }) => linear.labels[argmax(linear.logits(tokens))]), truth);
  say(`support.reviews: network alone ${half('deep').toFixed(4)}, letter groups alone ${half('wide').toFixed(4)}`);
  return [
    row('support.reviews.accuracy', accuracy(asked.map(({ tokens }) => model.predict(tokens.map((text) => ({ text }))).intent), truth), 'share', baseline, 'TF-IDF of words and softmax regression'),
    row('support.reviews.accuracy_lstm', half('deep'), 'share', baseline, 'the network alone; TF-IDF of words and softmax regression'),
  ];
}
