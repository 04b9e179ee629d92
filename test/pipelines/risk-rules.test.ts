/** The rules' own language: what it says, and how it refuses. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCondition, type RuleNames } from '../../pipelines/risk/rule-language.js';
import { readRules } from '../../pipelines/risk/rules.js';

const names: RuleNames = { features: ['device_customers', 'age_days'], numbers: ['amount'], texts: ['country', 'payment'] };
const holds = (text: string, row: { x?: [number, number]; amount?: number; country?: string | undefined; payment?: string } = {}): boolean =>
  readCondition(text, names).holds({ x: Float64Array.from(row.x ?? [4, NaN]), numbers: { amount: row.amount ?? 60_000 }, texts: { country: 'country' in row ? row.country : 'DE', payment: row.payment } });

describe('a condition', () => {
  it.each([
    ['amount > 50000 and device_customers > 3', true],
    ['amount > 50000 and device_customers > 4', false],
    ['amount > 60000 or device_customers = 4', true],
    ['amount >= 60000', true],
    ['amount != 60000', false],
    ['not amount > 50000', false],
    ['not (amount > 50000 and device_customers > 9)', true],
    ["country = 'DE'", true],
    ["country != 'DE'", false],
    ["country in ('AT', 'DE')", true],
    ["country not in ('AT', 'CH')", true],
    ["amount > 70000 or country = 'DE' and device_customers >= 4", true], // `and` binds closer
    ["(amount > 70000 or country = 'DE') and device_customers > 4", false],
    ['device_customers > amount', false],
    ['amount > -1', true],
    ['amount > 0.5', true],
  ])('%s is %s', (text, wanted) => expect(holds(text)).toBe(wanted));

  it('with a missing value is false whichever way it points, and `not` turns it over', () => {
    for (const sign of ['<', '<=', '>', '>=', '=', '!=']) expect(holds(`age_days ${sign} 3`), sign).toBe(false);
    expect(holds('not age_days > 3')).toBe(true);
    expect(holds('age_days is missing')).toBe(true);
    expect(holds('device_customers is not missing')).toBe(true);
    expect(holds('payment is missing')).toBe(true);
    expect(holds("payment != 'card'")).toBe(false);
    expect(holds("payment not in ('card')")).toBe(false);
    expect(holds("country = 'DE'", { country: undefined })).toBe(false);
  });

  it('tells the names that it reads', () => {
    expect(readCondition("amount > 1 and device_customers > 2 and not country = 'DE' and amount < 9", names).uses).toEqual(['amount', 'device_customers', 'country']);
  });

  it.each([
    ['amount >', 'position 9: expected a number, a feature or a field, got the end'],
    ['amount > 5 amount', 'position 12: expected "and", "or" or the end, got "amount"'],
    ['(amount > 5', 'position 12: expected ")", got the end'],
    ['amount ~ 5', 'position 8: "~" is not part of a condition'],
    ["country = 'DE", 'position 11: "\'" is not part of a condition; the text has no closing quote'],
    ['country > 5', 'position 9: expected =, !=, in or is, as country is a text, got ">"'],
    ['country = 5', "position 11: expected a text in single quotes, such as 'DE', got \"5\""],
    ['device_customer > 5', 'position 1: "device_customer" is no feature or field; did you mean device_customers?'],
    ['constructor > 5', 'position 1: "constructor" is no feature or field; there are amount, country, payment, device_customers, age_days'],
    ['and > 5', 'position 1: expected a feature or field, got "and"'],
    ['amount is absent', 'position 11: expected "missing", got "absent"'],
    ['', 'position 1: expected a feature or field, got the end'],
  ])('%s: %s', (text, message) => expect(() => readCondition(text, names)).toThrow(message));

  it('refuses any other text with a position, and runs none of it', () => {
    fc.assert(fc.property(fc.string({ maxLength: 60 }), (text) => {
      try {
        readCondition(text, names);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        expect((error as Error).message).toMatch(/^position \d+: /);
      }
    }), { seed: 7, numRuns: 2000 });
    expect(() => readCondition('('.repeat(999), names)).toThrow('position 1000');
    expect(() => readCondition(' '.repeat(1001), names)).toThrow('the condition has 1001 characters, at most 1000 are read');
  });

  it('agrees with JavaScript on what both can say', () => {
    const number = fc.integer({ min: -3, max: 8 });
    const sign = fc.constantFrom('<', '<=', '>', '>=', '=', '!=');
    const comparison = fc.tuple(fc.constantFrom('amount', 'device_customers'), sign, number).map(([name, s, n]) => `${name} ${s} ${n}`);
    const { condition } = fc.letrec<{ condition: string }>((tie) => ({
      condition: fc.oneof({ maxDepth: 4 }, comparison, fc.tuple(tie('condition'), fc.constantFrom('and', 'or'), tie('condition')).map(([a, w, b]) => `(${a}) ${w} (${b})`), tie('condition').map((a) => `not (${a})`)),
    }));
    fc.assert(fc.property(condition, number, number, (text, amount, devices) => {
      const js = text.replaceAll(' = ', ' === ').replaceAll(' != ', ' !== ').replaceAll(' and ', ' && ').replaceAll(' or ', ' || ').replaceAll('not (', '!(');
      // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the oracle of this test alone
      const oracle = new Function('amount', 'device_customers', `return ${js}`) as (amount: number, devices: number) => boolean;
      const wanted = oracle(amount, devices);
      expect(holds(text, { amount, x: [devices, 0] })).toBe(wanted);
    }), { seed: 7, numRuns: 500 });
  });
});

describe('rules', () => {
  const rule = { name: 'shared', when: 'device_customers > 3', then: 'review' };
  const read = (...rules: object[]) => readRules(JSON.stringify(rules), names);

  it('have a version that stands for their texts', () => {
    expect(read(rule).version).toMatch(/^rules-[0-9a-f]{8}$/);
    expect(read({ ...rule }).version).toBe(read(rule).version);
    expect(read({ ...rule, then: 'block' }).version).not.toBe(read(rule).version);
    expect(read(rule, { ...rule, name: 'other' }).version).not.toBe(read({ ...rule, name: 'other' }, rule).version);
  });

  it.each([
    ['nonsense', 'the rules are not JSON'],
    ['{"name":"a"}', 'the body must be array'],
    ['[{"name":"a","when":"amount > 1"}]', 'missing field "0.then"'],
    ['[{"name":"A b","when":"amount > 1","then":"review"}]', '0.name must match pattern'],
    ['[{"name":"a","when":"amount > 1","then":"allow"}]', '0.then must be one of review, block, got "allow"'],
    ['[{"name":"a","when":"amount > 1","then":"review","extra":1}]', 'unknown field "0.extra"'],
    ['[{"name":"a","when":"amount >> 1","then":"review"}]', 'rule "a", position 9: expected a number, a feature or a field, got ">": amount >> 1'],
  ])('%s: %s', (json, message) => expect(() => readRules(json, names)).toThrow(message));

  it('have names that stand for one rule', () => {
    expect(() => read(rule, rule)).toThrow('rule "shared" comes twice');
  });
});
