/**
 * An agent's answer as a template: what is about the one customer becomes a slot, or a gap.
 *
 *   "Dear Ms Miller, order SO-77 (34.99 EUR) leaves today, call 0171 555 0199."   with the order SO-77 of 34.99 EUR known
 *   -> text      "Dear [...], order {order} ({order_amount}) leaves today, call [...]."
 *      specific  name, personal
 *
 * In order: the values that the ticket and the customer's own orders hold become slots, the longest first; personal data is
 * masked; of the rest whatever could belong to a person (a number, a link, a name, a long row of numerals) becomes a gap.
 * A gap makes the answer specific: it is shown to a person, and never sent by itself. So does an act ("has been cancelled", 已为您
 * 补发): the agent did it for one customer, and for the next it would be a lie. What is not found here (a name in no dictionary)
 * is why retrieval.ts asks for several customers with the same words as well.
 */
import { detectLanguage } from '../text/language.js';
import { mask } from '../text/mask.js';
import { normalise } from '../text/normalise.js';
import { partsOfSpeech } from '../text/parts-of-speech.js';
import { tokenise } from '../text/tokenise.js';
import type { AnswerLanguage } from './answers.js';
import { day, matchingOrder, money, type Entity, type KnownOrder, type SlotName, type TicketFacts } from './slots.js';

export const specifics = ['personal', 'link', 'number', 'name', 'act', 'language', 'long', 'brace'] as const;
export type Specific = (typeof specifics)[number];

export interface AnswerTemplate {
  /** with slots, and gaps where something had to go; '' when nothing remains */
  text: string;
  /** why it is about one customer; empty when it may be given to another */
  specific: readonly Specific[];
}

/** Where something had to go, and no slot is for it. */
export const gap = '[...]';
/** Characters of a template. A longer answer is a letter to one customer. */
const LENGTH_MAX = 1000;

/**
 * @param answer  what the agent wrote, as it came
 * @param facts  of the ticket that it answers: entities, and the customer's orders
 */
export function templateOf(answer: string, language: AnswerLanguage, facts: TicketFacts): AnswerTemplate {
  const found = new Set<Specific>();
  let whole = normalise(answer);
  if (whole.length > LENGTH_MAX) {
    whole = whole.slice(0, LENGTH_MAX).replace(/[\ud800-\udbff]$/, '');
    found.add('long');
  }
  if (detectLanguage(whole) !== language) found.add('language');
  const free = replaced(whole, /[{}]+/g, '', () => void found.add('brace'));
  const masked = mask(withSlots(free, facts));
  if (masked.found.length > 0) found.add('personal');
  if (acts[language].test(masked.text)) found.add('act');
  const text = masked.text.split(slot).map((piece, i) => (i % 2 === 1 ? piece : withGaps(piece, language, found))).join('');
  return { text: punctuated(text, language).replaceAll(/(?:\[\.\.\.\][ ,.]*){2,}/g, `${gap} `).trim(), specific: specifics.filter((one) => found.has(one)) };
}

/** Chinese has its own marks, which normalising made ASCII. */
const punctuated = (text: string, language: AnswerLanguage): string =>
  (language === 'zh' ? text.replace(/(?<=[\p{Script=Han}}\])])[,;:?!]/gu, (mark) => String.fromCharCode(mark.charCodeAt(0) + 0xfee0)) : text);

const slot = /(\{[a-z_]+\})/;

function replaced(text: string, pattern: RegExp, by: string, told: () => void): string {
  return text.replace(pattern, () => {
    told();
    return by;
  });
}

// ---- slots ----

/** The longest value first, so that none is taken for a part of another; amounts last, as an order id may hold one. */
function withSlots(text: string, facts: TicketFacts): string {
  let pieces = [text];
  // Every second piece is a slot already.
  const split = (by: (piece: string) => string[]): void => { pieces = pieces.flatMap((piece, i) => (i % 2 === 1 ? [piece] : by(piece))); };
  for (const [name, value] of valuesOf(facts).sort(([, a], [, b]) => b.length - a.length)) split((piece) => splitAt(piece, name, value));
  const amounts = amountsOf(facts);
  split((piece) => {
    const parts: string[] = [];
    let at = 0;
    for (const found of piece.matchAll(amountPattern)) {
      const name = amounts.get(canonical(found[1]));
      if (name === undefined) continue;
      parts.push(piece.slice(at, found.index), `{${name}}`);
      at = found.index + found[0].length;
    }
    return [...parts, piece.slice(at)];
  });
  return pieces.join('');
}

