/**
 * What a coupon is worth, by the reason it is given for. Rules are data of the shop's:
 *
 *   {"resolved_complaint":{"amountMinor":500,"validDays":30},"abandoned_cart":{"percent":10,"maxMinor":1000,"validDays":7}}
 *
 * A reason without a rule gives none. A coupon costs the budget the most that it can be worth.
 */
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { explain } from '../../schemas/explain.js';
import { limits } from '../../schemas/limits.js';
import { couponReasons, type CouponReason } from '../../schemas/messages.js';

const strict = { additionalProperties: false } as const;
const minor = (description: string) => Type.Integer({ minimum: 1, maximum: limits.amountMinorMax, description });
const validDays = Type.Integer({ minimum: 1, maximum: 3650, description: 'Days from the decision on which it may be redeemed' });

const Fixed = Type.Object({ amountMinor: minor('What it takes off, in minor units'), validDays }, strict);
const Percent = Type.Object({ percent: Type.Number({ exclusiveMinimum: 0, maximum: 100, description: 'Percent of the order that it takes off' }), maxMinor: minor('... but no more than this, in minor units'), validDays }, strict);
export type CouponRule = Static<typeof Fixed> | Static<typeof Percent>;
export type CouponRules = Partial<Record<CouponReason, CouponRule>>;

const [fixed, percent] = [Compile(Fixed), Compile(Percent)];

/** The most that a coupon of this rule takes off, in minor units. */
export const costOf = (rule: CouponRule): number => ('percent' in rule ? rule.maxMinor : rule.amountMinor);

/** @throws RangeError that names the reason, the field and the remedy */
export function readRules(json: string): CouponRules {
  let given: unknown;
  try {
    given = JSON.parse(json);
  } catch (cause) {
    throw new RangeError(`the rules are not JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new RangeError(`the rules must be one JSON object, ${couponReasons.join(', ')} -> rule`);
  const rules: CouponRules = {};
  for (const [reason, rule] of Object.entries(given as Record<string, unknown>)) {
    if (!isReason(reason)) throw new RangeError(`"${reason}" is not a reason; it must be one of ${couponReasons.join(', ')}`);
    const check = typeof rule === 'object' && rule !== null && 'percent' in rule ? percent : fixed;
    if (!check.Check(rule)) throw new RangeError(`${reason}: ${explain(check.Errors(rule), rule)}; give amountMinor and validDays, or percent, maxMinor and validDays`);
    rules[reason] = rule;
  }
  if (Object.keys(rules).length === 0) throw new RangeError('the rules name no reason; to have no coupons set the budget to 0');
  return rules;
}

const isReason = (text: string): text is CouponReason => (couponReasons as readonly string[]).includes(text);
