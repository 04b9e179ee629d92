/**
 * A data set as one Arrow IPC stream, cut into parts that an artefact holds; behind one another they are a stream that any
 * Arrow reader takes:
 *
 *   part 0       schema | batch of `batchRows` rows
 *   part 1 ...   batch                               the last one shorter
 *   last part    end of stream, 8 bytes
 *
 * ClickHouse gives its rows in blocks whose borders depend on threads and merges. They are cut anew here, so that the same rows
 * give the same bytes.
 *
 *   fixed-width column   values [rows]
 *   text, list           offsets Int32 [rows + 1], values from offsets[0] to offsets[rows]
 */
import { Field, Float64, Int64, List, makeData, RecordBatch, RecordBatchStreamWriter, Schema, Struct, tableFromIPC, Utf8, type Data, type DataType } from 'apache-arrow';

/** i64: a whole number below 2^53. */
export type CutKind = 'i64' | 'f64' | 'text' | 'f64s';
export type CutColumns = Readonly<Record<string, CutKind>>;

const types: Record<CutKind, () => DataType> = {
  i64: () => new Int64(),
  f64: () => new Float64(),
  text: () => new Utf8(),
  f64s: () => new List(new Field('item', new Float64(), false)),
};

const typeNames: Record<CutKind, string> = { i64: 'Int64', f64: 'Float64', text: 'Utf8', f64s: 'List<Float64' };

/** Rows of a batch: a row of 146 features makes it 10 MB, and an artefact's part is written at once. */
export const batchRowsDefault = 8192;
const endBytes = 8;

export interface CutWriter {
  /** rows that were pushed */
  readonly rows: number;
  /** @returns the parts that are full. @throws RangeError when the batch has other columns, or a value is missing */
  push(batch: RecordBatch): Uint8Array[];
  /** @returns the rest; nothing may be pushed behind it */
  end(): Uint8Array[];
}

export function createCutWriter(columns: CutColumns, batchRows = batchRowsDefault): CutWriter {
  const names = Object.keys(columns);
  const schema = new Schema(names.map((name) => new Field(name, types[columns[name]](), false)));
  let [rows, waiting, first] = [0, 0, true];
  let pieces: Data[][] = names.map(() => []);
  const part = (count: number): Uint8Array => {
    const children = names.map((name, c) => {
      const [taken, rest] = take(pieces[c], count);
      pieces[c] = rest;
      return joinedData(types[columns[name]](), taken);
    });
    waiting -= count;
    const batch = new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: count, nullCount: 0, children }));
    const bytes = RecordBatchStreamWriter.writeAll([batch]).toUint8Array(true);
    const body = bytes.slice(first ? 0 : schemaBytes(bytes), bytes.length - endBytes);
    first = false;
    return body;
  };
  return {
    get rows() { return rows; },
    push(batch) {
      checkBatch(batch, columns, names);
      for (const [c, name] of names.entries()) pieces[c].push(...(batch.getChild(name)?.data ?? []));
      rows += batch.numRows;
      waiting += batch.numRows;
      const parts: Uint8Array[] = [];
      while (waiting >= batchRows) parts.push(part(batchRows));
      return parts;
    },
    end() {
      const parts = waiting > 0 || first ? [part(waiting)] : [];
      pieces = [];
      return [...parts, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0)];
    },
  };
}

/** A message is FF FF FF FF | length of its metadata, i32 | metadata; that of a schema has no body. */
const schemaBytes = (stream: Uint8Array): number => 8 + new DataView(stream.buffer, stream.byteOffset).getInt32(4, true);

function checkBatch(batch: RecordBatch, columns: CutColumns, names: readonly string[]): void {
  const found = batch.schema.fields.map(({ name }) => name);
  if (found.join() !== names.join()) throw new RangeError(`cut: the rows have the columns ${found.join(', ')}, wanted are ${names.join(', ')}`);
  for (const { name, type } of batch.schema.fields) {
    const wanted = typeNames[columns[name]];
    if (!String(type).startsWith(wanted)) throw new RangeError(`cut: column ${name} is ${String(type)}, wanted is ${wanted}; cast it in the query`);
    if ((batch.getChild(name)?.nullCount ?? 0) > 0) throw new RangeError(`cut: column ${name} holds a missing value; put one in its place in the query`);
  }
}

/** The first `count` rows of the pieces, and the rest. */
function take(pieces: Data[], count: number): [Data[], Data[]] {
  const [taken, rest]: [Data[], Data[]] = [[], []];
  let left = count;
  for (const piece of pieces) {
    const own = Math.min(left, piece.length);
    if (own > 0) taken.push(own === piece.length ? piece : piece.slice(0, own));
    if (own < piece.length) rest.push(own === 0 ? piece : piece.slice(own, piece.length - own));
    left -= own;
  }
  return [taken, rest];
}

