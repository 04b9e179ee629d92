/**
 * Artefacts in the stream ARTEFACTS, where every machine reaches them. The library's object store takes 5 s for 200 MB,
 * and reads what it has not proven whole; so the chunks are messages of our own.
 *
 *   art.<name>.<version>.chunk.<attempt>.<n>     512 KiB each, the last one shorter
 *   art.<name>.<version>.manifest.<sha256>       {"v":1,"bytes":...,"chunkBytes":...,"attempt":"..."}, published last
 *   art.<name>.<version>.promoted                its sequence tells which promotion was the latest
 *
 * An attempt that was killed has no manifest, so nobody sees it; its chunks go with the version.
 */
import { createHash } from 'node:crypto';
import { jetstream, jetstreamManager, JetStreamApiError, type JetStreamManager } from '@nats-io/jetstream';
import { nuid, type NatsConnection } from '@nats-io/transport-node';
import { AftercareError, messageOf } from '../../../schemas/errors.js';
import { streams } from '../../../schemas/subjects.js';
import { damagedArtefact, footer, loadArtefact, openArtefact, type Source } from '../artefact-format.js';
import { checkName, checkRef, goneArtefact, versionsToDrop, type ArtefactRef, type Artefacts } from '../artefacts.js';

/** Half of the message that a server takes by default, so that headers fit and a cluster needs no setting. */
const chunkBytes = 512 * 1024;
/** Chunks on their way at once: enough to keep the server busy, 4 MiB of memory. */
const window = 8;
const timeoutMs = 10_000;
const full = new Set([10_077 /* maximum bytes exceeded */, 10_047 /* insufficient storage resources */]);

interface Manifest {
  v: 1;
  bytes: number;
  chunkBytes: number;
  attempt: string;
}

const prefix = (name: string, version: number | string): string => `art.${name}.${version}`;
const chunkSubject = ({ name, version }: Pick<ArtefactRef, 'name' | 'version'>, attempt: string, n: number | string): string => `${prefix(name, version)}.chunk.${attempt}.${n}`;
const manifestSubject = ({ name, version, sha256 }: ArtefactRef): string => `${prefix(name, version)}.manifest.${sha256}`;
const promotedSubject = (name: string, version: number | string): string => `${prefix(name, version)}.promoted`;

export function jetstreamArtefacts(nc: NatsConnection): Artefacts {
  const store = createStore(nc);
  return {
    async put(name, version, parts) {
      checkName(name, version);
      const attempt = nuid.next();
      try {
        const { sha256, bytes } = await writeChunks(parts, (n, chunk) => store.publish(chunkSubject({ name, version }, attempt, n), chunk));
        const ref = { name, version, sha256, bytes };
        const manifest: Manifest = { v: 1, bytes, chunkBytes, attempt };
        await store.publish(manifestSubject(ref), Buffer.from(JSON.stringify(manifest)));
        await dropOld(store, name);
        return ref;
      } catch (error) {
        // Best effort: what cannot be removed now goes with the version.
        await store.purge(chunkSubject({ name, version }, attempt, '*')).catch(() => undefined);
        throw error;
      }
    },
    get: async (ref) => openArtefact(ref, await openSource(store, ref)),
    load: async (ref) => loadArtefact(ref, await openSource(store, ref)),
    async list(name) {
      checkName(name, 0);
      const found = (await store.subjects(`art.${name}.>`)).map((subject) => subject.split('.')).filter((tokens) => tokens[3] === 'manifest');
      const refs = await Promise.all(found.map(async (tokens): Promise<ArtefactRef[]> => {
        const ref = { name, version: Number(tokens[2]), sha256: tokens[4], bytes: 0 };
        const manifest = await store.last(manifestSubject(ref));
        return manifest === undefined ? [] : [{ ...ref, bytes: readManifest(ref, manifest.body).bytes }];
      }));
      return refs.flat().sort((a, b) => b.version - a.version || (a.sha256 < b.sha256 ? -1 : 1));
    },
    async drop(name, version) {
      checkName(name, version);
      await store.purge(`${prefix(name, version)}.>`);
    },
    async keep(ref) {
      await openSource(store, ref);
      await store.publish(promotedSubject(ref.name, ref.version), Buffer.from(ref.sha256));
      // A put that dropped old versions had perhaps looked before the mark was there.
      await openSource(store, ref);
    },
  };
}

/** Cuts what comes into chunks, a few on their way at once. */
async function writeChunks(parts: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, send: (n: number, chunk: Uint8Array) => Promise<unknown>): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  const lengths: number[] = [];
  const sending: Promise<unknown>[] = [];
  let chunk = Buffer.alloc(chunkBytes);
  let [filled, sent, bytes] = [0, 0, 0];
  const flush = async (): Promise<void> => {
    const ready = chunk.subarray(0, filled);
    hash.update(ready);
    const sentChunk = send(sent++, ready);
    sentChunk.catch(() => undefined); // awaited below
    sending.push(sentChunk);
    chunk = Buffer.alloc(chunkBytes);
    filled = 0;
    if (sending.length >= window) await sending.shift();
  };
  const append = async (part: Uint8Array): Promise<void> => {
    bytes += part.byteLength;
    for (let start = 0; start < part.byteLength;) {
      const taken = Math.min(chunkBytes - filled, part.byteLength - start);
      chunk.set(part.subarray(start, start + taken), filled);
      filled += taken;
      start += taken;
      if (filled === chunkBytes) await flush();
    }
  };
  try {
    for await (const part of parts) {
      lengths.push(part.byteLength);
      await append(part);
    }
    await append(footer(lengths));
    if (filled > 0) await flush();
    await Promise.all(sending);
  } finally {
    await Promise.allSettled(sending); // a chunk that is still on its way would come after it was purged
  }
  return { sha256: hash.digest('hex'), bytes };
}

