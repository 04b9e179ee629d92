/**
 * Words that say little of what a text is about, from the package `stopword` (English: Urban 2011 by way of `natural`; Chinese:
 * single characters, as function words are), without those an intent hangs on: negations and question words. "不能退货" is not
 * "能退货", and "where is my order" asks for something else than "how do I order".
 */
import { eng, zho } from 'stopword';
import type { Language } from './language.js';

const kept = {
  en: ['no', 'not', 'nor', 'never', 'only', 'how', 'what', 'when', 'where', 'which', 'who', 'why', 'over', 'out', 'under', 'before', 'after'],
  zh: ['不', '没', '无', '未', '别', '几', '多', '哪', '谁', '什', '么', '吗', '呢', '更'],
};
/** What tokenise() splits off a contraction, n't aside. */
const clitics = ["'s", "'m", "'re", "'ve", "'ll", "'d", '’s', '’m', '’re', '’ve', '’ll', '’d'];

const sets: Record<Language, ReadonlySet<string>> = {
  en: new Set([...eng.filter((word) => !kept.en.includes(word)), 'the', ...clitics]),
  zh: new Set(zho.filter((word) => !kept.zh.includes(word))),
};

/** Lower-cased, as tokens are. */
export function stopWords(language: Language): ReadonlySet<string> {
  return sets[language];
}
