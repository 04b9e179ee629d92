/**
 * Verdicts that come after the ledger has dropped their decision. A fold cannot ask ClickHouse, and what ClickHouse says may
 * change until a replay asks again; so the sink asks once, and publishes what it has found as an event of the same stream:
 *
 *   label  ->  fold: unknown, `dropped`  ->  OUT  ->  sink: rows stored, then  risk_decisions  ->  control recall  ->  fold: learned
 *
 * The sink stores a cut, asks and publishes before it goes on, and repeats all of it after a crash: the recall's id is made of
 * the positions of label and decision, so that the stream drops a repeat, and one that comes later is known to the ledger.
 */
import { limits } from '../../schemas/limits.js';
import type { Recall } from '../../schemas/events.js';
import type { RiskDecisionRow } from '../../schemas/risk-tables.js';
import type { RiskLabel } from './decision.js';
import { riskFeatures } from './features.js';
import type { Kind } from './ledger.js';

/** What the sink looks for. */
export interface LateLabel {
  shard: number;
  /** position of the label */
  seq: number;
  atMs: number;
  customer: string;
  kind: Kind;
  order: string;
  verdict: string;
}

/** A row of risk_decisions, as far as it is wanted. */
export type KeptDecision = Pick<RiskDecisionRow, 'seq' | 'atMs' | 'kind' | 'customer' | 'order' | 'decision' | 'probability' | 'model' | 'featureNames' | 'features'>;

/** undefined where there is nothing to look for */
export function lateLabel(shard: number, { seq, atMs, customer, kind, order, verdict, dropped }: RiskLabel): LateLabel | undefined {
  return dropped === true ? { shard, seq, atMs, customer, kind, order, verdict } : undefined;
}

/** undefined for a row without the names of its features, or with more of them than an event holds: it can teach nothing */
export function recallOf({ seq, atMs, kind, verdict }: LateLabel, decision: KeptDecision): Recall | undefined {
  const { featureNames, features } = decision;
  const [names, packed] = [featureNames.join(','), Buffer.from(Float32Array.from(features, (value) => value ?? NaN).buffer).toString('base64')];
  if (featureNames.length === 0 || featureNames.length !== features.length || Math.max(names.length, packed.length) > limits.recallCharactersMax) return undefined;
  return {
    v: 1, type: 'control', id: `recall-${seq}-${decision.seq}`, customer: decision.customer, atMs, command: 'recall',
    label: { of: kind, ref: decision.order, verdict, atMs },
    decided: { atMs: decision.atMs, seq: decision.seq, decision: decision.decision, probability: decision.probability, model: decision.model, names, features: packed },
  };
}

const names = riskFeatures.map(({ name }) => name);

/** The row of this build; NaN for a feature that the build which decided had not, or whose value is none. */
export function featuresByName(listed: string, packed: string): Float32Array {
  const given = Buffer.from(packed, 'base64');
  const at = new Map(listed.split(',').map((name, j) => [name, j * 4]));
  return Float32Array.from(names, (name) => {
    const from = at.get(name);
    const value = from === undefined || from + 4 > given.length ? NaN : given.readFloatLE(from);
    return Number.isFinite(value) ? value : NaN;
  });
}
