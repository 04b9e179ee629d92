/** What the steps tell each other about a customer. */
import { describe, expect, it } from 'vitest';
import { createSignals, riskLevels } from '../../pipelines/signals.js';
import { buy, day, judge, resolve, sendBack, start, write } from '../support/coupons.js';

const settings = { customers: 100, riskMs: 180 * day };
const observed = (...events: Parameters<ReturnType<typeof createSignals>['observe']>[0][]) => {
  const signals = createSignals(settings);
  for (const event of events) signals.observe(event, event.atMs);
  return signals;
};

describe('signals', () => {
  it('are what the events say: orders, money, the last ticket and its intent', () => {
    const signals = observed(
      buy('c1', start, 'o1', 3000), buy('c1', start, 'o1', 1000), buy('c1', start + day, 'o2', 2000), sendBack('c1', start + 2 * day, 'o1', 1000),
      write('c1', start + day, 'T1'), write('c1', start + 3 * day, 'T2'), resolve('c1', start + 4 * day, 'T1', 'damaged_item'),
    );
    const known = { risk: riskLevels.unknown, riskMs: 0, ticketMs: start + 3 * day, intent: undefined, refundMs: start + 2 * day, orders: 2, boughtMinor: 6000, refundedMinor: 1000 };
    expect(signals.of('c1', start)).toEqual(known); // the verdict was about the ticket before
    signals.setIntent('c1', 'T2', 'refund_status');
    expect(signals.of('c1', start)).toEqual({ ...known, intent: 'refund_status' });
    expect(signals.of('c2', start)).toBeUndefined();
    expect(signals.risk('c2', start)).toBe(riskLevels.unknown);
    expect(signals.stats()).toEqual({ customers: 1 });
  });

  it('a low risk does not lift a high one of another order; a step without an order does not either', () => {
    const signals = observed(judge('c1', start, 'o1', 'chargeback'));
    signals.setRisk('c1', riskLevels.low, start + day);
    expect(signals.risk('c1', start + day)).toBe(riskLevels.high);
    signals.setRisk('c1', riskLevels.low, start + 181 * day);
    expect(signals.risk('c1', start + 181 * day)).toBe(riskLevels.low);
  });

  it('are the same from a snapshot, and a damaged or other one is refused', () => {
    const signals = observed(buy('c1', start, 'o1'), write('c2', start, 'T1'), resolve('c2', start, 'T1'), judge('c3', start, 'o9', 'abuse'));
    const chunks = signals.snapshot();
    const restored = createSignals(settings, chunks);
    expect(restored.hash()).toBe(signals.hash());
    expect(restored.of('c2', start)?.intent).toBe('damaged_item');
    expect(restored.risk('c3', start)).toBe(riskLevels.high);
    expect(() => createSignals({ ...settings, customers: 5 }, chunks)).toThrow('made with customers 100');
    expect(() => createSignals(settings, chunks.slice(0, -1))).toThrow(RangeError);
  });
});
