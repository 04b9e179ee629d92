/**
 * The session channel: the next click of every session of a published split, asked before it is learnt; beside a batch job's
 * VMIS-kNN, from scratch, which must give the very same answers when the index is not kept live.
 *
 * As in the papers a click on an item that the session holds already counts like any other, and may be answered.
 */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { naiveAnswer, type NaiveSession } from '../models/sessions/naive.js';
import { createSessions, defaultSessionSettings, type Proposal, type Sessions } from '../models/sessions/sessions.js';
import { strengths } from '../pipelines/recommend/step.js';
import { blendRows } from './sessions-blend.js';
import { quantile, row, type Row } from './report.js';

export interface Click {
  customer: string;
  session: string | undefined;
  item: string;
  /** what was done, as the recommend step weighs it */
  strength: number;
  atMs: number;
}
export interface Split {
  train: Click[];
  test: Click[];
}
export interface Quality {
  asked: number;
  hr20: number;
  mrr20: number;
  /** of the clicks on items that the session does not hold yet */
  newHr20: number;
}
interface Timed {
  queryUs: Float64Array;
  updateUs: Float64Array;
}

export const K = 20;
const settings = defaultSessionSettings;
const dataDir = '../shared/data';

/** `SessionId \t ItemId \t Time` in seconds. Every session is a customer of its own. */
function readYoochoose(): Split | undefined {
  const read = (name: string, part: string): Click[] => {
    const bytes = readFileSync(`${dataDir}/yoochoose-100k/yoochoose-clicks-100k_${name}`);
    const lines = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').trimEnd().split('\n').slice(1);
    return lines.map((line) => {
      const [session, item, seconds] = line.split('\t');
      return { customer: `${part}${session}`, session, item, strength: strengths.view, atMs: Number(seconds) * 1000 };
    }).sort((a, b) => a.atMs - b.atMs);
  };
  if (!existsSync(`${dataDir}/yoochoose-100k`)) return undefined;
  return { train: read('train_full.tsv.gz', 'a'), test: read('test.tsv', 'b') };
}

/** What retailrocket calls it. */
const weightOf: Record<string, number> = { view: strengths.view, addtocart: strengths.cart, transaction: strengths.purchase };

/** `timestamp,visitorid,event,itemid,...`: no sessions, so the gap cuts them. The first half is learnt, the second asked. */
function readRetailrocket(): Split | undefined {
  const file = `${dataDir}/retailrocket-sample/events_sample.csv`;
  if (!existsSync(file)) return undefined;
  const clicks = readFileSync(file, 'utf8').trimEnd().split('\n').slice(1).map((line): Click => {
    const [ms, visitor, event, item] = line.split(',');
    return { customer: `v${visitor}`, session: undefined, item, strength: weightOf[event], atMs: Number(ms) };
  }).sort((a, b) => a.atMs - b.atMs);
  return { train: clicks.slice(0, clicks.length >> 1), test: clicks.slice(clicks.length >> 1) };
}

/** Tells of each click whether it goes on with a session. */
export function createCut(): (click: Click) => boolean {
  const lastMs = new Map<string, number>();
  return ({ customer, atMs }) => {
    const last = lastMs.get(customer);
    lastMs.set(customer, atMs);
    return last !== undefined && atMs - last <= settings.gapMs;
  };
}

/** Sums up where the next click was found. */
export function createScore() {
  const sum = { asked: 0, hits: 0, reciprocal: 0, newAsked: 0, newHits: 0 };
  return {
    add(answer: readonly { item: string }[], next: string, isNew: boolean): void {
      const at = answer.findIndex(({ item }) => item === next);
      sum.asked += 1;
      if (isNew) sum.newAsked += 1;
      if (at < 0) return;
      sum.hits += 1;
      sum.reciprocal += 1 / (at + 1);
      if (isNew) sum.newHits += 1;
    },
    done(): Quality {
      if (sum.asked === 0) throw new Error('bench: no session went on: nothing was asked');
      return { asked: sum.asked, hr20: sum.hits / sum.asked, mrr20: sum.reciprocal / sum.asked, newHr20: sum.newHits / Math.max(1, sum.newAsked) };
    },
  };
}

function learnt(train: Click[]): Sessions {
  const model = createSessions(settings);
  for (const { customer, session, item, atMs } of train) model.observe(customer, session, item, atMs);
  return model;
}

/** In the order of time, every click learnt as soon as it has been asked for. */
function live({ train, test }: Split): Quality & Timed {
  const model = learnt(train);
  const goesOn = createCut();
  train.forEach(goesOn);
  const score = createScore();
  const [queryUs, updateUs]: [number[], number[]] = [[], []];
  for (const click of test) {
    const { customer, session, item, atMs } = click;
    if (goesOn(click) || (session !== undefined && model.current(customer).length > 0)) {
      const before = performance.now();
      const answer = model.recommend(customer, K, 'with own');
      queryUs.push((performance.now() - before) * 1000);
      score.add(answer, item, !model.current(customer).includes(item));
    }
    const before = performance.now();
    model.observe(customer, session, item, atMs);
    updateUs.push((performance.now() - before) * 1000);
  }
  return { ...score.done(), queryUs: Float64Array.from(queryUs).sort(), updateUs: Float64Array.from(updateUs).sort() };
}

