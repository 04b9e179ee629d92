/** What a live recommend state answers. Nothing here changes it. */
import type { Recommender } from '../../models/recommend/recommender.js';
import { kDefault, type NeighboursAnswer, type NeighboursRequest, type ProfileAnswer, type ProfileRequest, type RecommendAnswer, type RecommendRequest, type SimilarAnswer, type SimilarRequest } from '../../schemas/services.js';
import type { Decision } from '../step.js';
import type { Answer } from './answer.js';

/** Name and version of what decides; a row carries it, so that an analyst can tell decisions apart. */
export const recommendModel = 'cosine-1';

export interface Place {
  shard: number;
  seq: number;
}

export function recommend(state: Recommender, request: RecommendRequest, place: Place, atMs: number): { answer: RecommendAnswer; decision: Decision } {
  const items = state.recommend(request.customer, request.k ?? kDefault, atMs);
  const answer: RecommendAnswer = { customer: request.customer, items, model: recommendModel, ...place };
  const row: Answer = {
    customer: request.customer,
    atMs,
    seq: place.seq,
    model: recommendModel,
    items: items.map(({ item, score, channel, because }) => ({ item, score, channel, because: because.flatMap((b) => b.item ?? []) })),
  };
  return { answer, decision: { table: 'recommendations', value: row } };
}

export function similar(state: Recommender, request: SimilarRequest): SimilarAnswer | undefined {
  const items = state.similar(request.item, request.k ?? kDefault);
  return items === undefined ? undefined : { item: request.item, items };
}

export function profile(state: Recommender, request: ProfileRequest, place: Place): ProfileAnswer | undefined {
  const found = state.profile(request.customer);
  return found === undefined ? undefined : { customer: request.customer, ...found, ...place };
}

export function neighbours(state: Recommender, request: NeighboursRequest): NeighboursAnswer {
  return state.neighbours(request.fromId, request.count, request.asOfMs);
}
