/** What the three heads cost a ticket: intent, entities and perplexity of one text after the other, at the sizes that the other parts train. */
import { readBitext, type Bitext } from '../datasets/bitext.js';
import { createFastEngine } from '../models/lstm/fast.js';
import { readEntities } from '../models/support/entities.js';
import { entityDefaults, trainEntities } from '../models/support/entities-train.js';
import { readIntent } from '../models/support/intent.js';
import { intentDefaults, trainIntent } from '../models/support/intent-train.js';
import { readLanguageModel } from '../models/support/language.js';
import { languageDefaults, trainLanguage } from '../models/support/language-train.js';
import type { SuiteOptions } from './main.js';
import { quantile, row, type Row } from './report.js';
import { absent, movedSpans, readText, run } from './support-text.js';

const engine = createFastEngine;
const rounds = 5;

/** The artefacts of the three heads after one epoch on bitext-support: what is learnt does not change what an answer costs. */
export function costlyHeads(set: Bitext, say: SuiteOptions['say']) {
  const [train, validation, test] = [set.train, set.dev, set.test].map((part) => part.map(({ text: raw, label, entities }) => {
    const { text, tokens } = readText(raw, 'en');
    return { text, tokens, intent: label, entities: movedSpans(raw, entities, text) };
  }));
  const intentOf = (part: typeof train) => part.map(({ tokens, intent }) => ({ tokens: tokens.map(({ text }) => text), intent }));
  const wordsOf = (part: typeof train): string[][] => part.map(({ tokens }) => tokens.map(({ text }) => text));
  const intent = run('support.heads intent', trainIntent({ train: intentOf(train), validation: intentOf(validation) }, { ...intentDefaults, epochs: 1, stepsMin: 0 }, { engine }), say);
  const entities = run('support.heads entities', trainEntities({ train, validation }, { ...entityDefaults, epochs: 1, stepsMin: 0 }, { engine }), say);
  const language = run('support.heads language', trainLanguage({ train: wordsOf(train), validation: wordsOf(validation) }, { ...languageDefaults, epochs: 1 }, { engine }), say);
  return { test, parts: { intent, entities, language } };
}

export function headRows(say: SuiteOptions['say']): Row[] {
  const set = readBitext();
  if (set === undefined) return absent('support.heads', 'bitext-support', say);
  const { test, parts } = costlyHeads(set, say);
  const [intent, entities, language] = [readIntent(parts.intent), readEntities(parts.entities), readLanguageModel(parts.language)];
  const times = { intent: [] as number[], entities: [] as number[], language: [] as number[], all: [] as number[] };
  for (let round = 0; round < rounds; round += 1) {
    for (const { text, tokens } of test) {
      const at = [performance.now()];
      const { confidence } = intent.predict(tokens);
      at.push(performance.now());
      const found = entities.predict(text, tokens);
      at.push(performance.now());
      const perplexity = language.perplexity(tokens);
      at.push(performance.now());
      if (!(confidence > 0 && confidence <= 1 && perplexity >= 1 && found.length < 20)) throw new Error(`support.heads: ${JSON.stringify(text)} has the confidence ${confidence}, the perplexity ${perplexity} and ${found.length} entities`);
      if (round === 0) continue; // the compiler is not done yet
      (['intent', 'entities', 'language'] as const).forEach((head, i) => times[head].push(at[i + 1] - at[i]));
      times.all.push(at[3] - at[0]);
    }
  }
  const shown = Object.entries(times).map(([head, values]) => {
    values.sort((a, b) => a - b);
    return `${head} ${quantile(values, 0.5).toFixed(3)} and ${quantile(values, 0.99).toFixed(3)}`;
  });
  say(`support.heads: ms, p50 and p99 over ${times.all.length} tickets: ${shown.join(', ')}`);
  return [row('support.heads.p50_ms', quantile(times.all, 0.5), 'ms'), row('support.heads.p99_ms', quantile(times.all, 0.99), 'ms')];
}
