/**
 * Requests that the services of a shop send, and what they get back. A bad one gets the NATS services error headers
 * with code 400 and a text that names the field.
 *
 *   aftercare.recommend  {"customer":"c42","k":10,"seen":true}
 *   aftercare.similar    {"item":"kettle-1","k":10}
 *   aftercare.profile    {"customer":"c42"}
 *   aftercare.basket     {"items":["kettle-1","cup-2"],"k":10}
 *   aftercare.risk       {"type":"purchase","customer":"c42","amountMinor":6998,"currency":"EUR","device":"d-51aa"}
 *   aftercare.support    {"customer":"c42","text":"Where is my order SO-5001?"}
 */
import { Type, type Static, type TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { Customer, Item, Purchase, Refund, Ticket } from './events.js';
import { explain, jsonProblem } from './explain.js';
import { limits } from './limits.js';
import type { HandOverReason, NoReplyReason, ReplyDecision, Urgency } from './support-words.js';

const strict = { additionalProperties: false } as const;
const K = Type.Optional(Type.Integer({ minimum: 1, maximum: limits.answerItemsMax, description: 'How many items; 10 when absent' }));
const Seen = Type.Optional(Type.Boolean({ description: 'true: also items that the customer looked at or put into a cart, but never what was bought lately or sent back; without it only what is new to the customer' }));
export const kDefault = 10;

export const RecommendRequest = Type.Object({ customer: Customer, k: K, seen: Seen }, { ...strict, title: 'RecommendRequest', description: 'What to show to a customer' });
export const SimilarRequest = Type.Object({ item: Item, k: K }, { ...strict, title: 'SimilarRequest', description: 'What resembles an item' });
export const ProfileRequest = Type.Object({ customer: Customer }, { ...strict, title: 'ProfileRequest', description: 'What the models hold about a customer' });
/** Not a decision on record: like `similar` it is answered without a row, and asking leaves no trace. */
export const BasketRequest = Type.Object(
  {
    items: Type.Array(Item, { minItems: 1, maxItems: limits.cartItemsMax, description: 'What is in the cart, in the order in which it was put in, the latest last; an item that is not known is left out and named in the answer' }),
    k: K,
  },
  { ...strict, title: 'BasketRequest', description: 'What is most likely to be added to a cart next; answered without a row in any table' },
);
/** A purchase or refund that has not happened: what the event would say, as far as it is known. */
const asked = {
  customer: Customer,
  amountMinor: Purchase.properties.amountMinor,
  currency: Purchase.properties.currency,
  order: Type.Optional(Purchase.properties.order),
  lines: Type.Optional(Purchase.properties.lines),
  device: Purchase.properties.device,
  atMs: Type.Optional(Type.Integer({ minimum: limits.atMsMin, maximum: 9_007_199_254_740_991, description: 'The moment that is asked about, milliseconds since 1970 (UTC); now when absent' })),
};
export const RiskPurchaseRequest = Type.Object(
  {
    type: Type.Literal('purchase', { description: 'What is asked about' }), ...asked,
    payment: Purchase.properties.payment, card: Purchase.properties.card, address: Purchase.properties.address,
    shippingCountry: Purchase.properties.shippingCountry, billingCountry: Purchase.properties.billingCountry,
  },
  { ...strict, title: 'RiskPurchaseRequest' },
);
export const RiskRefundRequest = Type.Object({ type: Type.Literal('refund', { description: 'What is asked about' }), ...asked, reason: Refund.properties.reason }, { ...strict, title: 'RiskRefundRequest' });
/** Not a decision on record: that one comes with the event itself, when it happens. Asking teaches nothing and leaves no trace. */
export const RiskRequest = Type.Union([RiskPurchaseRequest, RiskRefundRequest], { title: 'RiskRequest', description: 'What would be decided about a purchase or a refund; answered without a row in any table' });

/** Not a decision on record: that one comes with the ticket's event. Asking teaches nothing and leaves no trace. */
export const SupportRequest = Type.Object(
  {
    customer: Customer, text: Ticket.properties.text, language: Ticket.properties.language, order: Ticket.properties.order, item: Ticket.properties.item,
    atMs: Type.Optional(Type.Integer({ minimum: limits.atMsMin, maximum: 9_007_199_254_740_991, description: 'The moment that is asked about, milliseconds since 1970 (UTC); now when absent' })),
  },
  { ...strict, title: 'SupportRequest', description: 'What would be read in a ticket and decided about it; answered without a row in any table' },
);

/** Between a shard and the export workflow: items in the order of their ids, from `fromId`. */
export const NeighboursRequest = Type.Object(
  {
    fromId: Type.Integer({ minimum: 0, maximum: 2 ** 24 }),
    count: Type.Integer({ minimum: 1, maximum: 1000 }),
    asOfMs: Type.Optional(Type.Integer({ minimum: 0, description: 'The moment that dots and norms are told for, so that those of several shards can be added; the shard\'s newest event when absent' })),
  },
  { ...strict, title: 'NeighboursRequest', description: 'A page of items with their neighbours' },
);

/** Between a shard and the workflow `forget`: a state of the shard's stream, as an artefact. */
export const AdoptRequest = Type.Object(
  {
    ref: Type.Object({ name: Type.String({ maxLength: 64 }), version: Type.Integer({ minimum: 0 }), sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }), bytes: Type.Integer({ minimum: 0 }) }, strict),
    seq: Type.Integer({ minimum: 0, description: 'Sequence of EVENTS that it has folded up to' }),
  },
  { ...strict, title: 'AdoptRequest', description: 'The state that takes the live one\'s place' },
);

