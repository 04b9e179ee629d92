import { describe, expect, it } from 'vitest';
import { entityExamples, filled, frames } from '../../models/support/entity-templates.js';
import { entityKinds } from '../../schemas/support-words.js';

describe('texts whose entities are known', () => {
  it('have their spans where the values stand', () => {
    const example = filled('where is {order}, I paid {amount}', 'en', (slot) => (slot === 'order' ? 'SO-48213' : '34.99 euros'));
    expect(example.text).toBe('where is SO-48213, I paid 34.99 euros');
    expect(example.entities).toEqual([{ kind: 'order', start: 9, end: 17 }, { kind: 'amount', start: 26, end: 37 }]);
    expect(() => filled('my {size}', 'en', () => 'L')).toThrow(/has the slot \{size\}; there are order, product/);
  });
  it('are the same for the same seed, of every kind in both languages, and no span is empty', () => {
    const examples = entityExamples([{ text: 'cancel {order}', language: 'en' }], 3, 9);
    expect(examples).toEqual(entityExamples([{ text: 'cancel {order}', language: 'en' }], 3, 9));
    expect(examples).not.toEqual(entityExamples([{ text: 'cancel {order}', language: 'en' }], 3, 10));
    expect(examples).toHaveLength(3 * (1 + frames.length));
    const found = new Set<string>();
    for (const { text, entities } of examples) {
      expect(text).not.toMatch(/[{}]/);
      for (const { kind, start, end } of entities) {
        expect(text.slice(start, end).trim()).toBe(text.slice(start, end));
        expect(end).toBeGreaterThan(start);
        found.add(`${kind} ${/\p{Script=Han}/u.test(text) ? 'zh' : 'en'}`);
      }
    }
    expect([...found].sort()).toEqual(entityKinds.flatMap((kind) => [`${kind} en`, `${kind} zh`]).sort());
  });
});
