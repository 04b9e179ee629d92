/**
 * Pruning by Hoeffding's bound (assembly/pruned.ts) beside the same events without it: pairs, bytes, speed, and what it costs
 * in quality. `recommend` is what a shop is answered; item-item alone is the channel that loses the pairs.
 *
 *   retail    online-retail, asked before it learns (recommend-prequential.ts): each twentieth first touch of an item, HR@20
 *   ml100k    the published split (recommend-ml100k.ts): precision@10
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadKernel } from '../models/recommend/load.js';
import { createRecommender, defaultSettings, type Recommender, type RecommendSettings, type RecommendStats } from '../models/recommend/recommender.js';
import { rememberedByDefault } from '../models/recommend/settings.js';
import type { SuiteOptions } from './main.js';
import { createChannels, type Channels } from './recommend-channels.js';
import { quality, readSplit, untimed } from './recommend-ml100k.js';
import { learn, readTouches, type Touch } from './recommend-prequential.js';
import { row, type Row } from './report.js';

/** Off first: the others are beside it. 0.05 is what one would ask of a test; 0.9 is where something happens. */
const deltas = [0, 0.001, 0.05, 0.5, 0.9];
const reported = [{ delta: 0.05, prefix: '' }, { delta: 0.9, prefix: 'delta90.' }];
const sample = 20;

interface Outcome {
  delta: number;
  stats: RecommendStats;
  eventsPerCpuS: number;
  /** of `recommend`, and of item-item alone */
  fused: number;
  itemItem: number;
}

const withDelta = (settings: RecommendSettings, delta: number): RecommendSettings => ({ ...settings, pruning: { delta, remembered: rememberedByDefault } });

/** Learning alone, by the process's own time. */
function fold(settings: RecommendSettings, touches: Touch[]): { model: Recommender; eventsPerCpuS: number } {
  const model = createRecommender(settings, loadKernel());
  const before = process.cpuUsage();
  for (const touch of touches) learn(model, touch);
  return { model, eventsPerCpuS: touches.length / (process.cpuUsage(before).user / 1e6) };
}

/** Asks about the first touch of an item, then learns. */
function hitRates(settings: RecommendSettings, touches: Touch[]): { fused: number; itemItem: number } {
  const [model, channels] = [createRecommender(settings, loadKernel()), createChannels(settings)];
  const seen = new Set<string>();
  let [firsts, queries, fused, itemItem] = [0, 0, 0, 0];
  for (const touch of touches) {
    const { customer, item, strength, atMs } = touch;
    const key = `${customer} ${item}`;
    if (strength > 0 && !seen.has(key) && ++firsts % sample === 0) {
      queries += 1;
      if (model.recommend(customer, 20, atMs).some((answer) => answer.item === item)) fused += 1;
      if (channels.itemItem(customer, 20).some((id) => channels.nameOf(id) === item)) itemItem += 1;
    }
    if (strength > 0) seen.add(key);
    for (const learner of [model, channels]) learn(learner, touch);
  }
  if (fused === 0 || itemItem === 0) throw new Error(`bench: pruning had no hit in ${queries} queries`);
  return { fused: fused / queries, itemItem: itemItem / queries };
}

function outcomes(name: string, settings: RecommendSettings, touches: Touch[], rate: Rate, say: SuiteOptions['say']): Outcome[] {
  return deltas.map((delta) => {
    const { model, eventsPerCpuS } = fold(withDelta(settings, delta), touches);
    const outcome = { delta, stats: model.stats(), eventsPerCpuS, ...rate(withDelta(settings, delta), model) };
    const { pairs, pairBytes, prunedPairs, memoryBytes } = outcome.stats;
    say(`pruning ${name}, delta ${delta}: ${pairs} pairs, ${prunedPairs} pruned, table ${((pairs * pairBytes) / 2 ** 20).toFixed(1)} MiB, all ${(memoryBytes / 2 ** 20).toFixed(1)} MiB, `
      + `${eventsPerCpuS.toFixed(0)} events/s of processor time, recommend ${outcome.fused.toFixed(4)}, item-item ${outcome.itemItem.toFixed(4)}`);
    return outcome;
  });
}

type Rate = (settings: RecommendSettings, model: Recommender) => Pick<Outcome, 'fused' | 'itemItem'>;

function rowsOf(name: string, measure: string, all: Outcome[]): Row[] {
  const [off] = all;
  const loosest = all[all.length - 1];
  if (off.stats.prunedPairs !== 0 || loosest.stats.prunedPairs === 0) throw new Error(`bench: ${name} pruned ${off.stats.prunedPairs} pairs without pruning and ${loosest.stats.prunedPairs} at ${loosest.delta}`);
  const note = 'without pruning';
  const tableMiB = ({ stats: { pairs, pairBytes } }: Outcome): number => (pairs * pairBytes) / 2 ** 20;
  return reported.flatMap(({ delta, prefix }) => all.filter((outcome) => outcome.delta === delta).flatMap((on) => {
    const named = (measured: string): string => `recommend.pruning.${name}.${prefix}${measured}`;
    return [
      row(named('pairs_ratio'), on.stats.pairs / off.stats.pairs, 'ratio', 1, note),
      row(named('table_mib'), tableMiB(on), 'MiB', tableMiB(off), note),
      row(named('memory_mib'), on.stats.memoryBytes / 2 ** 20, 'MiB', off.stats.memoryBytes / 2 ** 20, note),
      row(named(`${measure}_ratio`), on.fused / off.fused, 'ratio', 1, note),
      row(named(`itemitem.${measure}_ratio`), on.itemItem / off.itemItem, 'ratio', 1, note),
      row(named('events_per_s'), on.eventsPerCpuS, 'events/s', off.eventsPerCpuS, `${note}; of processor time`),
    ];
  }));
}

function ml100k(say: SuiteOptions['say']): Row[] {
  const split = readSplit();
  if (split === undefined) {
    say('recommend.pruning.ml100k is skipped: movielens-100k is not here');
    return [];
  }
  const touches = split.train.map(({ customer, item }) => ({ customer, item, strength: 1, atMs: 0 }));
  const rate: Rate = (settings, model) => {
    const channels: Channels = createChannels(settings);
    for (const touch of touches) learn(channels, touch);
    return {
      fused: quality(split.test, (customer) => model.recommend(customer, 10, 0).map(({ item }) => item)).precision,
      itemItem: quality(split.test, (customer) => channels.itemItem(customer, 10).map((id) => channels.nameOf(id))).precision,
    };
  };
  return rowsOf('ml100k', 'precision10', outcomes('ml100k', untimed, touches, rate, say));
}

export async function pruningRows(say: SuiteOptions['say']): Promise<Row[]> {
  const rows = ml100k(say);
  const file = join('..', 'shared', 'data', 'online-retail', 'online_retail.csv.gz');
  if (!existsSync(file)) {
    say(`recommend.pruning.retail is skipped: ${file} is not here`);
    return rows;
  }
  const touches = await readTouches('online-retail', file);
  return [...rows, ...rowsOf('retail', 'hr20', outcomes('retail', defaultSettings, touches, (settings) => hitRates(settings, touches), say))];
}
