/** Who has a reason for a coupon, and whether there is one: each rule with worked times. */
import { describe, expect, it } from 'vitest';
import { codeOf } from '../../pipelines/coupons/decide.js';
import { readRules } from '../../pipelines/coupons/rules.js';
import { couponSettings } from '../../pipelines/coupons/settings.js';
import { couponMessage } from '../../pipelines/coupons/decision.js';
import { readConfig } from '../../schemas/config.js';
import { buy, cart, couponShop, day, forget, hour, judge, resolve, sendBack, start, view, write } from '../support/coupons.js';

describe('an abandoned cart', () => {
  it('is one after 24 hours, by the clock of the stream', () => {
    const shop = couponShop();
    expect(shop.give(cart('c1', start), cart('c1', start + hour), view(start + 25 * hour - 1))).toEqual([]);
    const [decision] = shop.give(view(start + 25 * hour + 5000));
    expect(decision).toMatchObject({
      customer: 'c1', atMs: start + 25 * hour + 5000, seq: 4 * 1024, reason: 'abandoned_cart', percent: 10, amountMinor: 1000, currency: 'EUR',
      validUntilMs: start + 25 * hour + 5000 + 7 * day, because: ['cart with 2 items, not touched for 24.0 h'], rules: 'coupons-1-test',
    });
    expect(decision.code).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/);
    expect(shop.give(view(start + 60 * hour))).toEqual([]);
  });

  it('is none when it was bought, emptied or touched again', () => {
    const shop = couponShop();
    shop.give(cart('buys', start), cart('empties', start), cart('returns', start), cart('takes one out', start), cart('takes one out', start));
    shop.give(buy('buys', start + hour), cart('empties', start + hour, 'uncart'), cart('returns', start + 20 * hour), cart('takes one out', start + hour, 'uncart'));
    expect(shop.give(view(start + 24 * hour)).map((d) => d.customer)).toEqual([]);
    expect(shop.give(view(start + 25 * hour)).map((d) => d.customer)).toEqual(['takes one out']);
    expect(shop.give(view(start + 44 * hour)).map((d) => d.customer)).toEqual(['returns']);
  });

  it('is none for who buys with the event that would have made it one', () => {
    const shop = couponShop();
    shop.give(cart('c1', start));
    expect(shop.give(buy('c1', start + 30 * hour), view(start + 40 * hour))).toEqual([]);
  });

  it('is not made by a cart event that comes behind its purchase', () => {
    const shop = couponShop();
    shop.give(buy('c1', start + hour), cart('c1', start));
    expect(shop.give(view(start + 30 * hour))).toEqual([]);
  });
});

describe('a fading customer', () => {
  const orders = (customer: string, ...days: number[]) => days.map((n) => buy(customer, start + n * day));

  it('was silent for three times the median interval', () => {
    const shop = couponShop();
    shop.give(...orders('c1', 0, 10, 30, 50)); // intervals 10, 20, 20: the median is 20, due on day 50 + 60
    expect(shop.give(view(start + 110 * day - 1))).toEqual([]);
    expect(shop.give(view(start + 110 * day))).toMatchObject([{ customer: 'c1', reason: 'fading_customer', because: ['no order for 60.0 days, since 2026-02-20; usually one in 20.0 days (4 so far)'] }]);
    expect(shop.give(view(start + 300 * day))).toEqual([]);
  });

  it('can fade again after another order', () => {
    const shop = couponShop({ coolDownMs: 0 });
    shop.give(...orders('c1', 0, 20, 40));
    expect(shop.give(view(start + 100 * day))).toHaveLength(1);
    // intervals 20, 20, 61: the median stays 20
    expect(shop.give(...orders('c1', 101), view(start + 161 * day - 1), view(start + 161 * day))).toMatchObject([{ atMs: start + 161 * day }]);
  });

  it('needs three occasions, and lines of one order or a second order on the same day are one', () => {
    const shop = couponShop();
    shop.give(...orders('two', 0, 20));
    shop.give(buy('lines', start, 'o1'), buy('lines', start, 'o1'), buy('lines', start + hour, 'o2'), ...orders('lines', 20));
    expect(shop.give(view(start + 200 * day))).toEqual([]);
  });

  it('is not one before the least silence, nor where the habit is too slow to tell', () => {
    const shop = couponShop();
    shop.give(...orders('daily', 0, 2, 4)); // 3 * 2 days is less than the least, 21
    expect(shop.give(view(start + 25 * day - 1))).toEqual([]);
    expect(shop.give(view(start + 25 * day))).toHaveLength(1);
    const slow = couponShop();
    slow.give(...orders('yearly', 0, 122, 244)); // 3 * 122 = 366 days, one above the most
    expect(slow.give(view(start + 900 * day))).toEqual([]);
    const nearly = couponShop();
    nearly.give(...orders('thrice', 0, 121, 242));
    expect(nearly.give(view(start + 605 * day))).toHaveLength(1);
  });

  it('does not become one by an order that arrives late', () => {
    const shop = couponShop();
    shop.give(...orders('c1', 0, 20, 40));
    shop.receive(start + 41 * day, ...orders('c1', 10));
    expect(shop.give(view(start + 100 * day - 1))).toEqual([]);
    expect(shop.give(view(start + 100 * day))).toHaveLength(1);
  });
});

