/**
 * Whether there is a coupon: none where risk is high, none beyond a customer's cap, none beyond the day's budget. In this
 * order, so that `budget` counts the coupons that would have been given: the demand.
 */
import { createHmac } from 'node:crypto';
import type { CouponReason } from '../../schemas/messages.js';
import type { StoredEvent } from '../step.js';
import { riskLevels, type Signals } from '../signals.js';
import type { CouponDecision } from './decision.js';
import { costOf } from './rules.js';
import type { CouponSettings } from './settings.js';
import { CAP_MAX, words, WORDS, type CouponState } from './state.js';

const dayMs = 86_400_000;

export interface Cause {
  /** of the customer, in the state */
  id: number;
  reason: CouponReason;
  /** when it came about: the answer's time, or when the cart or the silence was due */
  atMs: number;
  /** in words; asked only when something is decided */
  because: () => string;
}

/** @returns undefined when nothing is decided: no rule for this reason, or it is too long ago */
export function decide(state: CouponState, settings: CouponSettings, signals: Signals, { position, shard, receivedMs }: StoredEvent, cause: Cause): CouponDecision | undefined {
  const rule = settings.rules[cause.reason];
  if (rule === undefined || receivedMs - cause.atMs > settings.freshMs || receivedMs < settings.sinceMs) return undefined;
  const customer = state.customers.nameOf(cause.id);
  const atMs = state.clockMs;
  const costMinor = costOf(rule);
  const objection = riskOf(signals, settings, customer, atMs) ?? capOf(state, settings, cause.id) ?? budgetOf(state, settings, costMinor);
  const decision: CouponDecision = {
    customer, atMs, seq: position, reason: cause.reason, amountMinor: costMinor, currency: settings.currency,
    validUntilMs: atMs + rule.validDays * dayMs, because: [cause.because()], rules: settings.version,
  };
  if ('percent' in rule) decision.percent = rule.percent;
  if (objection !== undefined) {
    state.withheld += 1;
    decision.withheld = objection.withheld;
    decision.because.push(objection.because);
    return decision;
  }
  state.granted += 1;
  state.spentMinor += costMinor;
  remember(state, cause.id);
  decision.code = codeOf(settings.secret, `${shard}/${position}/${cause.reason}/${customer}`);
  return decision;
}

type Objection = Pick<Required<CouponDecision>, 'withheld'> & { because: string };

function riskOf(signals: Signals, { refundShareMax, refundOrdersMin }: CouponSettings, customer: string, atMs: number): Objection | undefined {
  const known = signals.of(customer, atMs);
  if (known === undefined) return undefined;
  const { risk, riskMs, orders, boughtMinor, refundedMinor } = known;
  if (risk === riskLevels.high) return { withheld: 'risk', because: `risk is high since ${dayOf(riskMs)}` };
  if (orders < refundOrdersMin || boughtMinor === 0 || refundedMinor / boughtMinor <= refundShareMax) return undefined;
  return { withheld: 'risk', because: `${Math.round((100 * refundedMinor) / boughtMinor)} % of the money of ${orders} orders went back` };
}

/** Grants are kept as whole seconds, rounded up, and now is rounded down: a window is never shorter than it should be. */
function capOf(state: CouponState, { cap, capMs, coolDownMs }: CouponSettings, id: number): Objection | undefined {
  const nowS = Math.floor(state.clockMs / 1000);
  let [within, latestS] = [0, 0];
  for (let n = 0; n < CAP_MAX; n += 1) {
    const grantedS = state.words[id * WORDS + words.grant + n];
    if (grantedS === 0) continue;
    if (nowS - grantedS < capMs / 1000) within += 1;
    latestS = Math.max(latestS, grantedS);
  }
  if (within >= cap) return { withheld: 'cap', because: `${within} given in ${capMs / dayMs} days, ${cap} is the cap` };
  if (latestS > 0 && nowS - latestS < coolDownMs / 1000) return { withheld: 'cap', because: `the last one was given on ${dayOf(latestS * 1000)}, less than ${coolDownMs / dayMs} days ago` };
  return undefined;
}

function budgetOf(state: CouponState, { budgetMinor, currency }: CouponSettings, costMinor: number): Objection | undefined {
  if (state.spentMinor + costMinor <= budgetMinor) return undefined;
  return { withheld: 'budget', because: `${state.spentMinor} of ${budgetMinor} (minor units of ${currency}) are given away today, and this one can cost ${costMinor}` };
}

/** In the place of the one given longest ago. */
function remember(state: CouponState, id: number): void {
  const start = id * WORDS + words.grant;
  let place = start;
  for (let at = start + 1; at < start + CAP_MAX; at += 1) if (state.words[at] < state.words[place]) place = at;
  state.words[place] = Math.ceil(state.clockMs / 1000);
}

export const dayOf = (atMs: number): string => new Date(atMs).toISOString().slice(0, 10);

/** Crockford's base 32: nothing that is read as something else. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * 60 bits of HMAC-SHA256, so that the same decision has the same code, and nobody without the secret can guess one: at a
 * thousand tries a second against a million live codes, one hit takes decades.
 */
export function codeOf(secret: string, decision: string): string {
  const mac = createHmac('sha256', secret).update(decision).digest();
  const letters = Array.from({ length: 12 }, (_, i) => alphabet[mac[i] & 31]).join('');
  return `${letters.slice(0, 4)}-${letters.slice(4, 8)}-${letters.slice(8)}`;
}
