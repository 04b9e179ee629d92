/**
 * A snapshot is the kernel's memory and the names, in sections, behind a header and before a checksum:
 *
 *   'AFTR' | u32 version | u32 header bytes | header (JSON, padded with spaces to 8) | sections ... | sha256 of all before
 *
 * The same events give the same memory, so they give the same bytes, also when the state was restored in the middle.
 * Restoring accepts the bytes cut into chunks in any way.
 */
import { createHash, type Hash } from 'node:crypto';

/** Of this format and of the kernel's memory layout: raise it when either changes. */
const VERSION = 2;
const MAGIC = 'AFTR';
const DIGEST = 32;
/** Sections are handed out in pieces of this many bytes, for writers that stream. */
const PIECE = 1 << 24;

export interface Header {
  settings: Record<string, number | string>;
  begun: boolean;
  newestMs: number;
  evicted: { customers: number; items: number };
  /** Bytes of each section, in order. */
  sections: number[];
}

export function headerBytes(header: Header): Uint8Array {
  let json = JSON.stringify(header);
  json += ' '.repeat((8 - ((Buffer.byteLength(json) + 12) % 8)) % 8);
  const bytes = Buffer.alloc(12 + Buffer.byteLength(json));
  bytes.write(MAGIC, 0, 'latin1');
  bytes.writeUInt32LE(VERSION, 4);
  bytes.writeUInt32LE(bytes.length - 12, 8);
  bytes.write(json, 12, 'utf8');
  return bytes;
}

/** The digest of a state; its sections are read where they lie. */
export function digest(header: Header, sections: Uint8Array[]): Hash {
  const hash = createHash('sha256').update(headerBytes(header));
  for (const section of sections) {
    // createHash refuses more than 2 GiB at a time.
    for (let at = 0; at < section.length; at += PIECE) hash.update(section.subarray(at, at + PIECE));
  }
  return hash;
}

/** Copies: the memory goes on changing, and growing it detaches every view, while the chunks are being written. */
export function pack(header: Header, sections: Uint8Array[]): Uint8Array[] {
  const chunks = [headerBytes(header)];
  for (const section of sections) {
    for (let at = 0; at < section.length; at += PIECE) chunks.push(section.slice(at, at + PIECE));
  }
  chunks.push(digest(header, sections).digest());
  return chunks;
}

export interface Unpacked {
  header: Header;
  /** Copies the next section to where it belongs. */
  next: (into: (bytes: number) => Uint8Array) => Uint8Array;
}

/** @throws RangeError that says what is wrong with the bytes */
export function unpack(chunks: Uint8Array[]): Unpacked {
  const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const read = reader(chunks);
  if (total < 12 + DIGEST) throw new RangeError(`recommend snapshot: truncated, ${total} bytes are less than a header`);
  const start = Buffer.from(read(new Uint8Array(12)));
  const magic = start.toString('latin1', 0, 4);
  if (magic !== MAGIC) throw new RangeError(`recommend snapshot: starts with ${JSON.stringify(magic)} instead of ${MAGIC}: not a snapshot`);
  const version = start.readUInt32LE(4);
  if (version !== VERSION) throw new RangeError(`recommend snapshot: version ${version}, this build reads ${VERSION}; rebuild from the events`);
  verify(chunks, total);
  const json = Buffer.from(read(new Uint8Array(start.readUInt32LE(8)))).toString('utf8');
  const header = JSON.parse(json) as Header;
  let index = 0;
  return { header, next: (into) => read(into(header.sections[index++])) };
}

function verify(chunks: Uint8Array[], total: number): void {
  const hash = createHash('sha256');
  const stored = Buffer.alloc(DIGEST);
  let at = 0;
  for (const chunk of chunks) {
    const body = Math.max(0, Math.min(chunk.length, total - DIGEST - at));
    for (let from = 0; from < body; from += PIECE) hash.update(chunk.subarray(from, Math.min(body, from + PIECE)));
    if (body < chunk.length) stored.set(chunk.subarray(body), at + body - (total - DIGEST));
    at += chunk.length;
  }
  if (!hash.digest().equals(stored)) throw new RangeError(`recommend snapshot: checksum differs over ${total} bytes: truncated or corrupted`);
}

/** Reads through the chunks as one stream, filling what it is given. */
function reader(chunks: Uint8Array[]): (into: Uint8Array) => Uint8Array {
  let index = 0;
  let from = 0;
  return (into) => {
    let done = 0;
    while (done < into.length) {
      const chunk = chunks[index];
      const part = chunk.subarray(from, from + into.length - done);
      into.set(part, done);
      done += part.length;
      from += part.length;
      if (from === chunk.length) {
        index += 1;
        from = 0;
      }
    }
    return into;
  };
}
