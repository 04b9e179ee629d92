/** Writing files that must be whole or absent after a crash: hashed piece by piece, synced, and then renamed. */
import type { Hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';

/** Hashing blocks the loop: 1 MiB is 1 to 2 ms. */
const pieceBytes = 1024 * 1024;

/** Appends bytes where the last ones ended, and adds them to the hash. */
export async function appendHashed(file: FileHandle, hash: Hash, bytes: Uint8Array): Promise<void> {
  for (let start = 0; start < bytes.byteLength; start += pieceBytes) {
    const piece = bytes.subarray(start, start + pieceBytes);
    hash.update(piece);
    await file.writeFile(piece); // unlike `write` it never writes a part only
  }
}

/** Makes a rename in the folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
