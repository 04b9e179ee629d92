/** What would be decided about a purchase or a refund that has not happened. Nothing here changes the state. */
import type { RiskAnswer, RiskRequest } from '../../schemas/services.js';
import type { Signals } from '../signals.js';
import type { PromotedScorers, Scored } from './assess.js';
import { levels } from './costs.js';
import type { RiskState } from './state.js';

/** @param nowMs  the moment that is asked about, where the request names none, and the latest that it may name */
export function riskAnswer(state: RiskState, models: PromotedScorers, signals: Signals, request: RiskRequest, place: { shard: number; seq: number }, nowMs: number): RiskAnswer {
  const atMs = Math.min(request.atMs ?? nowMs, nowMs);
  // The schema of the request is that of the event, less what only an event has.
  const event: Scored = { lines: [], order: '', ...request, v: 1, id: 'asked', atMs };
  const { level, p, decidedBy, costs, fired, reasons, because, model, anomaly, anomalyFeatures } = state.assessor.assess(state, models, signals, event, atMs);
  return {
    customer: request.customer, decision: levels[level], probability: p, decidedBy, costs: { allow: costs[0], review: costs[1], block: costs[2] },
    rules: fired.map(({ name }) => name),
    reasons: reasons.features.map((feature, i) => ({ feature, value: reasons.values[i], usual: reasons.usual[i], term: reasons.terms[i] })),
    rest: reasons.rest, anomaly: { score: anomaly, features: [...anomalyFeatures] }, because: [...because], model, rulesVersion: state.rules, ...place,
  };
}

/** For people who look at a shard. */
export function riskStats({ features, ledger, online, unusual }: RiskState) {
  const { waiting, dropped } = ledger.stats();
  return { customers: features.stats().customers, waiting, dropped, ...online.counts, raisedAsUnusual: unusual.stats().raised };
}
