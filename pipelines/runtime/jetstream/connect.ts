import { setTimeout as delay } from 'node:timers/promises';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { AftercareError, messageOf } from '../../../schemas/errors.js';

export interface NatsEndpoint {
  url: string;
  user?: string | undefined;
  password?: string | undefined;
  token?: string | undefined;
}

const retryMs = 200;

/**
 * One connection that outlives restarts of the server.
 * @param name  shown by the server's monitoring
 * @param patienceMs  how long to wait for a server that is not there yet: a part of the system waits, a command does not
 * @throws AftercareError unavailable
 */
export async function connectNats(endpoint: NatsEndpoint, name: string, patienceMs = 0): Promise<NatsConnection> {
  for (const endMs = performance.now() + patienceMs; ;) {
    try {
      return await tryConnect(endpoint, name);
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await delay(retryMs);
    }
  }
}

async function tryConnect(endpoint: NatsEndpoint, name: string): Promise<NatsConnection> {
  try {
    return await connect({
      servers: endpoint.url,
      name,
      ...(endpoint.user === undefined ? {} : { user: endpoint.user, pass: endpoint.password ?? '' }),
      ...(endpoint.token === undefined ? {} : { token: endpoint.token }),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      reconnectJitter: 50,
      // A server that comes back may refuse the first log-ins while it still reads its configuration.
      ignoreAuthErrorAbort: true,
      // Stack traces of every request are the largest cost of js.publish (FACTS).
      noAsyncTraces: true,
      pingInterval: 10_000,
    });
  } catch (error) {
    throw new AftercareError('unavailable', `NATS at ${endpoint.url}: ${messageOf(error)}; is it running, and are NATS_URL and its credentials right?`, { cause: error });
  }
}
