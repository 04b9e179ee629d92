/** A coupon decision on its way to the table `coupons` and, when it is granted, to `coupons.<customer>`. */
import type { CouponMessage, CouponReason } from '../../schemas/messages.js';

export interface CouponDecision {
  customer: string;
  /** the stream's clock, milliseconds since 1970 */
  atMs: number;
  /** position of the event that led to it: the ticket's answer, or the one that moved the clock far enough */
  seq: number;
  reason: CouponReason;
  /** why there is none; absent when it is granted */
  withheld?: 'risk' | 'cap' | 'budget';
  /** absent when it is withheld */
  code?: string;
  /** absent for a fixed amount */
  percent?: number;
  /** what it takes off, or the most that it does; minor units of `currency` */
  amountMinor: number;
  currency: string;
  validUntilMs: number;
  because: string[];
  rules: string;
}

/** What services of the shop hear of a granted one; undefined when it is withheld. */
export function couponMessage({ customer, atMs, reason, code, percent, amountMinor, currency, validUntilMs, because, rules }: CouponDecision): CouponMessage | undefined {
  if (code === undefined) return undefined;
  return { v: 1, customer, atMs, reason, code, ...(percent === undefined ? {} : { percent }), amountMinor, currency, validUntilMs, because, rules };
}