export type RecommendRequest = Static<typeof RecommendRequest>;
export type SimilarRequest = Static<typeof SimilarRequest>;
export type ProfileRequest = Static<typeof ProfileRequest>;
export type BasketRequest = Static<typeof BasketRequest>;
export type RiskRequest = Static<typeof RiskRequest>;
export type SupportRequest = Static<typeof SupportRequest>;
export type NeighboursRequest = Static<typeof NeighboursRequest>;

export interface Because {
  /** an item of the customer's own */
  item?: string;
  /** that many customers */
  customers?: number;
  /** what the customer has against that item, and so against what resembles it; the weight is below zero */
  against?: 'complaint' | 'refund';
  /** share in the score, in the score's unit */
  weight: number;
}
export interface RecommendAnswer {
  customer: string;
  items: { item: string; score: number; channel: string; because: Because[] }[];
  model: string;
  shard: number;
  /** sequence of the last message that the answer has seen */
  seq: number;
}
export interface SimilarAnswer {
  item: string;
  items: { item: string; similarity: number; dot: number }[];
}
export interface ProfileAnswer {
  customer: string;
  items: { item: string; strength: number }[];
  norm: number;
  /** items of the current browsing session, the latest first */
  session: string[];
  shard: number;
  seq: number;
}
export interface BasketAnswer {
  /** most likely first; none of the cart's own */
  items: {
    item: string;
    /** that it is the next one added, given that one more is */
    probability: number;
    /** basket: baskets like this cart hold it; popular: it is in many baskets, whatever the cart holds */
    channel: 'basket' | 'popular';
    /** the cart's items that speak for it, with their part of 1; none for a popular one */
    because: { item: string; weight: number }[];
  }[];
  /** items of the cart that no basket holds: they were left out */
  unknown: string[];
  /** baskets that hold an item of the cart: how much stands behind the answer */
  support: number;
  /** baskets that are remembered */
  baskets: number;
  model: string;
}
export interface RiskAnswer {
  customer: string;
  decision: 'allow' | 'review' | 'block';
  /** of fraud */
  probability: number;
  /** why it is this decision: costs, rule, hysteresis, currency or anomaly */
  decidedBy: string;
  /** expected, in minor units of the shop's currency */
  costs: { allow: number; review: number; block: number };
  /** names of the rules that fired */
  rules: string[];
  /** log-odds = rest + sum of the terms; null is a missing value */
  reasons: { feature: string; value: number | null; usual: number | null; term: number }[];
  rest: number;
  /** how unusual it is, by no verdict: 0 to 1, 0 while that is not known; and the features that make it so, where it is */
  anomaly: { score: number; features: string[] };
  because: string[];
  model: string;
  rulesVersion: string;
  shard: number;
  /** sequence of the last message that the answer has seen */
  seq: number;
}
export interface SupportAnswer {
  customer: string;
  /** the text as it would be stored: normalised, personal data masked */
  text: string;
  /** kinds of personal data that were masked */
  personal: string[];
  language: 'en' | 'zh' | null;
  /** null where the text has no words that a model could read */
  intent: string | null;
  /** calibrated probability of the intent */
  confidence: number;
  alternatives: { intent: string; confidence: number }[];
  outOfScope: number;
  /** why the model would not say that it is this intent; null where it does */
  abstained: string | null;
  /** by: own (an order or item of the customer), model or rule */
  entities: { kind: string; value: string; start: number; end: number; by: string }[];
  /** -1 angry, 1 delighted */
  sentiment: number;
  urgency: Urgency;
  decision: ReplyDecision;
  /** null for a reply */
  reason: HandOverReason | NoReplyReason | null;
  because: string[];
  /** of a reply what the customer gets, else a draft for the person, where there is one */
  reply: { text: string; answer: string; answers: string } | null;
  /** the order that it is taken to be about */
  order: string | null;
  model: string;
  shard: number;
  /** sequence of the last message that the answer has seen */
  seq: number;
}
export interface NeighboursAnswer {
  nextId: number;
  /** the moment that `norm2` and the dots are told for, milliseconds since 1970 */
  asOfMs: number;
  items: { item: string; norm2: number; neighbours: { item: string; similarity: number; dot: number }[] }[];
}

export const serviceSchemas = { recommend: RecommendRequest, similar: SimilarRequest, profile: ProfileRequest, basket: BasketRequest, risk: RiskRequest, support: SupportRequest } as const;
export type ServiceName = keyof typeof serviceSchemas;

/** Headers of a failed answer, as the NATS services protocol has them. */
export const errorHeaders = { text: 'Nats-Service-Error', code: 'Nats-Service-Error-Code' } as const;

/** What a request to `risk` asks about decides which fields it may have, so that an error names the one that is wrong. */
export function riskRequestCheck(): (body: Uint8Array) => { value: RiskRequest } | { error: string } {
  const [kind, purchase, refund] = [requestCheck(Type.Object({ type: Type.Enum(['purchase', 'refund']) })), requestCheck(RiskPurchaseRequest), requestCheck(RiskRefundRequest)];
  return (body) => {
    const found = kind(body);
    if ('error' in found) return found;
    return found.value.type === 'purchase' ? purchase(body) : refund(body);
  };
}

/** @returns a check of a request's body: the value, or what is wrong with it */
export function requestCheck<S extends TSchema>(schema: S): (body: Uint8Array) => { value: Static<S> } | { error: string } {
  const check = Compile(schema);
  return (body) => {
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    } catch (error) {
      return { error: `the request is not JSON: ${jsonProblem(error)}` };
    }
    return check.Check(value) ? { value: value } : { error: explain(check.Errors(value), value) };
  };
}
