/** Rows of `model_metrics`: of the verdicts of a day that is over, and of the decisions of a day whose maturity is over. */
import type { Emit } from '../step.js';
import { SHADOWS } from './promoted.js';
import { level as L } from './costs.js';
import type { ModelMetric } from './decision.js';
import { verdicts } from './ledger.js';
import { measure, type Measured } from './scorecard.js';
import type { RiskSettings } from './settings.js';
import type { RiskState } from './state.js';

const dayMs = 86_400_000;
/** A version that decides and one that only watches are two, should it have been both on a day. */
const champion = (version: number): number => version * 2;
const watching = (version: number): number => version * 2 + 1;

/** A verdict came: what everyone had said goes onto the scorecard of the day. */
export function scored({ ledger, scorecard }: RiskState, n: number, label: number): void {
  const slot = ledger.slotOf(n);
  const { p, version, shadow, shadowVersion, shadows } = ledger.columns;
  scorecard.add(champion(version[slot]), p[slot], label);
  for (let i = slot * SHADOWS; i < slot * SHADOWS + shadows[slot]; i += 1) scorecard.add(watching(shadowVersion[i]), shadow[i], label);
}

export function measureVerdicts(state: RiskState, { capacity }: RiskSettings, day: number, seq: number, emit: Emit): void {
  for (const { version, p, y, seen } of state.scorecard.take()) {
    const found = measure(p, y, capacity);
    emitAll(state, { day, version, over: 'verdicts', seq }, found.map((of) => ({ ...of, rows: seen })), emit);
  }
}

interface Group {
  day: number;
  version: number;
  p: number[];
  y: number[];
  /** of the champion: whether each was let through */
  raised: number[];
}

/** Of the days that have become complete between two days: one pass over the ledger. What had no verdict was genuine. */
export function measureDays(state: RiskState, { capacity, maturityMs }: RiskSettings, before: number, now: number, seq: number, emit: Emit): void {
  const { ledger } = state;
  const behind = Math.ceil(maturityMs / dayMs) + 1;
  const [from, to] = [before - behind, now - behind];
  const { atMs, p, version, shadow, shadowVersion, shadows, level, verdict } = ledger.columns;
  const groups = new Map<number, Group>();
  const add = (day: number, of: number, probability: number, label: number, raised: number): void => {
    const key = day * 131_072 + of; // a version has 16 bits, and its role one
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = { day, version: of, p: [], y: [], raised: [] }));
    group.p.push(probability);
    group.y.push(label);
    group.raised.push(raised);
  };
  for (let n = ledger.oldest(); n < ledger.count(); n += 1) {
    const slot = ledger.slotOf(n);
    const day = Math.floor(atMs[slot] / dayMs);
    if (day <= from || day > to || verdict[slot] === verdicts.forgotten) continue;
    const label = verdict[slot] === verdicts.fraud ? 1 : 0;
    add(day, champion(version[slot]), p[slot], label, level[slot] > L.allow ? 1 : 0);
    for (let i = slot * SHADOWS; i < slot * SHADOWS + shadows[slot]; i += 1) add(day, watching(shadowVersion[i]), shadow[i], label, 0);
  }
  for (const [, group] of [...groups].sort(([a], [b]) => a - b)) {
    const y = Uint8Array.from(group.y);
    const found = measure(Float64Array.from(group.p), y, capacity);
    if (group.version % 2 === 0) found.push(...ofActions(y, group.raised));
    emitAll(state, { day: group.day, version: group.version, over: 'decisions', seq }, found, emit);
  }
}

/** What the decisions themselves did: the share of the frauds that were raised, and of the genuine ones that were raised for nothing. */
function ofActions(y: Uint8Array, raised: readonly number[]): Measured[] {
  const positives = y.reduce((sum, label) => sum + label, 0);
  let [caught, disturbed] = [0, 0];
  for (let i = 0; i < y.length; i += 1) {
    caught += raised[i] * y[i];
    disturbed += raised[i] * (1 - y[i]);
  }
  const found = [{ metric: 'raised_fraud', value: caught / positives }, { metric: 'raised_genuine', value: disturbed / (y.length - positives) }];
  return found.filter(({ value }) => Number.isFinite(value)).map((of) => ({ ...of, rows: y.length, positives }));
}

function emitAll(state: RiskState, { day, version, over, seq }: { day: number; version: number; over: ModelMetric['over']; seq: number }, found: Measured[], emit: Emit): void {
  const model = state.versions[version >> 1];
  for (const of of found) {
    const value: ModelMetric = { pipeline: 'risk', seq, dayMs: day * dayMs, over, model, role: version % 2 === 0 ? 'champion' : 'shadow', ...of };
    emit({ table: 'model_metrics', value });
  }
}
