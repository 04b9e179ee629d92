/**
 * Talking to Temporal from outside: the command line, the console, tests (starting is in runs.ts, schedules in
 * schedules.ts). Not a part of the bundle.
 */
import { Client, Connection, isGrpcServiceError } from '@temporalio/client';
import { AftercareError, messageOf } from '../schemas/errors.js';

export interface TemporalEndpoint {
  address: string;
  namespace: string;
}

const connectMs = 3000;
/** A call to a server on the same machine takes milliseconds; to a loaded cluster, or one that just restarts, seconds. */
const callMs = 10_000;
/** gRPC: nobody there, or no answer in time. */
const silent: ReadonlySet<number> = new Set([4 /* DEADLINE_EXCEEDED */, 14 /* UNAVAILABLE */]);

/** @returns a client; close its `connection` at the end  @throws AftercareError unavailable */
export async function connectTemporal(endpoint: TemporalEndpoint): Promise<Client> {
  try {
    const connection = await Connection.connect({
      address: endpoint.address,
      connectTimeout: connectMs,
      // By default it waits for up to two minutes after a server has restarted.
      channelArgs: { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 500 },
    });
    return new Client({ connection, namespace: endpoint.namespace });
  } catch (error) {
    throw unreachable(endpoint.address, error);
  }
}

/**
 * One call with a deadline: one to a server that is down would otherwise be repeated for minutes.
 * @throws AftercareError unavailable when Temporal does not answer; other errors as they are
 */
export async function callTemporal<T>(client: Client, work: () => Promise<T>): Promise<T> {
  try {
    return await client.withDeadline(Date.now() + callMs, work);
  } catch (error) {
    if (isSilence(error)) throw unreachable((client.connection as Connection).options.address, error);
    throw error;
  }
}

/** The client wraps what the transport says. */
function isSilence(error: unknown): boolean {
  if (isGrpcServiceError(error)) return silent.has(error.code);
  return error instanceof Error && isSilence(error.cause);
}

function unreachable(address: string, cause: unknown): AftercareError {
  return new AftercareError('unavailable', `Temporal at ${address} does not answer: ${messageOf(cause)}; is "aftercare up" running, or is TEMPORAL_ADDRESS wrong?`, { cause });
}
