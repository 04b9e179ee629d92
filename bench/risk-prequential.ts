/**
 * What each family of features is worth, on two public records of fraud in order of time, when verdicts come late: the online
 * model with the pipeline's settings scores each purchase, and learns it when its verdict arrives. Beside it, in the same run, river's
 * algorithm (StandardScaler + LogisticRegression) on the columns that need no memory of earlier events, and river itself.
 *
 * No setting was chosen on this data. Scores made before the first verdict are all alike and are not judged: the first week
 * of fraud-data-ecommerce is nearly all fraud, and any model that later scores lower would look right about it.
 *
 * creditcard-ulb spans two days, so that no verdict of seven days arrives in it. Verdicts come after 2 % of its span instead,
 * which is what seven days are of fraud-data-ecommerce's year: an hour for all its payments, five minutes for the four hours
 * of them that have V1..V28.
 */
import type { Feature } from '../models/linear/scaler.js';
import { aucDifference } from '../models/metrics/delong.js';
import { auc, averagePrecision } from '../models/metrics/ranking.js';
import { onlineSettings } from '../pipelines/risk/online.js';
import type { SuiteOptions } from './main.js';
import { row, type Row } from './report.js';
import { dailyAuc, delayed, firstTaught, onlineLearner, sgdLearner, type Judged } from './risk-delayed.js';
import { askRiverDelayed } from './risk-peers.js';
import { pick, tableOf, type FeatureColumn, type Table } from './risk-table.js';
import { cardsFile, cardsWithVFile, fraudFile, readCards, readCardsWithV, readFraudData, type Stream } from './risk-streams.js';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const riverRate = 0.01; // river's default
const riverNote = "river's algorithm, no windows";

interface Part {
  name: string;
  from: number;
  to: number;
}

interface Case {
  name: string;
  table: Table;
  /** between a purchase and its verdict */
  delayMs: number;
  /** a run for each family without it */
  ablate: boolean;
  /** the first is all that is judged; the others are parts of it */
  parts: Part[];
}

interface Run {
  name: string;
  scores: Float64Array;
}

type Keep = (column: FeatureColumn) => boolean;

/** The pipeline's own settings, over these columns. */
function ours(name: string, { table, delayMs }: Case, keep: Keep): Run {
  const { features, judged } = pick(table, keep);
  const settings = { ...onlineSettings, features };
  return { name, scores: delayed(onlineLearner(settings), judged, delayMs) };
}

/** river does not know missing values: a column with one is no column of its. */
const withoutGaps = (table: Table, keep: Keep): { features: Feature[]; judged: Judged } => pick(table, (column) => keep(column) && !column.gaps);

const always: Keep = () => true;
const noMemory: Keep = ({ memory }) => !memory;
const ofContract: Keep = ({ extra }) => !extra;

/** The families that tell anything in this record, in the table's order. */
const familiesOf = ({ columns }: Table): string[] => [...new Set(columns.filter(({ varies }) => varies).map(({ family }) => family))];
const slug = (family: string): string => family.replace(/[^a-z0-9]+/g, '_');

function runsOf(of: Case): Run[] {
  return [
    ours('full', of, always),
    ours('no_windows', of, noMemory),
    ...(of.ablate ? familiesOf(of.table) : []).map((family) => ours(`without_${slug(family)}`, of, (column) => column.family !== family)),
    ...(of.table.columns.some(({ extra }) => extra) ? [ours('contract', of, ofContract), ours('contract_no_windows', of, (column) => ofContract(column) && noMemory(column))] : []),
  ];
}

/** river's algorithm with and without the columns that remember. */
function riverRuns({ table, delayMs }: Case): [Run, Run] {
  const run = (name: string, keep: Keep): Run => {
    const { features, judged } = withoutGaps(table, keep);
    return { name, scores: delayed(sgdLearner(features.map((feature) => ({ ...feature, scale: 'z', missing: 'refuse' })), riverRate), judged, delayMs) };
  };
  return [run('river_no_windows', noMemory), run('river_full', always)];
}

interface Figures {
  auc: number;
  ap: number;
}

function figures({ scores }: Run, { table: { judged: { y } } }: Case, { from, to }: Part): Figures {
  return { auc: auc(scores.subarray(from, to), y.subarray(from, to)), ap: averagePrecision(scores.subarray(from, to), y.subarray(from, to)) };
}

const fixed = (value: number): string => value.toFixed(4);

/** Of two runs that only differ in the windows. */
const pairs = [['full', 'no_windows'], ['contract', 'contract_no_windows'], ['full', 'river_no_windows']] as const;

function printTable(of: Case, runs: Run[], say: SuiteOptions['say']): void {
  const { table: { judged: { y, atMs } }, parts } = of;
  for (const { name, from, to } of parts) say(`${of.name}, ${name}: ${to - from} purchases, ${y.subarray(from, to).reduce((sum, label) => sum + label, 0)} frauds; AUC, AP, AUC within a day`);
  const scoresOf = new Map(runs.map(({ name, scores }) => [name, scores]));
  for (const run of runs) {
    const found = parts.map((part) => {
      const { auc: area, ap } = figures(run, of, part);
      const cut = [run.scores, y, atMs].map((values) => values.subarray(part.from, part.to)) as [Float64Array, Uint8Array, Float64Array];
      return `${part.name} ${fixed(area)} ${fixed(ap)} ${fixed(dailyAuc(...cut))}`;
    });
    say(`  ${run.name.padEnd(26)} ${found.join(' | ')}`);
  }
  for (const [a, b] of pairs) {
    const [first, second] = [scoresOf.get(a), scoresOf.get(b)];
    if (first === undefined || second === undefined) continue;
    const found = parts.map(({ name, from, to }) => {
      const { difference, standardError } = aucDifference(first.subarray(from, to), second.subarray(from, to), y.subarray(from, to));
      return `${name} ${fixed(difference)} +- ${fixed(standardError)}`;
    });
    say(`  AUC of ${a} less ${b}, one standard error: ${found.join(' | ')}`);
  }
}

