import { jetstream } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import type { Messages } from '../ports.js';

/** Control characters would end a header early. */
const oneLine = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 500);

export function jetstreamMessages(nc: NatsConnection): Messages {
  const js = jetstream(nc, { timeout: 5000 });
  return {
    async publish({ subject, id, headers: given, body }) {
      const fields = headers();
      for (const [name, value] of Object.entries(given)) fields.set(name, oneLine(value));
      await js.publish(subject, body, { msgID: id, headers: fields });
    },
  };
}
