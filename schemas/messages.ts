/**
 * Decisions that services of the shop subscribe to, one JSON object each, in the stream DECISIONS.
 *
 *   coupons.<customer>     {"v":1,"customer":"c42","reason":"abandoned_cart","code":"7K2M-...","percent":10,...}
 *   alerts.risk.<level>    {"v":1,"level":"review","customer":"c42","event":"refund","order":"SO-1","probability":0.31,...}
 *   replies.<customer>     {"v":1,"customer":"c42","ticket":"T-301","language":"zh","text":"...","intent":"delivery_options",...}
 *   alerts.support.<reason> {"v":1,"reason":"low_confidence","customer":"c42","ticket":"T-302","urgency":"normal",...}
 */
import { Type, type Static } from 'typebox';
import { Customer, Ticket } from './events.js';
import { handOverReasons, urgencies, type HandOverReason, type Urgency } from './support-words.js';

const strict = { additionalProperties: false } as const;

/** Why a coupon is given. */
export const couponReasons = ['resolved_complaint', 'abandoned_cart', 'fading_customer'] as const;
export type CouponReason = (typeof couponReasons)[number];

export const CouponMessage = Type.Object(
  {
    v: Type.Literal(1, { description: 'Version of the contract' }),
    customer: Customer,
    atMs: Type.Integer({ description: 'When it was decided, by the clock of the events, milliseconds since 1970 (UTC)' }),
    reason: Type.Enum([...couponReasons], { description: 'Why the customer gets it' }),
    code: Type.String({ pattern: '^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$', description: 'What the customer redeems; the same for the same decision, not to be guessed' }),
    percent: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 100, description: 'Percent of the order that it takes off; absent for a fixed amount' })),
    amountMinor: Type.Integer({ minimum: 1, description: 'What it takes off in minor units, or with a percent the most that it does' }),
    currency: Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217 code of the amount' }),
    validUntilMs: Type.Integer({ description: 'When it ends, milliseconds since 1970 (UTC)' }),
    because: Type.Array(Type.String(), { description: 'What happened, as sentences for people' }),
    rules: Type.String({ description: 'Version of the rules that decided' }),
  },
  { ...strict, title: 'Coupon', description: 'A customer gets a coupon' },
);
export type CouponMessage = Static<typeof CouponMessage>;

/** What a purchase or refund is raised to; one that is allowed sends no message. */
export const riskAlertLevels = ['review', 'block'] as const;

export const RiskMessage = Type.Object(
  {
    v: Type.Literal(1, { description: 'Version of the contract' }),
    level: Type.Enum([...riskAlertLevels], { description: 'review: a person should look before goods or money leave; block: stop it' }),
    customer: Customer,
    atMs: Type.Integer({ description: 'When the purchase or refund happened, milliseconds since 1970 (UTC)' }),
    seq: Type.Integer({ description: 'Position of its event, as in the table risk_decisions' }),
    event: Type.Enum(['purchase', 'refund'], { description: 'What it is about' }),
    order: Type.String({ description: 'The order' }),
    amountMinor: Type.Integer({ minimum: 0, description: 'Amount in minor units of its currency' }),
    currency: Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217 code of the amount' }),
    probability: Type.Number({ minimum: 0, maximum: 1, description: 'Of fraud, by the model that decides' }),
    topReason: Type.String({ description: 'rule:<name>, currency, or the feature that speaks most for fraud; empty where none does' }),
    because: Type.Array(Type.String(), { description: 'Why, as sentences for people' }),
    model: Type.String({ description: 'Model and version that gave the probability' }),
    rules: Type.String({ description: 'Version of the rules' }),
  },
  { ...strict, title: 'RiskAlert', description: 'A purchase or a refund should be looked at, or stopped' },
);
export type RiskMessage = Static<typeof RiskMessage>;

const ofTicket = {
  v: Type.Literal(1, { description: 'Version of the contract' }),
  customer: Customer,
  ticket: Ticket.properties.ticket,
  atMs: Type.Integer({ description: 'When the ticket was written, milliseconds since 1970 (UTC)' }),
  seq: Type.Integer({ description: 'Position of its event, as in the table tickets' }),
  order: Type.Optional(Type.String({ description: 'The order that it is about, where that is known' })),
};
const readFrom = {
  intent: Type.String({ description: 'What the customer wants' }),
  confidence: Type.Number({ minimum: 0, maximum: 1, description: 'Calibrated probability of it' }),
};
const decidedBy = {
  because: Type.Array(Type.String(), { description: 'Why, as sentences for people' }),
  model: Type.String({ description: 'Models and versions that read the text' }),
};

export const ReplyMessage = Type.Object(
  {
    ...ofTicket, ...readFrom,
    language: Type.Enum(['en', 'zh'], { description: 'Language of the ticket and the answer' }),
    text: Type.String({ description: 'What the customer is answered, every slot filled, without personal data' }),
    answer: Type.String({ description: 'Which approved answer it is, or which earlier ticket it comes from' }),
    answers: Type.String({ description: 'Version of the approved answers' }),
    ...decidedBy,
  },
  { ...strict, title: 'Reply', description: 'A ticket is answered' },
);
export type ReplyMessage = Static<typeof ReplyMessage>;

export const RewriteMessage = Type.Object(
  {
    ...ofTicket,
    language: Type.Enum(['en', 'zh'], { description: 'Language of the ticket and the answer' }),
    text: Type.String({ description: 'What the customer is answered: the large model\'s words, or the draft where they are not used' }),
    draft: Type.String({ description: 'The reply that it was made of' }),
    rewritten: Type.Boolean({ description: 'Whether the words are the model\'s' }),
    reason: Type.String({ description: 'Why the draft is kept; empty where it is not' }),
    model: Type.String({ description: 'The large model, as AFTERCARE_LLM_MODEL names it' }),
    answer: Type.String({ description: 'Which approved answer it is, or which earlier ticket it comes from' }),
    answers: Type.String({ description: 'Version of the approved answers' }),
  },
  { ...strict, title: 'Rewrite', description: 'A reply in a large model\'s words, or unchanged where they were refused' },
);
export type RewriteMessage = Static<typeof RewriteMessage>;

export const SupportMessage = Type.Object(
  {
    ...ofTicket, ...readFrom,
    reason: Type.Enum(Object.keys(handOverReasons) as HandOverReason[], { description: 'Why a person gets it' }),
    urgency: Type.Enum(Object.keys(urgencies) as Urgency[], { description: 'How soon it should be looked at' }),
    item: Type.Optional(Type.String({ description: 'The item that it is about, where the shop says so' })),
    language: Type.Optional(Type.Enum(['en', 'zh'], { description: 'Language of the ticket; absent where it is neither' })),
    text: Type.String({ description: 'What the customer wrote, personal data masked' }),
    sentiment: Type.Number({ minimum: -1, maximum: 1, description: 'From angry to delighted' }),
    alternatives: Type.Array(Type.Object({ intent: Type.String(), confidence: Type.Number() }, strict), { description: 'The next most likely intents' }),
    acknowledgement: Type.Optional(Type.String({ description: 'An approved text that tells the customer that a person takes over; it may be sent as it is' })),
    draft: Type.Optional(Type.String({ description: 'What could be answered, where there is something: to be checked by the person' })),
    ...decidedBy,
  },
  { ...strict, title: 'SupportAlert', description: 'A ticket that a person should answer' },
);
export type SupportMessage = Static<typeof SupportMessage>;
