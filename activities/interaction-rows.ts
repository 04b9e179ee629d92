/**
 * ClickHouse's RowBinary of (customer String, item String, strength Float32), as it comes, in pieces cut anywhere:
 *
 *   varint length | customer | varint length | item | f32 little-endian | the next row ...
 *
 * Source: ClickHouse documentation, formats, RowBinary; a varint is unsigned LEB128
 */
export interface RowReader {
  push(piece: Uint8Array): void;
  /** @throws RangeError when the last row is not whole */
  end(): void;
}

/** @param onRow  the customer as a text that is only good for comparing with the one before */
export function createRowReader(onRow: (customer: string, item: string, strength: number) => void): RowReader {
  let rest = Buffer.alloc(0);

  /** @returns where the next row begins, or -1 when this one is not whole yet */
  function readRow(bytes: Buffer, from: number): number {
    const customer = textAt(bytes, from);
    if (customer === undefined) return -1;
    const item = textAt(bytes, customer.end);
    if (item === undefined || item.end + 4 > bytes.length) return -1;
    onRow(bytes.toString('latin1', customer.start, customer.end), bytes.toString('utf8', item.start, item.end), bytes.readFloatLE(item.end));
    return item.end + 4;
  }

  return {
    push(piece) {
      const bytes = rest.length === 0 ? Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength) : Buffer.concat([rest, piece]);
      let at = 0;
      for (let next = readRow(bytes, 0); next >= 0; next = readRow(bytes, at)) at = next;
      rest = Buffer.from(bytes.subarray(at)); // a copy: the piece is not ours
    },
    end() {
      if (rest.length > 0) throw new RangeError(`interactions: the answer ends in the middle of a row, ${rest.length} bytes are left`);
    },
  };
}

function textAt(bytes: Buffer, from: number): { start: number; end: number } | undefined {
  let length = 0;
  for (let at = from, shift = 0; at < bytes.length; at += 1, shift += 7) {
    length |= (bytes[at] & 0x7f) << shift;
    if (bytes[at] >= 0x80) continue;
    const end = at + 1 + length;
    return end <= bytes.length ? { start: at + 1, end } : undefined;
  }
  return undefined;
}
