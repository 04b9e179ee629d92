/** The risk step: decisions before and after verdicts, what becomes of verdicts, and what it does with what is absurd. */
import { describe, expect, it } from 'vitest';
import { featuresOf, riskMessage, type RiskDecision } from '../../pipelines/risk/decision.js';
import { riskFeatures } from '../../pipelines/risk/features.js';
import { riskLevels } from '../../pipelines/signals.js';
import { decode, type Reject } from '../../schemas/decode.js';
import type { Event } from '../../schemas/events.js';
import { buy, day, forget, hour, judge, riskShop, sendBack, start, type RiskShop } from '../support/risk.js';

const rules = (when: string, then = 'review') => ({ AFTERCARE_RISK_RULES: JSON.stringify([{ name: 'own', when, then }]) });
const logOdds = (p: number): number => Math.log(p / (1 - p));
const summed = (d: RiskDecision): number => d.reasonRest + d.reasonTerms.reduce((sum, term) => sum + term, 0);

/** Twenty honest customers who buy for little, and frauds that are dear and come from one device; each with its verdict. */
function lesson(shop: RiskShop): void {
  for (let n = 0; n < 600; n += 1) {
    const atMs = start + (n * day) / 30;
    const fraud = n % 10 === 9;
    const event = fraud ? buy(`bad${n}`, atMs, { amountMinor: 90_000, device: 'd-shared' }) : buy(`c${n % 20}`, atMs, { amountMinor: 1500 + (n % 7) * 100 });
    shop.give(event, judge(event.customer, atMs + hour, event.order, fraud ? 'chargeback' : 'genuine'));
  }
}

describe('before any verdict', () => {
  it('the probability is what the shop was told, and the rules decide', () => {
    const shop = riskShop(rules('amount > 50000', 'block'));
    const small = shop.give(buy('c1', start));
    expect(small).toMatchObject({ decision: 'allow', decidedBy: 'costs', kind: 'purchase', model: 'risk-online-1', fired: [], usualOf: 'shop', topReason: '' });
    expect(small.probability).toBeCloseTo(0.001, 12);
    const dear = shop.give(buy('c1', start + 1, { amountMinor: 60_000 }));
    expect(dear).toMatchObject({ decision: 'block', decidedBy: 'rule', fired: ['own'], topReason: 'rule:own', usualOf: 'customer' });
    expect(dear.because).toEqual(['block: fraud with a probability of 0.10 %', 'rule own: amount > 50000']);
  });

  it('a dear order is reviewed where a cheap one is let through, as more is at stake', () => {
    const shop = riskShop();
    expect([1000, 1_000_000].map((amountMinor) => shop.give(buy('c1', start, { amountMinor })).decision)).toEqual(['allow', 'review']);
  });

  it('a warning is a message, and what is allowed is none', () => {
    const shop = riskShop(rules('amount > 50000'));
    const [fine, warned] = [shop.give(buy('c1', start)), shop.give(buy('c1', start, { amountMinor: 60_000, order: 'SO-1' }))];
    expect(riskMessage(fine)).toBeUndefined();
    expect(riskMessage(warned)).toMatchObject({ v: 1, level: 'review', customer: 'c1', order: 'SO-1', event: 'purchase', topReason: 'rule:own', because: warned.because });
  });
});

describe('with verdicts', () => {
  const shop = riskShop();
  lesson(shop);
  const atMs = start + 21 * day;

  it('it has learned what they say', () => {
    const [bad, good] = [shop.give(buy('new1', atMs, { amountMinor: 90_000, device: 'd-shared' })), shop.give(buy('c3', atMs))];
    expect(bad.probability).toBeGreaterThan(0.2);
    expect(good.probability).toBeLessThan(0.02);
    expect([bad.decision === 'allow', good.decision]).toEqual([false, 'allow']);
  });

  it('its terms add up to the score, each of them beside the usual value', () => {
    for (const decision of shop.decisions()) {
      expect(Math.abs(summed(decision) - decision.logOdds)).toBeLessThan(1e-9);
      expect(Math.abs(logOdds(decision.probability) - decision.logOdds)).toBeLessThan(1e-6);
    }
    const bad = shop.give(buy('new2', atMs, { amountMinor: 90_000, device: 'd-shared' }));
    expect(bad.reasonFeatures).toContain(bad.topReason);
    expect(bad.reasonTerms[bad.reasonFeatures.indexOf(bad.topReason)]).toBe(Math.max(...bad.reasonTerms));
    expect(bad.because[1]).toContain(`${bad.topReason} is `);
  });

  it('a question gets the answer that the event will get, and leaves no trace', () => {
    const hash = shop.hash();
    const event = buy('c5', atMs, { amountMinor: 7777 });
    const { customer, amountMinor, currency, lines, order, device } = event;
    const answer = shop.ask({ type: 'purchase', customer, amountMinor, currency, lines, order, ...(device === undefined ? {} : { device }) }, atMs);
    for (let n = 0; n < 50; n += 1) shop.ask({ type: n % 2 === 0 ? 'refund' : 'purchase', customer: `nobody${n}`, amountMinor: n, currency: 'XYZ' }, atMs + n);
    expect(shop.hash()).toBe(hash);
    const decided = shop.give(event);
    expect(answer).toMatchObject({ decision: decided.decision, probability: decided.probability, because: decided.because, model: decided.model, rest: decided.reasonRest });
    expect(answer.reasons.map(({ term }) => term)).toEqual(decided.reasonTerms);
  });

  it('scores refunds too, and knows their verdicts from those of the purchase', () => {
    shop.give(buy('c6', atMs, { order: 'both' }), sendBack('c6', atMs + 1, 'both'), judge('c6', atMs + 2, 'both', 'abuse', 'refund'));
    expect(shop.labels().at(-1)).toMatchObject({ kind: 'refund', outcome: 'learned', decisions: 1 });
    shop.give(judge('c6', atMs + 3, 'both', 'genuine'));
    expect(shop.labels().at(-1)).toMatchObject({ kind: 'purchase', outcome: 'learned', decisions: 1 });
  });
});

