/** A step small enough to check by eye: it chains a hash over what it folded, so order, loss and doubling all show. */
import { createHash } from 'node:crypto';
import type { Step } from '../../pipelines/step.js';
import { isPromotion } from '../../schemas/decode.js';

export interface Toy {
  digest: string;
  folded: number;
}

export const next = (digest: string, id: string): string => createHash('sha256').update(`${digest}/${id}`).digest('hex');

/** What a promotion adds: its artefact's bytes count, and one without an artefact changes nothing. */
export const idOfPromotion = (id: string, artefact: readonly Uint8Array[]): string => `${id}=${createHash('sha256').update(Buffer.concat(artefact)).digest('hex')}`;

/** Emits one decision for each purchase and promotion, so that decisions can be counted. */
export const toyStep: Step<Toy> = {
  empty: () => ({ digest: '', folded: 0 }),
  step(state, { event, position, artefact }, emit) {
    if (isPromotion(event)) {
      emit({ table: 'promotions', value: { model: event.model, version: event.version, outcome: artefact === undefined ? 'missing' : 'live', seq: position } });
      if (artefact === undefined) return;
      state.digest = next(state.digest, idOfPromotion(event.id, artefact));
      state.folded += 1;
      return;
    }
    state.digest = next(state.digest, event.id);
    state.folded += 1;
    if (event.type === 'purchase') emit({ table: 'recommendations', value: { customer: event.customer, atMs: event.atMs, seq: position, model: 'toy', items: [] } });
  },
  snapshot: (state) => [Buffer.from(JSON.stringify(state))],
  restore: ([chunk]) => JSON.parse(Buffer.from(chunk).toString()) as Toy,
  hash: ({ digest }) => digest,
};
