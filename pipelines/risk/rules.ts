/**
 * The shop's own rules: data, checked at the start, with a version that every decision carries.
 *
 *   [{"name":"dear_and_shared_device","when":"amount > 50000 and device_customers_24h >= 3","then":"review"}]
 *
 * All rules are looked at; the strictest of those that fire is the least that the decision can be.
 */
import { createHash } from 'node:crypto';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { explain } from '../../schemas/explain.js';
import { messageOf } from '../../schemas/errors.js';
import { levels, type Level } from './costs.js';
import { CONDITION_MAX, readCondition, type RuleNames, type RuleRow } from './rule-language.js';

/** Each one costs every decision some ten nanoseconds, and a person has to keep them in mind. */
const RULES_MAX = 100;

const RuleText = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z][a-z0-9_]{0,47}$', description: 'Small letters, digits and _; what analysts group by' }),
    when: Type.String({ minLength: 1, maxLength: CONDITION_MAX, description: 'A condition over features and fields' }),
    then: Type.Enum(['review', 'block'], { description: 'The least that the decision is where it holds' }),
  },
  { additionalProperties: false },
);
const check = Compile(Type.Array(RuleText, { maxItems: RULES_MAX }));
export type RuleText = Static<typeof RuleText>;

export interface Rule {
  name: string;
  when: string;
  then: Level;
  holds(row: RuleRow): boolean;
  uses: readonly string[];
}

export interface Rules {
  rules: readonly Rule[];
  /** `rules-` and the start of the hash of their texts: the same name means the same rules */
  version: string;
}

/** @throws RangeError that names the rule, the position and the remedy */
export function readRules(json: string, names: RuleNames): Rules {
  let given: unknown;
  try {
    given = JSON.parse(json);
  } catch (cause) {
    throw new RangeError(`the rules are not JSON: ${(cause as Error).message}`, { cause });
  }
  if (!check.Check(given)) throw new RangeError(`${explain(check.Errors(given), given)}; give [{"name":"...","when":"amount > 50000","then":"review"}, ...]`);
  const seen = new Set<string>();
  const rules = given.map(({ name, when, then }): Rule => {
    if (seen.has(name)) throw new RangeError(`rule "${name}" comes twice; a name stands for one rule`);
    seen.add(name);
    try {
      return { name, when, then: levels.indexOf(then), ...readCondition(when, names) };
    } catch (cause) {
      throw new RangeError(`rule "${name}", ${messageOf(cause)}: ${when}`, { cause });
    }
  });
  const text = JSON.stringify(rules.map(({ name, when, then }) => [name, when, then]));
  return { rules, version: `rules-${createHash('sha256').update(text).digest('hex').slice(0, 8)}` };
}
