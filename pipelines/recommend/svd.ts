/** The factorisation among the channels: made by the workflow `refreshSvd`, live from its promotion on. */
import { decodeFactors } from '../../models/svd/factors.js';
import { loadKernel } from '../../models/svd/load.js';
import { createSvd, type Svd } from '../../models/svd/rank.js';
import type { Ranking } from '../../models/recommend/fuse.js';
import type { Recommender } from '../../models/recommend/recommender.js';

let kernel: WebAssembly.Module | undefined;

/** @throws RangeError when the parts are not whole factors of this build */
export function readSvd(parts: readonly Uint8Array[]): Svd {
  kernel ??= loadKernel(); // a part of the build, like the code; no state is read
  return createSvd(decodeFactors([...parts]), kernel);
}

/**
 * What the factors make of a customer's live history, one who came after the refresh included; nothing without a history.
 * @param seen  whether what is in the history may be proposed
 */
export function svdChannel(svd: Svd | undefined, recommender: Recommender, customer: string, k: number, seen: boolean): Ranking<string>[] {
  const history = svd === undefined ? undefined : recommender.profile(customer)?.items;
  if (svd === undefined || history === undefined) return [];
  const owned = new Set(seen ? [] : history.map(({ item }) => item));
  return [{ channel: 'svd', ranked: svd.rank(history, k, (item) => owned.has(item)) }];
}
