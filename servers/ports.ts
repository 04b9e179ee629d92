import { createServer } from 'node:net';

/** Everything listens here and nowhere else: the development servers are for this machine. */
export const loopback = '127.0.0.1';

/** True when `port` can be bound on the loopback at this moment. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => { resolve(false); });
    probe.listen({ host: loopback, port, exclusive: true }, () => { probe.close(() => { resolve(true); }); });
  });
}

/**
 * `count` different free loopback ports. They are all held open until the last one is known, so that the kernel
 * cannot name one twice; between the answer and its use another process may still take one, and the server says so.
 */
export async function freePorts(count: number): Promise<number[]> {
  const probes = await Promise.all(Array.from({ length: count }, listenAnywhere));
  const ports = probes.map((probe) => portOf(probe.address()));
  await Promise.all(probes.map((probe) => new Promise((resolve) => probe.close(resolve))));
  return ports;
}

function listenAnywhere(): Promise<ReturnType<typeof createServer>> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen({ host: loopback, port: 0 }, () => { resolve(probe); });
  });
}

function portOf(address: ReturnType<ReturnType<typeof createServer>['address']>): number {
  if (address === null || typeof address === 'string') throw new Error(`ports: expected a TCP address, got ${String(address)}`);
  return address.port;
}
