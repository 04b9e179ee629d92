import { createServer, type Server } from 'node:net';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { launch } from '../../servers/launch.js';
import { freePorts, isFree } from '../../servers/ports.js';
import type { ChildOptions } from '../../servers/process.js';
import { tempDir } from './temp-dir.js';

const temp = tempDir();
afterAll(temp.remove);
const squatters: Server[] = [];
afterEach(() => { for (const squatter of squatters.splice(0)) squatter.close(); });

const squat = (port: number): void => { squatters.push(createServer().listen({ host: '127.0.0.1', port })); };
const child = (port: number): ChildOptions => ({
  name: 'echo', port, command: process.execPath, args: ['-e', `require('node:net').createServer().listen(${port}, '127.0.0.1')`],
});

/** Ready means that our own server has the port: a squatter holds it until it is closed, and the child would have ended. */
const listens = async (port: number): Promise<boolean> => squatters.length === 0 && !(await isFree(port));

describe('launch', () => {
  it('chooses another port when somebody took the chosen one before the server did', async () => {
    const tried: number[] = [];
    const { server, ports } = await launch({
      dataDir: temp.path, ports: { port: undefined }, patienceMs: 20_000,
      child: ({ port }) => {
        if (tried.push(port) === 1) squat(port);
        return child(port);
      },
      ready: async ({ port }) => (tried.length > 1 ? !(await isFree(port)) : listens(port)),
    });
    await server.stop();
    expect(tried).toHaveLength(2);
    expect(tried[0]).not.toBe(tried[1]);
    expect(ports.port).toBe(tried[1]);
  });

  it('says what the server said when the caller named the port', async () => {
    const [port = 0] = await freePorts(1);
    squat(port);
    const started = launch({ dataDir: temp.path, ports: { port }, patienceMs: 20_000, child: (ports) => child(ports.port), ready: (ports) => listens(ports.port) });
    await expect(started).rejects.toThrow(/echo on port \d+ exited .*EADDRINUSE/s);
  });

  it('does not try again when a server ends for another reason', async () => {
    let tries = 0;
    const started = launch({
      dataDir: temp.path, ports: { port: undefined }, patienceMs: 20_000, ready: () => Promise.resolve(false),
      child: ({ port }) => { tries += 1; return { ...child(port), args: ['-e', 'throw new Error("no disk")'] }; },
    });
    await expect(started).rejects.toThrow('no disk');
    expect(tries).toBe(1);
  });
});

describe('freePorts', () => {
  it('names different ports that no outgoing connection is given', async () => {
    const ports = await freePorts(50);
    expect(new Set(ports).size).toBe(50);
    expect(Math.max(...ports)).toBeLessThan(32_768);
    expect(Math.min(...ports)).toBeGreaterThanOrEqual(10_000);
  });
});
