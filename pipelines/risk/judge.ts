/** What verdicts teach: from the decisions that the ledger holds, and from those that are recalled because it no longer did. */
import type { Label, Recall } from '../../schemas/events.js';
import { D } from './assess.js';
import { levels } from './costs.js';
import type { RiskLabel } from './decision.js';
import { featuresByName } from './late.js';
import { verdicts, type Kind, type Verdict } from './ledger.js';
import { scored } from './measured.js';
import { SHADOWS } from './promoted.js';
import type { RiskState } from './state.js';

/** A verdict that takes back what was learned counts twice: once against the first, once for itself. */
const CONTRADICTION = 2;

/** Promotions are rare: a list is enough. */
export function numberOf({ versions }: RiskState, name: string): number {
  const known = versions.indexOf(name);
  return known >= 0 ? known : versions.push(name) - 1;
}

export const verdictOf = (text: string): Verdict | undefined => (text === 'genuine' ? verdicts.genuine : text === 'chargeback' || text === 'abuse' ? verdicts.fraud : undefined);

/** A verdict reaches every decision about its order that is still held: the lines of an order may have come one by one. */
export function judge(state: RiskState, { customer, ref, verdict }: Label, kind: Kind, seq: number, atMs: number): RiskLabel {
  const row: RiskLabel = { seq, atMs, customer, kind, order: ref, verdict, outcome: 'ignored', decisions: 0 };
  const of = verdictOf(verdict);
  if (of === undefined) return row;
  const { ledger } = state;
  const found = ledger.ofOrder(kind, customer, ref);
  row.outcome = found.length === 0 ? 'unknown' : 'repeated';
  // Where the ledger has dropped nothing yet, there never was a decision.
  if (found.length === 0) return ledger.oldest() === 0 ? row : { ...row, dropped: true };
  return verdictOn(state, found, of, row);
}

function verdictOn(state: RiskState, found: readonly number[], of: Verdict, row: RiskLabel): RiskLabel {
  const { ledger, versions } = state;
  const slot = ledger.slotOf(found[0]);
  const { atMs: at, p, level, version, verdict: verdictsHeld } = ledger.columns;
  row.decisions = found.length;
  row.decided = { atMs: at[slot], probability: p[slot], decision: levels[level[slot]], model: versions[version[slot]] };
  for (const n of found) {
    const before = verdictsHeld[ledger.slotOf(n)] as Verdict;
    const known = before === verdicts.matured ? verdicts.genuine : before;
    if (known === of) ledger.setVerdict(n, of);
    else if (before === verdicts.waiting) {
      learn(state, n, of, 1, row.atMs);
      if (row.outcome === 'repeated') row.outcome = 'learned';
    } else {
      learn(state, n, of, CONTRADICTION, row.atMs);
      row.outcome = 'contradicted';
    }
  }
  return row;
}

const row = new Float64Array(D);

export function learn(state: RiskState, n: number, of: Verdict, times: number, atMs: number): void {
  const { ledger, online } = state;
  const slot = ledger.slotOf(n);
  const label = of === verdicts.fraud ? 1 : 0;
  row.set(ledger.columns.x.subarray(slot * D, (slot + 1) * D));
  online.learn(row, label, times, atMs - ledger.columns.atMs[slot]);
  if (times > 1) online.takeBack(1 - label);
  scored(state, n, label);
  ledger.setVerdict(n, of);
}


const [noShadow, noVersions] = [new Float64Array(SHADOWS), new Uint16Array(SHADOWS)];

/**
 * A decision that is held all the same (the recall was published twice, or two verdicts came for it) is judged as it stands there; one
 * that is not takes the place of the oldest and is learned once, whether it had matured or not.
 */
export function recall(state: RiskState, { customer, label, decided }: Recall, seq: number, atMs: number): RiskLabel {
  const row: RiskLabel = { seq, atMs, customer, kind: label.of, order: label.ref, verdict: label.verdict, outcome: 'ignored', decisions: 0 };
  const of = verdictOf(label.verdict);
  if (of === undefined) return row;
  const { ledger } = state;
  const held = ledger.ofOrder(label.of, customer, label.ref).filter((n) => ledger.columns.atMs[ledger.slotOf(n)] === decided.atMs);
  row.outcome = 'repeated';
  if (held.length > 0) return verdictOn(state, held, of, row);
  ledger.push({
    kind: label.of, recalled: true, customer, order: label.ref, atMs: decided.atMs, level: levels.indexOf(decided.decision), p: decided.probability,
    version: numberOf(state, decided.model), shadow: noShadow, shadowVersion: noVersions, shadows: 0, x: featuresByName(decided.names, decided.features),
  });
  return { ...verdictOn(state, [ledger.count() - 1], of, row), outcome: 'recalled' };
}
