/**
 * What a text says by itself, before anybody's orders are looked at. Bad text has a reading too:
 *
 *   emoji, marks, control characters, broken surrogates alone   no words, so no intent
 *   right-to-left, Cyrillic, Japanese, German ...               no language of ours, so no intent
 *   a mix of scripts                                            the language of the larger part
 *   what tells a machine to do something else                   a text like any other: nothing here follows what a text says
 *   20,000 characters                                           all of it is masked, the first 4,000 are read
 */
import { detectLanguage, type Language } from '../../models/text/language.js';
import type { Masked } from '../../models/text/mask.js';
import { partsOfSpeech } from '../../models/text/parts-of-speech.js';
import { stopWords } from '../../models/text/stop-words.js';
import { tokenise, type Token } from '../../models/text/tokenise.js';
import { decidedBy } from '../promoted.js';
import { entityRules } from './entity-rules.js';
import type { IntentReader, Prediction, SupportModels } from './models.js';
import { sentimentOf } from './sentiment.js';

/** Units of a masked text that are read: four pages. What somebody wants is said before. */
export const READ_MAX = 4000;
/** Tokens of one text that are kept in its row. */
const KEPT_TOKENS = 128;

export interface Reading {
  /** normalised, personal data masked */
  text: string;
  /** kinds of personal data that were masked */
  personal: string[];
  language: Language | undefined;
  /** of what is read; offsets into the text */
  tokens: readonly Token[];
  /** undefined where there are no words, or none of a language of ours */
  prediction: Prediction | undefined;
  sentiment: number;
  /** of the language model; undefined where none is live, or there are no words */
  perplexity: number | undefined;
  /** of the intent: `intent.12`, or the starter's name */
  model: string;
  /** of the entities: `entities.3`, or the name of the rules */
  entityModel: string;
  /** of all that took part: `intent.12+entities.3` */
  models: string;
}

/** The reader that decides: the promoted one, else the starter. */
export interface Starter {
  name: string;
  reader: IntentReader;
}

const letters = /\p{L}/u;
const wordlike = /[\p{L}\p{N}]/u;

/** @param masked  what maskText made of the text @param given  what the shop says its language is: believed where the text has no letters to tell */
export function readText({ text: masked, found }: Masked, given: Language | undefined, models: SupportModels, starter: () => Starter): Reading {
  const read = masked.slice(0, READ_MAX);
  const words = read.replace(/<[a-z_]+>/g, ' ');
  const language = detectLanguage(words) ?? (letters.test(words) ? undefined : given);
  const tokens = language === undefined ? [] : tokenise(read, language);
  const reader = models.get('intent');
  const model = reader === undefined ? starter().name : decidedBy('', models.versions, ['intent']).slice(1);
  return {
    text: masked, personal: found.map(({ kind }) => kind), language, tokens,
    prediction: language === undefined || !hasWords(words) ? undefined : (reader ?? starter().reader).predict(tokens, language),
    sentiment: sentimentOf(read, tokens, language),
    perplexity: tokens.length === 0 ? undefined : models.get('language')?.perplexity(tokens),
    model, entityModel: models.versions.has('entities') ? decidedBy('', models.versions, ['entities']).slice(1) : entityRules, models: decidedBy(model, models.versions, ['entities', 'language']),
  };
}

export const hasWords = (text: string): boolean => wordlike.test(text.replace(/<[a-z_]+>/g, ' '));

/** The words of a text without stop words and marks, with their parts of speech: for its row, so they are found when it is made. */
export function contentOf({ tokens, language }: Reading): { tokens: string[]; tags: string[] } {
  if (language === undefined) return { tokens: [], tags: [] };
  const tags = partsOfSpeech(tokens, language);
  const stop = stopWords(language);
  const kept = tokens.map((token, i) => ({ text: token.text, tag: tags[i] })).filter(({ text }) => wordlike.test(text) && !stop.has(text)).slice(0, KEPT_TOKENS);
  return { tokens: kept.map(({ text }) => text), tags: kept.map(({ tag }) => tag) };
}
