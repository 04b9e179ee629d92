/**
 * What a shop's rule says, as data: a condition over the features and a few fields of the event. Nothing of it is ever run
 * as code.
 *
 *   amount > 50000 and (device_customers_7d >= 3 or shipping_country not in ('DE', 'AT')) and not age_days is missing
 *
 *   condition   and ('or' and)*          and    not ('and' not)*          not   'not' not | '(' condition ')' | comparison
 *   comparison  name < <= > >= = != number-or-name | name = != 'text' | name ['not'] 'in' ('a', 'b') | name 'is' ['not'] 'missing'
 *
 * A comparison with a missing value is false, whichever way it points; `not` turns that into true, so ask `is missing` where
 * it matters.
 */

/** What a condition reads. */
export interface RuleRow {
  /** one number for each feature, NaN where it is missing */
  x: Float64Array;
  /** by name; undefined is missing */
  texts: Readonly<Record<string, string | undefined>>;
  numbers: Readonly<Record<string, number | undefined>>;
}

export interface RuleNames {
  features: readonly string[];
  numbers: readonly string[];
  texts: readonly string[];
}

export interface Condition {
  holds(row: RuleRow): boolean;
  /** names that it reads, in the order of the text */
  uses: readonly string[];
}

/** Characters of one condition: what a person reads in one go; it also bounds how deep parentheses nest. */
export const CONDITION_MAX = 1000;

type Test = (row: RuleRow) => boolean;
type Value = (row: RuleRow) => number;
interface Token {
  kind: 'number' | 'name' | 'text' | 'sign' | 'end';
  text: string;
  /** from 1 */
  at: number;
}

const tokenPattern = /\s*(?:(\d+(?:\.\d+)?)|([A-Za-z_][A-Za-z0-9_]*)|'([^']*)'|(<=|>=|!=|==|[<>=(),-]))/y;
const words = new Set(['and', 'or', 'not', 'in', 'is', 'missing']);

/** @throws RangeError with the position, from 1, and what was expected there */
export function readCondition(text: string, names: RuleNames): Condition {
  if (text.length > CONDITION_MAX) throw new RangeError(`the condition has ${text.length} characters, at most ${CONDITION_MAX} are read; make two rules of it`);
  const parser = new Parser(tokensOf(text), names);
  const holds = parser.condition();
  parser.end();
  return { holds, uses: [...new Set(parser.uses)] };
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  for (let at = 0; text.slice(at).trim() !== '';) {
    tokenPattern.lastIndex = at;
    const match = tokenPattern.exec(text);
    const start = at + /^\s*/.exec(text.slice(at))![0].length;
    if (match === null) throw new RangeError(`position ${start + 1}: "${text[start]}" is not part of a condition${text[start] === "'" ? '; the text has no closing quote' : ''}`);
    const [, number, name, quoted, sign] = match;
    at = tokenPattern.lastIndex;
    if (number !== undefined) tokens.push({ kind: 'number', text: number, at: start + 1 });
    else if (name !== undefined) tokens.push({ kind: 'name', text: name, at: start + 1 });
    else if (quoted !== undefined) tokens.push({ kind: 'text', text: quoted, at: start + 1 });
    else tokens.push({ kind: 'sign', text: sign, at: start + 1 });
  }
  tokens.push({ kind: 'end', text: 'the end', at: text.length + 1 });
  return tokens;
}

/** A class, because every production moves the same cursor. */
class Parser {
  #next = 0;
  readonly uses: string[] = [];

  constructor(private readonly tokens: readonly Token[], private readonly names: RuleNames) {}

