/** Both adapters keep the same promises. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectNats } from '../../pipelines/runtime/jetstream/connect.js';
import { ensureLiveVersions, jetstreamLiveVersions } from '../../pipelines/runtime/jetstream/live-versions.js';
import { nobody, promotedRecord, type LiveVersions } from '../../pipelines/runtime/live-versions.js';
import { memoryLiveVersions } from '../../pipelines/runtime/memory/live-versions.js';
import { startNats } from '../../servers/nats.js';
import { tempDir } from '../support/temp.js';

let server: Awaited<ReturnType<typeof startNats>>;
let nc: NatsConnection;
beforeAll(async () => {
  server = await startNats({ dataDir: join(tempDir(), 'nats') });
  nc = await connectNats(server, 'test');
  await ensureLiveVersions(nc, 1);
  await ensureLiveVersions(nc, 1); // as every start does
});
afterAll(async () => {
  await nc.close();
  await server.stop();
});

const drivers: Record<string, () => LiveVersions> = { jetstream: () => jetstreamLiveVersions(nc), memory: memoryLiveVersions };
const ref = { version: 17, sha256: 'a'.repeat(64), bytes: 5 };
const record = promotedRecord(nobody, ref, { atMs: 3, by: 'test', reason: 'first' });

describe.each(Object.entries(drivers))('live versions in %s', (_name, create) => {
  it('start with nobody, and keep what is written', async () => {
    const live = create();
    const model = `m-${randomUUID()}`;
    expect(await live.read(model)).toEqual({ record: nobody, revision: 0 });
    const revision = await live.write(model, record, 0);
    expect(await live.read(model)).toEqual({ record, revision });
    const again = await live.write(model, { ...record, atMs: 4 }, revision);
    expect(again).toBeGreaterThan(revision);
    expect((await live.read(model)).record.atMs).toBe(4);
  });

  it('refuse what was decided on another record', async () => {
    const live = create();
    const model = `m-${randomUUID()}`;
    const revision = await live.write(model, record, 0);
    for (const stale of [0, revision + 100]) await expect(live.write(model, { ...record, by: 'late' }, stale)).rejects.toMatchObject({ code: 'fenced' });
    await live.write(model, { ...record, atMs: 4 }, revision);
    await expect(live.write(model, { ...record, by: 'late' }, revision)).rejects.toMatchObject({ code: 'fenced' });
    expect((await live.read(model)).record).toEqual({ ...record, atMs: 4 });
  });

  it('of many writers on one record take one', async () => {
    const live = create();
    const model = `m-${randomUUID()}`;
    const done = await Promise.allSettled(Array.from({ length: 8 }, (_, n) => live.write(model, { ...record, atMs: n }, 0)));
    expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});
