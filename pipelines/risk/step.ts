/**
 * The risk step: each purchase and refund gets a decision, from what was known before it; verdicts that come later teach.
 *
 *   purchase, refund   assess, emit the decision, keep its features for the verdict, and only then learn what it says; what
 *                      arrives long after it happened goes into the features alone
 *   label              the regression learns from the features at the time of the decision
 *   time               what had no verdict for the maturity was genuine; a day that is over has its metrics
 *   control forget     takes out the customer's windows, waiting decisions and level; the weights, sums over all, stay
 */
import type { Label } from '../../schemas/events.js';
import { riskLevels, type Signals } from '../signals.js';
import type { Emit, StoredEvent } from '../step.js';
import { D, type Assessment, type PromotedScorers, type Scored } from './assess.js';
import { level as L, levels } from './costs.js';
import { packFeatures, type RiskDecision, type RiskLabel } from './decision.js';
import { verdicts, type Kind, type Verdict } from './ledger.js';
import { measureDays, measureVerdicts, scored } from './measured.js';
import { SHADOWS } from './promoted.js';
import type { RiskSettings } from './settings.js';
import { emptyRisk, hashOfRisk, restoreRisk, setRaised, snapshotOfRisk, type RiskState } from './state.js';

/** Decisions that mature with one event at most: bounds what a jump of the clock costs one of them. */
const MATURED_MAX = 8;
/** A verdict that takes back what was learned counts twice: once against the first, once for itself. */
const CONTRADICTION = 2;
const dayMs = 86_400_000;
/** Most decisions have no rule that fired and no shadow. */
const [noTexts, noNumbers]: [readonly string[], readonly number[]] = [[], []];

/** Like a `Step`, beside the signals that it reads and writes and the models that are live. */
export interface RiskStep {
  empty(): RiskState;
  /** @param atMs  the event's time, no later than it was received */
  step(state: RiskState, models: PromotedScorers, signals: Signals, stored: StoredEvent, atMs: number, emit: Emit): void;
  snapshot(state: RiskState): Uint8Array[];
  /** @throws RangeError when they are not a whole snapshot of this version made with these settings */
  restore(chunks: Uint8Array[]): RiskState;
  hash(state: RiskState): string;
}

export function riskStep(settings: RiskSettings): RiskStep {
  const shadowVersion = new Uint16Array(SHADOWS);
  return {
    empty: () => emptyRisk(settings),
    step(state, models, signals, stored, atMs, emit) {
      const { event, position } = stored;
      if (atMs > state.clockMs) moveClock(state, settings, atMs, position, emit);
      switch (event.type) {
        case 'purchase':
        case 'refund': {
          // What happened long before it arrived is history: nobody waits for a decision, and an import of years is not held up by them.
          if (stored.receivedMs - atMs > settings.freshMs) break;
          const assessment = state.assessor.assess(state, models, signals, event, atMs);
          emit({ table: 'risk_decisions', value: decisionOf(assessment, settings.rules.version, event, position, atMs) });
          remember(state, signals, event, atMs, assessment, shadowVersion);
          break;
        }
        case 'label':
          if (event.of !== 'ticket') emit({ table: 'risk_labels', value: judge(state, event, event.of, position, atMs) });
          break;
        case 'control':
          if (event.command !== 'forget') return;
          state.features.forget(event.customer);
          state.ledger.forget(event.customer);
          setRaised(state.raised, event.customer, L.allow, atMs);
          return;
        case 'click':
        case 'ticket':
          break;
      }
      state.features.observe(event, atMs);
    },
    snapshot: (state) => snapshotOfRisk(state, settings),
    restore: (chunks) => restoreRisk(chunks, settings),
    hash: (state) => hashOfRisk(state, settings),
  };
}

function remember(state: RiskState, signals: Signals, event: Scored, atMs: number, assessment: Assessment, shadowVersion: Uint16Array): void {
  const { level, costLevel, p, model, x, x32, shadow, shadowModels } = assessment;
  for (let i = 0; i < shadowModels.length; i += 1) shadowVersion[i] = numberOf(state, shadowModels[i]);
  state.ledger.push({ kind: event.type, customer: event.customer, order: event.order, atMs, level, p, version: numberOf(state, model), shadow, shadowVersion, shadows: shadowModels.length, x: x32 });
  state.online.observe(x, atMs);
  if (event.type === 'purchase') state.currencies.observe(event.currency, event.amountMinor);
  setRaised(state.raised, event.customer, costLevel, atMs);
  // A verdict about another order that made the risk high must not be forgotten for this one.
  if (level > L.allow && signals.risk(event.customer, atMs) !== riskLevels.high) signals.setRisk(event.customer, riskLevels.high, atMs, event.order);
  else if (level === L.allow) signals.setRisk(event.customer, riskLevels.low, atMs);
}

