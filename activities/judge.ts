/** A challenger beside the champion, on rows that neither was trained on. Pure. */
import { pairedBootstrap, pairedRatioBootstrap, type Difference, type Ratio } from '../models/metrics/bootstrap.js';
import { readCut } from './arrow-cut.js';
import type { Judgement, JudgeTask } from './recipe-thread.js';
import { atColumn, type Judged, type Range, type Recipe, type Slice } from './recipes/recipe.js';

/** The first row whose time is after `ms`; times ascend. */
export function firstAfter(times: Float64Array, ms: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] > ms) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** @param holdout  share of the rows, the newest, that is kept to judge. @returns the rows to train on; rows of one moment are on one side */
export function trainingRows(times: Float64Array, holdout: number): Range {
  const wanted = Math.round(times.length * (1 - holdout));
  return { from: 0, to: wanted === 0 ? 0 : firstAfter(times, times[wanted - 1]) };
}

export function judge(recipe: Recipe, data: readonly Uint8Array[], { challenger, bytes, champion, newerThanMs, settings }: JudgeTask): Judgement {
  const cut = readCut(data);
  const times = cut.numbers(atColumn);
  const rows: Range = { from: firstAfter(times, newerThanMs), to: times.length };
  const table = recipe.read(cut, { ...recipe.plan.settings, ...settings });
  const mine = recipe.judge(table, rows, { model: recipe.model, parts: challenger });
  if (mine === undefined) throw new RangeError(`${recipe.model}: a version gave no scores`);
  const theirs = recipe.judge(table, rows, champion);
  const empty = rows.to === rows.from;
  return {
    measured: {
      rows: mine.scores.length, positives: recipe.positives(table, rows), bytes,
      ...(theirs !== undefined && { gain: gainOf(mine, theirs) }),
      slices: theirs === undefined ? [] : recipe.slices(table, rows).map((slice) => ({ name: slice.name, ...gainOf(mine, theirs, slice) })),
      least: champion === undefined ? [] : (recipe.half ?? []).map((name) => ({ name, value: mine.metrics[name], limit: Math.ceil((theirs?.metrics[name] ?? NaN) / 2) })),
      calibrationError: mine.calibrationError, latencyMsP99: mine.latencyMsP99,
    },
    champion: theirs === undefined ? 'none' : champion === undefined ? 'baseline' : 'version',
    metrics: metricsOf(mine, theirs),
    fromMs: empty ? 0 : times[rows.from], toMs: empty ? 0 : times[rows.to - 1],
  };
}

/** @throws RangeError where one of them has a part and the other not */
function gainOf(mine: Judged, theirs: Judged, slice?: Slice): Difference {
  const [a, b] = [partOf(mine, slice), partOf(theirs, slice)];
  let rows = slice?.rows ?? Uint32Array.from(a.scores.keys());
  if (a.wholes === undefined || b.wholes === undefined) return pairedBootstrap(Float64Array.from(rows, (i) => a.scores[i] - b.scores[i]));
  const wholes = [a.wholes, b.wholes];
  if (slice?.part !== undefined) rows = rows.filter((i) => wholes.some((of) => of[i] > 0));
  const of = ({ scores }: Pick<Judged, 'scores'>, whole: Float64Array): Ratio => ({ scores: Float64Array.from(rows, (i) => scores[i]), wholes: Float64Array.from(rows, (i) => whole[i]) });
  return pairedRatioBootstrap(of(a, wholes[0]), of(b, wholes[1]));
}

function partOf(judged: Judged, slice: Slice | undefined): Pick<Judged, 'scores' | 'wholes'> {
  if (slice?.part === undefined) return judged;
  const part = judged.parts?.[slice.part];
  if (part === undefined) throw new RangeError(`judge: the slice ${slice.name} looks at a part "${slice.part}", which was not judged`);
  return part;
}

function metricsOf(mine: Judged, theirs: Judged | undefined): Judgement['metrics'] {
  const all = (judged: Judged | undefined): Record<string, number> => (judged === undefined ? {} : { ...judged.metrics, calibration_error: judged.calibrationError, latency_ms_p99: judged.latencyMsP99 });
  const other = all(theirs);
  return Object.entries(all(mine)).map(([name, challenger]) => ({ name, challenger, champion: other[name] ?? NaN }));
}
