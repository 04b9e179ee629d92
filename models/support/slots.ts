/**
 * What the slots of an answer are filled with: what the customer wrote, and the order of theirs that the ticket is about.
 * Nothing else can get into a slot, so no answer tells one customer about another.
 */
import type { EntityKind } from '../../schemas/support-words.js';

/** Whatever an answer may have in braces. */
export const slotNames = ['order', 'product', 'amount', 'order_amount', 'refund_amount', 'date', 'refund_date', 'tracking'] as const;
export type SlotName = (typeof slotNames)[number];

/** The ticket's own fields, what was found in its text, and the customer's order that it is about. */
export const sources = [
  'ticket.order', 'ticket.item',
  'entity.order', 'entity.product', 'entity.amount', 'entity.date', 'entity.tracking',
  'order.id', 'order.amount', 'order.date', 'refund.amount', 'refund.date',
] as const;
export type Source = (typeof sources)[number];
/** For each slot its sources; the first that is known fills it. */
export type SlotTable = Readonly<Partial<Record<SlotName, readonly Source[]>>>;

export interface Entity {
  kind: EntityKind;
  /** as it stands in the masked text */
  text: string;
}

/** An order of the customer's own, as its events told it. */
export interface KnownOrder {
  order: string;
  atMs: number;
  amountMinor: number;
  /** ISO 4217 */
  currency: string;
  items: readonly string[];
  /** what was paid back of it */
  refundedMinor: number;
  /** of the last refund; undefined where there is none */
  refundMs: number | undefined;
}

/** What is known when a ticket is answered. */
export interface TicketFacts {
  /** of the ticket's event */
  order?: string | undefined;
  item?: string | undefined;
  entities: readonly Entity[];
  /** the customer's, any order */
  orders: readonly KnownOrder[];
}

const slotPattern = /\{([a-z_]+)\}/g;

/** The slots of a text, each once in order of appearance, and what remains without them. */
export function slotsOf(text: string): { slots: string[]; rest: string } {
  const slots = new Set<string>();
  const rest = text.replace(slotPattern, (_, slot: string) => {
    slots.add(slot);
    return '';
  });
  return { slots: [...slots], rest };
}

/**
 * The order that the ticket is about: the one that it names, where it is the customer's; the latest with the item that it
 * names; the latest of all where it names neither. A name that is not the customer's order stands for none: to answer
 * about another one would be to guess.
 */
export function matchingOrder({ order, item, entities, orders }: TicketFacts): KnownOrder | undefined {
  const named = order ?? onlyOne(entities, 'order');
  if (named !== undefined) return orders.find((known) => known.order === named);
  // Two different ones in the text: which is meant a person must read.
  if (entities.some(({ kind }) => kind === 'order')) return undefined;
  const candidates = item === undefined ? orders : orders.filter(({ items }) => items.includes(item));
  return candidates.reduce<KnownOrder | undefined>((latest, known) => (latest === undefined || isLater(known, latest) ? known : latest), undefined);
}

const isLater = (a: KnownOrder, b: KnownOrder): boolean => a.atMs > b.atMs || (a.atMs === b.atMs && a.order > b.order);

/** The one value of a kind that the text has; undefined when it has none, or different ones. */
function onlyOne(entities: readonly Entity[], kind: EntityKind): string | undefined {
  const values = new Set(entities.filter((entity) => entity.kind === kind).map(({ text }) => text));
  return values.size === 1 ? [...values][0] : undefined;
}

/** The values of all slots that can be filled. */
export function slotValues(table: SlotTable, facts: TicketFacts, language: 'en' | 'zh'): Partial<Record<SlotName, string>> {
  const order = matchingOrder(facts);
  const values: Partial<Record<SlotName, string>> = {};
  for (const [slot, from] of Object.entries(table) as [SlotName, readonly Source[]][]) {
    for (const source of from) {
      const value = valueOf(source, facts, order, language);
      if (value === undefined || !fits(slot, value)) continue;
      values[slot] = value;
      break;
    }
  }
  return values;
}

