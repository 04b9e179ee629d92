import { describe, expect, it } from 'vitest';
import { createObjections, defaultObjectionSettings, restoreObjections, type Objections } from '../../models/objections.js';
import { createRandom } from '../../simulator/random.js';

const day = 86_400_000;
const start = 1_700_000_000_000;
const settings = { limits: { customers: 3, each: 2 }, latelyMs: 60 * day };
const items = (model: Objections, customer: string, atMs = start): string[] => model.of(customer, atMs).map(({ item, kind }) => `${kind} ${item}`);

describe('objections', () => {
  it('a refund is one; a ticket is one when its label says so', () => {
    const model = createObjections(settings);
    model.refund('ann', 'kettle', start);
    model.ticket('ann', 't1', 'cup', start);
    expect(items(model, 'ann')).toEqual(['refund kettle']);
    model.complaint('ann', 't1');
    expect(items(model, 'ann')).toEqual(['complaint cup', 'refund kettle']);
    model.complaint('ann', 'never seen');
    model.complaint('nobody', 't1');
    expect(model.stats()).toEqual({ customers: 1, evicted: 0 });
  });

  it('end after a while, when the item is bought again, and with the customer', () => {
    const model = createObjections(settings);
    model.refund('ann', 'kettle', start);
    expect(items(model, 'ann', start + 60 * day)).toEqual(['refund kettle']);
    expect(items(model, 'ann', start + 60 * day + 1)).toEqual([]);
    model.settle('ann', 'cup');
    expect(items(model, 'ann')).toEqual(['refund kettle']);
    model.settle('ann', 'kettle');
    expect(model.stats().customers).toBe(0);
    model.refund('ann', 'kettle', start);
    model.forget('ann');
    expect(model.hash()).toBe(createObjections(settings).hash());
  });

  it('keep the latest few of the latest customers', () => {
    const model = createObjections(settings);
    for (const item of ['a', 'b', 'c']) model.refund('ann', item, start);
    expect(items(model, 'ann')).toEqual(['refund c', 'refund b']);
    for (const customer of ['bob', 'cid', 'ann', 'dan']) model.refund(customer, 'x', start);
    expect(items(model, 'bob')).toEqual([]);
    expect(items(model, 'ann')).toEqual(['refund x', 'refund c']);
    expect(model.stats()).toEqual({ customers: 3, evicted: 1 });
  });

  it('restored in the middle, the bytes are those of an uninterrupted run', () => {
    const whole = createObjections(settings);
    let half = createObjections(settings);
    const play = (model: Objections, from: number, to: number, seed: number): void => {
      const mine = createRandom(seed);
      for (let n = from; n < to; n += 1) {
        const [customer, item, which] = [`c${mine.below(6)}`, `p${mine.below(9)}`, mine.below(8)];
        if (which < 3) model.refund(customer, item, start + n);
        else if (which < 5) model.ticket(customer, item, item, start + n);
        else if (which < 6) model.complaint(customer, item);
        else if (which < 7) model.settle(customer, item);
        else model.forget(customer);
      }
    };
    play(whole, 0, 300, 1);
    play(whole, 300, 600, 2);
    play(half, 0, 300, 1);
    const bytes = Buffer.concat(half.snapshot());
    half = restoreObjections(settings, [bytes.subarray(0, 9), bytes.subarray(9)]);
    play(half, 300, 600, 2);
    expect(half.hash()).toBe(whole.hash());
    expect(Buffer.concat(half.snapshot()).equals(Buffer.concat(whole.snapshot()))).toBe(true);
    expect(whole.stats().evicted).toBeGreaterThan(0);
    expect(() => restoreObjections(defaultObjectionSettings, [bytes])).toThrow(RangeError);
    expect(() => restoreObjections(settings, [bytes.subarray(0, bytes.length - 1)])).toThrow(RangeError);
  });
});
