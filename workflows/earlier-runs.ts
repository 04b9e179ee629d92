/**
 * refreshSvd and tuneBlend as they were before a recipe and the workflow `retrain` made their models: a run that began then is replayed as it
 * went. What it asks for next ends it (activities/superseded.ts).
 */
import { patched, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Verdict } from '../activities/train.js';
import type { ArtefactRef } from '../pipelines/runtime/artefacts.js';
import { admit, standingOf, tell } from './admit.js';
import type { RefreshSvdInput, RefreshSvdResult } from './refresh-svd.js';
import { checking, collecting } from './retry.js';
import type { TuneBlendInput, TuneBlendResult } from './tune-blend.js';

interface EarlierActivities {
  cutInteractions(): Promise<{ seq: number; asOfMs: number }>;
  factoriseInteractions(input: object): Promise<Pick<RefreshSvdResult, 'customers' | 'items' | 'entries' | 'rank'> & { ref?: ArtefactRef }>;
  checkSvd(input: object): Promise<Verdict>;
  promoteSvd(input: object): Promise<{ seqs: number[] }>;
  cutDecisions(): Promise<object>;
  learnBlend(input: object): Promise<Omit<TuneBlendResult, 'promoted' | 'version' | 'checks'> & { train: number; test: number; ref?: ArtefactRef }>;
  promoteBlend(input: object): Promise<{ seqs: number[] }>;
}

const { factoriseInteractions, learnBlend } = proxyActivities<EarlierActivities>(collecting);
const { cutInteractions, promoteSvd, checkSvd, cutDecisions, promoteBlend } = proxyActivities<EarlierActivities>(checking);

export async function earlierRefreshSvd({ shards, ...input }: RefreshSvdInput): Promise<RefreshSvdResult> {
  const version = workflowInfo().startTime.getTime();
  const found = patched('registry') ? await standingOf('svd') : undefined;
  const startMs = Date.now();
  const cut = await cutInteractions();
  const { ref, ...counts } = await factoriseInteractions({ version, cut, ...input });
  const result = { version, seq: cut.seq, ...counts, checks: [] };
  if (ref === undefined) return { ...result, live: [] };
  if (found !== undefined) {
    const verdict = await checkSvd({ ref, ...counts, ...(found.champion !== undefined && { champion: found.champion.ref }) });
    const trained = { rows: counts.customers, toMs: cut.asOfMs, epochs: 1, resumed: 0, seconds: (Date.now() - startMs) / 1000 };
    const { live, reason } = await admit({ model: 'svd', version, ref, trained, verdict, shards, revisions: found.revisions });
    return { ...result, sha256: ref.sha256, bytes: ref.bytes, live, ...(reason !== undefined && { reason }) };
  }
  const { seqs } = await promoteSvd({ ref, shards, atMs: version });
  return { ...result, sha256: ref.sha256, bytes: ref.bytes, live: seqs };
}

export async function earlierTuneBlend({ shards, ...input }: TuneBlendInput): Promise<TuneBlendResult> {
  const version = workflowInfo().startTime.getTime();
  const found = patched('registry') ? await standingOf('blend') : undefined;
  const startMs = Date.now();
  const stored = await cutDecisions();
  const champion = found?.champion?.ref;
  const cut = champion === undefined ? stored : { ...stored, live: { version: champion.version, sha256: champion.sha256, bytes: champion.bytes } };
  const { ref, train, test, ...learnt } = await learnBlend({ version, cut, ...input });
  const result = { version, ...learnt, checks: [] };
  if (ref === undefined) {
    if (found !== undefined) await tell({ model: 'blend', version }, 'refused', learnt.reason ?? 'nothing was learnt');
    return { ...result, promoted: [] };
  }
  if (found !== undefined) {
    const trained = { rows: train, toMs: version, epochs: 1, resumed: 0, seconds: (Date.now() - startMs) / 1000 };
    // The judgement is in the history of what was learnt; here it is only sent on.
    const verdict: Verdict = { champion: champion === undefined ? 'equal weights' : `blend.${champion.version}`, checks: [], metrics: [], rows: test, fromMs: 0, toMs: 0 };
    const { live, reason } = await admit({ model: 'blend', version, ref, trained, verdict, shards, revisions: found.revisions });
    return { ...result, sha256: ref.sha256, promoted: live, ...(reason !== undefined && { reason }) };
  }
  const { seqs } = await promoteBlend({ ref, shards, atMs: version });
  return { ...result, sha256: ref.sha256, promoted: seqs };
}
