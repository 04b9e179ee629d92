/**
 * What the state makes of a purchase or a refund: the score, the decision and its reasons. It reads and never writes, so that
 * the step and whoever only asks get the same answer.
 *
 *   event -> features x -> champion, shadow -> p -> costs -> level of the costs -> rules, currency -> decision
 */
import type { Purchase, Refund } from '../../schemas/events.js';
import { decidesFor } from '../canary.js';
import type { LiveVersion } from '../promoted.js';
import type { Signals } from '../signals.js';
import { cheapest, expectedCosts, level as L, levels, type Level } from './costs.js';
import { bytesOf, type DecidedBy } from './decision.js';
import { riskFeatures } from './features.js';
import type { Kind } from './ledger.js';
import { onlineModel } from './online.js';
import { championModels, probabilityOf, riskModels, SHADOWS, type ChampionModel, type RiskModel, type Scorer } from './promoted.js';
import type { Active } from '../../models/linear/online.js';
import { largest, sentences, strongest, type Reasons } from './reasons.js';
import type { RuleRow } from './rule-language.js';
import type { Rule } from './rules.js';
import type { RiskSettings } from './settings.js';
import type { RiskState } from './state.js';

export const D = riskFeatures.length;
const names = riskFeatures.map(({ name }) => name);
/** Earlier decisions that say what is usual for a customer. */
const USUAL_OF = 4;

/** What of a purchase or a refund can be known before it has happened. */
export type Scored = Purchase | Refund;

/** What is live of the promoted models. */
export interface PromotedScorers {
  readonly versions: ReadonlyMap<string, LiveVersion>;
  get(name: RiskModel): Scorer | undefined;
}

export interface Assessment {
  kind: Kind;
  level: Level;
  /** by costs and the last level alone: what the next decision sticks to */
  costLevel: Level;
  decidedBy: DecidedBy;
  p: number;
  logOdds: number;
  costs: [number, number, number];
  model: string;
  fired: readonly Rule[];
  reasons: Reasons;
  usualOf: 'customer' | 'shop';
  topReason: string;
  /** how unusual it is, 0: not known yet */
  anomaly: number;
  /** what makes it unusual; none where it is not */
  anomalyFeatures: readonly string[];
  because: readonly string[];
  /** D numbers, NaN where missing; overwritten by the next assessment, as the two below are */
  x: Float64Array;
  /** the same in 24 bits, as they are kept and travel */
  x32: Float32Array;
  x32Bytes: Buffer;
  /** as many as there are names */
  shadow: Float64Array;
  /** names of the shadow scorers */
  shadowModels: readonly string[];
}

export interface Assessor {
  /** @param atMs  the event's time, no later than now */
  assess(state: RiskState, models: PromotedScorers, signals: Signals, event: Scored, atMs: number): Assessment;
}

