/**
 * movielens-100k on a published split: precision and recall of the first ten.
 *
 *   train   194	820	1           user, item, rating
 *   test    1 209 234 40 ...       user, the items held out
 *
 * As Ferrari Dacrema, Cremonesi and Jannach (RecSys 2019) did for the figures that are quoted: a rating of any height is an
 * interest of 1; for each user of the test file all items but those of the user in train are ranked; an item of the test
 * line is relevant; precision = hits / 10, recall = hits / items of the line; the mean over the users of the test file.
 * That the protocol is theirs is checked: popularity must come out at their .1907 and .1180.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { defaultSettings, type RecommendSettings } from '../models/recommend/recommender.js';
import type { SuiteOptions } from './main.js';
import { createChannels } from './recommend-channels.js';
import { row, type Row } from './report.js';

const folder = join('..', 'shared', 'data', 'movielens-100k', 'mcrec-split');
export const cutoff = 10;
/** The files have no times: every rating is at moment 0, and nothing fades. */
export const untimed: RecommendSettings = { ...defaultSettings, halfLifeMs: Infinity };

export interface Split {
  train: { customer: string; item: string }[];
  test: Map<string, Set<string>>;
}

/** undefined when the data set is not here. */
export function readSplit(): Split | undefined {
  const lines = (name: string): string[] => readFileSync(join(folder, name), 'utf8').trim().split('\n');
  if (!existsSync(folder)) return undefined;
  const train = lines('ml-100k.train.rating').map((line) => {
    const [customer, item] = line.split('\t');
    return { customer, item };
  });
  const test = new Map(lines('ml-100k.test.rating').map((line) => {
    const [customer, ...items] = line.trim().split(/\s+/);
    return [customer, new Set(items)];
  }));
  return { train, test };
}

export type Ask = (customer: string) => string[];

export function quality(test: Split['test'], ask: Ask): { precision: number; recall: number } {
  let [precision, recall] = [0, 0];
  for (const [customer, relevant] of test) {
    const answer = ask(customer);
    if (answer.length !== cutoff || new Set(answer).size !== cutoff) throw new Error(`bench: user ${customer} got ${answer.length} items, not ${cutoff} different ones`);
    const hits = answer.filter((item) => relevant.has(item)).length;
    precision += hits / cutoff;
    recall += hits / relevant.size;
  }
  return { precision: precision / test.size, recall: recall / test.size };
}

/** The baseline: counts, sorted. */
export function popularity({ train }: Split): Ask {
  const counts = new Map<string, number>();
  const owned = new Map<string, Set<string>>();
  for (const { customer, item } of train) {
    counts.set(item, (counts.get(item) ?? 0) + 1);
    owned.set(customer, (owned.get(customer) ?? new Set()).add(item));
  }
  const order = [...counts].sort((a, b) => b[1] - a[1] || Number(a[0]) - Number(b[0])).map(([item]) => item);
  return (customer) => order.filter((item) => owned.get(customer)?.has(item) !== true).slice(0, cutoff);
}

const near = (value: number, published: number): boolean => Math.abs(value - published) <= 0.001; // ties are broken in another way

export function ml100kRows(say: SuiteOptions['say']): Row[] {
  const split = readSplit();
  if (split === undefined) {
    say(`recommend.ml100k is skipped: ${folder} is not here`);
    return [];
  }
  say(`ml100k: ${split.train.length} ratings, ${split.test.size} users`);
  const channels = createChannels(untimed);
  for (const { customer, item } of split.train) channels.observe(customer, item, 1, 0);
  const popular = quality(split.test, popularity(split));
  if (!near(popular.precision, 0.1907) || !near(popular.recall, 0.118)) throw new Error(`bench: popularity came out at ${popular.precision}/${popular.recall}, not at the published .1907/.1180: another protocol`);
  const names = (ids: number[]): string[] => ids.map((id) => channels.nameOf(id));
  const asks: Record<string, Ask> = {
    itemitem: (customer) => names(channels.itemItem(customer, cutoff)),
    useruser: (customer) => names(channels.userUser(customer, cutoff)),
  };
  return Object.entries(asks).flatMap(([name, ask]) => {
    const { precision, recall } = quality(split.test, ask);
    say(`ml100k ${name}: precision ${precision.toFixed(4)}, recall ${recall.toFixed(4)}`);
    return [
      row(`recommend.ml100k.${name}.precision10`, precision, '', popular.precision, 'popularity'),
      row(`recommend.ml100k.${name}.recall10`, recall, '', popular.recall, 'popularity'),
    ];
  });
}
