/** Turns the errors of a compiled schema into one sentence that names the field, the value and the remedy. */
import type { TLocalizedValidationError } from 'typebox/error';
import { messageOf } from './errors.js';

/** @param errors  of a compiled check, in its order; the most specific one is told, and how many more there are */
export function explain(errors: readonly TLocalizedValidationError[], value: unknown): string {
  // An unknown field yields two errors, and "schema is false" is the one that tells nothing.
  const told = errors.filter((error) => error.keyword !== 'boolean');
  const first = told[0];
  if (told.length === 0) return 'does not fit its schema';
  const more = told.length > 1 ? ` (and ${told.length - 1} more)` : '';
  return `${clip(sentence(first, value), detailLengthMax)}${more}`;
}

/** Names of unknown fields are the sender's: thousands of them, or one of a megabyte, must not fill the log. */
const detailLengthMax = 240;
const clip = (text: string, length: number): string => (text.length > length ? `${text.slice(0, length - 3)}...` : text);

function sentence(error: TLocalizedValidationError, value: unknown): string {
  const field = error.instancePath === '' ? 'the body' : error.instancePath.slice(1).replaceAll('/', '.');
  switch (error.keyword) {
    case 'additionalProperties':
      return `unknown field ${join(prefix(error.instancePath), error.params.additionalProperties)}; remove it or correct its name`;
    case 'required':
      return `missing field ${join(prefix(error.instancePath), error.params.requiredProperties)}`;
    case 'const':
      return `${field} must be ${JSON.stringify(error.params.allowedValue)}, got ${show(at(value, error.instancePath))}`;
    case 'enum':
      return `${field} must be one of ${error.params.allowedValues.join(', ')}, got ${show(at(value, error.instancePath))}`;
    default:
      return `${field} ${error.message}, got ${show(at(value, error.instancePath))}`;
  }
}

const prefix = (path: string): string => (path === '' ? '' : `${path.slice(1).replaceAll('/', '.')}.`);
const join = (before: string, names: readonly string[]): string => names.map((name) => (name.length > 60 ? `a name of ${name.length} characters` : `"${before}${name}"`)).join(', ');

/** JSON.parse's words without the piece of the text that it quotes: it may be a piece of somebody's address. */
export const jsonProblem = (error: unknown): string => messageOf(error).replace(/, (?:\.\.\.)?".*"(?:\.\.\.)? is not valid JSON$/s, ' is not valid JSON');

function at(value: unknown, path: string): unknown {
  let here = value;
  for (const key of path.split('/').slice(1)) {
    if (typeof here !== 'object' || here === null) return undefined;
    here = (here as Record<string, unknown>)[key];
  }
  return here;
}

/**
 * At most 60 characters: a message is read in a terminal, and the whole body is kept elsewhere. Objects and arrays are
 * named, not shown: JSON.parse takes any depth of nesting, and JSON.stringify overflows the stack on it. A longer text is not
 * shown in part: the part may be half of an address or a card's number, which no mask finds.
 */
function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  if (typeof value === 'string' && value.length > 60) return `a text of ${value.length} characters`;
  return JSON.stringify(value);
}