describe('a resolved complaint', () => {
  it('is a ticket of the customer whose true intent is one, with its answer, once', () => {
    const shop = couponShop();
    shop.give(write('c1', start, 'T1'), judgeTicket('c1', start + hour, 'T1'));
    expect(shop.decisions).toEqual([]); // routed anew, not answered
    expect(shop.give(resolve('c1', start + 3 * hour, 'T1'))).toMatchObject([
      { customer: 'c1', atMs: start + 3 * hour, reason: 'resolved_complaint', amountMinor: 500, because: ['ticket T1 (damaged_item) was answered 3.0 h after it came'] },
    ]);
    expect(shop.decisions[0]).not.toHaveProperty('percent');
    expect(shop.give(resolve('c1', start + 4 * hour, 'T1'))).toEqual([]);
  });

  it('is none for a question, an unknown ticket, or another customer\'s', () => {
    const shop = couponShop();
    shop.give(write('c1', start, 'T1'), write('c2', start, 'T2'));
    expect(shop.give(resolve('c1', start + hour, 'T1', 'product_question'), resolve('c1', start + hour, 'T9'), resolve('c1', start + hour, 'T2'))).toEqual([]);
  });

  it('of several open tickets the last two are known', () => {
    const shop = couponShop({ coolDownMs: 0 });
    shop.give(write('c1', start, 'T1'), write('c1', start + 1, 'T2'), write('c1', start + 2, 'T3'));
    expect(shop.give(resolve('c1', start + hour, 'T1'))).toEqual([]);
    expect(shop.give(resolve('c1', start + hour, 'T2'), resolve('c1', start + hour, 'T3'))).toHaveLength(2);
  });
});

const judgeTicket = (customer: string, atMs: number, ref: string) => ({ ...judge(customer, atMs, ref, 'damaged_item'), of: 'ticket' as const });

describe('a coupon is withheld', () => {
  const complain = (shop: ReturnType<typeof couponShop>, customer: string, atMs: number) => shop.give(write(customer, atMs - 1000, `T${atMs}`), resolve(customer, atMs, `T${atMs}`))[0];

  it('while risk is high: after a chargeback or abuse, until it expires or that verdict is taken back', () => {
    const shop = couponShop({ coolDownMs: 0 });
    shop.give(buy('c1', start, 'o1'), judge('c1', start + day, 'o1', 'chargeback'));
    expect(complain(shop, 'c1', start + 2 * day)).toMatchObject({ withheld: 'risk', because: [expect.stringMatching(/^ticket/), 'risk is high since 2026-01-02'] });
    expect(complain(shop, 'c1', start + 2 * day)).not.toHaveProperty('code');
    shop.give(judge('c1', start + 3 * day, 'o2', 'genuine'));
    expect(complain(shop, 'c1', start + 4 * day)).toMatchObject({ withheld: 'risk' });
    shop.give(judge('c1', start + 5 * day, 'o1', 'genuine'));
    expect(complain(shop, 'c1', start + 6 * day)).toHaveProperty('code');
    shop.give(judge('c2', start + 6 * day, 'o3', 'abuse'));
    expect(complain(shop, 'c2', start + 186 * day)).toMatchObject({ withheld: 'risk' });
    expect(complain(shop, 'c2', start + 186 * day + 1)).toHaveProperty('code');
  });

  it('when most of the money of several orders went back', () => {
    const shop = couponShop();
    shop.give(buy('c1', start, 'o1'), buy('c1', start, 'o1'), buy('c1', start, 'o2'), sendBack('c1', start + day, 'o1', 5000));
    expect(complain(shop, 'c1', start + day)).toHaveProperty('code'); // two orders are too few to judge by
    shop.give(buy('c2', start, 'o1'), buy('c2', start, 'o2'), buy('c2', start, 'o3'), sendBack('c2', start + day, 'o1', 3000));
    expect(complain(shop, 'c2', start + day)).toHaveProperty('code'); // exactly half
    shop.give(buy('c3', start, 'o1'), buy('c3', start, 'o2'), buy('c3', start, 'o3'), sendBack('c3', start + day, 'o1', 3001));
    expect(complain(shop, 'c3', start + day)).toMatchObject({ withheld: 'risk', because: [expect.anything(), '50 % of the money of 3 orders went back'] });
  });

  it('in the pause after one, and beyond the cap', () => {
    const shop = couponShop();
    const decisions = [0, 13, 14, 15, 30, 89, 90].map((n) => complain(shop, 'c1', start + n * day));
    expect(decisions.map((d) => d.withheld)).toEqual([undefined, 'cap', undefined, 'cap', 'cap', 'cap', undefined]);
    expect(decisions[1].because[1]).toBe('the last one was given on 2026-01-01, less than 14 days ago');
    expect(decisions[4].because[1]).toBe('2 given in 90 days, 2 is the cap');
    expect(complain(shop, 'c2', start + 90 * day)).toHaveProperty('code');
  });

  it('when the budget of the day is spent, and the next day (UTC) has its own', () => {
    const shop = couponShop({ budgetMinor: 1400 });
    const decisions = ['c1', 'c2', 'c3'].map((customer, n) => complain(shop, customer, start + n * hour));
    expect(decisions.map((d) => d.withheld)).toEqual([undefined, undefined, 'budget']);
    expect(decisions[2].because[1]).toBe('1000 of 1400 (minor units of EUR) are given away today, and this one can cost 500');
    expect(couponMessage(decisions[2])).toBeUndefined();
    expect(complain(shop, 'c3', start + 24 * hour)).toHaveProperty('code');
  });
});

