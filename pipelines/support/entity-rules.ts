/**
 * What a text names, found by rules: until a model is promoted, and beside it afterwards, as an order that is the customer's own
 * needs no model to be recognised.
 *
 *   order      one of the customer's own by its id, or what stands behind "order", "order no.", 订单号 and has a digit
 *   product    an item of the customer's own orders or of the ticket, by its code
 *   amount     a number with a currency
 *   date       2026-01-31, 31 January, Jan 31, 1月31日, yesterday, 昨天, last Monday, 上周一
 *   tracking   the forms that carriers print, or what stands behind "tracking number", 快递单号, 运单号
 *
 * Rules are tried in that order; where two overlap the earlier one stays. Offsets are UTF-16 units of the masked text.
 */
import type { EntityFinder, EntityKind } from '../../schemas/support-words.js';

export interface FoundEntity {
  kind: EntityKind;
  value: string;
  start: number;
  end: number;
}

export interface ReadEntity extends FoundEntity {
  by: EntityFinder;
}

/** What rules are called where no model is live, as models are: name and version. */
export const entityRules = 'entity-rules-1';

/** What the customer's own orders tell: ids and item codes. */
export interface OwnNames {
  orders: readonly string[];
  items: readonly string[];
}

/** Entities of one text at most: more is a list, and no request. */
const ENTITIES_MAX = 32;
/** An id of fewer characters is found in any text by chance. */
const OWN_MIN = 4;

const month = '(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)';
const weekday = '(?:mon|tues|wednes|thurs|fri|satur|sun)day';
/** Of one pattern the first group that is there is the value, else all of it. */
const rules: readonly (readonly [EntityKind, RegExp])[] = [
  ['order', /\border\s?(?:number|no\.?|id|nr\.?|#)?\s?(?:is|:|#|：)?\s?#?(?=[a-z-]{0,8}\d)([a-z0-9][a-z0-9_/-]{2,39})/gi],
  ['order', /订单(?:号码|编号|号)?(?:是|为|[:：])?\s?#?(?=[a-z-]{0,8}\d)([a-z0-9][a-z0-9_/-]{2,39})/gi],
  ['tracking', /\btrack(?:ing)?\s?(?:number|no\.?|code|id|#)?\s?(?:is|:|#|：)?\s?(?=[a-z]{0,4}\d)([a-z0-9]{8,30})\b/gi],
  ['tracking', /(?:快递单号|运单号|物流单号|单号)(?:是|为|[:：])?\s?(?=[a-z]{0,4}\d)([a-z0-9]{8,30})/gi],
  // UPS | UPU S10, the post's international form | two letters of a carrier and its digits
  ['tracking', /(?<![a-z0-9])(?:1Z[0-9A-Z]{16}|[A-Z]{2}\d{9}[A-Z]{2}|(?:SF|YT|JD|DP|ZT|ST|YD|EMS|DHL|JT|TN)\d{9,18})(?![a-z0-9])/gi],
  ['amount', /(?<![\w.])(?:EUR|USD|GBP|CNY|RMB|JPY|[€$£¥￥])\s?\d{1,9}(?:[.,]\d{3})*(?:[.,]\d{1,2})?(?![\w%]|[.,]\d)/gi],
  ['amount', /(?<![\w.])\d{1,9}(?:[.,]\d{3})*(?:[.,]\d{1,2})?\s?(?:euros?|EUR|dollars?|USD|pounds?|GBP|yuan|RMB|CNY|[€$£]|块钱|块|元|人民币)(?![a-z])/gi],
  ['date', /(?<!\d)\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?!\d)|(?<!\d)\d{1,2}\.\d{1,2}\.\d{4}(?!\d)|(?:\d{4}年)?\d{1,2}月\d{1,2}[日号]/g],
  ['date', new RegExp(String.raw`\b(?:${month} \d{1,2}(?:st|nd|rd|th)?(?:,? \d{4})?|\d{1,2}(?:st|nd|rd|th)? (?:of )?${month}(?: \d{4})?)\b(?! ?%)`, 'gi')],
  ['date', new RegExp(String.raw`\b(?:yesterday|the day before yesterday|last (?:night|week|month|${weekday})|on ${weekday})\b|昨天|前天|上(?:周|星期|礼拜)[一二三四五六日天]|上个?月`, 'gi')],
];

/** @param text  masked. What is masked in it is no entity */
export function findEntities(text: string, own: OwnNames): FoundEntity[] {
  const found: FoundEntity[] = [];
  const add = (kind: EntityKind, start: number, end: number): void => {
    if (found.length >= ENTITIES_MAX || found.some((other) => start < other.end && other.start < end)) return;
    found.push({ kind, value: text.slice(start, end), start, end });
  };
  for (const order of own.orders) forEach(text, order, (start, end) => add('order', start, end));
  for (const item of own.items) forEach(text, item, (start, end) => add('product', start, end));
  for (const [kind, rule] of rules) {
    for (const match of text.matchAll(rule)) {
      const value = match.slice(1).find((group) => group !== undefined) ?? match[0];
      const start = match.index + match[0].lastIndexOf(value);
      add(kind, start, start + value.trimEnd().length);
    }
  }
  return found.sort((a, b) => a.start - b.start);
}

const wordlike = /[\p{L}\p{N}_]/u;

/** Each place of an id that is not a part of a longer one; Han letters around it are none of it. */
function forEach(text: string, name: string, each: (start: number, end: number) => void): void {
  if (name.length < OWN_MIN) return;
  const [lower, wanted] = [text.toLowerCase(), name.toLowerCase()];
  if (lower.length !== text.length) return; // a letter that grows as it is lowered: offsets would be wrong
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + 1)) {
    const [before, after] = [text[at - 1] ?? ' ', text[at + wanted.length] ?? ' '];
    if (isPart(before) || isPart(after)) continue;
    each(at, at + wanted.length);
  }
}

const isPart = (character: string): boolean => wordlike.test(character) && !/\p{Script=Han}/u.test(character);

/** A model's entities and the rules': a customer's own order or item is certain, else the model has the say where both see something. */
export function mergeEntities(ofRules: readonly FoundEntity[], ofModel: readonly FoundEntity[], own: OwnNames): ReadEntity[] {
  return combineEntities({ own: ofRules.filter(({ kind, value }) => isOwn(kind, value, own)), model: ofModel, rule: ofRules });
}

/** Where two overlap the finder that comes first in the list has the say. */
export function combineEntities(found: Readonly<Record<EntityFinder, readonly FoundEntity[]>>): ReadEntity[] {
  const merged: ReadEntity[] = [];
  for (const by of ['own', 'model', 'rule'] as const) {
    for (const { kind, value, start, end } of found[by]) {
      if (merged.length < ENTITIES_MAX && !merged.some((other) => start < other.end && other.start < end)) merged.push({ kind, value, start, end, by });
    }
  }
  return merged.sort((a, b) => a.start - b.start);
}

function isOwn(kind: EntityKind, value: string, own: OwnNames): boolean {
  const names = kind === 'order' ? own.orders : kind === 'product' ? own.items : [];
  return names.some((name) => name.toLowerCase() === value.toLowerCase());
}
