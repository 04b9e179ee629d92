/** A simulated shop's month through the whole fold: its refund ring, and the same bytes when restored in the middle. */
import { describe, expect, it } from 'vitest';
import { loadKernel } from '../../models/recommend/load.js';
import { foldSettings, foldStep } from '../../pipelines/fold.js';
import type { RiskDecision } from '../../pipelines/risk/decision.js';
import { readConfig } from '../../schemas/config.js';
import { positionOf } from '../../schemas/decode.js';
import { createSimulator } from '../../simulator/simulator.js';

const env = { AFTERCARE_CUSTOMERS_MAX: '5000', AFTERCARE_ITEMS_MAX: '5000', AFTERCARE_PAIRS_MAX: '1000000', AFTERCARE_MEMORY_MIB: '256', AFTERCARE_RISK_LEDGER: '20000' };
const simulator = createSimulator({ seed: 11, customers: 1000, items: 300, startMs: Date.UTC(2026, 0, 1), hours: 30 * 24, events: 60_000 });
const events = [...simulator.events()];
const step = foldStep(foldSettings(readConfig(env)), loadKernel());

function run(restartAt?: number) {
  let state = step.empty();
  const rows: { table: string; value: unknown }[] = [];
  const decisions = new Map<string, RiskDecision>();
  events.forEach((event, n) => {
    if (n === restartAt) state = step.restore(step.snapshot(state).map((chunk) => chunk.slice()));
    step.step(state, { event, receivedMs: event.atMs, shard: 0, position: positionOf(n + 1, 0) }, (row) => {
      rows.push(row);
      if (row.table === 'risk_decisions') decisions.set(event.id, row.value as RiskDecision);
    });
  });
  return { rows, decisions, hash: step.hash(state) };
}

describe('a simulated month', () => {
  const { rows, decisions, hash } = run();
  const truth = simulator.truth();
  const ring = new Set(truth.ring.refunds);

  it('every purchase and refund has a decision', () => {
    expect([...decisions.keys()]).toEqual(events.filter(({ type }) => type === 'purchase' || type === 'refund').map(({ id }) => id));
  });

  it('the refund ring is found within its first five refunds, and hardly any other refund is looked at', () => {
    const raised = (ids: string[]): number[] => ids.flatMap((id, n) => (decisions.get(id)?.decision === 'allow' ? [] : [n + 1]));
    const others = events.filter(({ type, id }) => type === 'refund' && !ring.has(id)).map(({ id }) => id);
    expect(ring.size).toBeGreaterThan(15);
    expect(raised(truth.ring.refunds)[0]).toBeLessThanOrEqual(5);
    expect(raised(truth.ring.refunds).length).toBeGreaterThan(ring.size * 0.8);
    expect(raised(others).length / others.length).toBeLessThan(0.02); // about two hundred of them
  });

  it('is the same when the fold is restored in the middle', () => {
    const again = run(Math.floor(events.length / 2));
    expect(again.hash).toBe(hash);
    expect(again.rows).toEqual(rows);
  });
});