describe('time', () => {
  it('an import of old events gives nothing, and teaches', () => {
    const shop = couponShop();
    const now = start + 500 * day;
    expect(shop.receive(now, cart('c1', start), write('c1', start, 'T1'), resolve('c1', start + hour, 'T1'), ...[0, 160, 320].map((n) => buy('c2', start + n * day)), view(start + 400 * day))).toEqual([]);
    // Due on day 800, and then it is fresh.
    expect(shop.give(view(start + 799 * day), view(start + 800 * day))).toEqual([]); // 3 * 160 = 480 is above the most
    const taught = couponShop();
    taught.receive(start + 51 * day, ...[0, 20, 40].map((n) => buy('c2', start + n * day)));
    expect(taught.give(view(start + 100 * day))).toHaveLength(1);
  });

  it('nothing is decided a day after it was due', () => {
    const shop = couponShop();
    shop.give(cart('c1', start), cart('c2', start + 1));
    expect(shop.give(view(start + 48 * hour + 1)).map((d) => d.customer)).toEqual(['c2']);
  });

  it('before the day on which coupons begin nothing is decided, and habits are learnt', () => {
    const shop = couponShop({ sinceMs: start + 99 * day });
    shop.give(cart('c1', start), ...[0, 20, 40].map((n) => buy('c2', start + n * day)), view(start + 99 * day - 1));
    expect(shop.decisions).toEqual([]);
    expect(shop.give(view(start + 100 * day))).toMatchObject([{ customer: 'c2' }]);
  });

  it('a producer whose clock runs ahead makes nobody abandon anything', () => {
    const shop = couponShop();
    shop.give(cart('c1', start));
    expect(shop.receive(start + hour, view(start + 25 * hour))).toEqual([]);
    expect(shop.state.clockMs).toBe(start + hour);
  });

  it('a jump of the clock is spread over the events behind it', () => {
    const shop = couponShop({ budgetMinor: 1e9 });
    for (let n = 0; n < 500; n++) shop.give(cart(`c${n}`, start + n));
    const found = Array.from({ length: 70 }, (_, n) => shop.give(view(start + 30 * hour + n)).length);
    expect(Math.max(...found)).toBe(8);
    expect(found.reduce((sum, n) => sum + n, 0)).toBe(500);
    expect(new Set(shop.decisions.map((d) => d.customer)).size).toBe(500);
  });
});

