/**
 * The effects of the workflow `tuneBlend`. Each may be repeated after any crash: the cut only reads, learning makes the same
 * bytes of the same cut, and a promotion that is repeated is dropped by the stream.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import type { NatsConnection } from '@nats-io/transport-node';
import { decodeBlend, encodeBlend } from '../models/blend/artefact.js';
import { compareBlends, type Comparison } from '../models/blend/evaluate.js';
import { bestOf, constants, fitWeights, type FittedBlend } from '../models/blend/fit.js';
import { between, createImpressions, decisionsOf, telling, type Impressions } from '../models/blend/impressions.js';
import { equalBlend, type Blend } from '../models/recommend/fuse.js';
import type { ArtefactRef, Artefacts } from '../pipelines/runtime/artefacts.js';
import { blendModel, countDecisions, cutDecisions, readDecisions, type DecisionCut } from './decisions.js';
import { promoter } from './promote.js';
import { withPulse, type Pulse } from './pulse.js';

export interface LearnInput {
  /** of the artefact, and the moment as of which: the start of the run, milliseconds since 1970 */
  version: number;
  cut: DecisionCut;
  /** how far back decisions are read */
  days: number;
  /** how long after a decision what the customer does is its success */
  windowHours: number;
}

/** Plain JSON. */
export interface LearntBlend {
  /** of the time; of them, those with something taken that were learnt from, and those judged by */
  decisions: number;
  train: number;
  test: number;
  live: Blend;
  /** absent where there was too little */
  challenger?: Blend;
  positionBias?: number;
  /** mean nDCG of the later decisions by the live blend, and by the challenger; the difference with its 95% interval */
  ndcg?: Comparison;
  /** why the live one stays */
  reason?: string;
  /** of the challenger, where it is better */
  ref?: ArtefactRef;
}

export interface BlendDependencies {
  nc: NatsConnection;
  clickhouse: ClickHouseClient;
  artefacts: Artefacts;
}

/** The earlier part is learnt from. */
const trainShare = 0.8;
/** Six weights and a bias cannot be told from chance by fewer; and an interval of fewer is no interval. */
const trainMin = 100;
const testMin = 25;
const dayMs = 24 * 3_600_000;
const hourMs = 3_600_000;

interface Progress { decisions: number; constants: number }

export function createBlendActivities({ nc, clickhouse, artefacts }: BlendDependencies) {
  return {
    /** Up to which decision and event the data set goes, and which blend is live: recorded in the run, so that a second attempt judges the same. */
    cutDecisions(): Promise<DecisionCut> {
      return withPulse({}, () => cutDecisions(clickhouse));
    },

    learnBlend({ version, cut, days, windowHours }: LearnInput): Promise<LearntBlend> {
      return withPulse<Progress, LearntBlend>({ decisions: 0, constants: 0 }, async (pulse) => {
        const windowMs = windowHours * hourMs;
        // The window of a later decision is still open: nothing taken says nothing yet.
        const options = { ...cut, fromMs: Math.floor(version - days * dayMs), toMs: Math.floor(version - windowMs), windowMs: Math.floor(windowMs) };
        const live = cut.live === undefined ? equalBlend : decodeBlend(await artefacts.load({ name: blendModel, ...cut.live }));
        const log = createImpressions();
        const decisions = await countDecisions(clickhouse, options);
        await readDecisions(clickhouse, options, log, (read) => pulse.tell({ decisions: read, constants: 0 }));
        const whole = log.done();
        const middle = Math.floor(trainShare * decisionsOf(whole));
        const [train, test] = [between(whole, 0, middle), between(whole, middle, decisionsOf(whole))];
        const counts = { decisions, train: telling(train).length, test: telling(test).length, live };
        if (counts.train < trainMin || counts.test < testMin) return { ...counts, reason: tooFew(counts) };
        const { blend: challenger, positionBias } = await fit(train, pulse);
        const ndcg = compareBlends(test, live, challenger, positionBias);
        const learnt = { ...counts, challenger, positionBias, ndcg };
        if (!(ndcg.low > 0)) return { ...learnt, reason: notBetter(ndcg) };
        return { ...learnt, ref: await artefacts.put(blendModel, version, encodeBlend(challenger)) };
      });
    },

    promoteBlend: promoter({ nc, artefacts }),
  };
}

export type BlendActivities = ReturnType<typeof createBlendActivities>;

/** A constant takes half a second of the largest log: a heartbeat lies between two of them. */
async function fit(train: Impressions, pulse: Pulse<Progress>): Promise<FittedBlend> {
  const fits: FittedBlend[] = [];
  for (const constant of constants) {
    fits.push(fitWeights(train, constant));
    await pulse.tell({ decisions: decisionsOf(train), constants: fits.length });
  }
  return bestOf(fits);
}

const tooFew = ({ decisions, train, test }: { decisions: number; train: number; test: number }): string =>
  `too few decisions of which something was taken: ${train} to learn from and ${test} to judge by, of ${decisions}; ${trainMin} and ${testMin} are needed`;

const notBetter = ({ difference, low, high }: Comparison): string =>
  `not better than the live one: nDCG ${difference < 0 ? '' : '+'}${difference.toFixed(4)}, 95% interval ${low.toFixed(4)} to ${high.toFixed(4)}`;
