/**
 * What a large model made of an answer, checked against the answer that it was given. It may say the same in other words, and
 * nothing more: whatever it adds (a number, a date, a link, a promise, an address) was made up or smuggled in.
 *
 * Each check errs towards the draft, which is approved and stays where a rewriting is refused.
 */
import { detectLanguage, type Language } from '../../models/text/language.js';
import { mask } from '../../models/text/mask.js';
import { normalise } from '../../models/text/normalise.js';
import { stopWords } from '../../models/text/stop-words.js';
import { tokenise } from '../../models/text/tokenise.js';

/** Why a rewriting was refused, in the order of the checks. */
export const refusals = {
  empty: 'there is no text in it',
  slot: 'it has a bracket, as of a slot or of markup',
  language: 'it is in another language than the draft',
  length: 'it is much longer or shorter than the draft',
  personal: 'it has personal data',
  link: 'it has a link or an address that the draft has not',
  number: 'it has a number, an amount or a date that the draft has not, or lacks one that it has',
  promise: 'it promises something that the draft does not',
  machine: 'it speaks of itself or of its instructions',
  ungrounded: 'it says other things than the draft',
} as const;
export type Refusal = keyof typeof refusals;

/** Of the draft's length, in characters; a short draft may grow by as much as a greeting. */
const LONGER_MAX = 1.6;
const GREETING = 60;
const SHORTER_MIN = 0.4;
/** Share of its words (without stop words) that the draft has: a rewriting changes some, a poem has hardly one. */
const SHARED_MIN = 0.4;

const brackets = /[{}<>[\]【】`*#_|\\]/g;
const links = /https?:|www\.|@|(?<![\p{L}\d])[a-z\d-]+\.(?:com|cn|net|org|io|eu|de|uk|shop|co|info|app|me|ly)(?![a-z])/giu;
/** With what is joined to it, so that a digit more or less is another number. */
const numbers = /[A-Za-z№$€£¥/.,:+-]*\d[A-Za-z\d%/.,:+-]*(?<![.,:/-])/g;
const englishNumbers = /(?<![a-z])(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|ninety|hundred|thousand|half|double|twice|tomorrow|tonight|today|monday|tuesday|wednesday|thursday|friday|saturday|sunday)(?![a-z])/gi;
const chineseNumbers = /[零〇一二三四五六七八九十百千万两半]+(?=[个种件张项次笔单位天日周月年元块倍折成]|工作日|自然日|小时|星期|分钟)|今天|明天|后天|今晚|(?:周|星期|礼拜)[一二三四五六日天]/g;
const promises: Record<Language, RegExp> = {
  en: /(?<![a-z])(?:refund|compensat|voucher|coupon|discount|guarantee|promise|free|gift|credit|replacement|reimburs|waive|already|immediately|approved|cancelled|canceled|dispatched)[a-z]*/gi,
  zh: /退款|赔偿|补偿|赔付|优惠券|代金券|红包|折扣|保证|承诺|免费|赠送|补发|已经|立即|马上|立刻|批准|通过审核|包邮/g,
};
const machine = /(?<![a-z])(?:as an ai|language model|system prompt|my instructions|previous instructions|openai|chatgpt|assistant|here is|here's|rewritten|rewrite)(?![a-z])|人工智能|语言模型|系统提示|指令|改写|以下是/gi;

/** @returns the text to use, or why it is refused and, for people, what was found */
export function checkRewriting(draft: string, language: Language, given: string): { text: string } | { refusal: Refusal; detail: string } {
  const text = unquoted(normalise(given));
  const refuse = (refusal: Refusal, detail: string) => ({ refusal, detail: `${refusals[refusal]}: ${detail.slice(0, 100)}` });
  if (!/\p{L}/u.test(text)) return refuse('empty', `${given.length} characters`);
  const plain = normalise(draft);
  const added = (pattern: RegExp): string | undefined => {
    const known = setOf(plain, pattern);
    return [...setOf(text, pattern)].find((one) => !known.has(one));
  };
  const bracket = added(brackets);
  if (bracket !== undefined) return refuse('slot', bracket);
  const found = detectLanguage(text);
  if (found !== language) return refuse('language', `${found ?? 'neither English nor Chinese'}`);
  if (!(text.length <= draft.length * LONGER_MAX + GREETING && text.length >= draft.length * SHORTER_MIN)) return refuse('length', `${text.length} characters for ${draft.length}`);
  // The kind alone: the value must not get into a log.
  const personal = mask(text).found;
  if (personal.length > 0) return refuse('personal', personal.map(({ kind }) => kind).join(', '));
  const link = added(links);
  if (link !== undefined) return refuse('link', link);
  const number = added(numbers) ?? added(englishNumbers) ?? added(chineseNumbers);
  if (number !== undefined) return refuse('number', 'one is new');
  const [before, after] = [setOf(plain, numbers), setOf(text, numbers)];
  if ([...before].some((one) => !after.has(one))) return refuse('number', 'one is missing');
  const promise = added(promises[language]);
  if (promise !== undefined) return refuse('promise', promise);
  const self = added(machine);
  if (self !== undefined) return refuse('machine', self);
  const share = sharedWords(plain, text, language);
  if (!(share >= SHARED_MIN)) return refuse('ungrounded', `${(share * 100).toFixed(0)} % of its words are the draft's`);
  return { text: asWritten(given, text) };
}

/** With the punctuation that it came with, which normalising makes ASCII, as long as nothing else is in it. */
function asWritten(given: string, text: string): string {
  const shown = unquoted(given.replace(/[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cs}]/gu, '').replace(/[\s\p{Cc}]+/gu, ' ').trim());
  return normalise(shown) === text ? shown : text;
}

const setOf = (text: string, pattern: RegExp): Set<string> => new Set([...text.matchAll(pattern)].map(([found]) => found.toLowerCase()));

/** Models like to put quotation marks around what they are asked for. */
const unquoted = (text: string): string => (/^["“「'](?:[^"“”「」]*)["”」']$/.exec(text) === null ? text : text.slice(1, -1).trim());

function sharedWords(draft: string, text: string, language: Language): number {
  const stop = stopWords(language);
  const words = (of: string): string[] => [...new Set(tokenise(of, language).map(({ text: word }) => word).filter((word) => /\p{L}/u.test(word) && !stop.has(word)))];
  const known = new Set(words(draft));
  const own = words(text);
  return own.length === 0 ? 0 : own.filter((word) => known.has(word)).length / own.length;
}