describe('what is kept', () => {
  it('a forgotten customer leaves nothing: no coupon, no cap, no name in the snapshot', () => {
    const shop = couponShop();
    const name = 'somebody-with-a-rare-name';
    const traces = () => [...shop.signals.snapshot(), ...shop.snapshot()].some((chunk) => Buffer.from(chunk).includes(Buffer.from(name, 'utf16le')));
    shop.give(cart(name, start), write(name, start, 'T1'), resolve(name, start + 1, 'T1'), buy(name, start), judge(name, start, 'o1', 'chargeback'), cart(name, start + hour));
    expect(traces()).toBe(true);
    shop.give(forget(name, start + 2 * hour));
    expect(traces()).toBe(false);
    expect(shop.state.queue.size()).toBe(0);
    expect(shop.signals.of(name, start)).toBeUndefined();
    expect(shop.give(view(start + 48 * hour))).toEqual([]);
  });

  it('beyond the limit the customer silent longest makes room', () => {
    const shop = couponShop({ customers: 3 });
    shop.give(cart('c1', start), cart('c2', start + 1), cart('c3', start + 2), cart('c1', start + 3), cart('c4', start + 4));
    expect(shop.give(view(start + 25 * hour)).map((d) => d.customer).sort()).toEqual(['c1', 'c3', 'c4']);
  });

  it('a snapshot that was made without coupons, or for another number of customers, is refused by name', () => {
    const shop = couponShop();
    const chunks = shop.snapshot();
    expect(() => couponShop({ customers: 5 }).restoreFrom(chunks)).toThrow('made with customers 1000, but the setting is 5; rebuild from the events');
    expect(() => shop.restoreFrom([])).toThrow('made while there were no coupons; rebuild from the events');
  });
});

describe('a code', () => {
  it('depends on the secret and on the decision, and on nothing else', () => {
    expect(codeOf('s', '0/1024/abandoned_cart/c1')).toBe(codeOf('s', '0/1024/abandoned_cart/c1'));
    const codes = [codeOf('s', 'a'), codeOf('t', 'a'), codeOf('s', 'b')];
    expect(new Set(codes).size).toBe(3);
    const many = new Set(Array.from({ length: 20_000 }, (_, n) => codeOf('s', `0/${n}/abandoned_cart/c1`)));
    expect(many.size).toBe(20_000);
  });
});

describe('settings', () => {
  it('no budget, no coupons', () => {
    expect(couponSettings(readConfig({}), '')).toBeUndefined();
  });

  it('the budget is split among the shards, and must pay for one coupon in each', () => {
    const env = { AFTERCARE_COUPON_BUDGET_MINOR: '10000', AFTERCARE_SHARDS: '3' };
    expect(couponSettings(readConfig(env), 's')).toMatchObject({ budgetMinor: 3333, cap: 2, cartMs: 24 * hour });
    expect(() => couponSettings(readConfig({ ...env, AFTERCARE_COUPON_BUDGET_MINOR: '4000' }), 's')).toThrow('gives each of 3 shards 1333 a day, and one coupon for fading_customer can cost 1500; raise the budget or lower the rule');
  });

  it('another rule is another version', () => {
    const version = (rules?: string) => couponSettings(readConfig({ AFTERCARE_COUPON_BUDGET_MINOR: '10000', ...(rules === undefined ? {} : { AFTERCARE_COUPON_RULES: rules }) }), 's')?.version;
    expect(version()).toMatch(/^coupons-1-[0-9a-f]{8}$/);
    expect(version('{"abandoned_cart":{"percent":11,"maxMinor":1000,"validDays":7}}')).not.toBe(version());
  });

  it('without a secret they do not start', () => {
    expect(() => couponSettings(readConfig({ AFTERCARE_COUPON_BUDGET_MINOR: '10000' }), '')).toThrow('AFTERCARE_COUPON_SECRET is empty');
  });

  it.each([
    ['{', 'not JSON'],
    ['[]', 'one JSON object'],
    ['{}', 'name no reason'],
    ['{"birthday":{"amountMinor":500,"validDays":7}}', '"birthday" is not a reason; it must be one of resolved_complaint, abandoned_cart, fading_customer'],
    ['{"abandoned_cart":{"amountMinor":0,"validDays":7}}', 'abandoned_cart: '],
    ['{"abandoned_cart":{"percent":10,"validDays":7}}', 'maxMinor'],
    ['{"abandoned_cart":{"percent":101,"maxMinor":100,"validDays":7}}', 'percent'],
    ['{"abandoned_cart":7}', 'give amountMinor and validDays, or percent, maxMinor and validDays'],
  ])('rules %s are refused: %s', (json, message) => {
    expect(() => readRules(json)).toThrow(message);
  });

  it.each([['AFTERCARE_COUPON_CURRENCY', 'euro'], ['AFTERCARE_COUPON_SINCE', 'yesterday'], ['AFTERCARE_COMPLAINT_INTENTS', 'A,,B'], ['AFTERCARE_COUPON_CAP', '9']])('%s=%s is refused', (name, value) => {
    expect(() => readConfig({ [name]: value })).toThrow(`${name}="${value}" must be`);
  });
});
