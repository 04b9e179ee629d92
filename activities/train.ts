/** Training and judging as activities: the bytes stay in the artefact store, references and figures go to the workflow. */
import { Context } from '@temporalio/activity';
import type { ArtefactRef, Artefacts } from '../pipelines/runtime/artefacts.js';
import { AftercareError } from '../schemas/errors.js';
import type { DataSet } from './cut.js';
import { gate, orNull, type Check, type GateLimits } from './gate.js';
import { withPulse } from './pulse.js';
import { startRecipeThread, type Judgement, type RecipeThread } from './recipe-thread.js';
import { recipeOf } from './recipes/index.js';
import type { RecipeSettings } from './recipes/recipe.js';

export interface TrainInput {
  model: string;
  /** of the artefact: the start of the run, milliseconds since 1970 */
  version: number;
  data: DataSet;
  /** share of the rows, the newest, that is kept to judge */
  holdout: number;
  /** as the cut had them */
  settings?: RecipeSettings;
}

/** Without a reference where there was too little to learn from, and `reason` says so. */
export interface TrainedModel {
  ref?: ArtefactRef;
  reason?: string;
  rows: number;
  /** of the last row that it was trained on */
  toMs: number;
  epochs: number;
  /** epochs that an earlier attempt had done */
  resumed: number;
  /** of this attempt */
  seconds: number;
}

export interface TrainProgress {
  epoch: number;
  epochs: number;
  loss: number | null;
}

/** What is compared with: a version, with the time up to which it was trained. */
export interface Champion {
  ref: ArtefactRef;
  trainedToMs: number;
}

export interface JudgeInput {
  model: string;
  data: DataSet;
  challenger: Champion;
  champion?: Champion;
  limits?: Partial<GateLimits>;
  settings?: RecipeSettings;
}

/** Plain JSON; null is what could not be told. */
export interface Verdict {
  /** model and version; where none is live `recorded` for what decided then, or the recipe's baseline; or `nothing` */
  champion: string;
  checks: Check[];
  metrics: { name: string; challenger: number | null; champion: number | null }[];
  /** of the rows that judged */
  rows: number;
  fromMs: number;
  toMs: number;
}

/** Of a run, the checkpoint after epoch n has the run's version + n: epochs are fewer than milliseconds between two runs. */
const epochsMax = 1000;
export const checkpointArtefact = (model: string): string => `checkpoint-${model}`;

/** @param trainThreads  of a network's steps, 1 or 2 */
export function createTrainActivities({ artefacts, trainThreads }: { artefacts: Artefacts; trainThreads: number }) {
  return {
    trainModel({ model, version, data, holdout, settings }: TrainInput): Promise<TrainedModel> {
      return withPulse<TrainProgress, TrainedModel>({ epoch: 0, epochs: 0, loss: null }, async (pulse) => {
        const startedMs = performance.now();
        const kept = await newestCheckpoint(artefacts, model, version);
        const rows = await artefacts.load(data.ref);
        const found = await inThread(async (thread) => thread.train({ model, data: rows, holdout, threads: trainThreads, ...(settings !== undefined && { settings }), ...(kept !== undefined && { checkpoint: kept.parts }) }, async ({ epoch, epochs, loss, checkpoint }) => {
          if (epoch >= epochsMax) throw new AftercareError('refused', `${model}: a training has at most ${epochsMax - 1} epochs`);
          await artefacts.put(checkpointArtefact(model), version + epoch, checkpoint);
          await pulse.tell({ epoch, epochs, loss: orNull(loss) });
        }));
        const common = { resumed: kept?.epoch ?? 0, seconds: (performance.now() - startedMs) / 1000 };
        if ('reason' in found) return { reason: found.reason, rows: 0, toMs: 0, epochs: 0, ...common };
        return { ref: await artefacts.put(model, version, found.parts), rows: found.rows, toMs: found.toMs, epochs: found.epochs, ...common };
      });
    },

    /** On the rows that neither of the two was trained on. */
    judgeModel({ model, data, challenger, champion, limits, settings }: JudgeInput): Promise<Verdict> {
      return withPulse<object, Verdict>({}, async () => {
        const newerThanMs = Math.max(challenger.trainedToMs, champion?.trainedToMs ?? 0);
        const [rows, mine, theirs] = await Promise.all([artefacts.load(data.ref), artefacts.load(challenger.ref), champion === undefined ? undefined : artefacts.load(champion.ref)]);
        const judged = await inThread((thread) => thread.judge(model, rows, {
          challenger: mine, bytes: challenger.ref.bytes, newerThanMs, ...(settings !== undefined && { settings }), ...(champion !== undefined && theirs !== undefined && { champion: { model: champion.ref.name, parts: theirs } }),
        }));
        const { gate: own, baseline = 'recorded' } = recipeOf(model);
        return verdictOf(judged, gate(judged.measured, { ...own, ...limits }), champion, baseline);
      });
    },
  };
}

export type TrainActivities = ReturnType<typeof createTrainActivities>;

/** Ends with the activity, at once when that is cancelled. */
async function inThread<T>(work: (thread: RecipeThread) => Promise<T>): Promise<T> {
  const thread = startRecipeThread();
  try {
    return await Promise.race([work(thread), Context.current().cancelled]);
  } finally {
    await thread.close();
  }
}

/** The latest epoch whose checkpoint is whole: one that was cut short is passed over for the one before. */
async function newestCheckpoint(artefacts: Artefacts, model: string, version: number): Promise<{ epoch: number; parts: Uint8Array[] } | undefined> {
  for (const ref of await artefacts.list(checkpointArtefact(model))) {
    if (ref.version <= version || ref.version >= version + epochsMax) continue;
    try {
      return { epoch: ref.version - version, parts: await artefacts.load(ref) };
    } catch (error) {
      if (!(error instanceof AftercareError && error.code === 'bad_file')) throw error;
    }
  }
  return undefined;
}

function verdictOf({ measured, champion: kind, metrics, fromMs, toMs }: Judgement, checks: Check[], champion: Champion | undefined, baseline: string): Verdict {
  return {
    champion: kind === 'none' ? 'nothing' : kind === 'baseline' || champion === undefined ? baseline : `${champion.ref.name}.${champion.ref.version}`,
    checks,
    metrics: metrics.map(({ name, challenger, champion: other }) => ({ name, challenger: orNull(challenger), champion: orNull(other) })),
    rows: measured.rows, fromMs, toMs,
  };
}