/** One piece of memory of several. */
function joinedData(type: DataType, pieces: readonly Data[]): Data {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  if (type instanceof Float64) return makeData({ type, length, nullCount: 0, data: numbersOf(pieces, new Float64Array(length)) });
  if (type instanceof Int64) return makeData({ type, length, nullCount: 0, data: numbersOf(pieces, new BigInt64Array(length)) });
  const offsets = new Int32Array(length + 1);
  let row = 0;
  for (const piece of pieces) {
    const own = offsetsOf(piece);
    for (let i = 0; i < piece.length; i += 1) offsets[row + i + 1] = offsets[row + i] + (own[i + 1] - own[i]);
    row += piece.length;
  }
  const bounds = pieces.map((piece): [number, number] => (piece.length === 0 ? [0, 0] : [offsetsOf(piece)[0], offsetsOf(piece)[piece.length]]));
  if (type instanceof Utf8) {
    const values = new Uint8Array(offsets[length]);
    placed(values, pieces.map(({ values: own }, p) => (own as Uint8Array).subarray(...bounds[p])));
    return makeData({ type, length, nullCount: 0, valueOffsets: offsets, data: values });
  }
  const values = new Float64Array(offsets[length]);
  placed(values, pieces.map(({ children: [child] }, p) => (child.values as Float64Array).subarray(...bounds[p])));
  return makeData({ type: type as List, length, nullCount: 0, valueOffsets: offsets, child: makeData({ type: new Float64(), length: values.length, nullCount: 0, data: values }) });
}

/** The library does not say what they are. */
const offsetsOf = ({ valueOffsets }: Data): Int32Array => valueOffsets as Int32Array;

function numbersOf<A extends Float64Array | BigInt64Array>(pieces: readonly Data[], into: A): A {
  placed(into as Float64Array, pieces.map(({ values, length }) => (values as Float64Array).subarray(0, length)));
  return into;
}

function placed<A extends { set(from: A, at: number): void; length: number }>(into: A, parts: readonly A[]): void {
  let at = 0;
  for (const part of parts) {
    into.set(part, at);
    at += part.length;
  }
}

/** A data set in memory, column by column. */
export interface Cut {
  readonly rows: number;
  /** of an i64 or f64. @throws RangeError when there is no such column of the kind */
  numbers(name: string): Float64Array;
  texts(name: string): string[];
  /** texts that come often, each as its place among the different ones, in the order of arrival */
  codes(name: string): { codes: Uint32Array; names: string[] };
  /** all values behind one another, `width` each. @throws RangeError when a row has another length */
  matrix(name: string, width: number): Float64Array;
}

/** @param parts  of the artefact. @throws RangeError when they are not a data set */
export function readCut(parts: readonly Uint8Array[]): Cut {
  const table = tableFromIPC([...parts]);
  const column = (name: string, kinds: readonly string[]): readonly Data[] => {
    const found = table.getChild(name);
    if (found === null || !kinds.some((kind) => String(found.type).startsWith(kind))) {
      throw new RangeError(`data set: column ${name} must be ${kinds.join(' or ')}, and is ${found === null ? 'not there' : String(found.type)}`);
    }
    return found.data as readonly Data[];
  };
  return {
    rows: table.numRows,
    numbers(name) {
      const data = column(name, ['Int64', 'Float64']);
      const out = new Float64Array(table.numRows);
      let at = 0;
      for (const { values, length } of data) for (let i = 0; i < length; i += 1) out[at++] = Number((values as Float64Array | BigInt64Array)[i]);
      return out;
    },
    texts(name) {
      column(name, ['Utf8']);
      return Array.from(table.getChild(name) ?? [], String);
    },
    codes(name) {
      column(name, ['Utf8']);
      const places = new Map<string, number>();
      const codes = new Uint32Array(table.numRows);
      let at = 0;
      for (const text of table.getChild(name) ?? []) codes[at++] = places.get(text as string) ?? places.set(text as string, places.size).size - 1;
      return { codes, names: [...places.keys()] };
    },
    matrix(name, width) {
      const out = new Float64Array(table.numRows * width);
      let at = 0;
      for (const data of column(name, ['List<Float64'])) {
        const offsets = offsetsOf(data);
        for (let i = 0; i < data.length; i += 1) {
          if (offsets[i + 1] - offsets[i] !== width) throw new RangeError(`data set: row ${at / width + i} of ${name} has ${offsets[i + 1] - offsets[i]} values instead of ${width}`);
        }
        const own = (data.children[0].values as Float64Array).subarray(offsets[0], offsets[data.length]);
        out.set(own, at);
        at += own.length;
      }
      return out;
    },
  };
}
