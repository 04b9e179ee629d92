/**
 * What the recommend step owns: two models that fold the same events, and one snapshot of both.
 *
 *   'AFRS' | u32 version | u64 bytes of the recommender's snapshot | u64 bytes of the sessions' | the one | the other
 *
 * Each carries its own settings and checksum.
 */
import { createHash } from 'node:crypto';
import { createRecommender, restoreRecommender, type Recommender, type RecommendSettings, type RecommendStats } from '../../models/recommend/recommender.js';
import { createSessions, restoreSessions, type Sessions, type SessionSettings, type SessionStats } from '../../models/sessions/sessions.js';

export interface RecommendState {
  recommender: Recommender;
  sessions: Sessions;
}

export interface RecommendStateSettings {
  recommender: RecommendSettings;
  sessions: SessionSettings;
}

const MAGIC = 'AFRS';
const VERSION = 1;
const HEAD = 24;

export function emptyState(settings: RecommendStateSettings, kernel: WebAssembly.Module): RecommendState {
  return { recommender: createRecommender(settings.recommender, kernel), sessions: createSessions(settings.sessions) };
}

export function snapshotOf({ recommender, sessions }: RecommendState): Uint8Array[] {
  const [first, second] = [recommender.snapshot(), sessions.snapshot()];
  const head = Buffer.alloc(HEAD);
  head.write(MAGIC, 0, 'latin1');
  head.writeUInt32LE(VERSION, 4);
  head.writeBigUInt64LE(BigInt(bytesOf(first)), 8);
  head.writeBigUInt64LE(BigInt(bytesOf(second)), 16);
  return [head, ...first, ...second];
}

/**
 * @param chunks  the bytes, cut in any way
 * @throws RangeError when they are not a whole snapshot of this version made with these settings
 */
export function restoreState(settings: RecommendStateSettings, kernel: WebAssembly.Module, chunks: Uint8Array[]): RecommendState {
  const [headChunks, body] = cut(chunks, HEAD);
  const head = Buffer.concat(headChunks);
  if (head.length < HEAD || head.toString('latin1', 0, 4) !== MAGIC) throw new RangeError(`recommend state: does not start with ${MAGIC}: not a snapshot, or of an earlier version; rebuild from the events`);
  if (head.readUInt32LE(4) !== VERSION) throw new RangeError(`recommend state: version ${head.readUInt32LE(4)}, this build reads ${VERSION}; rebuild from the events`);
  const lengths = [Number(head.readBigUInt64LE(8)), Number(head.readBigUInt64LE(16))];
  if (bytesOf(body) !== lengths[0] + lengths[1]) throw new RangeError(`recommend state: ${bytesOf(body)} bytes instead of ${lengths.join(' + ')}: truncated or corrupted`);
  const [first, second] = cut(body, lengths[0]);
  return { recommender: restoreRecommender(settings.recommender, kernel, first), sessions: restoreSessions(settings.sessions, second) };
}

/** sha256, hexadecimal, over the hashes of both. */
export function hashOf({ recommender, sessions }: RecommendState): string {
  return createHash('sha256').update(recommender.hash()).update(sessions.hash()).digest('hex');
}

export function statsOf({ recommender, sessions }: RecommendState): RecommendStats & { session: SessionStats } {
  return { ...recommender.stats(), session: sessions.stats() };
}

function bytesOf(chunks: Uint8Array[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0);
}

/** Views: those of the first bytes, and those of the rest. */
function cut(chunks: Uint8Array[], bytes: number): [Uint8Array[], Uint8Array[]] {
  const [before, behind]: [Uint8Array[], Uint8Array[]] = [[], []];
  let left = bytes;
  for (const chunk of chunks) {
    const taken = Math.min(left, chunk.length);
    if (taken > 0) before.push(chunk.subarray(0, taken));
    if (taken < chunk.length) behind.push(chunk.subarray(taken));
    left -= taken;
  }
  return [before, behind];
}