function valueOf(source: Source, facts: TicketFacts, order: KnownOrder | undefined, language: 'en' | 'zh'): string | undefined {
  switch (source) {
    case 'ticket.order': return facts.order;
    case 'ticket.item': return facts.item;
    case 'entity.order':
    case 'entity.product':
    case 'entity.amount':
    case 'entity.date':
    case 'entity.tracking': return onlyOne(facts.entities, source.slice('entity.'.length) as EntityKind);
    case 'order.id': return order?.order;
    case 'order.amount': return order === undefined ? undefined : money(order.amountMinor, order.currency);
    case 'order.date': return order === undefined ? undefined : day(order.atMs, language);
    case 'refund.amount': return order?.refundMs === undefined ? undefined : money(order.refundedMinor, order.currency);
    case 'refund.date': return order?.refundMs === undefined ? undefined : day(order.refundMs, language);
  }
}

/**
 * What a slot takes. An entity is a piece of what a customer wrote, found by a model that errs: what could be a link, an
 * address, markup, a masked value or a sentence of its own does not get into an answer.
 */
const shapes: Record<SlotName, RegExp> = {
  order: /^#?[A-Za-z0-9][A-Za-z0-9_/-]{0,63}$/,
  tracking: /^[A-Za-z0-9][A-Za-z0-9-]{4,39}$/,
  // Letters, spaces and what stands in product names; a run of seven digits is a number of something, not a name.
  product: /^(?!.*\d{7})(?!.*(?:www\.|https?|\.(?:com|cn|net|org)\b))[\p{L}\p{N}][\p{L}\p{M}\p{N} '’&+.,/()（）·-]{0,79}$/u,
  amount: /^(?=.{1,24}$)[\p{Sc}A-Za-z]{0,5} ?\d[\d.,]*(?: ?[\p{Sc}\p{L}]{1,8})?$/u,
  order_amount: /^.{1,32}$/,
  refund_amount: /^.{1,32}$/,
  date: /^.{1,32}$/,
  refund_date: /^.{1,32}$/,
};

export const fits = (slot: SlotName, value: string): boolean => shapes[slot].test(value);

/** @returns undefined when a slot has no value: an answer with a hole in it does not leave */
export function fillSlots(text: string, values: Partial<Record<SlotName, string>>): string | undefined {
  let whole = true;
  const filled = text.replace(slotPattern, (_, slot: string) => {
    const value = values[slot as SlotName];
    if (value === undefined) whole = false;
    return value ?? '';
  });
  return whole ? filled : undefined;
}

/** Digits behind the point of the currencies that do not have two. Source: ISO 4217, list one. */
const minorDigits: Readonly<Record<string, number>> = {
  BIF: 0, CLP: 0, DJF: 0, GNF: 0, ISK: 0, JPY: 0, KMF: 0, KRW: 0, PYG: 0, RWF: 0, UGX: 0, UYI: 0, VND: 0, VUV: 0, XAF: 0, XOF: 0, XPF: 0,
  BHD: 3, IQD: 3, JOD: 3, KWD: 3, LYD: 3, OMR: 3, TND: 3,
};

/** `12.34 EUR`, `1200 JPY`; by hand, as Intl writes the same amount differently from one version of its data to the next. */
export function money(minor: number, currency: string): string {
  const digits = Object.hasOwn(minorDigits, currency) ? minorDigits[currency] : 2;
  const text = String(Math.abs(minor)).padStart(digits + 1, '0');
  const major = digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
  return `${minor < 0 ? '-' : ''}${major} ${currency}`;
}

const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];

/** The day (UTC): `3 January 2026`, `2026年1月3日`. */
export function day(atMs: number, language: 'en' | 'zh'): string {
  const date = new Date(atMs);
  const [year, month, of] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  return language === 'zh' ? `${year}年${month + 1}月${of}日` : `${of} ${months[month]} ${year}`;
}
