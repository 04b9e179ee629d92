/** A challenger beside the champion, on rows that neither was trained on. Pure. */
import { pairedBootstrap } from '../models/metrics/bootstrap.js';
import { readCut } from './arrow-cut.js';
import type { Judgement, JudgeTask } from './recipe-thread.js';
import { atColumn, type Judged, type Range, type Recipe } from './recipes/recipe.js';

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

export function judge(recipe: Recipe, data: readonly Uint8Array[], { challenger, bytes, champion, newerThanMs }: JudgeTask): Judgement {
  const cut = readCut(data);
  const times = cut.numbers(atColumn);
  const rows: Range = { from: firstAfter(times, newerThanMs), to: times.length };
  const table = recipe.read(cut);
  const mine = recipe.judge(table, rows, { model: recipe.model, parts: challenger });
  if (mine === undefined) throw new RangeError(`${recipe.model}: a version gave no scores`);
  const theirs = recipe.judge(table, rows, champion);
  const gains = theirs === undefined ? undefined : mine.scores.map((score, i) => score - theirs.scores[i]);
  const empty = rows.to === rows.from;
  return {
    measured: {
      rows: rows.to - rows.from, positives: recipe.positives(table, rows), bytes,
      ...(gains !== undefined && { gain: pairedBootstrap(gains) }),
      slices: gains === undefined ? [] : recipe.slices(table, rows).map(({ name, rows: own }) => ({ name, ...pairedBootstrap(Float64Array.from(own, (i) => gains[i])) })),
      calibrationError: mine.calibrationError, latencyMsP99: mine.latencyMsP99,
    },
    champion: theirs === undefined ? 'none' : champion === undefined ? 'recorded' : 'version',
    metrics: metricsOf(mine, theirs),
    fromMs: empty ? 0 : times[rows.from], toMs: empty ? 0 : times[rows.to - 1],
  };
}

function metricsOf(mine: Judged, theirs: Judged | undefined): Judgement['metrics'] {
  const all = (judged: Judged | undefined): Record<string, number> => (judged === undefined ? {} : { ...judged.metrics, calibration_error: judged.calibrationError, latency_ms_p99: judged.latencyMsP99 });
  const other = all(theirs);
  return Object.entries(all(mine)).map(([name, challenger]) => ({ name, challenger, champion: other[name] ?? NaN }));
}