describe('a verdict', () => {
  const outcome = (shop: RiskShop): string | undefined => shop.labels().at(-1)?.outcome;

  it('is learned once, and a second time it is only counted', () => {
    const shop = riskShop();
    shop.give(buy('c1', start, { order: 'a' }), judge('c1', start + day, 'a', 'genuine'));
    expect(shop.labels().at(-1)).toMatchObject({ outcome: 'learned', decisions: 1, decided: { atMs: start, decision: 'allow', model: 'risk-online-1' } });
    const weights = Buffer.concat(shop.state.online.save()).toString('base64');
    shop.give(judge('c1', start + 2 * day, 'a', 'genuine'));
    expect(outcome(shop)).toBe('repeated');
    expect(Buffer.concat(shop.state.online.save()).toString('base64')).toBe(weights);
    expect(shop.state.online.counts).toMatchObject({ decisions: 1, frauds: 0, genuine: 1 });
  });

  it('that contradicts an earlier one wins: it is learned twice, and only it counts', () => {
    const [shop, once] = [riskShop(), riskShop()];
    for (const each of [shop, once]) {
      lesson(each);
      each.give(buy('c1', start + 21 * day, { order: 'a' }));
    }
    shop.give(judge('c1', start + 22 * day, 'a', 'genuine'), judge('c1', start + 23 * day, 'a', 'chargeback'));
    once.give(judge('c1', start + 22 * day, 'a', 'genuine'));
    expect(outcome(shop)).toBe('contradicted');
    expect(shop.state.online.counts.frauds).toBe(once.state.online.counts.frauds + 1);
    expect(shop.state.online.counts.genuine).toBe(once.state.online.counts.genuine - 1);
    const next = buy('c1', start + 24 * day);
    expect(shop.give(next).probability).toBeGreaterThan(once.give(next).probability);
    shop.give(judge('c1', start + 25 * day, 'a', 'genuine'));
    expect(outcome(shop)).toBe('contradicted');
    expect(shop.state.online.counts).toMatchObject({ frauds: once.state.online.counts.frauds, genuine: once.state.online.counts.genuine });
  });

  it('about an order that was never seen teaches the model nothing; that it was given stays known of the customer', () => {
    const shop = riskShop();
    shop.give(buy('c1', start, { order: 'a' }), buy('c2', start));
    const [weights, ledger] = [Buffer.concat(shop.state.online.save()), shop.state.ledger.hash()];
    shop.give(judge('c1', start, 'b', 'chargeback'), judge('nobody', start, 'a', 'chargeback'), judge('c1', start, 'a', 'chargeback', 'refund'));
    expect(shop.labels()).toMatchObject(Array.from({ length: 3 }, () => ({ outcome: 'unknown', decisions: 0 })));
    expect([Buffer.concat(shop.state.online.save()).equals(weights), shop.state.ledger.hash()]).toEqual([true, ledger]);
    const since = riskFeatures.findIndex(({ name }) => name === 'since_bad_verdict_log');
    expect(['c1', 'c2'].map((customer) => featuresOf(shop.give(buy(customer, start)))[since])).toEqual([0, NaN]);
  });

  it('in words that nobody knows is ignored', () => {
    const shop = riskShop();
    shop.give(buy('c1', start, { order: 'a' }), judge('c1', start, 'a', 'perhaps'));
    expect(outcome(shop)).toBe('ignored');
    shop.give(judge('c1', start, 'a', 'chargeback'));
    expect(outcome(shop)).toBe('learned');
  });

  it('reaches every decision about an order whose lines came one by one', () => {
    const shop = riskShop();
    shop.give(buy('c1', start, { order: 'a' }), buy('c1', start + 1, { order: 'a' }), buy('c1', start + 2, { order: 'b' }), judge('c1', start + day, 'a', 'chargeback'));
    expect(shop.labels().at(-1)).toMatchObject({ outcome: 'learned', decisions: 2 });
    expect(shop.state.online.counts.frauds).toBe(2);
  });

  it('that does not come for the maturity was a genuine one; a later one of fraud contradicts that', () => {
    const shop = riskShop({ AFTERCARE_RISK_MATURITY_DAYS: '10' });
    shop.give(buy('c1', start, { order: 'a' }), buy('c2', start, { order: 'b' }));
    shop.give(buy('c3', start + 10 * day - 1));
    expect(shop.state.online.counts.genuine).toBe(0);
    shop.give(buy('c3', start + 10 * day));
    expect(shop.state.online.counts.genuine).toBe(2);
    shop.give(judge('c1', start + 11 * day, 'a', 'genuine'));
    expect(outcome(shop)).toBe('repeated');
    shop.give(judge('c2', start + 11 * day, 'b', 'chargeback'));
    expect(outcome(shop)).toBe('contradicted');
    expect(shop.state.online.counts).toMatchObject({ frauds: 1, genuine: 1 });
  });

  it('whose decision had to make room is unknown, and that it was dropped is counted', () => {
    const shop = riskShop({ AFTERCARE_RISK_LEDGER: '3' });
    for (let n = 0; n < 5; n += 1) shop.give(buy('c1', start + n, { order: `o${n}` }));
    shop.give(judge('c1', start + day, 'o1', 'chargeback'));
    expect(outcome(shop)).toBe('unknown');
    expect(shop.state.ledger.stats()).toEqual({ held: 3, waiting: 3, dropped: 2 });
  });

  it('of a customer who was forgotten is unknown, and what was usual for them is known no more', () => {
    const shop = riskShop();
    shop.give(buy('c1', start, { order: 'a', amountMinor: 1_000_000 }));
    expect(shop.give(buy('c1', start + 1)).usualOf).toBe('customer');
    shop.give(forget('c1', start + 2), judge('c1', start + 3, 'a', 'chargeback'));
    expect(outcome(shop)).toBe('unknown');
    expect(shop.state.raised.customers.size()).toBe(0);
    const again = shop.give(buy('c1', start + 4));
    const never = shop.give(buy('c9', start + 4, { device: 'd-new' }));
    // The device has met this customer, as anybody; of the customer there is nothing.
    const own = (d: RiskDecision) => featuresOf(d).filter((_, j) => !riskFeatures[j].name.startsWith('device_') && !riskFeatures[j].name.startsWith('price_'));
    expect([again.usualOf, own(again)]).toEqual(['shop', own(never)]);
  });
});

