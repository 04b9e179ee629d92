/**
 * How the channels of a recommendation are weighed, learnt from the decisions on record and what customers did next:
 *
 *   cut (up to which decision and event) -> learn on the earlier, judge by the later -> promote, where it is better and the live one is still the same
 */
import { ApplicationFailure, patched, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Verdict } from '../activities/train.js';
import type { BlendActivities, LearntBlend } from '../activities/tune-blend.js';
import type { ArtefactRef } from '../pipelines/runtime/artefacts.js';
import { admit, standingOf, tell } from './admit.js';
import { checking, collecting } from './retry.js';

export interface TuneBlendInput {
  /** how many shards there are; each one is told */
  shards: number;
  /** how far back decisions are read */
  days: number;
  /** how long after a decision what the customer does is its success */
  windowHours: number;
}

export interface TuneBlendResult extends Omit<LearntBlend, 'ref'> {
  version: number;
  /** of the artefact; absent where the live blend stays, and `reason` says why */
  sha256?: string;
  /** sequences of EVENTS from which each shard decides by it */
  promoted: number[];
}

const { learnBlend } = proxyActivities<BlendActivities>(collecting);
const { cutDecisions, promoteBlend } = proxyActivities<BlendActivities>(checking);

export async function tuneBlend(given: TuneBlendInput): Promise<TuneBlendResult> {
  const { shards, ...input } = checked(given);
  // The same in every retry and replay, so that a promotion that is repeated has the id of the first time.
  const version = workflowInfo().startTime.getTime();
  // Runs of before the registry go on as they began.
  const found = patched('registry') ? await standingOf('blend') : undefined;
  const startMs = Date.now();
  const stored = await cutDecisions();
  // The table of promotions may be behind; the promotion is made against this one.
  const cut = found?.champion === undefined ? stored : { ...stored, live: versionOf(found.champion.ref) };
  const { ref, ...learnt } = await learnBlend({ version, cut, ...input });
  if (ref === undefined) {
    if (found !== undefined) await tell({ model: 'blend', version }, 'refused', learnt.reason ?? 'nothing was learnt');
    return { version, ...learnt, promoted: [] };
  }
  if (found !== undefined) {
    const trained = { rows: learnt.train, toMs: version, epochs: 1, resumed: 0, seconds: (Date.now() - startMs) / 1000 };
    const { live, reason } = await admit({ model: 'blend', version, ref, trained, verdict: verdictOf(learnt, found.champion?.ref.version), shards, revisions: found.revisions });
    return { version, ...learnt, sha256: ref.sha256, promoted: live, ...(reason !== undefined && { reason }) };
  }
  const { seqs } = await promoteBlend({ ref, shards, atMs: version });
  return { version, ...learnt, sha256: ref.sha256, promoted: seqs };
}

const versionOf = ({ version, sha256, bytes }: ArtefactRef): Omit<ArtefactRef, 'name'> => ({ version, sha256, bytes });

/** The comparison as the registry has every other. */
function verdictOf({ ndcg, test }: Omit<LearntBlend, 'ref'>, live: number | undefined): Verdict {
  if (ndcg === undefined) throw ApplicationFailure.nonRetryable('tuneBlend: a blend without a comparison', 'refused');
  const { decisions, challenger, live: champion, difference, low, high } = ndcg;
  return {
    champion: live === undefined ? 'equal weights' : `blend.${live}`,
    checks: [{ name: 'gain', slice: '', value: difference, low, high, relation: '>', limit: 0, passed: low > 0, rows: decisions }],
    metrics: [{ name: 'ndcg', challenger, champion }],
    rows: test, fromMs: 0, toMs: 0,
  };
}

/** The input may come from any client of Temporal, so nothing about it is known. */
function checked(given: Partial<TuneBlendInput> | undefined): TuneBlendInput {
  const { shards, days, windowHours } = given ?? {};
  if (!(typeof shards === 'number' && Number.isInteger(shards) && shards >= 1 && shards <= 256)) throw refused('shards', 'a whole number from 1 to 256', shards);
  if (!(typeof days === 'number' && days > 0 && days <= 3650)) throw refused('days', 'a number above 0 and at most 3650', days);
  if (!(typeof windowHours === 'number' && windowHours > 0 && windowHours <= 24 * days)) throw refused('windowHours', `a number above 0 and at most ${24 * days}, the hours of days`, windowHours);
  return { shards, days, windowHours };
}

const refused = (field: keyof TuneBlendInput, wanted: string, value: unknown): ApplicationFailure =>
  ApplicationFailure.nonRetryable(`tuneBlend: ${field} must be ${wanted}, got ${JSON.stringify(value)}`, 'bad_request');
