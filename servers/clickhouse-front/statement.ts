import { refuse } from './exception.js';
import { tokensOf, type Token } from './lexer.js';
import type { Policy } from './policy.js';

/** A checked statement: one to run as it is, or an INSERT whose data is handed over as a file. */
export type Statement =
  | { kind: 'plain'; sql: string; writes: boolean }
  | { kind: 'insert'; /** the SQL for the data in this file */ sqlFor: (path: string) => string; /** data that stood in the statement itself */ inline: Buffer };

const dataMarks = new Set(['VALUES', 'FORMAT', 'SELECT', 'WITH', 'WATCH']);

/**
 * Reads and checks one statement. An INSERT's data never goes through the engine's SQL parser: there a blank line
 * ends the data, and what follows would run as SQL. It goes into a file, as bytes.
 * @throws ClickHouseException for what is refused
 */
export function readStatement(bytes: Buffer, policy: Policy, readonly: boolean): Statement {
  const sql = bytes.toString('latin1');
  const { tokens, mark } = readTokens(sql);
  if (tokens.length === 0) throw refuse.syntax('Empty query');
  policy.check(tokens, readonly);
  if (mark?.text === 'VALUES') return insert(bytes, tokens, mark, 'Values', mark.end);
  if (mark?.text === 'FORMAT') return insertFormat(bytes, sql, tokens, mark);
  if (tokens[0].text === 'INSERT' && mark === undefined) throw refuse.syntax('INSERT without data: write FORMAT <name> and send the data as the body, or VALUES (...), or SELECT');
  return { kind: 'plain', sql: bytes.toString('utf8'), writes: tokens[0].text === 'INSERT' };
}

/** All tokens, but of an INSERT with data only those before the data; a semicolon at the very end is dropped. */
function readTokens(sql: string): { tokens: Token[]; mark?: Token } {
  const tokens: Token[] = [];
  let mark: Token | undefined;
  for (const token of tokensOf(sql)) {
    if (mark === undefined && tokens.at(0)?.text === 'INSERT' && isMark(token, tokens)) {
      mark = token;
      if (token.text === 'VALUES' || token.text === 'FORMAT') break;
    }
    tokens.push(token);
  }
  if (mark?.text !== 'VALUES' && mark?.text !== 'FORMAT') while (tokens.at(-1)?.text === ';') tokens.pop();
  return mark === undefined ? { tokens } : { tokens, mark };
}

/** `INSERT INTO values ...`: a table may bear the mark's name, so the two tokens that can hold the name are passed over. */
function isMark(token: Token, before: Token[]): boolean {
  const previous = before.at(-1)?.text ?? '';
  return token.kind === 'word' && token.depth === 0 && dataMarks.has(token.text) && before.length >= 3 && !['INTO', 'TABLE', '.'].includes(previous);
}

function insertFormat(bytes: Buffer, sql: string, tokens: Token[], mark: Token): Statement {
  const name = /^\s+([A-Za-z0-9_]+)/.exec(sql.slice(mark.end, mark.end + 200));
  if (name === null) throw refuse.syntax('FORMAT without a name');
  const end = mark.end + name[0].length;
  // the data begins after the first newline, or after the blanks when there is none
  const blank = /^[ \t\f]*\r?\n?/.exec(sql.slice(end, end + 1_000))?.[0].length ?? 0;
  if (sql[end + blank] === ';') throw refuse.syntax('A semicolon after FORMAT would be read as data: remove it');
  return insert(bytes, tokens, mark, name[1], end + blank);
}

function insert(bytes: Buffer, tokens: Token[], mark: Token, format: string, dataStart: number): Statement {
  const settings = tokens.find((token) => token.kind === 'word' && token.text === 'SETTINGS' && token.depth === 0);
  const cut = settings?.start ?? mark.start;
  const head = bytes.subarray(0, cut).toString('utf8');
  const tail = bytes.subarray(cut, mark.start).toString('utf8');
  return {
    kind: 'insert',
    // line breaks, because the head may end in a comment
    sqlFor: (path) => `${head}\nFROM INFILE '${path}'\n${tail}\nFORMAT ${format}`,
    inline: bytes.subarray(dataStart),
  };
}
