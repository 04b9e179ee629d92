/**
 * A model's snapshot is what it holds, in sections, behind a header and before a checksum:
 *
 *   magic (4 characters) | u32 version | u32 header bytes | header (JSON, padded with spaces to 8) | sections ... | crc32 of all before, u32
 *
 * The checksum is for what a disk or a cut does to bytes, and quick, as a snapshot is taken while events wait; the files and
 * artefacts that hold snapshots have their sha256 besides.
 *
 * Restoring accepts the bytes cut into chunks in any way.
 */
import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';

const CHECKSUM = 4;
/** Sections are handed out in pieces of this many bytes, for writers that stream. */
const PIECE = 1 << 24;

/** Whose bytes they are. The version is that of the sections too: raise it when the meaning of one changes. */
export interface Format {
  name: string;
  magic: string;
  version: number;
}

export interface Header {
  settings: Record<string, number | string>;
  /** Bytes of each section, in order. */
  sections: number[];
}

function headerBytes(header: Header, { magic, version }: Format): Uint8Array {
  let json = JSON.stringify(header);
  json += ' '.repeat((8 - ((Buffer.byteLength(json) + 12) % 8)) % 8);
  const bytes = Buffer.alloc(12 + Buffer.byteLength(json));
  bytes.write(magic, 0, 'latin1');
  bytes.writeUInt32LE(version, 4);
  bytes.writeUInt32LE(bytes.length - 12, 8);
  bytes.write(json, 12, 'utf8');
  return bytes;
}

/** The digest of a state; its sections are read where they lie. */
export function digest(header: Header, sections: Uint8Array[], format: Format): Hash {
  const hash = createHash('sha256').update(headerBytes(header, format));
  for (const section of sections) {
    // createHash refuses more than 2 GiB at a time.
    for (let at = 0; at < section.length; at += PIECE) hash.update(section.subarray(at, at + PIECE));
  }
  return hash;
}

/** Copies, all of them the caller's own: the memory goes on changing, and growing it detaches every view, while the chunks are being written. */
export function pack(header: Header, sections: Uint8Array[], format: Format): Uint8Array[] {
  const chunks = [headerBytes(header, format)];
  for (const section of sections) {
    for (let at = 0; at < section.length; at += PIECE) chunks.push(section.slice(at, at + PIECE));
  }
  const checksum = Buffer.alloc(CHECKSUM);
  checksum.writeUInt32LE(chunks.reduce((sum, chunk) => crc32(chunk, sum), 0));
  chunks.push(checksum);
  return chunks;
}

/** The bytes of a typed array, where they lie. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array => new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

/** What every state of sections offers of itself. @param sections  asked anew each time: views of what it holds now */
export function kept(settings: Header['settings'], sections: () => Uint8Array[], format: Format): { snapshot(): Uint8Array[]; hash(): string } {
  const headed = (): [Header, Uint8Array[], Format] => {
    const parts = sections();
    return [{ settings, sections: parts.map(({ length }) => length) }, parts, format];
  };
  return { snapshot: () => pack(...headed()), hash: () => digest(...headed()).digest('hex') };
}

export interface Unpacked<H> {
  header: H;
  /** Copies the next section to where it belongs. */
  next: (into: (bytes: number) => Uint8Array) => Uint8Array;
}

/**
 * @param settings  what the state is to be restored with: must be what it was made with
 * @throws RangeError that says what is wrong with the bytes
 */
export function unpack<H extends Header>(chunks: Uint8Array[], settings: Header['settings'], { name, magic, version }: Format): Unpacked<H> {
  const total = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const read = reader(chunks);
  if (total < 12 + CHECKSUM) throw new RangeError(`${name} snapshot: truncated, ${total} bytes are less than a header`);
  const start = Buffer.from(read(new Uint8Array(12)));
  const found = { magic: start.toString('latin1', 0, 4), version: start.readUInt32LE(4) };
  if (found.magic !== magic) throw new RangeError(`${name} snapshot: starts with ${JSON.stringify(found.magic)} instead of ${magic}: not a snapshot`);
  if (found.version !== version) throw new RangeError(`${name} snapshot: version ${found.version}, this build reads ${version}; rebuild from the events`);
  if (!isWhole(chunks, total)) throw new RangeError(`${name} snapshot: checksum differs over ${total} bytes: truncated or corrupted`);
  const header = JSON.parse(Buffer.from(read(new Uint8Array(start.readUInt32LE(8)))).toString('utf8')) as H;
  for (const key of Object.keys(settings)) {
    if (header.settings[key] === settings[key]) continue;
    throw new RangeError(`${name} snapshot: made with ${key} ${header.settings[key]}, but the setting is ${settings[key]}; rebuild from the events`);
  }
  let index = 0;
  return { header, next: (into) => read(into(header.sections[index++])) };
}

function isWhole(chunks: Uint8Array[], total: number): boolean {
  const stored = Buffer.alloc(CHECKSUM);
  let [at, sum] = [0, 0];
  for (const chunk of chunks) {
    const body = Math.max(0, Math.min(chunk.length, total - CHECKSUM - at));
    sum = crc32(chunk.subarray(0, body), sum);
    if (body < chunk.length) stored.set(chunk.subarray(body), at + body - (total - CHECKSUM));
    at += chunk.length;
  }
  return stored.readUInt32LE() === sum;
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
