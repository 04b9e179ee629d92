import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventExamples } from '../../schemas/asyncapi-examples.js';
import { positionOf } from '../../schemas/decode.js';
import { eventTypes } from '../../schemas/events.js';
import { click, decoded, type Outcome } from './stored.js';

const subject = fc.oneof(
  fc.constantFrom(...eventTypes, 'batch', 'clack', '').map((type) => `ev.0.${type}`),
  fc.string(),
);

/** An event that was right, with one of its values exchanged for anything. */
const almostEvent = fc
  .tuple(fc.constantFrom(...eventTypes), fc.constantFrom('v', 'id', 'customer', 'atMs', 'lines', 'amountMinor', 'item', '__proto__', 'extra'), fc.jsonValue())
  .map(([type, key, value]) => JSON.stringify({ ...eventExamples[type], [key]: value }));
const anyLine = fc.oneof(almostEvent, fc.json(), fc.string(), fc.constant(JSON.stringify(click)));

const positionsOf = ({ events, rejects }: Outcome): number[] =>
  [...events.map(({ position }) => position), ...rejects.map(({ position }) => position)].sort((a, b) => a - b);

describe('decode', () => {
  it('never throws and never stays silent, whatever the bytes', () => {
    fc.assert(
      fc.property(subject, fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 8 }), (name, body, shards) => {
        const outcome = decoded(name, body, { shards });
        expect(outcome.events.length + outcome.rejects.length).toBeGreaterThan(0);
      }),
      { numRuns: 2000 },
    );
  });

  it('gives each line that is not blank exactly one outcome, at its own position', () => {
    fc.assert(
      fc.property(fc.array(anyLine, { minLength: 1, maxLength: 20 }), fc.nat(1e9), (drawn, seq) => {
        const lines = drawn.flatMap((text) => text.split('\n')).filter((text) => /[^ \t\r]/.test(text));
        const outcome = decoded('ev.0.batch', drawn.join('\n'), { seq });
        const expected = lines.length === 0 ? [positionOf(seq, 0)] : lines.map((_, index) => positionOf(seq, index));
        expect(positionsOf(outcome)).toEqual(expected);
      }),
      { numRuns: 1000 },
    );
  });

  it('gives positions that grow from message to message', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), fc.integer({ min: 1, max: 1000 }), (seq, lines) => {
        const last = positionsOf(decoded('ev.0.click', Array(lines).fill('x').join('\n'), { seq })).at(-1);
        expect(last).toBeLessThan(positionOf(seq + 1, 0));
      }),
      { numRuns: 50 },
    );
  });
});