/** Promotions are rare: a list is enough. */
function numberOf({ versions }: RiskState, name: string): number {
  const known = versions.indexOf(name);
  return known >= 0 ? known : versions.push(name) - 1;
}

export const verdictOf = (text: string): Verdict | undefined => (text === 'genuine' ? verdicts.genuine : text === 'chargeback' || text === 'abuse' ? verdicts.fraud : undefined);

/** A verdict reaches every decision about its order that is still held: the lines of an order may have come one by one. */
function judge(state: RiskState, { customer, ref, verdict }: Label, kind: Kind, seq: number, atMs: number): RiskLabel {
  const row: RiskLabel = { seq, atMs, customer, kind, order: ref, verdict, outcome: 'ignored', decisions: 0 };
  const of = verdictOf(verdict);
  if (of === undefined) return row;
  const { ledger, versions } = state;
  const found = ledger.ofOrder(kind, customer, ref);
  row.outcome = found.length === 0 ? 'unknown' : 'repeated';
  if (found.length === 0) return row;
  const slot = ledger.slotOf(found[0]);
  const { atMs: at, p, level, version, verdict: verdictsHeld } = ledger.columns;
  row.decisions = found.length;
  row.decided = { atMs: at[slot], probability: p[slot], decision: levels[level[slot]], model: versions[version[slot]] };
  for (const n of found) {
    const before = verdictsHeld[ledger.slotOf(n)] as Verdict;
    const known = before === verdicts.matured ? verdicts.genuine : before;
    if (known === of) ledger.setVerdict(n, of);
    else if (before === verdicts.waiting) {
      learn(state, n, of, 1, atMs);
      if (row.outcome === 'repeated') row.outcome = 'learned';
    } else {
      learn(state, n, of, CONTRADICTION, atMs);
      row.outcome = 'contradicted';
    }
  }
  return row;
}

const row = new Float64Array(D);

function learn(state: RiskState, n: number, of: Verdict, times: number, atMs: number): void {
  const { ledger, online } = state;
  const slot = ledger.slotOf(n);
  const label = of === verdicts.fraud ? 1 : 0;
  row.set(ledger.columns.x.subarray(slot * D, (slot + 1) * D));
  online.learn(row, label, times, atMs - ledger.columns.atMs[slot]);
  if (times > 1) online.takeBack(1 - label);
  scored(state, n, label);
  ledger.setVerdict(n, of);
}

function moveClock(state: RiskState, settings: RiskSettings, atMs: number, seq: number, emit: Emit): void {
  const [before, day] = [Math.floor(state.clockMs / dayMs), Math.floor(atMs / dayMs)];
  state.clockMs = atMs;
  if (day > before) {
    measureVerdicts(state, settings, before, seq, emit);
    measureDays(state, settings, before, day, seq, emit);
  }
  for (let looks = 0; looks < MATURED_MAX; looks += 1) {
    const n = state.ledger.firstWaiting();
    if (n === undefined || atMs - state.ledger.columns.atMs[state.ledger.slotOf(n)] < settings.maturityMs) return;
    learn(state, n, verdicts.matured, 1, atMs);
  }
}

export function decisionOf(assessment: Assessment, rules: string, event: Scored, seq: number, atMs: number): RiskDecision {
  const { kind, level, decidedBy, p, logOdds, costs, model, fired, reasons, usualOf, topReason, because, x32Bytes, shadow, shadowModels } = assessment;
  return {
    seq, atMs, kind, customer: event.customer, order: event.order, amountMinor: event.amountMinor, currency: event.currency, decision: levels[level], decidedBy,
    probability: p, logOdds, costs, model, rules, fired: fired.length === 0 ? noTexts : fired.map(({ name }) => name), topReason,
    reasonFeatures: reasons.features, reasonValues: reasons.values, reasonUsual: reasons.usual, reasonTerms: reasons.terms, reasonRest: reasons.rest, usualOf, because,
    features: packFeatures(x32Bytes),
    shadow: shadowModels, shadowProbabilities: shadowModels.length === 0 ? noNumbers : Array.from(shadow.subarray(0, shadowModels.length)),
  };
}
