import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { checkEvent } from '../../../schemas/decode.js';
import { AftercareError, messageOf } from '../../../schemas/errors.js';
import type { Promote, Retire } from '../../../schemas/events.js';
import { eventSubject, shardToken } from '../../../schemas/subjects.js';
import type { ArtefactRef, Artefacts } from '../artefacts.js';

export interface Promotion {
  /** `name` is the model's name */
  ref: ArtefactRef;
  /**
   * When it was decided, milliseconds since 1970: a repeat with the same time is dropped by the stream; promoting the same
   * version again later, as a roll-back does, takes a time of its own.
   */
  atMs: number;
  /** of a challenger: share of the customers for whom it decides */
  percent?: number;
}

export interface Promoted {
  /** sequence of EVENTS from which each shard decides by it, in the order of the shards */
  seqs: number[];
  /** of them, those that an earlier call had published */
  duplicates: number;
}

const timeoutMs = 10_000;

/**
 * Makes a version live in every shard, or the older one again. Safe to repeat, also after a failure in the middle: a shard
 * that has it drops the repeat, and one to which the version is live already does nothing.
 * @throws AftercareError bad_request that names the field; bad_file when the artefact is gone; unavailable when it did not reach every shard
 */
export async function promote(nc: NatsConnection, artefacts: Artefacts, shards: number, promotion: Promotion): Promise<Promoted> {
  const events = Array.from({ length: shards }, (_, shard) => promotionEvent(promotion, shard, shards));
  await artefacts.keep(promotion.ref); // before anyone may rely on it
  return toEveryShard(nc, events);
}

/**
 * Takes a version away again in every shard: what decided before the model's first version decides again. Safe to repeat.
 * @throws AftercareError bad_request that names the field; unavailable when it did not reach every shard
 */
export function retire(nc: NatsConnection, shards: number, retirement: Retirement): Promise<Promoted> {
  return toEveryShard(nc, Array.from({ length: shards }, (_, shard) => retirementEvent(retirement, shard, shards)));
}

export interface Retirement {
  model: string;
  version: number;
  /** as of a promotion */
  atMs: number;
}

async function toEveryShard(nc: NatsConnection, events: readonly (Promote | Retire)[]): Promise<Promoted> {
  const js = jetstream(nc, { timeout: timeoutMs });
  const promoted: Promoted = { seqs: [], duplicates: 0 };
  for (const event of events) {
    try {
      const ack = await js.publish(eventSubject('control', event.customer), Buffer.from(JSON.stringify(event)), { msgID: event.id, timeout: timeoutMs });
      promoted.seqs.push(ack.seq);
      if (ack.duplicate) promoted.duplicates += 1;
    } catch (error) {
      throw new AftercareError('unavailable', `${event.command} of ${event.model} ${event.version} was taken by ${promoted.seqs.length} of ${events.length} shards: ${messageOf(error)}; repeat it with the same time`, { cause: error });
    }
  }
  return promoted;
}

/** @throws AftercareError bad_request that names the field */
export function retirementEvent({ model, version, atMs }: Retirement, shard: number, shards: number): Retire {
  const event = { v: 1, type: 'control', id: `retire-${model}-${version}-${atMs.toString(36)}-${shard}`, customer: shardToken(shard, shards), atMs, command: 'retire', model, version };
  const checked = checkEvent(event);
  if ('error' in checked) throw new AftercareError('bad_request', `retirement of ${model} ${version}: ${checked.error}`);
  return checked.event as Retire;
}

/** @throws AftercareError bad_request that names the field */
export function promotionEvent({ ref, atMs, percent }: Promotion, shard: number, shards: number): Promote {
  const { name: model, version, sha256, bytes } = ref;
  const event = {
    v: 1, type: 'control', id: `promote-${model}-${version}-${atMs.toString(36)}-${shard}`, customer: shardToken(shard, shards), atMs,
    command: 'promote', model, version, sha256, bytes, ...(percent !== undefined && { percent }),
  };
  const checked = checkEvent(event);
  if ('error' in checked) throw new AftercareError('bad_request', `promotion of ${model} ${version}: ${checked.error}`);
  return checked.event as Promote;
}