describe('a customer', () => {
  it('is not toggled by a score about the threshold, until a day has gone by', () => {
    const shop = riskShop();
    const amounts = [900_000, 540_000, 540_000, 300_000, 540_000];
    expect(amounts.map((amountMinor, n) => shop.give(buy('c1', start + n * hour, { amountMinor }))).map(({ decision, decidedBy }) => `${decision} ${decidedBy}`))
      .toEqual(['review costs', 'review hysteresis', 'review hysteresis', 'allow costs', 'allow costs']);
    shop.give(buy('c2', start, { amountMinor: 900_000 }));
    expect(shop.give(buy('c2', start + 25 * hour, { amountMinor: 540_000 })).decision).toBe('allow');
  });

  it('who is warned of is at high risk for the others, until a verdict about that order', () => {
    const shop = riskShop(rules('amount > 50000'));
    const risk = () => shop.signals.risk('c1', start + day);
    shop.give(buy('c1', start, { order: 'a' }));
    expect(risk()).toBe(riskLevels.low);
    shop.give(buy('c1', start, { order: 'b', amountMinor: 60_000 }), buy('c1', start, { order: 'c' }));
    expect(risk()).toBe(riskLevels.high);
    shop.give(judge('c1', start, 'c', 'genuine'));
    expect(risk()).toBe(riskLevels.high);
    shop.give(judge('c1', start, 'b', 'genuine'));
    expect(risk()).toBe(riskLevels.low);
  });
});

