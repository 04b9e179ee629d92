/**
 * Snapshots as files: written aside, synced, renamed. One file holds one snapshot.
 *
 *   "AFSN" | version u32 | seq u64 | chunks u32 | length of each u64 ... | chunks ... | sha256 of all before (32 bytes)
 *
 *   <dir>/shard-0/000000541909.snap
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AftercareError, messageOf } from '../../schemas/errors.js';
import { appendHashed, syncFolder } from './durable-file.js';
import type { Logger } from './log-line.js';
import type { Snapshot, Snapshots } from './ports.js';

const magic = 'AFSN';
const version = 1;
const hashBytes = 32;
/** The newest, and the one before it for when the newest is damaged. */
const kept = 2;

export function snapshotFiles(directory: string, logger: Logger): Snapshots {
  const folderOf = (shard: number): string => join(directory, `shard-${shard}`);
  return {
    async newest(shard, seqMax) {
      const names = await snapshotNames(folderOf(shard));
      for (const name of names.filter((n) => seqOf(n) <= seqMax).reverse()) {
        const path = join(folderOf(shard), name);
        try {
          return parse(await readFile(path));
        } catch (error) {
          logger('warn', 'snapshot is damaged and passed over', { path, reason: messageOf(error) });
        }
      }
      return undefined;
    },
    save: (shard, snapshot) => save(shard, snapshot, kept),
    async replace(shard, snapshot) {
      // One that is newer would be taken first.
      await save(shard, snapshot, Infinity);
      const folder = folderOf(shard);
      for (const name of await snapshotNames(folder)) if (seqOf(name) !== snapshot.seq) await rm(join(folder, name), { force: true });
      await syncFolder(folder);
    },
  };

  async function save(shard: number, snapshot: Snapshot, keep: number): Promise<void> {
    const folder = folderOf(shard);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const name = `${String(snapshot.seq).padStart(16, '0')}.snap`;
    await writeWhole(join(folder, `${name}.tmp`), snapshot);
    await rename(join(folder, `${name}.tmp`), join(folder, name));
    await syncFolder(folder);
    for (const old of (await snapshotNames(folder)).slice(0, -keep)) await rm(join(folder, old), { force: true });
  }
}

const seqOf = (name: string): number => Number.parseInt(name, 10);

async function snapshotNames(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => /^\d+\.snap$/.test(name)).sort();
}

function head(snapshot: Snapshot): Buffer {
  const bytes = Buffer.alloc(20 + snapshot.chunks.length * 8);
  bytes.write(magic, 0, 'latin1');
  bytes.writeUInt32LE(version, 4);
  bytes.writeBigUInt64LE(BigInt(snapshot.seq), 8);
  bytes.writeUInt32LE(snapshot.chunks.length, 16);
  snapshot.chunks.forEach((chunk, i) => bytes.writeBigUInt64LE(BigInt(chunk.byteLength), 20 + i * 8));
  return bytes;
}

async function writeWhole(path: string, snapshot: Snapshot): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    const hash = createHash('sha256');
    for (const chunk of [head(snapshot), ...snapshot.chunks]) await appendHashed(file, hash, chunk);
    await file.writeFile(hash.digest());
    await file.sync();
  } finally {
    await file.close();
  }
}

/** @throws AftercareError snapshot_damaged that says what is wrong */
function parse(bytes: Buffer): Snapshot {
  const damaged = (what: string): never => { throw new AftercareError('snapshot_damaged', what); };
  if (bytes.byteLength < 20 + hashBytes) damaged(`it has ${bytes.byteLength} bytes and was cut short`);
  if (bytes.toString('latin1', 0, 4) !== magic) damaged(`it does not begin with ${magic}`);
  if (bytes.readUInt32LE(4) !== version) damaged(`it has version ${bytes.readUInt32LE(4)}, and this program reads ${version}`);
  const end = bytes.byteLength - hashBytes;
  const digest = createHash('sha256').update(bytes.subarray(0, end)).digest();
  if (!digest.equals(bytes.subarray(end))) damaged('its checksum does not match');
  const count = bytes.readUInt32LE(16);
  const chunks: Uint8Array[] = [];
  let at = 20 + count * 8;
  for (let i = 0; i < count; i++) {
    const length = Number(bytes.readBigUInt64LE(20 + i * 8));
    chunks.push(new Uint8Array(bytes.buffer, bytes.byteOffset + at, length));
    at += length;
  }
  if (at !== end) damaged(`its chunks end at byte ${at} instead of ${end}`);
  return { seq: Number(bytes.readBigUInt64LE(8)), chunks };
}
