import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startNats, type NatsServer } from '../../servers/nats.js';
import { commandLineOf } from '../../servers/process-identity.js';
import { tempDir } from './temp-dir.js';

const temp = tempDir();
const dataDir = join(temp.path, 'nats');
let server: NatsServer;
const options = (): { servers: string; user: string; pass: string; reconnect: false } => ({ servers: server.url, user: server.user ?? '', pass: server.password ?? '', reconnect: false });

beforeAll(async () => { server = await startNats({ dataDir }); });
afterAll(async () => { await server.stop(); temp.remove(); });

describe('startNats', () => {
  it('keeps its password out of sight: files of mode 0600, nothing on the command line', () => {
    for (const file of ['nats.conf', 'credentials.json', 'owner.json']) expect(statSync(join(dataDir, file)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(dataDir, 'nats.conf'), 'utf8')).toContain(server.password);
    expect(commandLineOf(server.pid)).not.toContain(server.password);
  });

  it('listens on the loopback alone', () => {
    expect(server.url).toBe(`nats://127.0.0.1:${server.port}`);
    expect(server.lastLines().join('\n')).toContain(`client connections on 127.0.0.1:${server.port}`);
  });

  it('refuses a wrong password and no password', async () => {
    await expect(connect({ ...options(), pass: 'wrong' })).rejects.toThrow(/Authorization/i);
    await expect(connect({ servers: server.url, reconnect: false })).rejects.toThrow(/Authorization/i);
  });

  it('lets a body of 10 MB in, so that it can be rejected by name', async () => {
    const nc = await connect(options());
    expect(nc.info?.max_payload).toBe(16 * 1024 * 1024);
    const subscription = nc.subscribe('large', { max: 1 });
    nc.publish('large', new Uint8Array(10_000_000));
    for await (const message of subscription) expect(message.data.length).toBe(10_000_000);
    await nc.close();
  });

  it('refuses a second start on the same directory', async () => {
    await expect(startNats({ dataDir })).rejects.toThrow(/nats-server already runs on .* \(process \d+, started by \d+\): stop it first/);
  });

  it('keeps what was acknowledged over kill -9, at the same address, and is back within a second', async () => {
    let nc = await connect(options());
    await (await jetstreamManager(nc)).streams.add({ name: 'KEPT', subjects: ['kept'] });
    for (let round = 1; round <= 3; round += 1) {
      for (let i = 0; i < 50; i += 1) await jetstream(nc).publish('kept', `${round}.${i}`);
      server.kill('SIGKILL');
      expect((await server.exited).signal).toBe('SIGKILL');
      await nc.close();
      const before = { url: server.url, password: server.password };
      const startedAt = performance.now();
      server = await startNats({ dataDir });
      expect(performance.now() - startedAt).toBeLessThan(1_000);
      expect({ url: server.url, password: server.password }).toEqual(before);
      nc = await connect(options());
      expect((await (await jetstreamManager(nc)).streams.info('KEPT')).state.messages).toBe(50 * round);
    }
    await nc.close();
  });
});
