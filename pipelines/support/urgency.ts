/**
 * How soon somebody should look at a ticket.
 *
 *   urgent  the text speaks of danger to people, of fraud or of the law, or has one of the shop's own words; or its intent is such
 *   high    it speaks of haste, or is very angry; or its intent is such
 *   low     its intent is
 *
 * What makes a text urgent by itself always goes to a person: no approved answer is meant for it. Rules and not a model, as a
 * rule that misses can be added to by whoever read the ticket.
 */
import type { Urgency } from '../../schemas/support-words.js';

const order: readonly Urgency[] = ['low', 'normal', 'high', 'urgent'];
/** Below it a text is very angry: two strong words. */
const ANGRY = -0.8;

/** What it speaks of, and the words that say so. Phrases rather than words: "fire" is a name of products, "caught fire" is none. */
const dangers: readonly (readonly [name: string, words: RegExp])[] = [
  ['danger to people', /\b(?:caught fire|on fire|in flames|exploded|explosion|electric(?:al)? shock|electrocuted|smoking|burn(?:t|ed) (?:my|his|her|our)|injur(?:ed|y|ies)|hospital(?:ised|ized)?|emergency room|allergic (?:reaction|shock)|anaphyla\w+|poison(?:ed|ing)|chok(?:ed|ing)|suicid\w*|kill (?:myself|you))\b/i],
  ['danger to people', /着火|起火|冒烟|爆炸|触电|漏电|烧伤|烫伤|受伤|住院|急诊|过敏|中毒|窒息|自杀|轻生/],
  ['fraud', /\b(?:fraud(?:ulent)?|scammed|hacked|identity theft|stolen card|phishing|(?:did not|didn['’]t|never) authori[sz]e|unauthori[sz]ed (?:payment|charge|transaction|purchase|order|access))\b/i],
  ['fraud', /盗刷|被盗|诈骗|被骗|盗号|冒用|不是我(?:本人)?(?:下|买|付|操作)/],
  ['the law', /\b(?:lawyers?|solicitor|attorney|lawsuit|sue you|suing|take you to court|small claims|legal action|press charges|consumer protection|trading standards|police|chargeback)\b/i],
  ['the law', /起诉|律师|法院|报警|警察|12315|消协|消费者协会|工商局|市场监管|法律途径|走法律/],
];
const haste = /\b(?:asap|urgent(?:ly)?|immediately|right now|as soon as possible|by (?:today|tomorrow|tonight)|(?:need|needed) (?:it )?(?:today|tomorrow|tonight)|emergency|last chance|deadline)\b|加急|紧急|很急|着急|急用|急需|急等|马上|立刻|立即|赶紧|尽快|今天(?:必须|之内|就要)|明天(?:必须|就要)/i;

export interface Urgent {
  urgency: Urgency;
  /** What it speaks of that only a person should answer, undefined where there is nothing. */
  danger: string | undefined;
}

/** @param own  words of the shop's, lower-cased */
export function urgencyOf(text: string, sentiment: number, own: readonly string[]): Urgent {
  const lower = text.toLowerCase();
  const danger = own.find((word) => lower.includes(word)) ?? dangers.find(([, words]) => words.test(text))?.[0];
  if (danger !== undefined) return { urgency: 'urgent', danger };
  return { urgency: haste.test(text) || sentiment < ANGRY ? 'high' : 'normal', danger: undefined };
}

/** What the text says and what its intent is usually like: the higher one, except that an intent that can wait makes a usual text one that can. */
export function withIntent(ofText: Urgency, ofIntent: Urgency): Urgency {
  if (ofText === 'normal') return ofIntent;
  return order.indexOf(ofIntent) > order.indexOf(ofText) ? ofIntent : ofText;
}

/** `recall, 召回` -> ['recall', '召回'] */
export const ownWords = (setting: string): string[] => setting.split(/[,，]/).map((word) => word.trim().toLowerCase()).filter((word) => word !== '');