export function createAssessor(settings: RiskSettings): Assessor {
  const [x, usual, terms, costs, shadow] = [new Float64Array(D), new Float64Array(D), new Float64Array(D), new Float64Array(3), new Float64Array(SHADOWS)];
  const x32 = new Float32Array(D);
  const x32Bytes = bytesOf(x32);
  const row: RuleRow & { texts: Record<string, string | undefined>; numbers: Record<string, number | undefined> } = { x, texts: {}, numbers: {} };
  return {
    assess(state, models, signals, event, atMs) {
      state.features.extract(event, atMs, signals, x);
      bound(x, x32);
      const { scorer, model } = deciderOf(settings, state, models, event.customer);
      const shadowModels = scoreShadows(state, models, model, x, shadow);
      const reads = scorer.reads();
      const usualOf = usualInto(state, event, reads, usual);
      let logOdds = scorer.terms(x, usual, terms);
      for (let i = 0; i < reads.count; i += 1) logOdds += terms[reads.features[i]];
      const p = probabilityOf(logOdds);

      const rate = state.currencies.rate(event.currency);
      expectedCosts(settings.costs, p, event.amountMinor * (rate ?? 1), costs);
      const last = lastLevel(settings, state, event.customer, atMs);
      const costLevel = cheapest(costs, last, settings.costs.stick);
      const fired = firedBy(settings.rules.rules, row, event);
      const unknownCurrency = rate === undefined;
      const anomaly = state.unusual.score(event.type, x);
      const isUnusual = state.unusual.isUnusual(event.type, anomaly);
      const anomalyFeatures = isUnusual ? state.unusual.features(event.type, x, anomaly) : noTexts;
      const { level, decidedBy } = strictest(costLevel, cheapest(costs, L.allow, 0), fired, unknownCurrency, isUnusual && state.unusual.mayRaise());

      const reasons = largest(names, x, usual, terms, reads, logOdds);
      const note = noteOf(decidedBy, level, event.currency, unknownCurrency, anomalyFeatures);
      const because = sentences({ level, p, fired, reasons, usualOf, note });
      const strictestRule = fired.find((rule) => rule.then === level) ?? fired.at(0);
      const topReason = decidedBy === 'rule' && strictestRule !== undefined ? `rule:${strictestRule.name}` : decidedBy === 'currency' || decidedBy === 'anomaly' ? decidedBy : strongest(reasons);
      return {
        kind: event.type, level, costLevel, decidedBy, p, logOdds, costs: [costs[0], costs[1], costs[2]], model, fired, reasons, usualOf, topReason, anomaly, anomalyFeatures, because, x, x32, x32Bytes, shadow, shadowModels,
      };
    },
  };
}

const noTexts: readonly string[] = [];

/** What is to be said beyond costs and rules. */
function noteOf(decidedBy: DecidedBy, level: Level, currency: string, unknownCurrency: boolean, anomalyFeatures: readonly string[]): string | undefined {
  if (unknownCurrency) return `currency ${currency} has no rate, so nobody knows what is at stake; add it to AFTERCARE_RISK_RATES`;
  if (decidedBy === 'hysteresis') return `stays at ${levels[level]}: a lower level is not yet cheaper by the margin`;
  return decidedBy === 'anomaly' ? `nothing like it has been seen; what makes it unusual is ${anomalyFeatures.join(', ')}` : undefined;
}

const none: readonly Rule[] = [];
function firedBy(rules: readonly Rule[], row: Parameters<typeof fillRow>[0] & RuleRow, event: Scored): readonly Rule[] {
  if (rules.length === 0) return none;
  fillRow(row, event);
  const fired = rules.filter((rule) => rule.holds(row));
  return fired.length === 0 ? none : fired;
}

/** Beyond what 32 bits hold nothing is told apart, and one infinite number would make every score NaN. */
function bound(x: Float64Array, x32: Float32Array): void {
  for (let j = 0; j < x.length; j += 1) {
    const value = x[j];
    if (!(value - value === 0)) x[j] = NaN;
    x32[j] = x[j];
  }
}

/** The challenger whose share of the customers this one is in, the first where there are several; the champion otherwise. */
function deciderOf(settings: RiskSettings, state: RiskState, models: PromotedScorers, customer: string): { scorer: Scorer; model: string } {
  for (const [name, live] of models.versions) {
    if (live.percent === undefined || !decidesFor(live, name, customer)) continue;
    const found = riskModels.find((own) => own === name);
    const scorer = found === undefined ? undefined : models.get(found);
    if (found !== undefined && scorer !== undefined) return { scorer, model: versionOf(models, found) };
  }
  return championOf(settings, state, models);
}

/** The model promoted last, or the one that the settings name where it is live; the regression otherwise. */
function championOf({ champion }: RiskSettings, state: RiskState, models: PromotedScorers): { scorer: Scorer; model: string } {
  let [found, seq]: [ChampionModel | undefined, number] = [undefined, -1];
  for (const name of championModels) {
    const live = models.versions.get(name);
    if (live === undefined || live.seq <= seq || (champion !== 'latest' && champion !== name)) continue;
    [found, seq] = [name, live.seq];
  }
  const scorer = found === undefined ? undefined : models.get(found);
  return found === undefined || scorer === undefined ? { scorer: state.online, model: onlineModel } : { scorer, model: versionOf(models, found) };
}

