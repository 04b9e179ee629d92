/** What the recommend step owns: models that fold the same events, and one snapshot of all. */
import { createBaskets, restoreBaskets, type Baskets, type BasketSettings, type BasketStats } from '../../models/baskets/baskets.js';
import { createObjections, restoreObjections, type Objections, type ObjectionSettings } from '../../models/objections.js';
import { createRecommender, restoreRecommender, type Recommender, type RecommendSettings, type RecommendStats } from '../../models/recommend/recommender.js';
import { createSessions, restoreSessions, type Sessions, type SessionSettings, type SessionStats } from '../../models/sessions/sessions.js';
import { bundle, hashOfAll, unbundle } from '../bundle.js';

export interface RecommendState {
  recommender: Recommender;
  sessions: Sessions;
  baskets: Baskets;
  objections: Objections;
}

export interface RecommendStateSettings {
  recommender: RecommendSettings;
  sessions: SessionSettings;
  baskets: BasketSettings;
  objections: ObjectionSettings;
  /** Intents of tickets that are complaints, as their labels name them. */
  complaints: ReadonlySet<string>;
}

export function emptyState(settings: RecommendStateSettings, kernel: WebAssembly.Module): RecommendState {
  return {
    recommender: createRecommender(settings.recommender, kernel),
    sessions: createSessions(settings.sessions),
    baskets: createBaskets(settings.baskets),
    objections: createObjections(settings.objections),
  };
}

export function snapshotOf({ recommender, sessions, baskets, objections }: RecommendState): Uint8Array[] {
  return bundle({ recommender: recommender.snapshot(), sessions: sessions.snapshot(), baskets: baskets.snapshot(), objections: objections.snapshot() });
}

/**
 * @param chunks  the bytes, cut in any way
 * @throws RangeError when they are not a whole snapshot of this version made with these settings
 */
export function restoreState(settings: RecommendStateSettings, kernel: WebAssembly.Module, chunks: Uint8Array[]): RecommendState {
  const parts = unbundle(chunks, ['recommender', 'sessions', 'baskets', 'objections']);
  return {
    recommender: restoreRecommender(settings.recommender, kernel, parts.recommender),
    sessions: restoreSessions(settings.sessions, parts.sessions),
    baskets: restoreBaskets(settings.baskets, parts.baskets),
    objections: restoreObjections(settings.objections, parts.objections),
  };
}

/** sha256, hexadecimal, over the hashes of all models. */
export function hashOf({ recommender, sessions, baskets, objections }: RecommendState): string {
  return hashOfAll([recommender.hash(), sessions.hash(), baskets.hash(), objections.hash()]);
}

export function statsOf({ recommender, sessions, baskets }: RecommendState): RecommendStats & { session: SessionStats; basket: BasketStats } {
  return { ...recommender.stats(), session: sessions.stats(), basket: baskets.stats() };
}