/** Names and what they stand for. Short values are words of everyday: an order "1", a product "it". */
function valuesOf(facts: TicketFacts): [SlotName, string][] {
  const order = matchingOrder(facts);
  const entities = (kind: Entity['kind']): string[] => facts.entities.filter((entity) => entity.kind === kind).map(({ text }) => text);
  const values: [SlotName, string | undefined, number][] = [
    ...[facts.order, order?.order, ...entities('order')].map((value): [SlotName, string | undefined, number] => ['order', value, 3]),
    ...entities('tracking').map((value): [SlotName, string, number] => ['tracking', value, 5]),
    ...[...entities('product'), facts.item].map((value): [SlotName, string | undefined, number] => ['product', value, 2]),
    ...(order === undefined ? [] : datesOf(order).flatMap(([name, atMs]) => daysOf(atMs).map((value): [SlotName, string, number] => [name, value, 4]))),
  ];
  return values.filter((value): value is [SlotName, string, number] => value[1] !== undefined && value[1].length >= value[2]).map(([name, value]) => [name, value]);
}

/** Part of a word, but for Chinese, which has no spaces between its words. */
const wordPart = /[\p{L}\p{N}_-](?<!\p{Script=Han})/u;

/** @returns pieces, every second of them the slot */
function splitAt(piece: string, name: SlotName, value: string): string[] {
  const [lower, sought] = [piece.toLowerCase(), value.toLowerCase()];
  // Where a capital is longer than its small letter, places in one are not places in the other.
  const [here, what] = lower.length === piece.length && sought.length === value.length ? [lower, sought] : [piece, value];
  const parts: string[] = [];
  let from = 0;
  for (let at = here.indexOf(what); at >= 0; at = here.indexOf(what, at + what.length)) {
    if (at > 0 && wordPart.test(piece[at - 1]) && wordPart.test(value[0])) continue;
    const end = at + what.length;
    if (end < piece.length && wordPart.test(piece[end]) && wordPart.test(value[value.length - 1])) continue;
    parts.push(piece.slice(from, at), `{${name}}`);
    from = end;
  }
  return [...parts, piece.slice(from)];
}

/** `34.99`, `€ 34,99`, `34.99元`, `EUR 1,234.99`; group 1 is the number. */
const amountPattern = /(?:(?:\p{Sc}|(?<![A-Za-z])[A-Z]{3}|人民币) ?)?(?<![\p{L}\d](?<!\p{Script=Han})|\d[.,])(\d+(?:[.,]\d+)*)(?: ?(?:元|块钱?|圆|\p{Sc}|(?:[A-Z]{3}|euros?|dollars?|pounds?|yuan)(?![A-Za-z])))?(?![\p{L}\d-](?<!\p{Script=Han}))/gu;

/** `1.234,90`, `1,234.9` and `1234.90` are `1234.9`. A point or comma before one or two last digits is the decimal one. */
function canonical(number: string): string {
  const [, major, minor] = /^(.*?)(?:[.,](\d{1,2}))?$/.exec(number) as unknown as [string, string, string | undefined];
  return `${major.replaceAll(/\D/g, '')}.${(minor ?? '').replace(/0+$/, '')}`;
}

function amountsOf(facts: TicketFacts): Map<string, SlotName> {
  const order = matchingOrder(facts);
  const amounts = new Map<string, SlotName>();
  const add = (name: SlotName, text: string): void => {
    const digits = /\d+(?:[.,]\d+)*/.exec(text)?.[0];
    if (digits !== undefined && !amounts.has(canonical(digits))) amounts.set(canonical(digits), name);
  };
  if (order?.refundMs !== undefined) add('refund_amount', money(order.refundedMinor, order.currency));
  if (order !== undefined) add('order_amount', money(order.amountMinor, order.currency));
  for (const { kind, text } of facts.entities) if (kind === 'amount') add('amount', text);
  return amounts;
}

const datesOf = (order: KnownOrder): [SlotName, number][] => [['date', order.atMs], ...(order.refundMs === undefined ? [] : [['refund_date', order.refundMs] as [SlotName, number]])];

/** A day as people write it. */
function daysOf(atMs: number): string[] {
  const iso = new Date(atMs).toISOString().slice(0, 10);
  const [year, month, of] = iso.split('-');
  const english = day(atMs, 'en');
  const [, name] = english.split(' ');
  return [iso, `${year}/${month}/${of}`, `${of}.${month}.${year}`, `${of}/${month}/${year}`, english, english.replace(/ \d+$/, ''), `${name} ${Number(of)}`, `${name} ${Number(of)}, ${year}`, day(atMs, 'zh'), day(atMs, 'zh').slice(5)];
}

// ---- gaps ----

