/**
 * Decisions that services of the shop subscribe to, one JSON object each, in the stream DECISIONS.
 *
 *   coupons.<customer>     {"v":1,"customer":"c42","reason":"abandoned_cart","code":"7K2M-...","percent":10,...}
 *   alerts.risk.<level>    {"v":1,"level":"review","customer":"c42","event":"refund","order":"SO-1","probability":0.31,...}
 */
import { Type, type Static } from 'typebox';
import { Customer } from './events.js';

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