/** All of a version goes together: an attempt that was given up, and finishes late, must not drop what the next has handed on. */
async function dropOld(store: Store, name: string): Promise<void> {
  const subjects = await store.subjects(`art.${name}.>`);
  const versionsOf = (kind: string): number[] => subjects.filter((subject) => subject.split('.')[3] === kind).map((subject) => Number(subject.split('.')[2]));
  const marks = await Promise.all([...new Set(versionsOf('promoted'))].map(async (version) => ({ version, seq: (await store.last(promotedSubject(name, version)))?.seq ?? 0 })));
  const promoted = marks.sort((a, b) => b.seq - a.seq).map(({ version }) => version);
  const versions = subjects.map((subject) => Number(subject.split('.')[2]));
  for (const version of versionsToDrop(versions, versionsOf('manifest'), promoted)) await store.purge(`${prefix(name, version)}.>`);
}

/** @throws AftercareError bad_file when there is no manifest */
async function openSource(store: Store, ref: ArtefactRef): Promise<Source> {
  checkRef(ref);
  const found = await store.last(manifestSubject(ref));
  if (found === undefined) throw goneArtefact(ref);
  const manifest = readManifest(ref, found.body);
  const chunks = Math.ceil(manifest.bytes / manifest.chunkBytes);
  const readChunk = async (n: number): Promise<Uint8Array> => {
    const chunk = (await store.last(chunkSubject(ref, manifest.attempt, n)))?.body;
    if (chunk === undefined) throw (await store.last(manifestSubject(ref))) === undefined ? goneArtefact(ref) : damagedArtefact(ref, `chunk ${n} is missing`);
    const wanted = n === chunks - 1 ? manifest.bytes - n * manifest.chunkBytes : manifest.chunkBytes;
    if (chunk.byteLength !== wanted) throw damagedArtefact(ref, `chunk ${n} has ${chunk.byteLength} bytes instead of ${wanted}`);
    return chunk;
  };
  let kept: { n: number; chunk: Uint8Array } | undefined;
  return {
    bytes: manifest.bytes,
    async read(start, length) {
      const bytes = new Uint8Array(length);
      const [first, end] = [Math.floor(start / manifest.chunkBytes), Math.ceil((start + length) / manifest.chunkBytes)];
      for (let from = first; from < end && length > 0; from += window) {
        const numbers = Array.from({ length: Math.min(window, end - from) }, (_, i) => from + i);
        const read = await Promise.all(numbers.map(async (n) => ({ n, chunk: kept?.n === n ? kept.chunk : await readChunk(n) })));
        for (const { n, chunk } of read) {
          const offset = n * manifest.chunkBytes - start;
          bytes.set(chunk.subarray(Math.max(0, -offset), Math.min(chunk.byteLength, length - offset)), Math.max(0, offset));
        }
        kept = read.at(-1); // where one read ends the next one begins
      }
      return bytes;
    },
  };
}

function readManifest(ref: ArtefactRef, body: Uint8Array): Manifest {
  const whole = (n: unknown, minimum: number): boolean => Number.isSafeInteger(n) && (n as number) >= minimum;
  try {
    const manifest = JSON.parse(Buffer.from(body).toString()) as Partial<Manifest>;
    if (manifest.v === 1 && whole(manifest.bytes, 0) && whole(manifest.chunkBytes, 1) && typeof manifest.attempt === 'string') return manifest as Manifest;
  } catch (cause) {
    throw new AftercareError('bad_file', damagedArtefact(ref, 'its manifest is not JSON').message, { cause });
  }
  throw damagedArtefact(ref, 'its manifest is none, or of a newer program');
}

type Store = ReturnType<typeof createStore>;

/** The stream's own operations, with one kind of error for a server that does not answer. */
function createStore(nc: NatsConnection) {
  const js = jetstream(nc, { timeout: timeoutMs });
  let manager: Promise<JetStreamManager> | undefined;
  const ask = async <T>(what: string, work: (jsm: JetStreamManager) => Promise<T>): Promise<T> => {
    try {
      manager ??= jetstreamManager(nc, { checkAPI: false, timeout: timeoutMs });
      return await work(await manager);
    } catch (error) {
      if (error instanceof JetStreamApiError && full.has(error.code)) {
        throw new AftercareError('refused', `the artefact store is full (${error.message}); raise max_bytes of the stream ${streams.artefacts}, as AFTERCARE_ARTEFACTS_BYTES does for a new one`, { cause: error });
      }
      throw new AftercareError('unavailable', `artefact store: ${what}: ${messageOf(error)}; is NATS running, and was the stream ${streams.artefacts} made by "aftercare up"?`, { cause: error });
    }
  };
  return {
    publish: (subject: string, body: Uint8Array) => ask(`writing ${subject}`, () => js.publish(subject, body, { timeout: timeoutMs })),
    /** The newest message of a subject. Any replica may say what it has; that there is nothing, the leader alone. */
    last: (subject: string) => ask(`reading ${subject}`, async (jsm) => {
      const query = { last_by_subj: subject };
      const found = (await jsm.direct.getMessage(streams.artefacts, query)) ?? (await jsm.streams.getMessage(streams.artefacts, query));
      return found === null ? undefined : { seq: found.seq, body: found.data };
    }),
    subjects: (filter: string) => ask(`listing ${filter}`, async (jsm) => Object.keys((await jsm.streams.info(streams.artefacts, { subjects_filter: filter })).state.subjects ?? {})),
    purge: (filter: string) => ask(`dropping ${filter}`, (jsm) => jsm.streams.purge(streams.artefacts, { filter })),
  };
}
