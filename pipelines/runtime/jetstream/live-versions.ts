import { Kvm, type KV } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { AftercareError, messageOf } from '../../../schemas/errors.js';
import { buckets } from '../../../schemas/subjects.js';
import { nobody, type LiveRecord, type LiveVersions } from '../live-versions.js';
import { isOvertaken } from './api-errors.js';

/** Changes that an operator may want to look back on; the table `promotions` has them all. */
const history = 16;

/** Makes the bucket where there is none. @param replicas  of the bucket: 1 on a single server, 3 on a cluster */
export async function ensureLiveVersions(nc: NatsConnection, replicas: number): Promise<void> {
  await new Kvm(nc).create(buckets.live, { history, replicas });
}

export function jetstreamLiveVersions(nc: NatsConnection): LiveVersions {
  let bucket: Promise<KV> | undefined;
  const opened = async (): Promise<KV> => {
    bucket ??= new Kvm(nc).open(buckets.live);
    try {
      return await bucket;
    } catch (error) {
      bucket = undefined; // the next call tries again
      throw error;
    }
  };
  return {
    async read(model) {
      try {
        const entry = await (await opened()).get(model);
        if (entry === null) return { record: nobody, revision: 0 };
        return { record: entry.operation === 'PUT' ? entry.json<LiveRecord>() : nobody, revision: entry.revision };
      } catch (error) {
        throw unavailable(`reading ${model}`, error);
      }
    },
    async write(model, record, revision) {
      try {
        const body = JSON.stringify(record);
        const kv = await opened();
        return revision === 0 ? await kv.create(model, body) : await kv.update(model, body, revision);
      } catch (error) {
        if (isOvertaken(error)) throw new AftercareError('fenced', `live version of ${model}: it has changed meanwhile`, { cause: error });
        throw unavailable(`writing ${model}`, error);
      }
    },
  };
}

const unavailable = (what: string, error: unknown): AftercareError =>
  new AftercareError('unavailable', `live versions: ${what}: ${messageOf(error)}; is NATS running?`, { cause: error });