  condition(): Test {
    let left = this.#and();
    while (this.#takes('or')) {
      const [a, b] = [left, this.#and()];
      left = (row) => a(row) || b(row);
    }
    return left;
  }

  end(): void {
    if (this.#token.kind !== 'end') this.#fail('"and", "or" or the end');
  }

  #and(): Test {
    let left = this.#not();
    while (this.#takes('and')) {
      const [a, b] = [left, this.#not()];
      left = (row) => a(row) && b(row);
    }
    return left;
  }

  #not(): Test {
    if (this.#takes('not')) {
      const inner = this.#not();
      return (row) => !inner(row);
    }
    if (!this.#takes('(')) return this.#comparison();
    const inner = this.condition();
    if (!this.#takes(')')) this.#fail('")"');
    return inner;
  }

  #comparison(): Test {
    const { text: name, kind } = this.#token;
    if (kind !== 'name' || words.has(name)) this.#fail('a feature or field');
    const isText = this.names.texts.includes(name);
    const read = isText ? undefined : this.#value();
    if (isText) {
      this.uses.push(name);
      this.#next += 1;
    }
    if (this.#takes('is')) {
      const negated = this.#takes('not');
      if (!this.#takes('missing')) this.#fail('"missing"');
      const missing: Test = read === undefined ? (row) => row.texts[name] === undefined : (row) => Number.isNaN(read(row));
      return negated ? (row) => !missing(row) : missing;
    }
    return read === undefined ? this.#textComparison(name) : this.#numberComparison(read);
  }

  #textComparison(name: string): Test {
    const negated = this.#takes('not');
    if (this.#takes('in')) {
      const wanted = this.#list();
      return (row) => {
        const value = row.texts[name];
        return value !== undefined && wanted.has(value) !== negated;
      };
    }
    const sign = this.#token.text;
    if (negated || this.#token.kind !== 'sign' || !['=', '==', '!='].includes(sign)) this.#fail(`=, !=, in or is, as ${name} is a text`);
    this.#next += 1;
    const wanted = this.#text();
    return (row) => {
      const value = row.texts[name];
      return value !== undefined && (value === wanted) === (sign !== '!=');
    };
  }

  #numberComparison(left: Value): Test {
    const { kind, text: sign } = this.#token;
    const compare = kind === 'sign' ? comparisons[sign] : undefined;
    if (compare === undefined) this.#fail('<, <=, >, >=, =, != or is');
    this.#next += 1;
    const right = this.#value();
    return (row) => compare(left(row), right(row));
  }

  /** A number, or a name that has one. */
  #value(): Value {
    const { kind, text } = this.#token;
    if (kind === 'sign' && text === '-') {
      this.#next += 1;
      const positive = this.#value();
      return (row) => -positive(row);
    }
    if (kind === 'number') {
      const value = Number(text);
      this.#next += 1;
      return () => value;
    }
    if (kind !== 'name' || words.has(text)) this.#fail('a number, a feature or a field');
    // Fields of the event come first: a shop writes `amount` and means what is paid.
    if (this.names.numbers.includes(text)) {
      this.uses.push(text);
      this.#next += 1;
      return ({ numbers }) => numbers[text] ?? NaN;
    }
    const index = this.names.features.indexOf(text);
    if (index < 0) this.#unknown(text);
    this.uses.push(text);
    this.#next += 1;
    return ({ x }) => x[index];
  }

  #list(): ReadonlySet<string> {
    if (!this.#takes('(')) this.#fail('"("');
    const found = new Set([this.#text()]);
    while (this.#takes(',')) found.add(this.#text());
    if (!this.#takes(')')) this.#fail('"," or ")"');
    return found;
  }

  #text(): string {
    const { kind, text } = this.#token;
    if (kind !== 'text') this.#fail("a text in single quotes, such as 'DE'");
    this.#next += 1;
    return text;
  }

  get #token(): Token {
    return this.tokens[this.#next];
  }

  #takes(text: string): boolean {
    const token = this.#token;
    if ((token.kind !== 'name' && token.kind !== 'sign') || token.text !== text) return false;
    this.#next += 1;
    return true;
  }

  #fail(expected: string): never {
    const { kind, text, at } = this.#token;
    throw new RangeError(`position ${at}: expected ${expected}, got ${kind === 'end' ? text : `"${text}"`}`);
  }

  #unknown(name: string): never {
    const { features, numbers, texts } = this.names;
    const known = [...numbers, ...texts, ...features];
    const near = known.filter((other) => other.includes(name) || name.includes(other) || other.split('_')[0] === name.split('_')[0]).slice(0, 6);
    throw new RangeError(`position ${this.#token.at}: "${name}" is no feature or field${near.length > 0 ? `; did you mean ${near.join(', ')}?` : `; there are ${known.join(', ')}`}`);
  }
}

/** NaN compares false in all of them but !=, which must not hold for what is missing either. */
const comparisons: Readonly<Record<string, ((a: number, b: number) => boolean) | undefined>> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '=': (a, b) => a === b,
  '==': (a, b) => a === b,
  '!=': (a, b) => a < b || a > b,
};
