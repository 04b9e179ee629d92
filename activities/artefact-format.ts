/**
 * The bytes of an artefact: parts that are written as they come, and after them where each one ends.
 *
 *   part 0 | part 1 | ... | length of each part u64 ... | number of parts u32 | "AFAR"
 *
 * `sha256sum` of a file gives the hash of its reference.
 */
import { createHash } from 'node:crypto';
import { AftercareError } from '../schemas/errors.js';
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
  read(start: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** @throws AftercareError bad_file when the source does not hold what the reference names; it is closed then */
export async function openArtefact(ref: ArtefactRef, source: Source): Promise<Artefact> {
  try {
    await verify(ref, source);
    const starts = await readIndex(ref, source);
    const parts = starts.length - 1;
    return {
      parts,
      part(index) {
        if (!(index >= 0 && index < parts)) throw new RangeError(`${artefactLabel(ref)} has no part ${index}, only 0 to ${parts - 1}`);
        return source.read(starts[index], starts[index + 1] - starts[index]);
      },
      close: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

const damaged = (ref: ArtefactRef, what: string): AftercareError =>
  new AftercareError('bad_file', `${artefactLabel(ref)} is damaged: ${what}; start the workflow again, which makes a new one`);

async function verify(ref: ArtefactRef, source: Source): Promise<void> {
  if (source.bytes !== ref.bytes) throw damaged(ref, `it has ${source.bytes} bytes instead of ${ref.bytes}`);
  const hash = createHash('sha256');
  for (let start = 0; start < source.bytes; start += pieceBytes) {
    hash.update(await source.read(start, Math.min(pieceBytes, source.bytes - start)));
  }
  if (hash.digest('hex') !== ref.sha256) throw damaged(ref, 'its checksum does not match');
}

/** @returns where each part starts, and the end of the last */
async function readIndex(ref: ArtefactRef, source: Source): Promise<number[]> {
  if (source.bytes < tailBytes) throw damaged(ref, 'it is too short to be one');
  const tail = Buffer.from(await source.read(source.bytes - tailBytes, tailBytes));
  if (tail.toString('latin1', 4) !== magic) throw damaged(ref, `it does not end with ${magic}`);
  const count = tail.readUInt32LE(0);
  const end = source.bytes - tailBytes - count * 8;
  if (end < 0) throw damaged(ref, `it is too short for ${count} parts`);
  const index = Buffer.from(await source.read(end, count * 8));
  const starts = [0];
  for (let i = 0; i < count; i++) starts.push(starts[i] + Number(index.readBigUInt64LE(i * 8)));
  if (starts[count] !== end) throw damaged(ref, `its parts end at byte ${starts[count]} instead of ${end}`);
  return starts;
}
