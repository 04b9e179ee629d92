/**
 * Entities of tickets in English and Chinese: learnt from the example utterances of the approved answers with drawn values, asked about
 * the simulator's tickets, whose sentences and products are none of those. The forms of the drawn values were chosen with these tickets
 * in view, so the figure is that of a development, and no promise.
 */
import { createFastEngine } from '../models/lstm/fast.js';
import { spanScores } from '../models/metrics/spans.js';
import { createUniform } from '../models/random.js';
import { readEntities } from '../models/support/entities.js';
import { entityDefaults, trainEntities, type EntityExample } from '../models/support/entities-train.js';
import { entityExamples, filled, type EntityTemplate } from '../models/support/entity-templates.js';
import { slotsOf } from '../models/support/slots.js';
import { loadAnswers } from '../pipelines/support/load-answers.js';
import { createCatalogue } from '../simulator/catalogue.js';
import { textsOf } from '../simulator/ticket-texts.js';
import type { SuiteOptions } from './main.js';
import { row, type Row } from './report.js';
import { taggedByWindow } from './support-bitext.js';
import { run } from './support-text.js';

const languages = ['en', 'zh'] as const;

export function entityRows(say: SuiteOptions['say']): Row[] {
  const answers = loadAnswers();
  const templates = [...answers.intents.values()].flatMap(({ examples }) => languages.flatMap((language) => examples[language].map((text): EntityTemplate => ({ text, language }))));
  const slotted = templates.filter(({ text }) => slotsOf(text).slots.length > 0);
  const plain = templates.filter(({ text }) => slotsOf(text).slots.length === 0);
  const [train, validation] = [[...entityExamples(slotted, 20, 1), ...entityExamples(plain, 2, 2)], entityExamples(slotted, 2, 3)];
  const model = readEntities(run('support.entities', trainEntities({ train, validation }, { ...entityDefaults, wordDropout: 0.2 }, { engine: createFastEngine }), say));
  const tickets = simulated();
  const truth = tickets.map(({ entities }) => entities);
  const scores = spanScores(tickets.map(({ text, tokens }) => model.predict(text, tokens)), truth);
  say(`support.entities: ${train.length} texts to learn from, ${tickets.length} tickets asked; ${Object.entries(scores.kinds).map(([kind, { f1, true: N }]) => `${kind} ${f1.toFixed(3)} of ${N}`).join(', ')}`);
  return [row('support.entities.f1', scores.f1, 'F1', spanScores(taggedByWindow(train, tickets), truth).f1, 'TF-IDF of the pieces around each, tagged by softmax regression')];
}

/** Its own products, numbers and money; the order numbers of another shop. */
function simulated(): EntityExample[] {
  const uniform = createUniform(77);
  const whole = (low: number, high: number): number => low + Math.floor(uniform() * (high - low + 1));
  const pick = <T>(list: readonly T[]): T => list[whole(0, list.length - 1)];
  const { products } = createCatalogue(5, 300);
  return Object.values(textsOf).flatMap((texts) => languages.flatMap((language) => texts[language].flatMap((text) => [1, 2, 3, 4].map(() => filled(text, language, (slot) => {
    switch (slot) {
      case 'order': return pick([`SO-${whole(1000, 99_999)}`, `W${whole(10_000_000, 99_999_999)}`, `${whole(1e9, 9e9)}`]);
      case 'tracking': return `${language === 'zh' ? 'SF' : 'DP'}${whole(1e11, 9e11)}`;
      case 'product': return language === 'zh' ? pick(products).chinese : pick(products).english;
      default: return language === 'zh' ? `${whole(10, 2000)}.${whole(10, 99)}元` : `EUR ${whole(10, 2000)}.${whole(10, 99)}`;
    }
  })))));
}
