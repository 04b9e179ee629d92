import { refuse } from './exception.js';
import type { Token } from './lexer.js';

/** Statements that change nothing; all that is allowed where the request is read-only. */
const readers = new Set(['SELECT', 'WITH', 'FROM', '(', 'SHOW', 'DESCRIBE', 'DESC', 'EXPLAIN', 'EXISTS', 'CHECK']);
const writers = new Set(['INSERT', 'CREATE', 'ALTER', 'DROP', 'TRUNCATE', 'RENAME', 'EXCHANGE', 'OPTIMIZE', 'DELETE', 'UPDATE', 'UNDROP', 'KILL', 'USE', 'SET', 'SYSTEM']);
/** Statements of ClickHouse that reach outside the database or that the embedded engine cannot do. */
const refused = new Set(['ATTACH', 'DETACH', 'BACKUP', 'RESTORE', 'GRANT', 'REVOKE', 'EXECUTE', 'MOVE', 'SNAPSHOT']);
const systemVerbs = new Set(['FLUSH', 'SYNC', 'STOP', 'START', 'REFRESH', 'WAIT', 'CANCEL', 'RELOAD', 'DROP', 'CLEAR']);

/** Table functions that touch nothing outside this engine. Everything else that the engine knows is refused. */
const harmlessTableFunctions = new Set([
  'NUMBERS', 'NUMBERS_MT', 'ZEROS', 'ZEROS_MT', 'PRIMES', 'GENERATERANDOM', 'GENERATESERIES', 'GENERATE_SERIES', 'VALUES', 'VIEW', 'VIEWIFPERMITTED',
  'VIEWEXPLAIN', 'MERGE', 'NULL', 'LOOP', 'FORMAT', 'DICTIONARY', 'MERGETREEINDEX', 'MERGETREEPROJECTION', 'MERGETREEANALYZEINDEXES', 'FUZZQUERY', 'FUZZJSON',
]);
/** Not table functions, and yet ways out: scalar functions that read files or run models, inline disks, dictionary sources. */
const harmfulNames = ['FILE', 'URL', 'S3', 'REMOTE', 'DISK', 'CATBOOSTEVALUATE', 'EXECUTABLE', 'HTTP', 'ODBC', 'JDBC', 'MYSQL', 'POSTGRESQL', 'MONGODB', 'CASSANDRA', 'REDIS', 'YTSAURUS'];
const harmlessEngine = /^(.*MERGETREE|MEMORY|NULL|LOG|TINYLOG|STRIPELOG|BUFFER|JOIN|SET|MERGE|GENERATERANDOM|ATOMIC|DICTIONARY|KEEPERMAP)$/;

export interface Policy { check(tokens: Token[], readonly: boolean): void }

/** The names that this very engine knows, so that one added by an upgrade is refused until it has been looked at. */
export interface Known { tableFunctions: string[]; engines: string[] }

export function createPolicy(known: Known): Policy {
  const upper = (names: string[]): string[] => names.map((name) => name.toUpperCase());
  const functions = new Set([...harmfulNames, ...upper(known.tableFunctions).filter((name) => !harmlessTableFunctions.has(name))]);
  const engines = new Set(upper(known.engines).filter((name) => !harmlessEngine.test(name)));
  return { check: (tokens, readonly) => { checkVerb(tokens, readonly); checkReach(tokens, functions, engines); } };
}

function checkVerb(tokens: Token[], readonly: boolean): void {
  const verb = tokens.at(0)?.text ?? '';
  const writes = writers.has(verb) || (verb === 'WITH' && hasPair(tokens, 'INSERT', 'INTO'));
  if (refused.has(verb)) throw refuse.access(`${verb} is not allowed here`);
  if (!writes && !readers.has(verb)) throw refuse.syntax(`Syntax error: no statement begins with ${verb.slice(0, 100)}. Expected one of: ${[...readers, ...writers].join(', ')}`);
  if (writes && readonly) throw refuse.readonly(`Cannot execute query in readonly mode: ${verb} writes, and the request is read-only (readonly=1, or sent by GET)`);
  const systemVerb = tokens.at(1)?.text ?? '';
  if (verb === 'SYSTEM' && !systemVerbs.has(systemVerb)) throw refuse.access(`SYSTEM ${systemVerb} is not allowed here`);
}

/** The engine runs with all of this user's rights, so nothing may name a file, a program or another host. */
function checkReach(tokens: Token[], functions: Set<string>, engines: Set<string>): void {
  if (hasPair(tokens, 'INTO', 'OUTFILE')) throw refuse.access('INTO OUTFILE is not allowed here: read the answer instead');
  if (hasPair(tokens, 'FROM', 'INFILE')) throw refuse.access('FROM INFILE is not allowed here: send the data as the body');
  for (const [i, token] of tokens.entries()) {
    if (token.text === ';' && token.kind === 'other') throw refuse.syntax(`Multi-statements are not allowed: send what follows position ${token.end} as a request of its own`);
    if (token.kind === 'string' || token.kind === 'other') continue;
    const name = token.text.toUpperCase();
    if (tokens.at(i + 1)?.text === '(' && functions.has(name)) throw refuse.access(`${name.toLowerCase()}(...) is not allowed here: it reaches outside this database`);
    if (name === 'ENGINE') checkEngine(tokens, i, engines);
  }
}

/** `ENGINE = Name` or `ENGINE Name`; `engine = 'Name'` compares a column (system.tables has one) and passes. */
function checkEngine(tokens: Token[], at: number, engines: Set<string>): void {
  const engine = tokens.at(at + 1)?.text === '=' ? tokens.at(at + 2) : tokens.at(at + 1);
  if (engine === undefined || engine.kind === 'string') return;
  if (engines.has(engine.text.toUpperCase())) throw refuse.access(`ENGINE = ${engine.text} is not allowed here: it reaches outside this database`);
}

function hasPair(tokens: Token[], first: string, second: string): boolean {
  return tokens.some((token, i) => token.kind === 'word' && token.text === first && tokens.at(i + 1)?.text === second);
}
