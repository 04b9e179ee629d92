/** The queue against a sorted list, and the roster against a Map, with whatever is done to them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDueQueue } from '../../models/due-queue.js';
import { createRoster } from '../../models/roster.js';

describe('the queue of what is due', () => {
  it('gives the earliest first, each slot once, and is the same from its snapshot', () => {
    const action = fc.record({ what: fc.constantFrom('push', 'push', 'push', 'pop', 'remove', 'restart'), slot: fc.nat(19), dueMs: fc.nat(1000) });
    fc.assert(fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
      let queue = createDueQueue(20);
      const naive = new Map<number, number>();
      for (const { what, slot, dueMs } of actions) {
        if (what === 'push') {
          queue.push(slot, dueMs);
          naive.set(slot, Math.min(dueMs, naive.get(slot) ?? Infinity));
        } else if (what === 'remove') {
          queue.remove(slot);
          naive.delete(slot);
        } else if (what === 'restart') {
          const saved = queue.save();
          queue = createDueQueue(20, saved);
          expect(queue.save()).toEqual(saved);
        } else if (queue.size() > 0) {
          const earliest = Math.min(...naive.values());
          expect(queue.nextMs()).toBe(earliest);
          const popped = queue.pop();
          expect(naive.get(popped)).toBe(earliest);
          naive.delete(popped);
        }
        expect(queue.size()).toBe(naive.size);
        expect(queue.nextMs()).toBe(Math.min(Infinity, ...naive.values()));
      }
    }), { numRuns: 300, seed: 1 });
  });
});

describe('the roster', () => {
  it('keeps the latest, tells of each that goes, and is the same from its snapshot', () => {
    const action = fc.record({ what: fc.constantFrom('touch', 'touch', 'touch', 'drop', 'restart'), name: fc.constantFrom(...'abcdefgh') });
    fc.assert(fc.property(fc.array(action, { maxLength: 150 }), (actions) => {
      const dropped: string[] = [];
      const columns: string[] = [];
      const onDrop = (id: number): void => { dropped.push(columns[id]); };
      let roster = createRoster({ max: 4, onDrop });
      const naive: string[] = []; // the one touched longest ago first
      const gone: string[] = [];
      for (const { what, name } of actions) {
        if (what === 'touch') {
          if (naive.includes(name)) naive.splice(naive.indexOf(name), 1);
          else if (naive.length === 4) gone.push(naive.shift() as string);
          naive.push(name);
          columns[roster.touch(name)] = name;
        } else if (what === 'drop' && naive.includes(name)) {
          gone.push(...naive.splice(naive.indexOf(name), 1));
          roster.drop(roster.idOf(name) as number);
        } else if (what === 'restart') {
          roster = createRoster({ max: 4, onDrop, saved: roster.save() });
        }
        expect(roster.size()).toBe(naive.length);
        for (const one of naive) expect(roster.nameOf(roster.idOf(one) as number)).toBe(one);
        expect(dropped).toEqual(gone);
        expect(roster.used()).toBeLessThanOrEqual(4);
      }
    }), { numRuns: 300, seed: 2 });
  });
});
