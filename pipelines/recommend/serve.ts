/** What a live recommend state answers. Nothing here changes it. */
import { DEPTH } from '../../models/recommend/fuse.js';
import type { Recommender } from '../../models/recommend/recommender.js';
import { kDefault, type NeighboursAnswer, type NeighboursRequest, type ProfileAnswer, type ProfileRequest, type RecommendAnswer, type RecommendRequest, type SimilarAnswer, type SimilarRequest } from '../../schemas/services.js';
import { decidedBy, type LiveVersion } from '../promoted.js';
import type { Decision } from '../step.js';
import type { Answer } from './answer.js';
import type { RecommendState } from './state.js';

/** Name and version of what decides; a row carries it, so that an analyst can tell decisions apart. */
export const recommendModel = 'cosine-sessions-1';
/** The promoted models that take part where they are live; a row names their versions too. */
const promotedModels = ['svd', 'blend'];
const noneLive: ReadonlyMap<string, LiveVersion> = new Map();

export interface Place {
  shard: number;
  seq: number;
}

/** @param live  versions of the promoted models */
export function recommend({ recommender, sessions }: RecommendState, request: RecommendRequest, place: Place, atMs: number, live = noneLive): { answer: RecommendAnswer; decision: Decision } {
  const k = request.k ?? kDefault;
  // What a customer looked at last month is a part of the history, and no intent any more.
  const ranked = sessions.running(request.customer, atMs) ? sessions.recommend(request.customer, Math.max(k, DEPTH)) : [];
  const session = { channel: 'session' as const, ranked };
  const items = recommender.recommend(request.customer, k, atMs, [session]);
  const model = decidedBy(recommendModel, live, promotedModels);
  const answer: RecommendAnswer = { customer: request.customer, items, model, ...place };
  const row: Answer = {
    customer: request.customer,
    atMs,
    seq: place.seq,
    model,
    items: items.map(({ item, score, channel, because }) => ({ item, score, channel, because: [...new Set(because.flatMap((b) => b.item ?? []))] })),
  };
  return { answer, decision: { table: 'recommendations', value: row } };
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
