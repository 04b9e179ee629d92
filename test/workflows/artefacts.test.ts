/** Both adapters keep the same promises. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { artefactFiles } from '../../activities/artefact-files.js';
import { memoryArtefacts } from '../../activities/artefact-memory.js';
import type { ArtefactRef, Artefacts } from '../../activities/artefacts.js';
import { tempDir } from '../support/temp.js';

interface Driver {
  artefacts: Artefacts;
  /** flips one bit of what is stored */
  damage(ref: ArtefactRef, at: number): void;
}

let folders = 0;
const directory = tempDir();
const drivers: Record<string, () => Driver> = {
  files() {
    const folder = join(directory, String(++folders));
    return {
      artefacts: artefactFiles(folder),
      damage(ref, at) {
        const path = join(folder, ref.name, `${ref.version}-${ref.sha256}.artefact`);
        const bytes = readFileSync(path);
        bytes[at] ^= 1;
        writeFileSync(path, bytes);
      },
    };
  },
  memory() {
    const artefacts = memoryArtefacts();
    return { artefacts, damage: (ref, at) => { (artefacts.bytesOf(ref) as Uint8Array)[at] ^= 1; } };
  },
};

const parts = [Buffer.from('first'), Buffer.alloc(0), Buffer.alloc(3 * 1024 * 1024 + 7, 'x'), Buffer.from('last')];

describe.each(Object.entries(drivers))('artefacts: %s', (_name, make) => {
  it('gives back each part, proven by the hash of the whole', async () => {
    const { artefacts } = make();
    const ref = await artefacts.put('item_neighbours', 17, parts);
    expect(ref).toMatchObject({ name: 'item_neighbours', version: 17, bytes: 3 * 1024 * 1024 + 16 + 4 * 8 + 8 });
    const artefact = await artefacts.get(JSON.parse(JSON.stringify(ref)) as ArtefactRef);
    expect(artefact.parts).toBe(4);
    for (const index of [3, 0, 1, 2]) expect(Buffer.from(await artefact.part(index)).equals(parts[index])).toBe(true);
    expect(() => artefact.part(4)).toThrow(/no part 4, only 0 to 3/);
    await artefact.close();
  });

  it('holds nothing as well as something', async () => {
    const { artefacts } = make();
    const artefact = await artefacts.get(await artefacts.put('empty', 0, []));
    expect(artefact.parts).toBe(0);
    await artefact.close();
  });

  it('the same parts have the same hash, which is that of the bytes', async () => {
    const [one, other] = [await make().artefacts.put('a', 1, parts), await memoryArtefacts().put('b', 2, parts)];
    expect(one.sha256).toBe(other.sha256);
  });

  it.each([0, 100_000, 3 * 1024 * 1024 + 30])('a bit that flipped at byte %i is damage, and is named', async (at) => {
    const { artefacts, damage } = make();
    const ref = await artefacts.put('item_neighbours', 17, parts);
    damage(ref, at);
    const error = await artefacts.get(ref).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'bad_file', message: expect.stringMatching(/artefact item_neighbours 17 \(sha256 [0-9a-f]{12}\) is damaged: its checksum/) as unknown });
  });

  it('says what is wrong with a reference to something else', async () => {
    const { artefacts } = make();
    const ref = await artefacts.put('a', 1, parts);
    await expect(artefacts.get({ ...ref, bytes: 3 })).rejects.toThrow(/has 3145784 bytes instead of 3/);
    await expect(artefacts.get({ ...ref, version: 2 })).rejects.toMatchObject({ code: 'bad_file' });
    await expect(artefacts.get({ ...ref, name: '../a' })).rejects.toMatchObject({ code: 'bad_request' });
    await expect(artefacts.get({ ...ref, sha256: '../../etc' })).rejects.toMatchObject({ code: 'bad_request' });
    await expect(artefacts.put('a', Number.NaN, parts)).rejects.toMatchObject({ code: 'bad_request' });
  });

  it('keeps the newest three versions of a name, whatever the order they come in', async () => {
    const { artefacts } = make();
    const other = await artefacts.put('other', 1, parts);
    const refs: ArtefactRef[] = [];
    for (const version of [10, 40, 20, 30]) refs.push(await artefacts.put('a', version, [Buffer.from(String(version))]));
    await expect(artefacts.get(refs[0])).rejects.toMatchObject({ code: 'bad_file' });
    for (const ref of [...refs.slice(1), other]) await (await artefacts.get(ref)).close();
  });

  it('two attempts at one version are both there, since either may be the one that is handed on', async () => {
    const { artefacts } = make();
    const refs = [await artefacts.put('a', 1, [Buffer.from('one')]), await artefacts.put('a', 1, [Buffer.from('two')])];
    for (const ref of refs) await (await artefacts.get(ref)).close();
  });

  it('what is open stays readable when it is dropped', async () => {
    const { artefacts } = make();
    const artefact = await artefacts.get(await artefacts.put('a', 1, parts));
    for (const version of [2, 3, 4]) await artefacts.put('a', version, parts);
    expect(Buffer.from(await artefact.part(3)).toString()).toBe('last');
    await artefact.close();
  });

  it('a source that fails leaves nothing', async () => {
    const { artefacts } = make();
    const failing = function* (): Generator<Uint8Array> { yield parts[0]; throw new Error('the shard is gone'); };
    await expect(artefacts.put('a', 1, failing())).rejects.toThrow('the shard is gone');
    const { artefacts: files } = drivers.files();
    await expect(files.put('a', 1, failing())).rejects.toThrow('the shard is gone');
    expect(readdirSync(join(directory, String(folders), 'a'))).toEqual([]);
  });
});

it('a file is what sha256sum says, and one that was cut short is damage', async () => {
  const folder = join(directory, 'sum');
  const artefacts = artefactFiles(folder);
  const ref = await artefacts.put('a', 1, parts);
  const path = join(folder, 'a', `1-${ref.sha256}.artefact`);
  expect(createHash('sha256').update(readFileSync(path)).digest('hex')).toBe(ref.sha256);
  truncateSync(path, 1000);
  await expect(artefacts.get(ref)).rejects.toThrow(/damaged: it has 1000 bytes instead of/);
});

it('files of a process that was killed in the middle go with their version', async () => {
  const folder = join(directory, 'killed');
  const artefacts = artefactFiles(folder);
  await artefacts.put('a', 1, parts);
  writeFileSync(join(folder, 'a', '1-00000000-0000-4000-8000-000000000000.tmp'), 'half');
  for (const version of [2, 3, 4]) await artefacts.put('a', version, parts);
  expect(readdirSync(join(folder, 'a')).map((name) => Number.parseInt(name, 10)).sort()).toEqual([2, 3, 4]);
});
