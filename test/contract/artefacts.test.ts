/** Both adapters keep the same promises. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { footer } from '../../pipelines/runtime/artefact-format.js';
import type { ArtefactRef, Artefacts } from '../../pipelines/runtime/artefacts.js';
import { jetstreamArtefacts } from '../../pipelines/runtime/jetstream/artefacts.js';
import { connectNats } from '../../pipelines/runtime/jetstream/connect.js';
import { ensureStreams } from '../../pipelines/runtime/jetstream/streams.js';
import { memoryArtefacts } from '../../pipelines/runtime/memory/artefacts.js';
import { streams } from '../../schemas/subjects.js';
import { startNats } from '../../servers/nats.js';
import { tempDir } from '../support/temp.js';

const directory = tempDir();
let server: Awaited<ReturnType<typeof startNats>>;
let nc: NatsConnection;
let jsm: JetStreamManager;
const artefactsBytesMax = 128 * 2 ** 20;

beforeAll(async () => {
  server = await startNats({ dataDir: join(directory, 'nats') });
  nc = await connectNats(server, 'test');
  jsm = await jetstreamManager(nc);
  await ensureStreams(jsm, { shards: 1, replicas: 1, eventsBytesMax: 2 ** 28, artefactsBytesMax });
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});

interface Driver {
  artefacts: Artefacts;
  /** flips one bit of what is stored */
  damage(ref: ArtefactRef, at: number): Promise<void>;
}

const subjectsOf = async (filter: string): Promise<string[]> => Object.keys((await jsm.streams.info(streams.artefacts, { subjects_filter: filter })).state.subjects ?? {});

const drivers: Record<string, () => Driver> = {
  jetstream: () => ({
    artefacts: jetstreamArtefacts(nc),
    async damage(ref, at) {
      const manifest = await jsm.streams.getMessage(streams.artefacts, { last_by_subj: `art.${ref.name}.${ref.version}.manifest.${ref.sha256}` });
      const { attempt, chunkBytes } = manifest?.json<{ attempt: string; chunkBytes: number }>() ?? { attempt: '', chunkBytes: 1 };
      const subject = `art.${ref.name}.${ref.version}.chunk.${attempt}.${Math.floor(at / chunkBytes)}`;
      const chunk = (await jsm.streams.getMessage(streams.artefacts, { last_by_subj: subject }))?.data ?? new Uint8Array();
      chunk[at % chunkBytes] ^= 1;
      await jetstream(nc).publish(subject, chunk); // the newest message of a subject is the one that is read
    },
  }),
  memory() {
    const artefacts = memoryArtefacts();
    return { artefacts, damage: (ref, at) => { (artefacts.bytesOf(ref) as Uint8Array)[at] ^= 1; return Promise.resolve(); } };
  },
};

const parts = [Buffer.from('first'), Buffer.alloc(0), Buffer.alloc(3 * 1024 * 1024 + 7, 'x'), Buffer.from('last')];
const whole = Buffer.concat([...parts, footer(parts.map(({ length }) => length))]);

let names = 0;
/** The stream is shared by all tests. */
const freshName = (): string => `a${++names}`;
const outcome = (work: Promise<unknown>): Promise<unknown> => work.then(() => 'done', (error: unknown) => error);

