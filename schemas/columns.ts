/**
 * A table is one list of columns. The ClickHouse DDL, the Arrow schema and the Arrow bytes all come from it, so that
 * the three cannot drift apart; a missing value is the type's zero (`''`, 0, []), as ClickHouse itself has it.
 */
export interface KindValue {
  text: string;
  /** few distinct values: LowCardinality(String) */
  label: string;
  bytes: Uint8Array;
  u16: number;
  u32: number;
  /** a whole number below 2^53 */
  u64: number;
  i64: number;
  f64: number;
  /** milliseconds since 1970, UTC */
  time: number;
  texts: readonly string[];
  u32s: readonly number[];
  i64s: readonly number[];
  /** null is NaN: what is missing */
  f64s: readonly (number | null)[];
}
export type Kind = keyof KindValue;

interface ColumnOf<Row, K extends Kind> {
  name: string;
  kind: K;
  comment: string;
  of: (row: Row) => KindValue[K];
  /** ClickHouse codec, where the default LZ4 was measured to be worse */
  codec?: string | undefined;
}
/** One column: distributed over the kinds, so that `kind` decides what `of` must return. */
export type Column<Row> = { [K in Kind]: ColumnOf<Row, K> }[Kind];

export interface Table<Row> {
  name: string;
  comment: string;
  columns: readonly Column<Row>[];
  /** ALIAS columns: computed when read, stored nowhere */
  aliases?: readonly { name: string; type: string; expression: string; comment: string }[];
  engine?: string;
  partitionBy: string;
  orderBy: readonly string[];
  indexes?: readonly string[];
  ttl?: string;
}

/** A typed helper: keeps `kind` and the result of `of` together. */
export function column<Row, K extends Kind>(name: string, kind: K, comment: string, of: (row: Row) => KindValue[K], codec?: string): Column<Row> {
  return { name, kind, comment, of, codec } as unknown as Column<Row>;
}

const clickHouseTypes: Record<Kind, string> = {
  text: 'String',
  label: 'LowCardinality(String)',
  bytes: 'String',
  u16: 'UInt16',
  u32: 'UInt32',
  u64: 'UInt64',
  i64: 'Int64',
  f64: 'Float64',
  time: "DateTime64(3, 'UTC')",
  texts: 'Array(String)',
  u32s: 'Array(UInt32)',
  i64s: 'Array(Int64)',
  f64s: 'Array(Float64)',
};
export const clickHouseType = (kind: Kind): string => clickHouseTypes[kind];

const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

/** How many insert tokens ClickHouse remembers for a table: a sink that was away comes back with its last cut only. */
const deduplicationWindow = 1000;

/** The CREATE TABLE statement of a table. */
export function createTable<Row>(table: Table<Row>): string {
  const columns = table.columns.map(
    (c) => `  ${c.name} ${clickHouseTypes[c.kind]} COMMENT ${quote(c.comment)}${c.codec === undefined ? '' : ` CODEC(${c.codec})`}`,
  );
  const aliases = (table.aliases ?? []).map((a) => `  ${a.name} ${a.type} ALIAS ${a.expression} COMMENT ${quote(a.comment)}`);
  const indexes = (table.indexes ?? []).map((index) => `  INDEX ${index}`);
  return [
    `CREATE TABLE IF NOT EXISTS ${table.name} (`,
    [...columns, ...aliases, ...indexes].join(',\n'),
    `) ENGINE = ${table.engine ?? 'MergeTree'}`,
    `PARTITION BY ${table.partitionBy}`,
    `ORDER BY (${table.orderBy.join(', ')})`,
    ...(table.ttl === undefined ? [] : [`TTL ${table.ttl}`]),
    `SETTINGS non_replicated_deduplication_window = ${deduplicationWindow}`,
    `COMMENT ${quote(table.comment)}`,
  ].join('\n');
}
