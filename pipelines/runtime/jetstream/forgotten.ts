/**
 * Who is to be forgotten, and what follows for the shards, in a bucket:
 *
 *   asked.<sha256>   the customer, while it is under way: Temporal keeps the input of every run, and shall keep no name
 *   done.<sha256>    {"shard":0,"seq":1234,"atMs":...}: up to which message nothing of the customer is left
 *   floor.<shard>    1234: no snapshot below it may be used again
 */
import { createHash } from 'node:crypto';
import { jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import { buckets } from '../../../schemas/subjects.js';

export interface ForgottenAt {
  shard: number;
  /** sequence of EVENTS */
  seq: number;
  atMs: number;
}

export interface Forgotten {
  /** @returns the key that stands for the customer, sha256 in hexadecimal, and whether it was asked for already */
  ask(customer: string): Promise<{ key: string; before: boolean }>;
  /** Forgets the name itself. */
  withdraw(key: string): Promise<void>;
  /** @returns undefined when nobody is asked for by that key, or it is done */
  nameOf(key: string): Promise<string | undefined>;
  done(key: string, at: ForgottenAt): Promise<void>;
  doneOf(key: string): Promise<ForgottenAt | undefined>;
  /** @returns 0 without one */
  floorOf(shard: number): Promise<number>;
  /** Never lowers it. */
  raiseFloor(shard: number, seq: number): Promise<void>;
}

export const keyOfCustomer = (customer: string): string => createHash('sha256').update(customer).digest('hex');

export async function jetstreamForgotten(nc: NatsConnection, replicas: number): Promise<Forgotten> {
  const kv = await new Kvm(nc).create(buckets.forgotten, { history: 1, replicas });
  const read = async (key: string) => {
    const entry = await kv.get(key);
    return entry === null || entry.operation !== 'PUT' ? undefined : entry;
  };
  /** Overwritten on the disk, not only passed over. */
  const withdraw = async (key: string): Promise<void> => {
    const asked = await read(`asked.${key}`);
    if (asked !== undefined) await (await jetstreamManager(nc)).streams.deleteMessage(`KV_${buckets.forgotten}`, asked.revision, true);
  };
  const floorOf = async (shard: number): Promise<number> => Number((await read(`floor.${shard}`))?.string() ?? 0);
  return {
    async ask(customer) {
      const key = keyOfCustomer(customer);
      const before = (await read(`asked.${key}`)) !== undefined;
      // Not again: the bucket would drop the older entry, and leave its bytes on the disk.
      if (!before) await kv.put(`asked.${key}`, customer);
      return { key, before };
    },
    withdraw,
    nameOf: async (key) => (await read(`asked.${key}`))?.string(),
    async done(key, at) {
      await kv.put(`done.${key}`, JSON.stringify(at));
      await withdraw(key);
    },
    doneOf: async (key) => (await read(`done.${key}`))?.json<ForgottenAt>(),
    floorOf,
    async raiseFloor(shard, seq) {
      if (seq > (await floorOf(shard))) await kv.put(`floor.${shard}`, String(seq));
    },
  };
}
