import { AftercareError } from '../schemas/errors.js';
import { choosePorts, recordOwner } from './data-dir.js';
import { awaitReady, spawnServer, type ChildOptions, type ServerHandle } from './process.js';

export interface Launch<Name extends string> {
  /** The server's own directory; the caller has claimed it. */
  dataDir: string;
  /** By name; an undefined one is chosen (`choosePorts`). */
  ports: Record<Name, number | undefined>;
  /** What to start on these ports. */
  child(ports: Record<Name, number>): ChildOptions;
  /** Whether the server answers. */
  ready(ports: Record<Name, number>): Promise<boolean>;
  patienceMs: number;
}

const attemptsMax = 5; // each loses a port to somebody else who chose it in the same milliseconds: five in a row is no accident

/**
 * Starts a server on ports of its own and waits until it answers. A port may be taken by somebody else between the
 * choice and the server's bind; then others are chosen, unless the caller named them.
 * @throws AftercareError `unavailable`, with the server's last lines, when it does not start
 */
export async function launch<Name extends string>(o: Launch<Name>): Promise<{ server: ServerHandle; ports: Record<Name, number> }> {
  const fixed = Object.values<number | undefined>(o.ports).every((port) => port !== undefined);
  for (let attempt = 1; ; attempt += 1) {
    const ports = await choosePorts(o.dataDir, o.ports);
    const server = await spawnServer(o.child(ports));
    recordOwner(o.dataDir, server.pid);
    try {
      await awaitReady(server, () => o.ready(ports), o.patienceMs);
      return { server, ports };
    } catch (error) {
      if (!(error instanceof AftercareError) || fixed || attempt === attemptsMax || !lostItsPort(server)) throw error;
    }
  }
}

/** In the words of Node (ClickHouse's front) and of Go (nats-server, Temporal). */
function lostItsPort(server: ServerHandle): boolean {
  return server.lastLines().some((line) => /EADDRINUSE|address already in use/i.test(line));
}
