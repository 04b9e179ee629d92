/** Asking a service, from the other side: the command line, workflows and tests. */
import type { NatsConnection } from '@nats-io/transport-node';
import { AftercareError, messageOf } from '../../schemas/errors.js';
import { errorHeaders } from '../../schemas/services.js';

/**
 * @param body  made JSON
 * @throws AftercareError bad_request with the service's own words, unavailable when nobody answers
 */
export async function requestService<T>(nc: NatsConnection, subject: string, body: unknown, timeoutMs = 5000): Promise<T> {
  const reply = await nc.request(subject, JSON.stringify(body), { timeout: timeoutMs }).catch((error: unknown) => {
    throw new AftercareError('unavailable', `${subject} does not answer: ${messageOf(error)}; is "aftercare up" running?`, { cause: error });
  });
  const failed = reply.headers?.get(errorHeaders.text);
  if (failed) {
    const code = Number(reply.headers?.get(errorHeaders.code));
    throw new AftercareError(code < 500 ? 'bad_request' : 'unavailable', failed);
  }
  return reply.json<T>();
}
