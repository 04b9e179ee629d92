/**
 * Universal part-of-speech tags (https://universaldependencies.org/u/pos), one a token.
 *
 * Chinese: jieba's tags (those of the People's Daily corpus), mapped. English: `compromise`, a lexicon with suffix and neighbour rules,
 * mapped. Both are rules and lexicons: quick guesses that are the same everywhere, not a trained tagger.
 */
import nlp from 'compromise/two';
import type { Language } from './language.js';
import { jieba, type Token } from './tokenise.js';

/** Tokens that are tagged, the rest is X: English takes some 10 us a token, and a text may have 10,000 of them. */
export const taggedMax = 256;

const placeholder = /^(?:\{\{|<|\[)/;
const number = /^[$€£¥₩₹]?[\s\d.,:%/-]*\d[\d.,:%/-]*$/;
const mark = /^[?!]$/;
const emoji = /^\p{Extended_Pictographic}/u;
const latin = /^[a-z]/;

/** @param tokens  of one text, in order. @returns as many tags as tokens */
export function partsOfSpeech(tokens: readonly Token[], language: Language): string[] {
  const tags = tokens.slice(0, taggedMax).map(({ text }) => fixedTag(text) ?? '');
  if (tags.includes('')) (language === 'zh' ? tagChinese : tagEnglish)(tokens, tags);
  for (let i = tags.length; i < tokens.length; i += 1) tags.push('X');
  return tags;
}

/** What is plain from the form alone. */
function fixedTag(text: string): string | undefined {
  if (mark.test(text)) return 'PUNCT';
  if (placeholder.test(text)) return 'PROPN';
  if (number.test(text)) return 'NUM';
  return emoji.test(text) ? 'SYM' : undefined;
}

/**
 * By the first letter of jieba's tag, where two letters do not say otherwise.
 * Source: Yu et al. 2002 (the corpus's tag set), set against the guidelines of UD Chinese: localisers are ADP, 的 and its kin PART, aspect
 * marks AUX, measure words NOUN. Idioms (i) are mostly predicates; set phrases (l) are anything.
 */
const chinese: Record<string, string> = {
  n: 'NOUN', nr: 'PROPN', ns: 'PROPN', nt: 'PROPN', nz: 'PROPN', t: 'NOUN', s: 'NOUN', f: 'ADP', v: 'VERB', vn: 'NOUN', a: 'ADJ', ad: 'ADV', an: 'NOUN', b: 'ADJ', z: 'ADJ', r: 'PRON',
  m: 'NUM', q: 'NOUN', d: 'ADV', p: 'ADP', c: 'CCONJ', u: 'PART', ug: 'AUX', ul: 'AUX', uz: 'AUX', y: 'PART', e: 'INTJ', o: 'INTJ', h: 'PART', k: 'PART', i: 'VERB', l: 'X', j: 'NOUN', g: 'NOUN', zg: 'NOUN',
};
/** Words that UD Chinese counts as auxiliaries and jieba as verbs, and some that the dictionary has wrong for shops. */
const chineseWords: Record<string, string> = Object.fromEntries([
  ...['是', '能', '能够', '会', '可以', '可', '要', '想', '应该', '应', '得', '必须', '需要', '不能', '不会', '不要', '不想', '被'].map((word) => [word, 'AUX']),
  ...['如果', '因为', '所以', '虽然', '但是', '只要', '除非', '要是', '由于'].map((word) => [word, 'SCONJ']),
  ...['这', '那', '这个', '那个', '哪个', '这些', '那些', '每', '各', '某'].map((word) => [word, 'DET']),
  // Common characters whose tag in the dictionary is an editor's mark (zg).
  ...['很', '较', '仍', '甚', '反', '稍', '还', '没'].map((word) => [word, 'ADV']),
  ...['您', '你们', '我们'].map((word) => [word, 'PRON']),
  ...['够', '行', '异'].map((word) => [word, 'ADJ']),
  ...['啊', '哦'].map((word) => [word, 'PART']),
  ...['掉', '打电话', '升', '失', '寻', '呼', '选', '穿'].map((word) => [word, 'VERB']),
  ['往', 'ADP'], ['且', 'CCONJ'], ['虽', 'SCONJ'], ['此', 'DET'],
  ...['你好', '您好', '谢谢', '谢谢你们', '再见', '哈哈', '嗯', '喂'].map((word) => [word, 'INTJ']),
]) as Record<string, string>;

/** One call for all: a line a token, so that the cut within it is its own. */
function tagChinese(tokens: readonly Token[], tags: string[]): void {
  const words = tags.map((tag, i) => (tag === '' && !(tokens[i].text in chineseWords) ? tokens[i].text.replaceAll('\n', ' ') : ''));
  let i = 0;
  const pieces = tags.map((): string[] => []);
  for (const { word, tag } of jieba().tag(words.join('\n'), false)) {
    if (/^\n+$/.test(word)) i += word.length;
    else pieces[i].push(tag);
  }
  for (let k = 0; k < tags.length; k += 1) {
    if (tags[k] === '') tags[k] = chineseWords[tokens[k].text] ?? fromJieba(tokens[k].text, pieces[k]);
  }
}

/** A word that the dictionary has not is tagged by its last part, its head: 电饭|煲. */
function fromJieba(text: string, pieces: string[]): string {
  if (latin.test(text)) return 'X';
  const tag = pieces.at(-1) ?? 'x';
  return chinese[tag.slice(0, 2)] ?? chinese[tag[0]] ?? 'X';
}

/** The first that a word has of these decides; compromise gives a word its tag and the tags above it. */
const english: [string, string][] = [
  ['Expression', 'INTJ'], ['Negative', 'PART'], ['Possessive', 'PRON'], ['Pronoun', 'PRON'], ['Auxiliary', 'AUX'], ['Modal', 'AUX'], ['Copula', 'AUX'], ['QuestionWord', 'ADV'], ['Value', 'NUM'],
  ['ProperNoun', 'PROPN'], ['Determiner', 'DET'], ['Preposition', 'ADP'], ['Particle', 'ADP'], ['Conjunction', 'CCONJ'], ['Adjective', 'ADJ'], ['Adverb', 'ADV'], ['Verb', 'VERB'], ['Noun', 'NOUN'],
];
/** Closed classes, where the word alone tells and the guidelines of UD English differ from compromise. */
const englishWords: Record<string, string> = {
  "n't": 'PART', 'n’t': 'PART', not: 'PART', please: 'INTJ', that: 'PRON', this: 'PRON', these: 'PRON', those: 'PRON', my: 'PRON', your: 'PRON', his: 'PRON', her: 'PRON', its: 'PRON', our: 'PRON', their: 'PRON',
  what: 'PRON', who: 'PRON', whom: 'PRON', which: 'PRON', how: 'ADV', when: 'ADV', where: 'ADV', why: 'ADV', the: 'DET', a: 'DET', an: 'DET', no: 'DET', if: 'SCONJ', because: 'SCONJ', although: 'SCONJ', while: 'SCONJ', unless: 'SCONJ', whether: 'SCONJ',
  is: 'AUX', am: 'AUX', are: 'AUX', was: 'AUX', were: 'AUX', be: 'AUX', been: 'AUX', being: 'AUX', can: 'AUX', could: 'AUX', will: 'AUX', would: 'AUX', shall: 'AUX', should: 'AUX', may: 'AUX', might: 'AUX', must: 'AUX',
  "'m": 'AUX', "'re": 'AUX', "'ve": 'AUX', "'ll": 'AUX', "'d": 'AUX', '’m': 'AUX', '’re': 'AUX', '’ve': 'AUX', '’ll': 'AUX', '’d': 'AUX', ca: 'AUX', wo: 'AUX', and: 'CCONJ', or: 'CCONJ', but: 'CCONJ', i: 'PRON', it: 'PRON', me: 'PRON',
};
/** What compromise is told instead of a split contraction. */
const whole: Record<string, string> = { "n't": 'not', 'n’t': 'not', ca: 'can', wo: 'will', "'m": 'am', "'re": 'are', "'ve": 'have', "'ll": 'will', "'d": 'would', '’m': 'am', '’re': 'are', '’ve': 'have', '’ll': 'will', '’d': 'would' };

function tagEnglish(tokens: readonly Token[], tags: string[]): void {
  const doc = nlp([tags.map((_, i) => whole[tokens[i].text] ?? tokens[i].text)] as unknown as string);
  const terms = (doc as unknown as { document: { tags: Set<string> }[][] }).document.flat();
  for (let i = 0; i < tags.length; i += 1) {
    if (tags[i] !== '') continue;
    const { text } = tokens[i];
    const known = terms[i]?.tags ?? new Set<string>();
    tags[i] = englishWords[text] ?? clitic(text, i > 0 ? tags[i - 1] : '') ?? english.find(([tag]) => known.has(tag))?.[1] ?? 'X';
  }
}

/** 's after a pronoun or a question word is a verb ("it's"), else it marks a possessor ("John's"). */
function clitic(text: string, before: string): string | undefined {
  if (text !== "'s" && text !== '’s') return undefined;
  return before === 'PRON' || before === 'ADV' ? 'AUX' : 'PART';
}