describe.each(Object.entries(drivers))('artefacts: %s', (_name, make) => {
  let artefacts: Artefacts;
  let damage: Driver['damage'];
  let name: string;
  beforeEach(() => {
    ({ artefacts, damage } = make());
    name = freshName();
  });
  /** of each version, whether it is there */
  const there = async (refs: ArtefactRef[]): Promise<number[]> => {
    const found: number[] = [];
    for (const ref of refs) if ((await outcome(artefacts.get(ref))) === 'done') found.push(ref.version);
    return found;
  };

  it('gives back each part, proven by the hash of the whole', async () => {
    const ref = await artefacts.put('item_neighbours', 17, parts);
    expect(ref).toEqual({ name: 'item_neighbours', version: 17, bytes: whole.length, sha256: createHash('sha256').update(whole).digest('hex') });
    const artefact = await artefacts.get(JSON.parse(JSON.stringify(ref)) as ArtefactRef);
    expect(artefact.parts).toBe(4);
    for (const index of [3, 0, 1, 2]) expect(Buffer.from(await artefact.part(index)).equals(parts[index])).toBe(true);
    expect(() => artefact.part(4)).toThrow(/no part 4, only 0 to 3/);
    await artefact.close();
    expect(() => artefact.part(0)).toThrow(/closed/);
  });

  it('lists those of a name that are whole, the newest first', async () => {
    expect(await artefacts.list(name)).toEqual([]);
    const refs = [await artefacts.put(name, 2, parts), await artefacts.put(name, 1, parts), await artefacts.put(name, 3, [])];
    await expect(artefacts.put(name, 4, (function* () { yield parts[0]; throw new Error('cut short'); })())).rejects.toThrow('cut short');
    await artefacts.put(`${name}2`, 9, parts);
    expect(await artefacts.list(name)).toEqual([refs[2], refs[0], refs[1]]);
  });

  it('loads all of it, each part in a buffer of its own', async () => {
    const ref = await artefacts.put(name, 1, parts);
    const loaded = await artefacts.load(ref);
    expect(loaded.map((part) => Buffer.from(part).equals(parts[loaded.indexOf(part)]))).toEqual([true, true, true, true]);
    for (const part of loaded) expect([part.byteOffset, part.buffer.byteLength]).toEqual([0, part.byteLength]);
    loaded[0][0] ^= 1; // nobody else's
    expect(Buffer.from((await artefacts.load(ref))[0]).toString()).toBe('first');
  });

  it.each([[], [Buffer.alloc(0)], [Buffer.alloc(512 * 1024 - 16)], [Buffer.alloc(512 * 1024)], [Buffer.alloc(512 * 1024 - 8), Buffer.alloc(1)]])('holds nothing as well as something, and what fills a chunk', async (...some) => {
    const ref = await artefacts.put(name, 0, some);
    expect((await artefacts.load(ref)).map(({ length }) => length)).toEqual(some.map(({ length }) => length));
    expect((await artefacts.get(ref)).parts).toBe(some.length);
  });

  it.each([0, 100_000, whole.length - 40, whole.length - 1])('a bit that flipped at byte %i is damage, and is named', async (at) => {
    const ref = await artefacts.put(name, 17, parts);
    await damage(ref, at);
    for (const read of [artefacts.get, artefacts.load]) {
      expect(await outcome(read(ref))).toMatchObject({ code: 'bad_file', message: expect.stringMatching(new RegExp(`artefact ${name} 17 \\(sha256 [0-9a-f]{12}\\) is damaged: it`)) as unknown });
    }
  });

  it('says what is wrong with a reference to something else', async () => {
    const ref = await artefacts.put(name, 1, parts);
    for (const read of [artefacts.get, artefacts.load]) {
      await expect(read({ ...ref, bytes: 3 })).rejects.toThrow(/has 3145784 bytes instead of 3/);
      await expect(read({ ...ref, version: 2 })).rejects.toMatchObject({ code: 'bad_file' });
      await expect(read({ ...ref, sha256: ref.sha256.replace(/^./, (c) => (c === '0' ? '1' : '0')) })).rejects.toMatchObject({ code: 'bad_file' });
      await expect(read({ ...ref, name: '../a' })).rejects.toMatchObject({ code: 'bad_request' });
      await expect(read({ ...ref, name: 'a.b' })).rejects.toMatchObject({ code: 'bad_request' });
      await expect(read({ ...ref, sha256: '../../etc' })).rejects.toMatchObject({ code: 'bad_request' });
    }
    await expect(artefacts.put(name, Number.NaN, parts)).rejects.toMatchObject({ code: 'bad_request' });
  });

  it('keeps the newest three versions of a name, whatever the order they come in', async () => {
    const other = await artefacts.put(freshName(), 1, parts);
    const refs: ArtefactRef[] = [];
    for (const version of [10, 40, 20, 30]) refs.push(await artefacts.put(name, version, [Buffer.from(String(version))]));
    expect(await there([...refs, other])).toEqual([40, 20, 30, 1]);
  });

  it('keeps the three that were promoted last besides, however old, and again when one is promoted again', async () => {
    const refs: ArtefactRef[] = [];
    const add = async (version: number): Promise<ArtefactRef> => {
      const ref = await artefacts.put(name, version, [Buffer.from(String(version))]);
      refs.push(ref);
      return ref;
    };
    for (const version of [1, 2, 3, 4]) await artefacts.keep(await add(version));
    await artefacts.keep(refs[1]); // rolled back to 2: promoted in the order 2, 4, 3, 1
    for (const version of [5, 6, 7]) await add(version);
    expect(await there(refs)).toEqual([2, 3, 4, 5, 6, 7]);
    await artefacts.keep(refs[6]);
    await add(8);
    expect(await there(refs), '3 is behind 7, 2 and 4 now').toEqual([2, 4, 6, 7, 8]);
    await expect(artefacts.keep(refs[0])).rejects.toMatchObject({ code: 'bad_file', message: expect.stringContaining('is not there') as unknown });
  });

  it('two attempts at one version are both there, since either may be the one that is handed on', async () => {
    const refs = [await artefacts.put(name, 1, [Buffer.from('one')]), await artefacts.put(name, 1, [Buffer.from('two')])];
    expect(await Promise.all(refs.map(async (ref) => Buffer.from((await artefacts.load(ref))[0]).toString()))).toEqual(['one', 'two']);
  });

  it('what was dropped while it was open fails as gone, not as something else', async () => {
    const artefact = await artefacts.get(await artefacts.put(name, 1, parts));
    for (const version of [2, 3, 4]) await artefacts.put(name, version, parts);
    await expect(artefact.part(2)).rejects.toMatchObject({ code: 'bad_file', message: expect.stringContaining('is not there') as unknown });
  });

  it('a source that fails leaves nothing, and the next attempt is taken', async () => {
    const failing = function* (): Generator<Uint8Array> { yield parts[2]; throw new Error('the shard is gone'); };
    await expect(artefacts.put(name, 1, failing())).rejects.toThrow('the shard is gone');
    expect(await subjectsOf(`art.${name}.>`)).toEqual([]);
    expect(await there([await artefacts.put(name, 1, parts)])).toEqual([1]);
  });
});