describe('what is absurd', () => {
  const reject = (event: object): string | undefined => {
    let found: Reject | undefined;
    const body = Buffer.from(JSON.stringify(event, (_key, value: unknown) => (typeof value === 'number' && !Number.isFinite(value) ? String(value) : value)).replaceAll(/"(NaN|-?Infinity)"/g, '$1'));
    decode({ subject: `ev.0.${(event as Event).type}`, seq: 1, receivedMs: start, body }, 1, { event: () => undefined, reject: (of) => { found = of; } });
    return found === undefined ? undefined : `${found.reason}: ${found.detail}`;
  };

  it('in an amount is set aside before it is folded, with its reason', () => {
    expect(reject(buy('c1', start))).toBeUndefined();
    expect(reject(buy('c1', start, { amountMinor: NaN }))).toMatch(/^not_json/);
    expect(reject(buy('c1', start, { amountMinor: Infinity }))).toMatch(/^not_json/);
    expect(reject(buy('c1', start, { amountMinor: -1 }))).toBe('bad_event: amountMinor must be >= 0, got -1');
    expect(reject(buy('c1', start, { amountMinor: 1e13 }))).toBe('bad_event: amountMinor must be <= 1000000000000, got 10000000000000');
    expect(reject(buy('c1', start, { currency: 'euro' }))).toMatch(/^bad_event: currency must match pattern/);
    expect(reject(buy('c1', start + 2 * day))).toMatch(/^bad_time/);
  });

  it('and still allowed is decided with finite numbers: nothing, and ten billion', () => {
    const shop = riskShop();
    lesson(shop);
    for (const amountMinor of [0, 1e12]) {
      for (const event of [buy('c1', start + 21 * day, { amountMinor, lines: [{ item: 'x', quantity: 1_000_000, unitMinor: amountMinor }] }), sendBack('c1', start + 21 * day, 'o', { amountMinor })]) {
        const made = shop.give(event);
        const { probability, logOdds, costs, decision } = made;
        expect([probability, logOdds, ...costs, ...featuresOf(made).filter((value) => !Number.isNaN(value))].every(Number.isFinite)).toBe(true);
        if (amountMinor === 1e12) expect(decision).not.toBe('allow'); // with so much at stake hardly any probability is small enough
      }
    }
    const after = shop.give(buy('c3', start + 22 * day));
    expect(after.decision).toBe('allow'); // and one such order has not spoilt the rest
  });

  it('an unknown currency is reviewed where the shop has given rates', () => {
    const shop = riskShop({ AFTERCARE_RISK_RATES: '{"EUR":1}' });
    expect(shop.give(buy('c1', start)).decision).toBe('allow');
    const unknown = shop.give(buy('c1', start, { currency: 'XTS' }));
    expect(unknown).toMatchObject({ decision: 'review', decidedBy: 'currency', topReason: 'currency' });
    expect(unknown.because[1]).toBe('currency XTS has no rate, so nobody knows what is at stake; add it to AFTERCARE_RISK_RATES');
    expect(shop.ask({ type: 'purchase', customer: 'c1', amountMinor: 1, currency: 'XTS' }, start).decision).toBe('review');
  });

  it('a clock that jumps ahead moves the time no further than when its event came', () => {
    const shop = riskShop({ AFTERCARE_RISK_MATURITY_DAYS: '0.5' });
    shop.give(buy('c1', start, { order: 'a' }));
    shop.receive(buy('c2', start + day - 1), start + hour);
    expect([shop.state.clockMs, shop.state.online.counts.genuine]).toEqual([start + hour, 0]);
    expect(shop.decisions().at(-1)?.atMs).toBe(start + hour);
  });

  it('a clock that jumps by a year matures a few decisions with each event, and none is lost', () => {
    const shop = riskShop();
    for (let n = 0; n < 100; n += 1) shop.give(buy(`c${n}`, start + n));
    shop.give(buy('late', start + 365 * day));
    expect(shop.state.online.counts.genuine).toBe(8);
    for (let n = 1; n < 20; n += 1) shop.give(buy('late', start + 365 * day + n));
    expect(shop.state.online.counts.genuine).toBe(100);
  });

  it('what arrives long after it happened is history: it fills the windows, and nothing is decided about it', () => {
    const shop = riskShop();
    const old = buy('ann', start);
    expect(shop.receive(old, start + 24 * hour + 1)).toEqual([]);
    expect(shop.receive(judge('ann', start, old.order, 'chargeback'), start + 25 * hour)).toEqual([]);
    expect(shop.labels().at(-1)).toMatchObject({ outcome: 'unknown' });
    const [fresh] = shop.receive(buy('ann', start + hour), start + 25 * hour);
    expect(featuresOf(fresh)[riskFeatures.findIndex(({ name }) => name === 'customer_purchases_24h')]).toBe(1);
    expect(riskShop({ AFTERCARE_RISK_FRESH_HOURS: '48' }).receive(buy('ann', start), start + 24 * hour + 1)).toHaveLength(1);
  });

  it('a clock that jumps back leaves the time where it is', () => {
    const shop = riskShop();
    shop.give(buy('c1', start + day), buy('c2', start));
    expect(shop.state.clockMs).toBe(start + day);
    expect(shop.decisions().at(-1)).toMatchObject({ customer: 'c2', atMs: start });
  });
});