/** A batch job's index: sessions in the order in which they started, and where each item is held. */
interface Scratch {
  sessions: NaiveSession[];
  byItem: Map<string, number[]>;
}

function scratch(train: Click[]): Scratch {
  const [sessions, byItem] = [[] as NaiveSession[], new Map<string, number[]>()];
  for (const clicks of sessionsOf(train)) {
    let items: string[] = [];
    for (const { customer, item } of clicks) {
      if (items.length === settings.limits.length && !items.includes(item)) items = [];
      if (items.length === 0) sessions.push({ customer, items });
      touch(items, item);
    }
  }
  for (const [serial, { items }] of sessions.entries()) for (const item of items) hold(byItem, item, serial);
  return { sessions, byItem };
}

/** In the order in which they started. */
function sessionsOf(clicks: Click[]): Click[][] {
  const all: Click[][] = [];
  const running = new Map<string, Click[]>();
  const goesOn = createCut();
  for (const click of clicks) {
    const within = goesOn(click);
    const mine = running.get(click.customer);
    if (mine !== undefined && (within || click.session !== undefined)) {
      mine.push(click);
      continue;
    }
    const started = [click];
    running.set(click.customer, started);
    all.push(started);
  }
  return all;
}

/** The item becomes the latest. @returns whether it is new */
function touch(items: string[], item: string): boolean {
  const place = items.indexOf(item);
  if (place >= 0) items.splice(place, 1);
  items.push(item);
  return place < 0;
}

function hold(byItem: Map<string, number[]>, item: string, serial: number): void {
  const list = byItem.get(item);
  if (list === undefined) byItem.set(item, [serial]);
  else list.push(serial);
}

/**
 * The index as the night left it, and one session of the test part at a time beside it: the live model is told to forget it
 * afterwards. @throws Error when an answer differs from the batch job's
 */
function frozen({ train, test }: Split): Quality & { queriesPerS: number } {
  const model = learnt(train);
  const { sessions, byItem } = scratch(train);
  const score = createScore();
  let naiveMs = 0;
  for (const [n, clicks] of sessionsOf(test).entries()) {
    const customer = `frozen-${n}`;
    const mine = { customer, items: [] as string[] };
    const added: number[][] = [];
    sessions.push(mine);
    for (const { item, atMs } of clicks) {
      if (mine.items.length > 0) {
        const before = performance.now();
        const expected = naiveAnswer(settings, byItem, sessions, mine, K, true);
        naiveMs += performance.now() - before;
        expectSame(model.recommend(customer, K, 'with own'), expected);
        score.add(expected, item, !mine.items.includes(item));
      }
      if (mine.items.length === settings.limits.length && !mine.items.includes(item)) break; // the live model would cut it here
      if (touch(mine.items, item)) {
        hold(byItem, item, sessions.length - 1);
        added.push(byItem.get(item) ?? []);
      }
      model.observe(customer, 'it', item, atMs);
    }
    model.forget(customer);
    sessions.pop();
    for (const list of added) list.pop();
  }
  const quality = score.done();
  return { ...quality, queriesPerS: (quality.asked / naiveMs) * 1000 };
}

function expectSame(answer: Proposal[], expected: { item: string; score: number }[]): void {
  const same = answer.length === expected.length && answer.every(({ item, score }, n) => item === expected[n].item && score === expected[n].score);
  if (!same) throw new Error(`bench: the live index answers ${JSON.stringify(answer.slice(0, 3))}, from scratch it is ${JSON.stringify(expected.slice(0, 3))}`);
}

/** Rows of the data sets that are here. @param say where it tells what it does */
export async function sessionRows(say: (line: string) => void): Promise<Row[]> {
  const splits = { yoochoose: readYoochoose(), retailrocket: readRetailrocket() };
  const rows: Row[] = [];
  for (const [name, split] of Object.entries(splits)) {
    if (split === undefined) {
      say(`${name}: skipped, the data set is not in ${dataDir}`);
      continue;
    }
    say(`${name}: ${split.train.length} clicks learnt, ${split.test.length} to come`);
    live(split); // until the compiler has seen it
    const kept = live(split);
    const batch = frozen(split);
    say(`${name}: ${batch.asked} answers of the index that is not kept live equal the batch job's`);
    const note = 'naive batch VMIS-kNN, the index as the night left it';
    rows.push(
      row(`recommend.${name}.vmis.hr20`, kept.hr20, 'share', batch.hr20, note),
      row(`recommend.${name}.vmis.mrr20`, kept.mrr20, 'share', batch.mrr20, note),
      row(`recommend.${name}.vmis.new_hr20`, kept.newHr20, 'share', batch.newHr20, `${note}; clicks on items that are new to the session`),
      ...blendRows(name, split, kept, say),
    );
    if (name !== 'yoochoose') continue;
    const perS = 1e6 / (kept.queryUs.reduce((sum, us) => sum + us, 0) / kept.queryUs.length);
    rows.push(
      row('recommend.session.query_p50_ms', quantile(kept.queryUs, 0.5) / 1000, 'ms'),
      row('recommend.session.query_p99_ms', quantile(kept.queryUs, 0.99) / 1000, 'ms'),
      row('recommend.session.queries_per_s', perS, '1/s', batch.queriesPerS, 'naive VMIS-kNN with its index at hand'),
      row('recommend.session.update_p99_us', quantile(kept.updateUs, 0.99), 'us'),
    );
  }
  return rows;
}