const versionOf = (models: PromotedScorers, name: RiskModel): string => `${name}.${models.versions.get(name)?.version ?? 0}`;

const nobody: readonly string[] = [];
/** @returns the names of those that scored, whose probabilities are in `out` */
function scoreShadows(state: RiskState, models: PromotedScorers, champion: string, x: Float64Array, out: Float64Array): readonly string[] {
  if (models.versions.size === 0) return nobody;
  const found: string[] = [];
  if (champion !== onlineModel) {
    out[0] = probabilityOf(state.online.logOdds(x));
    found.push(onlineModel);
  }
  for (const name of riskModels) {
    const scorer = models.get(name);
    if (scorer === undefined) continue;
    const version = versionOf(models, name);
    if (version === champion) continue;
    out[found.length] = probabilityOf(scorer.logOdds(x));
    found.push(version);
  }
  return found;
}

/** @param reads  of what it is wanted. @returns whose it is: the mean of the customer's last decisions of the kind; where one says nothing, and for a new customer, the shop's. */
function usualInto({ online, ledger }: RiskState, { type, customer }: Scored, reads: Active, out: Float64Array): 'customer' | 'shop' {
  // One is enough to know whose it is, and each is a cache miss.
  if (reads.count === 0) return ledger.lastOf(customer, type, lastSlot) === 0 ? 'shop' : 'customer';
  const earlier = ledger.lastOf(customer, type, earlierSlots);
  online.usual(out, reads);
  if (earlier === 0) return 'shop';
  const { x } = ledger.columns;
  const { features, count } = reads;
  sums.fill(0);
  knowns.fill(0);
  // Row by row: each is ten cache lines behind one another, which the processor fetches ahead.
  for (let n = 0; n < earlier; n += 1) {
    const from = earlierSlots[n] * D;
    for (let i = 0; i < count; i += 1) {
      const value = x[from + features[i]];
      if (value !== value) continue;
      sums[i] += value;
      knowns[i] += 1;
    }
  }
  for (let i = 0; i < count; i += 1) if (knowns[i] > 0) out[features[i]] = sums[i] / knowns[i];
  return 'customer';
}
const [sums, knowns] = [new Float64Array(D), new Float64Array(D)];
const [earlierSlots, lastSlot] = [new Int32Array(USUAL_OF), new Int32Array(1)];

function lastLevel({ costs }: RiskSettings, { raised }: RiskState, customer: string, atMs: number): Level {
  if (raised.customers.size() === 0) return L.allow;
  const id = raised.customers.idOf(customer);
  return id === undefined || atMs - raised.atMs[id] > costs.stickMs ? L.allow : raised.level[id];
}

function strictest(byCosts: Level, without: Level, fired: readonly Rule[], unknownCurrency: boolean, raise: boolean): { level: Level; decidedBy: DecidedBy } {
  let [level, decidedBy]: [Level, DecidedBy] = [byCosts, byCosts > without ? 'hysteresis' : 'costs'];
  for (const { then } of fired) if (then > level) [level, decidedBy] = [then, 'rule'];
  if (unknownCurrency && level < L.review) [level, decidedBy] = [L.review, 'currency'];
  if (raise && level < L.review) [level, decidedBy] = [L.review, 'anomaly'];
  return { level, decidedBy };
}

function fillRow({ texts, numbers }: { texts: Record<string, string | undefined>; numbers: Record<string, number | undefined> }, event: Scored): void {
  const isPurchase = event.type === 'purchase';
  numbers.amount = event.amountMinor;
  texts.event = event.type;
  texts.currency = event.currency;
  texts.payment = isPurchase ? event.payment : undefined;
  texts.shipping_country = isPurchase ? event.shippingCountry : undefined;
  texts.billing_country = isPurchase ? event.billingCountry : undefined;
  texts.refund_reason = isPurchase ? undefined : event.reason;
}