/** Spans of time are the shop's rules and not the customer's: "within 3 working days", "1-10个工作日". */
const spans = /(?<![\p{L}\d.,-](?<!\p{Script=Han}))\d{1,2}(?: ?[-~–至到] ?\d{1,2})? ?(?:(?:to \d{1,2} )?(?:(?:working|business|calendar) )?(?:minutes?|hours?|days?|weeks?|months?)(?![a-z])|个?(?:工作日|小时|天|日内|周|星期|月内|分钟))/gu;
const placeholders = /<[a-z_]+>/gi;
const links = /(?:https?:\/\/|www\.)\S+|\S*@\S*|(?<![\p{L}\d])[a-z\d-]+(?:\.[a-z\d-]+)*\.(?:com|cn|net|org|io|eu|de|uk|shop|co|info|app|me|ly|gl)(?![a-z])(?:\/\S*)?/giu;
/** With what is joined to it: "SO-77/b", "#12", "3rd", "B&B12". */
const numbers = /[A-Za-z#№$€£¥_/.,:&+-]*\d[A-Za-z\d#%_/.,:&+-]*(?<![.,:])/g;
const chineseNumerals = /[零〇一二三四五六七八九十百千两幺]{3,}/g;
const englishNumerals = /(?<![a-z])(?:(?:oh|zero|one|two|three|four|five|six|seven|eight|nine|double|triple)[ -]+){3,}(?:oh|zero|one|two|three|four|five|six|seven|eight|nine)(?![a-z])/gi;
/** A title, and the name behind or before it. */
const titled = /(?<![A-Za-z])(?:Mr|Mrs|Ms|Miss|Mister|Dr|Prof|Sir|Madam)\.? +\p{Lu}[\p{L}'’-]+(?: +\p{Lu}[\p{L}'’-]+)*|\p{Script=Han}{1,3}(?:先生|女士|小姐|太太|老师|师傅|经理|总(?![是的共会计算体在之]))/gu;
/** Who is greeted: "Hi Anna," and "Dear Anna Miller". */
const greeted = /(?<=(?:^|[.!?] )(?:dear|hi|hello|hey|good (?:morning|afternoon|evening)),? )(?!there|again|sir|madam|customer|valued|and|all|we|you|i\b|it|this|your|the|thank|sorry|please)[\p{L}'’-]+(?: \p{Lu}[\p{L}'’-]+)*/giu;
/** A capital in the middle of a sentence, but for words that have one anyway. */
const capitals = /(?<=[\p{Ll}\p{N},;:)"'] )(?!I(?![a-z])|My(?![a-z])|I['’]|(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|January|February|March|April|May|June|July|August|September|October|November|December|OK|VAT|PDF|PayPal|Visa|Mastercard|English|Chinese)(?![a-z]))\p{Lu}[\p{L}'’-]*/gu;

/** What was, is being or will be done about the one matter. In doubt it is one: the answer is then a draft. */
const acts: Record<AnswerLanguage, RegExp> = {
  en: /(?<![a-z])(?:has|had|was|were|been|(?<!(?:you|if) )have|(?:is|are|am) (?:being|on (?:its|their|the) way|[a-z]+ing)|(?:we|i|they|he|she)(?: (?:will|shall|[a-z]+ed|sent|did|gave|took|made|found)|['’](?:ve|ll))|will (?:be|come|arrive|get|receive)|expects?|expected|promised?)(?![a-z])/i,
  zh: /已|正在|刚刚|马上|立即|预计|将(?!来)|会(?:尽快|为|给|在|有)|[为给帮]您(?!提供|带来|造成|说明|解答)|(?:发|退|寄|换|改|取消|补|到|收)(?:出|好|完|了)/,
};

function withGaps(piece: string, language: AnswerLanguage, found: Set<Specific>): string {
  const kept: string[] = [];
  const tell = (one: Specific) => (): void => void found.add(one);
  let text = replaced(piece, placeholders, gap, tell('personal'));
  text = replaced(text, links, gap, tell('link'));
  text = text.replace(spans, (span) => `\u0001${String.fromCharCode(0xe000 + kept.push(span) - 1)}\u0002`);
  for (const pattern of [englishNumerals, chineseNumerals, numbers]) text = replaced(text, pattern, gap, tell('number'));
  for (const pattern of language === 'en' ? [titled, greeted, capitals] : [titled]) text = replaced(text, pattern, gap, tell('name'));
  text = withoutNames(text, language, tell('name'));
  return text.replaceAll(/\u0001(.)\u0002/gsu, (_, at: string) => kept[at.charCodeAt(0) - 0xe000]);
}

/** Proper nouns by dictionary and neighbours. */
function withoutNames(text: string, language: AnswerLanguage, told: () => void): string {
  const tokens = tokenise(text, language);
  const tags = partsOfSpeech(tokens, language);
  let out = '';
  let at = 0;
  tokens.forEach(({ start, end, text: token }, i) => {
    if (tags[i] !== 'PROPN' || token === gap || !/\p{L}/u.test(token)) return;
    told();
    out += `${text.slice(at, start)}${gap}`;
    at = end;
  });
  return out + text.slice(at);
}
