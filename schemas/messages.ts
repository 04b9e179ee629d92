/**
 * Decisions that services of the shop subscribe to, one JSON object each, in the stream DECISIONS.
 *
 *   coupons.<customer>  {"v":1,"customer":"c42","reason":"abandoned_cart","code":"7K2M-...","percent":10,...}
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