describe('in the stream', () => {
  it('an attempt that was killed in the middle is not seen, and goes with its version', async () => {
    const name = freshName();
    const artefacts = jetstreamArtefacts(nc);
    const never = async function* (): AsyncGenerator<Uint8Array> { yield parts[2]; await new Promise(() => undefined); };
    void artefacts.put(name, 1, never());
    while ((await subjectsOf(`art.${name}.>`)).length < 6) await delay(5);
    for (const version of [2, 3, 4]) await artefacts.put(name, version, parts);
    expect(new Set((await subjectsOf(`art.${name}.>`)).map((subject) => subject.split('.')[2]))).toEqual(new Set(['2', '3', '4']));
  });

  it('a chunk that is missing is damage', async () => {
    const name = freshName();
    const artefacts = jetstreamArtefacts(nc);
    const ref = await artefacts.put(name, 1, parts);
    const chunk = (await subjectsOf(`art.${name}.1.chunk.*.3`))[0];
    await jsm.streams.purge(streams.artefacts, { filter: chunk });
    for (const read of [artefacts.get, artefacts.load]) await expect(read(ref)).rejects.toMatchObject({ code: 'bad_file', message: expect.stringContaining('is damaged: chunk 3 is missing') as unknown });
  });

  it('a full store says so, keeps what it has, and takes what fits', async () => {
    const name = freshName();
    const artefacts = jetstreamArtefacts(nc);
    const ref = await artefacts.put(name, 1, parts);
    const large = Array.from({ length: 140 }, () => Buffer.alloc(2 ** 20, 'y'));
    expect(await outcome(artefacts.put(name, 2, large))).toMatchObject({ code: 'refused', message: expect.stringMatching(/artefact store is full.*AFTERCARE_ARTEFACTS_BYTES/) as unknown });
    expect(await subjectsOf(`art.${name}.2.>`)).toEqual([]);
    expect(await artefacts.load(ref)).toHaveLength(4);
    await artefacts.put(name, 3, parts);
  });

  it('a store that is not there is not taken for one that holds nothing', async () => {
    const ref = { name: freshName(), version: 1, sha256: '0'.repeat(64), bytes: 8 };
    const artefacts = jetstreamArtefacts(nc);
    await expect(artefacts.get(ref)).rejects.toMatchObject({ code: 'bad_file' });
    await jsm.streams.delete(streams.artefacts);
    for (const use of [artefacts.get, artefacts.load, artefacts.keep]) await expect(use(ref)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(artefacts.put(ref.name, 1, parts)).rejects.toMatchObject({ code: 'unavailable' });
    await ensureStreams(jsm, { shards: 1, replicas: 1, eventsBytesMax: 2 ** 28, artefactsBytesMax });
  });
});
