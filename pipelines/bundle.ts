/**
 * Several snapshots as one:
 *
 *   'AFBN' | u32 version | u32 bytes of the list | list (JSON: [name, bytes], ...) | the parts, in that order
 *
 * Each part carries its own settings and checksum. The names are in the order of the caller, so that the same parts give
 * the same bytes.
 */
import { createHash } from 'node:crypto';

const MAGIC = 'AFBN';
const VERSION = 1;
const HEAD = 12;

/** Shares memory with the parts. */
export function bundle(parts: Record<string, Uint8Array[]>): Uint8Array[] {
  const list = Buffer.from(JSON.stringify(Object.entries(parts).map(([name, chunks]) => [name, bytesOf(chunks)])));
  const head = Buffer.alloc(HEAD);
  head.write(MAGIC, 0, 'latin1');
  head.writeUInt32LE(VERSION, 4);
  head.writeUInt32LE(list.length, 8);
  return [head, list, ...Object.values(parts).flat()];
}

/**
 * @param chunks  the bytes, cut in any way
 * @param names  what must be in it, no more and no less
 * @returns views of each part
 * @throws RangeError when they are not a whole bundle of this version with these parts
 */
export function unbundle<Name extends string>(chunks: Uint8Array[], names: readonly Name[]): Record<Name, Uint8Array[]> {
  const [headChunks, body] = cut(chunks, HEAD);
  const head = Buffer.concat(headChunks);
  if (head.length < HEAD || head.toString('latin1', 0, 4) !== MAGIC) throw new RangeError(`state: does not start with ${MAGIC}: not a snapshot, or of an earlier version; rebuild from the events`);
  if (head.readUInt32LE(4) !== VERSION) throw new RangeError(`state: version ${head.readUInt32LE(4)}, this build reads ${VERSION}; rebuild from the events`);
  const [listChunks, rest] = cut(body, head.readUInt32LE(8));
  const list = readList(Buffer.concat(listChunks));
  const found = list.map(([name]) => name);
  if (found.join() !== names.join()) throw new RangeError(`state: holds "${found.join(', ')}", this build reads "${names.join(', ')}"; rebuild from the events`);
  const wanted = list.reduce((sum, [, bytes]) => sum + bytes, 0);
  if (bytesOf(rest) !== wanted) throw new RangeError(`state: ${bytesOf(rest)} bytes instead of ${wanted}: truncated or corrupted`);
  const parts = {} as Record<Name, Uint8Array[]>;
  let left = rest;
  for (const [index, [, bytes]] of list.entries()) [parts[names[index]], left] = cut(left, bytes);
  return parts;
}

/**
 * The parts by name, in their order: views.
 * @returns undefined when the bytes do not begin as a bundle does
 * @throws RangeError when they do, and are not whole
 */
export function partsOf(chunks: Uint8Array[]): [name: string, chunks: Uint8Array[]][] | undefined {
  const head = Buffer.concat(cut(chunks, HEAD)[0]);
  if (head.length < HEAD || head.toString('latin1', 0, 4) !== MAGIC) return undefined;
  const names = readList(Buffer.concat(cut(cut(chunks, HEAD)[1], head.readUInt32LE(8))[0])).map(([name]) => name);
  return Object.entries(unbundle(chunks, names));
}

/** sha256, hexadecimal, over the hashes of the parts in their order. */
export function hashOfAll(hashes: string[]): string {
  return hashes.reduce((sum, hash) => sum.update(hash), createHash('sha256')).digest('hex');
}

function readList(json: Buffer): [name: string, bytes: number][] {
  try {
    return JSON.parse(json.toString('utf8')) as [string, number][];
  } catch (cause) {
    throw new RangeError('state: its list of parts cannot be read: truncated or corrupted', { cause });
  }
}

function bytesOf(chunks: Uint8Array[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}

/** Views: those of the first bytes, and those of the rest. */
function cut(chunks: Uint8Array[], bytes: number): [Uint8Array[], Uint8Array[]] {
  const [before, behind]: [Uint8Array[], Uint8Array[]] = [[], []];
  let left = bytes;
  for (const chunk of chunks) {
    const taken = Math.min(left, chunk.length);
    if (taken > 0) before.push(chunk.subarray(0, taken));
    if (taken < chunk.length) behind.push(chunk.subarray(taken));
    left -= taken;
  }
  return [before, behind];
}
