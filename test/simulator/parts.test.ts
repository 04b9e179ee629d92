import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Event } from '../../schemas/events.js';
import { badMessages } from '../../simulator/bad-messages.js';
import { createQueue } from '../../simulator/queue.js';
import { createRandom } from '../../simulator/random.js';

const eventAt = (atMs: number, id: string): Event => ({ v: 1, type: 'control', id, customer: 'c1', atMs, command: 'forget' });

describe('the queue', () => {
  it('gives back what a stable sort would, however pushes and pops are mixed', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(20), fc.boolean()), { maxLength: 200 }), (moves) => {
        const queue = createQueue();
        let waiting: Event[] = [];
        moves.forEach(([atMs, pop], i) => {
          if (pop) {
            const expected = waiting.filter((event) => event.atMs < atMs).sort((a, b) => a.atMs - b.atMs)[0];
            expect(queue.popBefore(atMs)?.event).toBe(expected);
            waiting = waiting.filter((event) => event !== expected);
          } else {
            const event = eventAt(atMs, `e${i}`);
            queue.push({ event });
            waiting.push(event);
          }
        });
      }),
    );
  });

  it('grows', () => {
    const queue = createQueue();
    for (let i = 0; i < 5000; i++) queue.push({ event: eventAt((i * 7919) % 5000, `e${i}`) });
    for (let i = 0; i < 5000; i++) expect(queue.popBefore(5000)?.event.atMs).toBe(i);
    expect(queue.popBefore(Infinity)).toBeUndefined();
  });
});

describe('the generator', () => {
  it('is uniform enough for a shop, and the same everywhere', () => {
    const random = createRandom(1);
    const drawn = Array.from({ length: 100_000 }, () => random.uniform());
    expect(Math.abs(drawn.reduce((a, b) => a + b, 0) / drawn.length - 0.5)).toBeLessThan(0.005);
    expect(Math.min(...drawn.slice(0, 1000))).toBeGreaterThanOrEqual(0);
    expect(drawn.every((u) => u < 1)).toBe(true);
    const again = createRandom(1);
    expect(drawn.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => again.uniform()));
  });

  it('waits as long as it is told in the mean', () => {
    const random = createRandom(2);
    let sum = 0;
    for (let i = 0; i < 100_000; i++) sum += random.exponential(40);
    expect(Math.abs(sum / 100_000 - 40)).toBeLessThan(1);
  });
});

describe('bad messages', () => {
  it('are the same for the same seed, and cover every reason', () => {
    const first = badMessages(1);
    badMessages(1).forEach(({ body, ...message }, i) => {
      expect({ ...first[i], body: undefined }).toEqual({ ...message, body: undefined });
      expect(Buffer.compare(first[i].body, body), message.name).toBe(0); // toEqual takes a minute over 10 MB
    });
    const reasons = new Set(first.map((message) => message.expectedReason));
    expect([...reasons].sort()).toEqual([
      'bad_event', 'bad_subject', 'bad_time', 'empty', 'not_json', 'not_utf8', 'too_large', 'too_many_events', 'unknown_type', 'wrong_partition', 'wrong_type',
    ]);
  });

  it('hold no envelope for two partitions where there is one', () => {
    expect(badMessages(1, 1).some((message) => message.expectedReason === 'wrong_partition')).toBe(false);
  });
});
