import { refuse } from './exception.js';

export interface Token {
  /** Words in capitals, quoted names without their quotes, one character for anything else. */
  text: string;
  kind: 'word' | 'quoted' | 'string' | 'other';
  start: number;
  end: number;
  /** How many round brackets are open around it. */
  depth: number;
}

/**
 * The tokens of a statement, lazily, so that a caller can stop where an INSERT's data begins. `sql` is Latin-1, one
 * character a byte. This lexer decides what is refused, so it must never see less than the engine does: where the
 * engine's reading could differ (nested comments, typographic quotes, an unclosed quote), the statement is refused.
 * @throws ClickHouseException SYNTAX_ERROR
 */
export function* tokensOf(sql: string): Generator<Token> {
  let at = 0;
  let depth = 0;
  while (at < sql.length) {
    const skipped = afterBlank(sql, at);
    if (skipped > at) { at = skipped; continue; }
    const char = sql[at];
    if (char === ')') depth -= 1;
    const token = tokenAt(sql, at, depth);
    if (char === '(') depth += 1;
    yield token;
    at = token.end;
  }
}

/** The position after the white space and the comment that stand at `at`, or `at` itself. */
function afterBlank(sql: string, at: number): number {
  if (/\s/.test(sql[at])) return at + 1;
  if (sql.startsWith('--', at) || sql.startsWith('# ', at) || sql.startsWith('#!', at)) {
    const end = sql.indexOf('\n', at);
    return end < 0 ? sql.length : end + 1;
  }
  if (!sql.startsWith('/*', at)) return at;
  const end = sql.indexOf('*/', at + 2);
  if (end < 0) throw refuse.syntax('Multiline comment is not closed: write */ at its end');
  if (sql.slice(at + 2, end).includes('/*')) throw refuse.syntax('Comments inside comments are not allowed: remove the inner /*');
  return end + 2;
}

function tokenAt(sql: string, at: number, depth: number): Token {
  const char = sql[at];
  if (char === "'") return quoted(sql, at, 'string', depth);
  if (char === '"' || char === '`') return quoted(sql, at, 'quoted', depth);
  if (char === '$') return heredoc(sql, at, depth);
  if (/^\u00e2\u0080[\u0098\u0099\u009c\u009d]/.test(sql.slice(at, at + 3))) throw refuse.syntax('Typographic quotes are not allowed: write \' or "');
  const end = endOfWord(sql, at);
  if (end > at) return { text: sql.slice(at, end).toUpperCase(), kind: 'word', start: at, end, depth };
  return { text: char, kind: 'other', start: at, end: at + 1, depth };
}

function endOfWord(sql: string, at: number): number {
  let end = at;
  while (end < sql.length && /[A-Za-z0-9_$]/.test(sql[end])) end += 1;
  return end;
}

/** Both a backslash and a doubled quote keep a literal open; a doubled one is read as the next literal, which is as good here. */
function quoted(sql: string, at: number, kind: 'string' | 'quoted', depth: number): Token {
  for (let end = at + 1; end < sql.length; end += 1) {
    if (sql[end] === '\\') end += 1;
    else if (sql[end] === sql[at]) return { text: sql.slice(at + 1, end), kind, start: at, end: end + 1, depth };
  }
  throw refuse.syntax(`A quote is not closed: the ${sql[at]} at position ${at + 1}`);
}

/** `$tag$ anything $tag$` is a string; a dollar that opens none is refused, for the engine would read on differently. */
function heredoc(sql: string, at: number, depth: number): Token {
  const tag = /^\$[A-Za-z0-9_]*\$/.exec(sql.slice(at, at + 64))?.[0];
  const close = tag === undefined ? -1 : sql.indexOf(tag, at + tag.length);
  if (tag === undefined || close < 0) throw refuse.syntax(`Unrecognised token: the $ at position ${at + 1}`);
  return { text: sql.slice(at + tag.length, close), kind: 'string', start: at, end: close + tag.length, depth };
}
