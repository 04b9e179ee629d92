/**
 * The risk step: each purchase and refund gets a decision, from what was known before it; verdicts that come later teach.
 *
 *   purchase, refund   assess, emit the decision, keep its features for the verdict, and only then learn what it says; what
 *                      arrives long after it happened goes into the features alone
 *   label              the regression learns from the features at the time of the decision
 *   control recall     the decision of a label that came after the ledger had dropped it, out of ClickHouse (late.ts)
 *   time               what had no verdict for the maturity was genuine; a day that is over has its metrics
 *   control forget     takes out the customer's windows, waiting decisions and level; the weights, sums over all, stay
 */
import { riskLevels, type Signals } from '../signals.js';
import type { Emit, StoredEvent } from '../step.js';
import type { Assessment, PromotedScorers, Scored } from './assess.js';
import { level as L, levels } from './costs.js';
import { packFeatures, type RiskDecision } from './decision.js';
import { judge, learn, numberOf, recall } from './judge.js';
import { verdicts } from './ledger.js';
import { measureDays, measureVerdicts } from './measured.js';
import { SHADOWS } from './promoted.js';
import type { RiskSettings } from './settings.js';
import { emptyRisk, hashOfRisk, restoreRisk, setRaised, snapshotOfRisk, type RiskState } from './state.js';

/** Decisions that mature with one event at most: bounds what a jump of the clock costs one of them. */
const MATURED_MAX = 8;
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
          if (event.command === 'recall') emit({ table: 'risk_labels', value: recall(state, event, position, atMs) });
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
  const { level, costLevel, decidedBy, p, model, anomaly, x, x32, shadow, shadowModels } = assessment;
  for (let i = 0; i < shadowModels.length; i += 1) shadowVersion[i] = numberOf(state, shadowModels[i]);
  state.ledger.push({ kind: event.type, customer: event.customer, order: event.order, atMs, level, p, version: numberOf(state, model), shadow, shadowVersion, shadows: shadowModels.length, x: x32 });
  state.online.observe(x, atMs);
  state.unusual.observe(event.type, x, anomaly, decidedBy === 'anomaly');
  if (event.type === 'purchase') state.currencies.observe(event.currency, event.amountMinor);
  setRaised(state.raised, event.customer, costLevel, atMs);
  // A verdict about another order that made the risk high must not be forgotten for this one.
  if (level > L.allow && signals.risk(event.customer, atMs) !== riskLevels.high) signals.setRisk(event.customer, riskLevels.high, atMs, event.order);
  else if (level === L.allow) signals.setRisk(event.customer, riskLevels.low, atMs);
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
  const { kind, level, decidedBy, p, logOdds, costs, model, fired, reasons, usualOf, topReason, anomaly, anomalyFeatures, because, x32Bytes, shadow, shadowModels } = assessment;
  return {
    seq, atMs, kind, customer: event.customer, order: event.order, amountMinor: event.amountMinor, currency: event.currency, decision: levels[level], decidedBy,
    probability: p, logOdds, costs, model, rules, fired: fired.length === 0 ? noTexts : fired.map(({ name }) => name), topReason,
    reasonFeatures: reasons.features, reasonValues: reasons.values, reasonUsual: reasons.usual, reasonTerms: reasons.terms, reasonRest: reasons.rest, usualOf, because, anomaly, anomalyFeatures,
    features: packFeatures(x32Bytes),
    shadow: shadowModels, shadowProbabilities: shadowModels.length === 0 ? noNumbers : Array.from(shadow.subarray(0, shadowModels.length)),
  };
}
