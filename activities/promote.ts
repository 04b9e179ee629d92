/** The last step of every workflow that makes a model. A promotion that is repeated is dropped by the stream. */
import type { NatsConnection } from '@nats-io/transport-node';
import type { ArtefactRef, Artefacts } from '../pipelines/runtime/artefacts.js';
import { promote, type Promoted } from '../pipelines/runtime/jetstream/promote.js';
import { withPulse } from './pulse.js';

export interface PromoteInput {
  ref: ArtefactRef;
  shards: number;
  /** the same in every attempt */
  atMs: number;
}

export const promoter = ({ nc, artefacts }: { nc: NatsConnection; artefacts: Artefacts }) => ({ ref, shards, atMs }: PromoteInput): Promise<Promoted> =>
  withPulse({}, () => promote(nc, artefacts, shards, { ref, atMs }));
