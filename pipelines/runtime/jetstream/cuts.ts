import { Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { AftercareError } from '../../../schemas/errors.js';
import { buckets } from '../../../schemas/subjects.js';
import type { CutRecord, CutStore } from '../ports.js';
import { isOvertaken } from './api-errors.js';


export async function jetstreamCuts(nc: NatsConnection, replicas: number): Promise<CutStore> {
  const kv = await new Kvm(nc).create(buckets.cuts, { history: 4, replicas });
  return {
    async read(name) {
      const entry = await kv.get(name);
      return entry === null || entry.operation !== 'PUT' ? undefined : { record: entry.json<CutRecord>(), revision: entry.revision };
    },
    async write(name, record, revision) {
      try {
        const body = JSON.stringify(record);
        return revision === 0 ? await kv.create(name, body) : await kv.update(name, body, revision);
      } catch (error) {
        if (isOvertaken(error)) {
          throw new AftercareError('fenced', `cut ${name}: another sink has written it; only one may run`, { cause: error });
        }
        throw error;
      }
    },
  };
}
