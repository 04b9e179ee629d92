/** What a live recommend state answers. Nothing here changes it. */
import type { Baskets } from '../../models/baskets/baskets.js';
import { DEPTH, equalBlend, type Blend, type Ranking } from '../../models/recommend/fuse.js';
import type { Sessions } from '../../models/sessions/sessions.js';
import type { Recommendation, Recommender } from '../../models/recommend/recommender.js';
import { kDefault, type BasketAnswer, type BasketRequest, type NeighboursAnswer, type NeighboursRequest, type ProfileAnswer, type ProfileRequest, type RecommendAnswer, type RecommendRequest, type SimilarAnswer, type SimilarRequest } from '../../schemas/services.js';
import type { Svd } from '../../models/svd/rank.js';
import { modelsFor } from '../canary.js';
import { decidedBy, type LiveVersion } from '../promoted.js';
import type { Decision } from '../step.js';
import type { Answer } from './answer.js';
import type { RecommendState } from './state.js';
import { svdChannel } from './svd.js';

/** Name and version of what decides; a row carries it, so that an analyst can tell decisions apart. */
export const recommendModel = 'cosine-sessions-2';
/** The promoted models that take part where they are live; a row names their versions too. */
const promotedModels = ['svd', 'blend'];
const noneLive: PromotedModels = { versions: new Map(), get: () => undefined };

/** What is live of them. */
export interface PromotedModels {
  readonly versions: ReadonlyMap<string, LiveVersion>;
  get(name: 'svd' | 'svd-shadow'): Svd | undefined;
  get(name: 'blend' | 'blend-shadow'): Blend | undefined;
}

/** A challenger decides for its share of the customers, and for nobody without one: `svd-shadow`, `blend-shadow`. */
const decidingFor = (live: PromotedModels, customer: string): PromotedModels =>
  modelsFor(modelsFor(live, 'svd', 'svd-shadow', customer), 'blend', 'blend-shadow', customer);

/** Of what answers `basket`. */
export const basketModel = 'basket-knn-1';

export interface Place {
  shard: number;
  seq: number;
}

export function recommend({ recommender, sessions, objections }: RecommendState, request: RecommendRequest, place: Place, atMs: number, promoted = noneLive): { answer: RecommendAnswer; decision: Decision } {
  const live = decidingFor(promoted, request.customer);
  const k = request.k ?? kDefault;
  const depth = Math.max(k, DEPTH);
  const seen = request.seen === true;
  const blend = live.get('blend') ?? equalBlend;
  const { session, again, svd } = blend.weights;
  const others = [
    ...(session > 0 || again > 0 ? sessionChannels(sessions, request.customer, depth, atMs, seen) : []),
    ...(svd > 0 ? svdChannel(live.get('svd'), recommender, request.customer, depth, seen) : []),
  ];
  const against = objections.of(request.customer, atMs);
  const items = recommender.recommend(request.customer, k, atMs, { others, seen, blend, against });
  const model = decidedBy(recommendModel, live.versions, promotedModels);
  const given = items.map(({ item, score, channel, because }) => ({ item, score, channel, because }));
  const answer: RecommendAnswer = { customer: request.customer, items: given, model, ...place };
  const row: Answer = {
    customer: request.customer,
    atMs,
    seq: place.seq,
    model,
    items: items.map(rowItem),
  };
  return { answer, decision: { table: 'recommendations', value: row } };
}

/** What a customer looked at last month is a part of the history, and no intent any more. */
function sessionChannels(sessions: Sessions, customer: string, k: number, atMs: number, seen: boolean): Ranking<string>[] {
  if (!sessions.running(customer, atMs)) return [];
  const session: Ranking<string> = { channel: 'session', ranked: sessions.recommend(customer, k, seen ? 'with own' : 'without own') };
  return seen ? [session, againChannel(sessions, customer)] : [session];
}

/** What is looked at now, the latest first: people go back to it. */
export const againChannel = (sessions: Sessions, customer: string): Ranking<string> =>
  ({ channel: 'again', ranked: sessions.current(customer).map((item) => ({ item, because: () => [{ item, weight: 1 }] })) });

/** The items that speak for it and against it, each once, the strongest first. */
function rowItem({ item, score, channel, ranks, because }: Recommendation): Answer['items'][number] {
  const [speakingFor, against]: [string[], string[]] = [[], []];
  for (const reason of because) {
    if (reason.item === undefined) continue;
    const side = reason.against === undefined ? speakingFor : against;
    if (!side.includes(reason.item)) side.push(reason.item);
  }
  return { item, score, channel, ranks, because: speakingFor, against };
}

export function similar(recommender: Recommender, request: SimilarRequest): SimilarAnswer | undefined {
  const items = recommender.similar(request.item, request.k ?? kDefault);
  return items === undefined ? undefined : { item: request.item, items };
}

export function profile({ recommender, sessions }: RecommendState, request: ProfileRequest, place: Place): ProfileAnswer | undefined {
  const found = recommender.profile(request.customer);
  return found === undefined ? undefined : { customer: request.customer, ...found, session: sessions.current(request.customer), ...place };
}

export function neighbours(recommender: Recommender, request: NeighboursRequest): NeighboursAnswer {
  return recommender.neighbours(request.fromId, request.count, request.asOfMs);
}

export function basket(baskets: Baskets, request: BasketRequest): BasketAnswer {
  const { items, ...rest } = baskets.predict(request.items, request.k ?? kDefault);
  return { items: items.map(({ item, probability, channel, because }) => ({ item, probability, channel, because })), ...rest, model: basketModel };
}

/**
 * The answers of all shards as one. A shard's probability is what its own customers' baskets say; they are averaged,
 * each weighing as many baskets as it found with an item of the cart (a linear opinion pool: Stone 1961). An item that
 * is not in a shard's answer counts nothing there, so the mean is a little low for the last ones. Shards that found
 * nothing have no say while another one has; where none has, they weigh as many baskets as they remember.
 */
export function basketOfAll(answers: readonly BasketAnswer[], k: number): BasketAnswer {
  const support = answers.reduce((sum, answer) => sum + answer.support, 0);
  const baskets = answers.reduce((sum, answer) => sum + answer.baskets, 0);
  const found = new Map<string, BasketAnswer['items'][number] & { largest: number }>();
  for (const answer of answers) {
    const weight = support > 0 ? answer.support / support : answer.baskets / Math.max(1, baskets);
    if (weight === 0) continue;
    for (const item of answer.items) {
      const share = weight * item.probability;
      const seen = found.get(item.item);
      if (seen === undefined) found.set(item.item, { ...item, probability: share, largest: share });
      else found.set(item.item, { ...(share > seen.largest ? item : seen), probability: seen.probability + share, largest: Math.max(seen.largest, share) });
    }
  }
  const items = [...found.values()].sort((a, b) => b.probability - a.probability || (a.item < b.item ? -1 : 1)).slice(0, k);
  const unknown = answers[0].unknown.filter((item) => answers.every((answer) => answer.unknown.includes(item)));
  return { items: items.map(({ item, probability, channel, because }) => ({ item, probability, channel, because })), unknown, support, baskets, model: basketModel };
}
