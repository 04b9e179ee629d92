import { createHash } from 'node:crypto';
import type { Config } from '../../schemas/config.js';
import { complaintIntents } from '../signals.js';
import { AftercareError, messageOf } from '../../schemas/errors.js';
import { CAP_MAX } from './state.js';
import { costOf, readRules, type CouponRules } from './rules.js';

export interface CouponSettings {
  /** Customers kept; beyond it the one whose last cart, order or ticket came longest ago makes room. About 170 bytes each, and the name. */
  customers: number;
  /** What this shard may give away in a day (UTC), in minor units: the sum of the most that its coupons can be worth. */
  budgetMinor: number;
  currency: string;
  rules: CouponRules;
  /** Coupons of one customer in `capMs` at most, and the pause after each. */
  cap: number;
  capMs: number;
  coolDownMs: number;
  /** A cart is abandoned after this many ms without anything done to it. */
  cartMs: number;
  /** A customer fades when silent for this many times the usual interval, but never before `fadingMsMin`; where it is more than `fadingMsMax` the habit is too slow to tell. */
  fadingFactor: number;
  fadingMsMin: number;
  fadingMsMax: number;
  /** Intents of tickets that are complaints. */
  complaints: ReadonlySet<string>;
  /** Nothing is decided about what is longer ago than this, by the time the triggering event was received. */
  freshMs: number;
  /** Nothing is decided about events that were received before. */
  sinceMs: number;
  /** Share of the money spent that went back, from which on a customer of at least so many orders gets none. */
  refundShareMax: number;
  refundOrdersMin: number;
  /** What codes are made with: who does not know it cannot guess one. */
  secret: string;
  /** Name and version of the rules; a row carries it. */
  version: string;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/**
 * The settings out of the environment's, for one shard; undefined when the budget is 0: then there are no coupons.
 * @param secret  of the installation, where the environment names none
 * @throws AftercareError bad_config
 */
export function couponSettings(config: Config, secret: string): CouponSettings | undefined {
  if (config.AFTERCARE_COUPON_BUDGET_MINOR === 0) return undefined;
  const bad = (what: string, cause?: unknown): AftercareError => new AftercareError('bad_config', what, { cause });
  let rules: CouponRules;
  try {
    rules = readRules(config.AFTERCARE_COUPON_RULES);
  } catch (error) {
    throw bad(`AFTERCARE_COUPON_RULES: ${messageOf(error)}`, error);
  }
  const budgetMinor = Math.floor(config.AFTERCARE_COUPON_BUDGET_MINOR / config.AFTERCARE_SHARDS);
  for (const [reason, rule] of Object.entries(rules)) {
    if (costOf(rule) > budgetMinor) {
      throw bad(`AFTERCARE_COUPON_BUDGET_MINOR ${config.AFTERCARE_COUPON_BUDGET_MINOR} gives each of ${config.AFTERCARE_SHARDS} shards ${budgetMinor} a day, and one coupon for ${reason} can cost ${costOf(rule)}; raise the budget or lower the rule`);
    }
  }
  if (config.AFTERCARE_COUPON_FADING_DAYS_MIN > config.AFTERCARE_COUPON_FADING_DAYS_MAX) {
    throw bad(`AFTERCARE_COUPON_FADING_DAYS_MIN ${config.AFTERCARE_COUPON_FADING_DAYS_MIN} is above AFTERCARE_COUPON_FADING_DAYS_MAX ${config.AFTERCARE_COUPON_FADING_DAYS_MAX}; nobody could ever fade`);
  }
  if (secret === '') throw bad('AFTERCARE_COUPON_SECRET is empty: whoever knows the customer could guess the code; set it to a long random text');
  const policy = {
    budgetMinor,
    currency: config.AFTERCARE_COUPON_CURRENCY,
    rules,
    cap: config.AFTERCARE_COUPON_CAP,
    capMs: config.AFTERCARE_COUPON_CAP_DAYS * dayMs,
    coolDownMs: config.AFTERCARE_COUPON_COOL_DOWN_DAYS * dayMs,
    cartMs: config.AFTERCARE_COUPON_CART_HOURS * hourMs,
    fadingFactor: config.AFTERCARE_COUPON_FADING_FACTOR,
    fadingMsMin: config.AFTERCARE_COUPON_FADING_DAYS_MIN * dayMs,
    fadingMsMax: config.AFTERCARE_COUPON_FADING_DAYS_MAX * dayMs,
    freshMs: config.AFTERCARE_COUPON_FRESH_HOURS * hourMs,
    sinceMs: sinceMs(config.AFTERCARE_COUPON_SINCE),
    refundShareMax: config.AFTERCARE_COUPON_REFUND_SHARE,
    refundOrdersMin: config.AFTERCARE_COUPON_REFUND_ORDERS,
  };
  const complaints = complaintIntents(config);
  if (policy.cap > CAP_MAX) throw bad(`AFTERCARE_COUPON_CAP must be at most ${CAP_MAX}`);
  return { ...policy, complaints, customers: config.AFTERCARE_CUSTOMERS_MAX, secret, version: versionOf({ ...policy, complaints: [...complaints] }) };
}

/** Settings decide as much as code does: the same name means the same rules. */
export function versionOf(policy: object): string {
  return `coupons-1-${createHash('sha256').update(JSON.stringify(policy)).digest('hex').slice(0, 8)}`;
}

function sinceMs(date: string): number {
  if (date === '') return 0;
  const atMs = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(atMs)) throw new AftercareError('bad_config', `AFTERCARE_COUPON_SINCE="${date}" must be a date such as 2026-01-31`);
  return atMs;
}
