import { describe, expect, it } from 'vitest';
import { bodyOf, fromEngine, statusOf } from '../../servers/clickhouse-front/exception.js';
import { tokensOf } from '../../servers/clickhouse-front/lexer.js';
import { createPolicy } from '../../servers/clickhouse-front/policy.js';
import { readStatement, type Statement } from '../../servers/clickhouse-front/statement.js';

const policy = createPolicy({ tableFunctions: ['file', 'url', 's3', 'remote', 'numbers', 'aNewTableFunction'], engines: ['MergeTree', 'ReplacingMergeTree', 'S3', 'Distributed', 'SQLite'] });
const read = (sql: string, readonly = false): Statement => readStatement(Buffer.from(sql), policy, readonly);

describe('the lexer', () => {
  it('passes over comments and strings, and knows what stands in brackets', () => {
    const tokens = [...tokensOf(`select 'a;''b\\'' -- ; no\n, f(x /* ; */) # ; no\n, "q;" $$ ; $$ $t$ ; $t$`)];
    expect(tokens.map(({ text, depth }) => `${depth}${text}`)).toEqual(['0SELECT', '0a;', "0b\\'", '0,', '0F', '0(', '1X', '0)', '0,', '0q;', '0 ; ', '0 ; ']);
  });

  it.each(["SELECT 'open", 'SELECT "open', 'SELECT /* open', 'SELECT /* /* */ 1', 'SELECT \u2018x\u2019', 'SELECT $open'])('refuses what the engine might read otherwise: %s', (sql) => {
    expect(() => [...tokensOf(Buffer.from(sql).toString('latin1'))]).toThrow();
  });
});

describe('an INSERT with data', () => {
  it.each([
    ["INSERT INTO t VALUES (1, 'a\n\n;DROP TABLE t')", "INSERT INTO t \nFROM INFILE 'P'\n\nFORMAT Values", " (1, 'a\n\n;DROP TABLE t')"],
    ['insert into db.t (a, b) format JSONEachRow\n{"a":1}\n\n{"a":2}', "insert into db.t (a, b) \nFROM INFILE 'P'\n\nFORMAT JSONEachRow", '{"a":1}\n\n{"a":2}'],
    ['INSERT INTO t (a) SETTINGS insert_deduplication_token = \'x\' FORMAT ArrowStream', "INSERT INTO t (a) \nFROM INFILE 'P'\nSETTINGS insert_deduplication_token = 'x' \nFORMAT ArrowStream", ''],
    ['INSERT INTO values FORMAT TSV x', "INSERT INTO values \nFROM INFILE 'P'\n\nFORMAT TSV", 'x'],
  ])('%s', (sql, expected, inline) => {
    const statement = read(sql);
    if (statement.kind !== 'insert') throw new Error('not an insert');
    expect(statement.sqlFor('P')).toBe(expected);
    expect(statement.inline.toString()).toBe(inline);
  });

  it('runs INSERT SELECT as it is', () => {
    expect(read('INSERT INTO t SELECT 1').kind).toBe('plain');
    expect(() => read('INSERT INTO t (a)')).toThrow(/INSERT without data/);
  });
});

describe('what is refused', () => {
  it.each([
    ['SELECT 1; DROP TABLE t', /Multi-statements/],
    ['SELECT * FROM t INTO OUTFILE \'/tmp/x\'', /INTO OUTFILE/],
    ["INSERT INTO t FROM INFILE '/etc/passwd' FORMAT TSV", /FROM INFILE/],
    ["SELECT * FROM file('/etc/passwd')", /file\(\.\.\.\)/],
    ["SELECT * FROM FiLe /* x */ ('/etc/passwd')", /file\(\.\.\.\)/],
    ["SELECT * FROM `url`('http://x')", /url\(\.\.\.\)/],
    ["SELECT file('x')", /file\(\.\.\.\)/],
    ["INSERT INTO FUNCTION remote('h', db.t) SELECT 1", /remote\(\.\.\.\)/],
    ['SELECT * FROM aNewTableFunction(1)', /anewtablefunction\(\.\.\.\)/],
    ["CREATE TABLE t (a Int8) ENGINE = S3('x')", /ENGINE = S3/],
    ['CREATE TABLE t (a Int8) ENGINE = Distributed(c, d, t)', /ENGINE = DISTRIBUTED/],
    ["CREATE DICTIONARY d (a UInt64) PRIMARY KEY a SOURCE(EXECUTABLE(COMMAND 'id')) LAYOUT(FLAT()) LIFETIME(1)", /executable\(\.\.\.\)/],
    ["CREATE DATABASE d ENGINE SQLite('x')", /ENGINE = SQLITE/],
    ['SYSTEM SHUTDOWN', /SYSTEM SHUTDOWN/],
    ["BACKUP TABLE t TO Disk('x')", /BACKUP/],
    ['', /Empty query/],
    ['SELEC 1', /Syntax error/],
  ])('%s', (sql, why) => {
    expect(() => read(sql)).toThrow(why);
  });

  it.each(['SELECT 1;', 'SELECT 1 ; ; -- end', "SELECT ';'", 'SELECT file, url FROM t', 'SELECT engine FROM system.tables', "CREATE VIEW v AS SELECT engine FROM system.tables WHERE engine = 'S3'", 'CREATE TABLE t (engine String) ENGINE = ReplacingMergeTree ORDER BY engine', 'SELECT * FROM numbers(3)', 'SYSTEM FLUSH LOGS'])('but not: %s', (sql) => {
    expect(read(sql).kind).toBe('plain');
  });

  it('refuses every writer where the request is read-only', () => {
    for (const sql of ['INSERT INTO t VALUES (1)', 'DROP TABLE t', 'ALTER TABLE t DELETE WHERE 1', 'WITH x AS (SELECT 1) INSERT INTO t SELECT 1', 'SET readonly = 0']) {
      expect(() => read(sql, true)).toThrow(/readonly/);
    }
    expect(read('WITH 1 AS x SELECT x', true).kind).toBe('plain');
  });
});

describe('an error of the engine', () => {
  it('is taken apart and put together as ClickHouse does', () => {
    const e = fromEngine(new Error("Code: 117. DB::Exception: Code: 117. DB::Exception: The stream (of x) is empty: data. (INCORRECT_DATA) (version 26.7.2.1). (INCORRECT_DATA)"));
    expect([e.code, e.type, e.message, statusOf(e)]).toEqual([117, 'INCORRECT_DATA', 'The stream (of x) is empty: data', 400]);
    expect(bodyOf(e, '26.7')).toBe('Code: 117. DB::Exception: The stream (of x) is empty: data (INCORRECT_DATA) (version 26.7)\n');
    expect(fromEngine('odd').code).toBe(1002);
  });
});
