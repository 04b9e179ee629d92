import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';

/** Everything listens here and nowhere else: the development servers are for this machine. */
export const loopback = '127.0.0.1';

/** True when `port` can be bound on the loopback at this moment. */
export async function isFree(port: number): Promise<boolean> {
  const probe = await listenOn(port);
  if (probe !== undefined) await close(probe);
  return probe !== undefined;
}

/**
 * `count` different free loopback ports, below those that the kernel gives to outgoing connections: a connection of
 * anybody may take one of those between the answer and its use, and again whenever a server is away for a restart.
 * They are all held open until the last one is known, so that none is named twice. Another process may still choose
 * the same one: who starts a server asks again then.
 */
export async function freePorts(count: number): Promise<number[]> {
  const probes: Server[] = [];
  try {
    while (probes.length < count) {
      const probe = await listenOn(randomInt(floor, ceiling));
      if (probe !== undefined) probes.push(probe);
    }
    return probes.map((probe) => portOf(probe.address()));
  } finally {
    await Promise.all(probes.map(close));
  }
}

const floor = 10_000; // below it stand services with a name
const ceiling = lowestOutgoing();

/** The first port that the kernel gives to an outgoing connection; where it cannot be read, Linux's default, which is below that of macOS and Windows. */
function lowestOutgoing(): number {
  const fallback = 32_768;
  try {
    const lowest = Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10);
    // a machine that gives nearly everything away leaves no room: there the usual range is as good as any
    return lowest >= floor + 1_000 ? lowest : fallback;
  } catch {
    return fallback;
  }
}

function listenOn(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => { resolve(undefined); });
    probe.listen({ host: loopback, port, exclusive: true }, () => { resolve(probe); });
  });
}

function close(probe: Server): Promise<void> {
  return new Promise((resolve) => probe.close(() => { resolve(); }));
}

function portOf(address: ReturnType<Server['address']>): number {
  if (address === null || typeof address === 'string') throw new Error(`ports: expected a TCP address, got ${String(address)}`);
  return address.port;
}
