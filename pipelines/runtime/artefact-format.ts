/**
 * The bytes of an artefact: parts that are written as they come, and after them where each one ends.
 *
 *   part 0 | part 1 | ... | length of each part u64 ... | number of parts u32 | "AFAR"
 *
 * The hash of a reference is that of all these bytes.
 */
import { createHash } from 'node:crypto';
import { AftercareError } from '../../schemas/errors.js';
import { artefactLabel, type Artefact, type ArtefactRef } from './artefacts.js';

const magic = 'AFAR';
const tailBytes = 8;
/** Hashing blocks the event loop: 1 MiB is 1 to 2 ms. */
const pieceBytes = 1024 * 1024;

export function footer(lengths: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(lengths.length * 8 + tailBytes);
  lengths.forEach((length, i) => bytes.writeBigUInt64LE(BigInt(length), i * 8));
  bytes.writeUInt32LE(lengths.length, lengths.length * 8);
  bytes.write(magic, lengths.length * 8 + 4, 'latin1');
  return bytes;
}

/** Stored bytes, wherever they are. */
export interface Source {
  bytes: number;
  /** @throws AftercareError bad_file when it is gone */
  read(start: number, length: number): Promise<Uint8Array>;
}

/** @throws AftercareError bad_file when the source does not hold what the reference names */
export async function openArtefact(ref: ArtefactRef, source: Source): Promise<Artefact> {
  checkSize(ref, source);
  const hash = createHash('sha256');
  for (let start = 0; start < source.bytes; start += pieceBytes) {
    hash.update(await source.read(start, Math.min(pieceBytes, source.bytes - start)));
  }
  if (hash.digest('hex') !== ref.sha256) throw damagedArtefact(ref, wrongSum);
  const { starts } = await readIndex(ref, source);
  const parts = starts.length - 1;
  let open = true;
  return {
    parts,
    part(index) {
      if (!open) throw new RangeError(`${artefactLabel(ref)} is closed`);
      if (!(index >= 0 && index < parts)) throw new RangeError(`${artefactLabel(ref)} has no part ${index}, only 0 to ${parts - 1}`);
      return source.read(starts[index], starts[index + 1] - starts[index]);
    },
    close() {
      open = false;
      return Promise.resolve();
    },
  };
}

/** In one pass: the bytes that are given back are those that were hashed. @throws as `openArtefact` */
export async function loadArtefact(ref: ArtefactRef, source: Source): Promise<Uint8Array[]> {
  checkSize(ref, source);
  const { starts, tail } = await readIndex(ref, source);
  const hash = createHash('sha256');
  const parts: Uint8Array[] = [];
  for (let i = 0; i + 1 < starts.length; i++) {
    const part = new Uint8Array(starts[i + 1] - starts[i]);
    for (let at = 0; at < part.byteLength; at += pieceBytes) {
      const piece = await source.read(starts[i] + at, Math.min(pieceBytes, part.byteLength - at));
      part.set(piece, at);
      hash.update(piece);
    }
    parts.push(part);
  }
  if (hash.update(tail).digest('hex') !== ref.sha256) throw damagedArtefact(ref, wrongSum);
  return parts;
}

export const damagedArtefact = (ref: ArtefactRef, what: string): AftercareError =>
  new AftercareError('bad_file', `${artefactLabel(ref)} is damaged: ${what}; start the workflow again, which makes a new one`);

const wrongSum = 'its checksum does not match';

function checkSize(ref: ArtefactRef, source: Source): void {
  if (source.bytes !== ref.bytes) throw damagedArtefact(ref, `it has ${source.bytes} bytes instead of ${ref.bytes}`);
}

/** @returns where each part starts, and the end of the last; and all bytes from there on */
async function readIndex(ref: ArtefactRef, source: Source): Promise<{ starts: number[]; tail: Uint8Array }> {
  if (source.bytes < tailBytes) throw damagedArtefact(ref, 'it is too short to be one');
  const last = Buffer.from(await source.read(source.bytes - tailBytes, tailBytes));
  if (last.toString('latin1', 4) !== magic) throw damagedArtefact(ref, `it does not end with ${magic}`);
  const count = last.readUInt32LE(0);
  const end = source.bytes - tailBytes - count * 8;
  if (end < 0) throw damagedArtefact(ref, `it is too short for ${count} parts`);
  const index = Buffer.from(await source.read(end, count * 8));
  const starts = [0];
  for (let i = 0; i < count; i++) starts.push(starts[i] + Number(index.readBigUInt64LE(i * 8)));
  // No length is negative, so where they add up to what is there each part lies within it.
  if (starts[count] !== end) throw damagedArtefact(ref, `its parts end at byte ${starts[count]} instead of ${end}`);
  return { starts, tail: Buffer.concat([index, last]) };
}
