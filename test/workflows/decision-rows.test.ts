/** Rows of decisions as ClickHouse sends them, cut anywhere. */
import { expect, it } from 'vitest';
import { createDecisionReader, rowBytes } from '../../activities/decisions.js';
import { C, createImpressions, type Impressions } from '../../models/blend/impressions.js';

const rows = [[1, 0], [2, 1], [3, 0], [1, 1], [2, 0]] as const;
const bytes = Buffer.alloc(rows.length * rowBytes);
for (const [n, [position, taken]] of rows.entries()) {
  bytes.writeUInt16LE(position, n * rowBytes);
  bytes[n * rowBytes + 2] = taken;
  for (let j = 0; j < C; j += 1) bytes.writeUInt16LE(300 * n + j, n * rowBytes + 3 + 2 * j);
}

function read(pieces: Uint8Array[]): Impressions {
  const log = createImpressions();
  const reader = createDecisionReader(log);
  for (const piece of pieces) reader.push(piece);
  reader.end();
  return log.done();
}

it('are the same decisions however the bytes are cut', () => {
  const whole = read([bytes]);
  expect([...whole.starts]).toEqual([0, 3, 5]);
  expect([...whole.taken]).toEqual([0, 1, 0, 1, 0]);
  expect([...whole.positions]).toEqual([1, 2, 3, 1, 2]);
  expect([...whole.ranks.subarray(4 * C)]).toEqual(Array.from({ length: C }, (_, j) => 1200 + j));
  for (let at = 0; at <= bytes.length; at += 1) expect(read([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
  expect(read([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(whole);
});

it('a last row that is not whole is an error, and no rows are no decisions', () => {
  expect(() => read([bytes.subarray(0, -1)])).toThrow(`${rowBytes - 1} bytes are left`);
  expect([...read([]).starts]).toEqual([0]);
});
