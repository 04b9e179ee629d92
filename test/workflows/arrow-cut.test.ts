/** The data set as Arrow: whatever blocks its rows come in, the same bytes; and what is read back is what was written. */
import { Field, Float64, Int64, List, RecordBatch, Schema, Struct, Utf8, makeData, tableFromIPC, vectorFromArray, type Data } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCutWriter, readCut, type CutColumns } from '../../activities/arrow-cut.js';

const columns: CutColumns = { at_ms: 'i64', score: 'f64', text: 'text', features: 'f64s' };
interface Row { atMs: number; score: number; text: string; features: number[] }

function batchOf(rows: readonly Row[]): RecordBatch {
  const list = new List(new Field('item', new Float64(), false));
  const children = [
    vectorFromArray(rows.map(({ atMs }) => BigInt(atMs)), new Int64()), vectorFromArray(rows.map(({ score }) => score), new Float64()),
    vectorFromArray(rows.map(({ text }) => text), new Utf8()), vectorFromArray(rows.map(({ features }) => features), list),
  ].map((vector) => vector.data[0] as Data);
  const fields = Object.keys(columns).map((name, i) => new Field(name, children[i].type, false));
  return new RecordBatch(new Schema(fields), makeData({ type: new Struct(fields), length: rows.length, nullCount: 0, children }));
}

function cutOf(blocks: readonly (readonly Row[])[], batchRows: number): Uint8Array[] {
  const writer = createCutWriter(columns, batchRows);
  const parts = blocks.filter((block) => block.length > 0).flatMap((block) => writer.push(batchOf(block)));
  return [...parts, ...writer.end()];
}

const row = fc.record({ atMs: fc.integer({ min: -1e12, max: 4e12 }), score: fc.double(), text: fc.string({ unit: 'grapheme', maxLength: 12 }), features: fc.array(fc.double(), { minLength: 3, maxLength: 3 }) });

describe('a cut', () => {
  it('has the same bytes whatever blocks its rows come in, and gives the rows back', () => {
    fc.assert(fc.property(fc.array(row, { maxLength: 40 }), fc.array(fc.nat(40), { maxLength: 5 }), fc.integer({ min: 1, max: 9 }), (rows, borders, batchRows) => {
      const places = [0, ...borders.map((at) => Math.min(at, rows.length)).sort((a, b) => a - b), rows.length];
      const parts = cutOf(places.slice(1).map((to, i) => rows.slice(places[i], to)), batchRows);
      expect(Buffer.concat(parts).equals(Buffer.concat(cutOf([rows], batchRows)))).toBe(true);
      const cut = readCut(parts);
      expect(cut.rows).toBe(rows.length);
      expect([...cut.numbers('at_ms')]).toEqual(rows.map(({ atMs }) => atMs));
      expect([...cut.numbers('score')]).toEqual(rows.map(({ score }) => score));
      expect(cut.texts('text')).toEqual(rows.map(({ text }) => text));
      expect([...cut.matrix('features', 3)]).toEqual(rows.flatMap(({ features }) => features));
    }), { numRuns: 60 });
  });

  it('is one Arrow stream that any reader takes', () => {
    const rows = Array.from({ length: 10 }, (_, n) => ({ atMs: n, score: n / 2, text: `t${n}`, features: [n, NaN, -n] }));
    const table = tableFromIPC(Buffer.concat(cutOf([rows], 4)));
    expect(table.numRows).toBe(10);
    expect(table.batches.map(({ numRows }) => numRows)).toEqual([4, 4, 2]);
    expect(table.schema.fields.map(({ name, nullable }) => [name, nullable])).toEqual(Object.keys(columns).map((name) => [name, false]));
  });

  it('says what is wrong with the rows', () => {
    const writer = createCutWriter({ at_ms: 'i64', score: 'i64', text: 'text', features: 'f64s' });
    expect(() => writer.push(batchOf([{ atMs: 1, score: 1, text: '', features: [] }]))).toThrow('cut: column score is Float64, wanted is Int64; cast it in the query');
    expect(() => createCutWriter({ at_ms: 'i64' }).push(batchOf([{ atMs: 1, score: 1, text: '', features: [] }]))).toThrow('the rows have the columns at_ms, score, text, features, wanted are at_ms');
    const cut = readCut(cutOf([[{ atMs: 1, score: 1, text: '', features: [1, 2] }]], 4));
    expect(() => cut.matrix('features', 3)).toThrow('row 0 of features has 2 values instead of 3');
    expect(() => cut.numbers('text')).toThrow('column text must be Int64 or Float64, and is Utf8');
    expect(() => cut.texts('nothing')).toThrow('column nothing must be Utf8, and is not there');
  });
});
