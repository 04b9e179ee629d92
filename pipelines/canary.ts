/**
 * A challenger that decides for a share of the customers. The share is part of its promotion, so every replay gives the same
 * customers to it; and a customer's place is that of a hash of the model's name and the customer, so it is the same for every version:
 *
 *   0 ------ 10 ---- 25 ------------------------ 100 %      who is below 10 % stays when the share grows to 25 %
 */
import type { LiveVersion } from './promoted.js';

/** The name under which a version of the model is promoted beside it. */
export const challengerOf = (model: string): string => `${model}-shadow`;

/** Of a percent. */
const STEPS = 100;

/**
 * Where a customer stands, from 0 to below 100: FNV-1a and the finaliser of MurmurHash3 (Appleby 2011). Without it the place would go
 * with the partition, which is FNV-1a too.
 */
export function placeOf(model: string, customer: string): number {
  let h = 0x811c9dc5;
  const text = `${model}/${customer}`;
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) % (100 * STEPS) / STEPS;
}

/** @param live  of the challenger; one without a share only scores in the shadow */
export const decidesFor = (live: LiveVersion | undefined, model: string, customer: string): boolean =>
  live?.percent !== undefined && live.percent > 0 && placeOf(model, customer) < live.percent;

interface Models {
  readonly versions: ReadonlyMap<string, LiveVersion>;
  get(name: string): unknown;
}

const inPlace = <M extends Models>(models: M, model: string, challenger: string, live: LiveVersion): M =>
  ({ ...models, versions: new Map([...models.versions, [model, live]]), get: (name: string) => models.get(name === model ? challenger : name) });

/**
 * @param challenged  names of models that may have a challenger
 * @returns the models as they decide for a customer, and for each challenger that is live the same with its place the other way: what
 *          it would have said, or of its own customers the champion
 */
export function opinionsFor<M extends Models>(models: M, challenged: readonly string[], customer: string): { deciding: M; beside: M[] } {
  const challenges = challenged.flatMap((model) => {
    const challenger = challengerOf(model);
    const live = models.versions.get(challenger);
    return live === undefined ? [] : [{ model, challenger, live, decides: decidesFor(live, challenger, customer) }];
  });
  if (challenges.length === 0) return { deciding: models, beside: [] };
  const withThe = (other?: string): M => challenges.reduce((so, { model, challenger, live, decides }) => (decides === (model === other) ? so : inPlace(so, model, challenger, live)), models);
  return { deciding: withThe(), beside: challenges.map(({ model }) => withThe(model)) };
}

/** The models as they decide for a customer: where the challenger does, it stands in the model's place, under the model's name and its own version. */
export function modelsFor<M extends Models>(models: M, model: string, challenger: string, customer: string): M {
  const live = models.versions.get(challenger);
  if (live === undefined || !decidesFor(live, challenger, customer)) return models;
  return inPlace(models, model, challenger, live);
}
