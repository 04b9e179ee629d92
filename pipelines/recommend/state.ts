/** What the recommend step owns: models that fold the same events, and one snapshot of all. */
import { createRecommender, restoreRecommender, type Recommender, type RecommendSettings, type RecommendStats } from '../../models/recommend/recommender.js';
import { createSessions, restoreSessions, type Sessions, type SessionSettings, type SessionStats } from '../../models/sessions/sessions.js';
import { bundle, hashOfAll, unbundle } from '../bundle.js';

export interface RecommendState {
  recommender: Recommender;
  sessions: Sessions;
}

export interface RecommendStateSettings {
  recommender: RecommendSettings;
  sessions: SessionSettings;
}

export function emptyState(settings: RecommendStateSettings, kernel: WebAssembly.Module): RecommendState {
  return { recommender: createRecommender(settings.recommender, kernel), sessions: createSessions(settings.sessions) };
}

export function snapshotOf({ recommender, sessions }: RecommendState): Uint8Array[] {
  return bundle({ recommender: recommender.snapshot(), sessions: sessions.snapshot() });
}

/**
 * @param chunks  the bytes, cut in any way
 * @throws RangeError when they are not a whole snapshot of this version made with these settings
 */
export function restoreState(settings: RecommendStateSettings, kernel: WebAssembly.Module, chunks: Uint8Array[]): RecommendState {
  const parts = unbundle(chunks, ['recommender', 'sessions']);
  return { recommender: restoreRecommender(settings.recommender, kernel, parts.recommender), sessions: restoreSessions(settings.sessions, parts.sessions) };
}

/** sha256, hexadecimal, over the hashes of all models. */
export function hashOf({ recommender, sessions }: RecommendState): string {
  return hashOfAll([recommender.hash(), sessions.hash()]);
}

export function statsOf({ recommender, sessions }: RecommendState): RecommendStats & { session: SessionStats } {
  return { ...recommender.stats(), session: sessions.stats() };
}