/** The rows of one stream: each run beside river's algorithm without windows. */
async function rowsOf(of: Case, say: SuiteOptions['say']): Promise<Row[]> {
  const [runs, rivers] = [runsOf(of), riverRuns(of)];
  const [plain] = rivers;
  printTable(of, [...runs, ...rivers], say);
  const rows = [...runs, rivers[1]].flatMap((run) => of.parts.flatMap((part, i) => {
    const [mine, theirs] = [figures(run, of, part), figures(plain, of, part)];
    const name = `risk.${of.name}.${run.name}${i === 0 ? '' : `.${part.name}`}`;
    return [row(`${name}.auc`, mine.auc, 'AUC', theirs.auc, riverNote), row(`${name}.ap`, mine.ap, 'AP', theirs.ap, riverNote)];
  }));
  return [...rows, ...(await riverItself(of, plain, say))];
}

/** river on the same columns, rows and delays: what our writing of its algorithm is held against. */
async function riverItself(of: Case, plain: Run, say: SuiteOptions['say']): Promise<Row[]> {
  const { features, judged } = withoutGaps(of.table, noMemory);
  const peer = await askRiverDelayed({ names: features.map(({ name }) => name), ...judged }, { rate: riverRate, delayMs: of.delayMs }, say);
  if (peer === undefined) return [];
  const [part] = of.parts;
  const [mine, theirs] = [figures(plain, of, part), figures({ name: 'river', scores: Float64Array.from(peer.scores) }, of, part)];
  return [row(`risk.${of.name}.river_no_windows.auc`, mine.auc, 'AUC', theirs.auc, 'river itself'), row(`risk.${of.name}.river_no_windows.ap`, mine.ap, 'AP', theirs.ap, 'river itself')];
}

const firstAfter = (atMs: Float64Array, fromMs: number): number => {
  const found = atMs.findIndex((at) => at >= fromMs);
  return found < 0 ? atMs.length : found;
};

/** Its frauds are bots that sign up and buy within the same minute until 13 January, and others that look like anybody from then on. */
const botsEndMs = Date.UTC(2015, 1, 1);

function fraudCase(stream: Stream): Case {
  const table = tableOf(stream);
  const { atMs, y } = table.judged;
  const [delayMs, N] = [7 * dayMs, y.length];
  const [from, end] = [firstTaught(atMs, delayMs), firstAfter(atMs, botsEndMs)];
  return { name: 'frauddata', table, delayMs, ablate: true, parts: [{ name: 'all', from, to: N }, { name: 'january', from, to: end }, { name: 'later', from: end, to: N }] };
}

/** How far windows over devices can get at all: a device that did not buy within them tells nothing. */
function sayCeiling({ events, y }: Stream, { name, from, to }: Part, withinMs: number, say: SuiteOptions['say']): void {
  const last = new Map<string | undefined, number>();
  const [known, all] = [[0, 0], [0, 0]];
  events.forEach(({ device, atMs }, i) => {
    if (i >= from && i < to) {
      all[y[i]] += 1;
      if (atMs - (last.get(device) ?? -Infinity) < withinMs) known[y[i]] += 1;
    }
    last.set(device, atMs);
  });
  const ceiling = 0.5 + (known[1] / all[1] - known[0] / all[0]) / 2;
  say(`  ${name}: ${known[1]} of ${all[1]} frauds come from a device that bought ${Number.isFinite(withinMs) ? `within ${withinMs / dayMs} days before` : 'before'}, and ${known[0]} of ${all[0]} genuine purchases: alone that is an AUC of ${fixed(ceiling)}`);
}

function cardsCase(name: string, stream: Stream, delayMs: number, ablate: boolean): Case {
  const table = tableOf(stream);
  const { atMs, y } = table.judged;
  if (firstTaught(atMs, 7 * dayMs) < y.length) throw new Error(`${name} is longer than seven days: its verdicts should take seven days`);
  return { name, table, delayMs, ablate, parts: [{ name: 'all', from: firstTaught(atMs, delayMs), to: y.length }] };
}

export async function prequentialRows(say: SuiteOptions['say']): Promise<Row[]> {
  const rows: Row[] = [];
  const [fraud, cards, all] = [readFraudData(), readCardsWithV(), readCards()];
  if (fraud === undefined) say(`risk.frauddata is skipped: ${fraudFile} is not here`);
  else {
    const of = fraudCase(fraud);
    rows.push(...(await rowsOf(of, say)));
    for (const part of of.parts.slice(1)) for (const withinMs of [30 * dayMs, Infinity]) sayCeiling(fraud, part, withinMs, say);
  }
  if (cards !== undefined || all !== undefined) say('risk.creditcard: two days, in which no verdict of seven days arrives; without one every score is the same, and has no rows');
  if (cards === undefined) say(`risk.creditcard is skipped: ${cardsWithVFile} is not here`);
  else rows.push(...(await rowsOf(cardsCase('creditcard', cards, 5 * minuteMs, true), say)));
  if (all === undefined) say(`risk.creditcard_all is skipped: ${cardsFile} is not here`);
  else rows.push(...(await rowsOf(cardsCase('creditcard_all', all, 60 * minuteMs, false), say)));
  return rows;
}
