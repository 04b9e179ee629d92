/**
 * What a state is made of, as hashes: two states are equal where they are, and what differs is named.
 *
 *   recommend.sessions  3f1c...   the name of a part, and of a part's part
 *
 * They are made of a snapshot's bytes, which the same events give again, and beside the loop: a copy of memory is a fraction of a
 * second for a gigabyte, its sha256 several.
 */
import { createHash } from 'node:crypto';
import { setImmediate as yieldToIo } from 'node:timers/promises';
import { partsOf } from '../bundle.js';

export interface PartHashes {
  /** sequence of the last message that the state has folded */
  seq: number;
  /** sha256, hexadecimal, by the name of the part */
  parts: Record<string, string>;
  /** of all of the snapshot */
  bytes: number;
}

/** Hashing blocks the loop: 1 MiB is 1 to 2 ms. */
const pieceBytes = 1024 * 1024;

/** @param chunks  a snapshot that nobody changes; where it is no bundle, it is one part called `state` */
export async function partHashes(seq: number, chunks: Uint8Array[]): Promise<PartHashes> {
  const parts: Record<string, string> = {};
  for (const [name, own] of leaves('', chunks)) parts[name] = await sha256(own);
  return { seq, parts, bytes: chunks.reduce((sum, { byteLength }) => sum + byteLength, 0) };
}

/** Names of the parts in which two states differ, or that one of them lacks; in the order of the first. */
export function differing(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((name) => a[name] !== b[name]);
}

function leaves(name: string, chunks: Uint8Array[]): [string, Uint8Array[]][] {
  const parts = partsOf(chunks);
  if (parts === undefined) return [[name === '' ? 'state' : name, chunks]];
  return parts.flatMap(([part, own]) => leaves(name === '' ? part : `${name}.${part}`, own));
}

async function sha256(chunks: Uint8Array[]): Promise<string> {
  const hash = createHash('sha256');
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength; at += pieceBytes) {
      hash.update(chunk.subarray(at, at + pieceBytes));
      await yieldToIo();
    }
  }
  return hash.digest('hex');
}
