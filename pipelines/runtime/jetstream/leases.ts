/**
 * A lease is a key of a KV bucket whose entries expire. Its first revision is the epoch: revisions only grow, so a
 * later owner always has a larger one.
 */
import { Kvm, type KV } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { buckets } from '../../../schemas/subjects.js';
import type { Lease, Leases } from '../ports.js';
import { isOvertaken } from './api-errors.js';

/** The share of the time to live after which the owner stops by itself: its clock and the server's may run apart. */
const ownShare = 0.7;

export async function jetstreamLeases(nc: NatsConnection, ttlMs: number, replicas: number): Promise<Leases> {
  const kv = await new Kvm(nc).create(`${buckets.leases}`, { ttl: ttlMs, history: 1, replicas });
  return {
    ttlMs,
    async acquire(name, holder) {
      const askedMs = performance.now();
      try {
        return keep(kv, name, holder, await kv.create(name, holder), askedMs, ttlMs);
      } catch (error) {
        if (isOvertaken(error)) return undefined;
        throw error;
      }
    },
  };
}

function keep(kv: KV, name: string, holder: string, epoch: number, acquiredMs: number, ttlMs: number): Lease {
  let revision = epoch;
  // From before the request was sent: the server's clock for the entry starts later.
  let renewedMs = acquiredMs;
  let lost = false;
  let renewing: Promise<void> | undefined;
  const renew = async (): Promise<void> => {
    const askedMs = performance.now();
    try {
      revision = await kv.update(name, holder, revision);
      renewedMs = askedMs;
    } catch (error) {
      // Someone else wrote it, or an update whose answer was lost did; either way this revision is not ours any more.
      if (isOvertaken(error)) lost = true;
    }
  };
  const timer = setInterval(() => {
    if (lost || renewing !== undefined) return;
    renewing = renew().finally(() => { renewing = undefined; });
  }, ttlMs / 4);
  return {
    epoch,
    held: () => !lost && performance.now() - renewedMs < ttlMs * ownShare,
    async release() {
      clearInterval(timer);
      await renewing;
      if (lost) return;
      lost = true;
      await kv.delete(name, { previousSeq: revision });
    },
  };
}
