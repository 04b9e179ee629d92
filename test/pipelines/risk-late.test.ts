/** Verdicts that come after the ledger has dropped their decision: what the sink publishes, and what the fold makes of it. */
import { describe, expect, it } from 'vitest';
import { riskDecisionRow, type RiskDecision } from '../../pipelines/risk/decision.js';
import { riskFeatures } from '../../pipelines/risk/features.js';
import { featuresByName, lateLabel, recallOf, type KeptDecision } from '../../pipelines/risk/late.js';
import { recallMessages } from '../../pipelines/runtime/recalls.js';
import { memoryKeptDecisions } from '../../pipelines/runtime/memory/stores.js';
import { checkEvent } from '../../schemas/decode.js';
import type { Recall } from '../../schemas/events.js';
import type { RiskRequest } from '../../schemas/services.js';
import { buy, day, forget, hour, judge, riskShop, start, type RiskShop } from '../support/risk.js';

const small = { AFTERCARE_RISK_LEDGER: '20', AFTERCARE_RISK_FRESH_HOURS: '876000' };

/** Thirty decisions, of which the first ten are dropped; then the verdict on the third. */
function dropped(verdict = 'chargeback'): { shop: RiskShop; decisions: RiskDecision[]; atMs: number } {
  const shop = riskShop(small);
  const decisions = Array.from({ length: 30 }, (_, n) => shop.give(buy(`c${n}`, start + n * hour, { order: `o${n}`, amountMinor: 1000 + n })));
  const atMs = start + 2 * day;
  shop.give(judge('c2', atMs, 'o2', verdict));
  return { shop, decisions, atMs };
}
const rowsOf = (decisions: RiskDecision[]): KeptDecision[] => decisions.map((decision) => riskDecisionRow(0, decision));

async function recalls({ shop, decisions }: { shop: RiskShop; decisions: RiskDecision[] }): Promise<Recall[]> {
  const late = shop.labels().flatMap((label) => lateLabel(0, label) ?? []);
  const messages = await recallMessages(memoryKeptDecisions(rowsOf(decisions)), late);
  return messages.map(({ subject, body }) => {
    expect(subject).toBe('events.control.c2');
    const event = JSON.parse(Buffer.from(body).toString()) as Recall;
    expect(checkEvent(event)).toEqual({ event });
    return event;
  });
}

describe('a late verdict', () => {
  it('is unknown to the ledger, and the decision comes back with the features that it was made from', async () => {
    const { shop, decisions, atMs } = dropped();
    expect(shop.labels()).toMatchObject([{ outcome: 'unknown', dropped: true, decisions: 0 }]);
    const [event, ...more] = await recalls({ shop, decisions });
    expect(more).toEqual([]);
    expect(event).toMatchObject({ customer: 'c2', atMs, label: { of: 'purchase', ref: 'o2', verdict: 'chargeback' }, decided: { atMs: start + 2 * hour, decision: 'allow', model: 'risk-online-1', probability: decisions[2].probability } });
    shop.give(event);
    expect(shop.labels().at(-1)).toMatchObject({ outcome: 'recalled', verdict: 'chargeback', decisions: 1, decided: { atMs: start + 2 * hour, decision: 'allow', model: 'risk-online-1' } });
    expect(shop.state.online.counts).toMatchObject({ frauds: 1, genuine: 0, decisions: 30 });
    const slot = shop.state.ledger.slotOf(shop.state.ledger.ofOrder('purchase', 'c2', 'o2')[0]);
    const D = riskFeatures.length;
    expect(shop.state.ledger.columns.x.slice(slot * D, (slot + 1) * D)).toEqual(featuresByName(riskFeatures.map(({ name }) => name).join(), decisions[2].features));
  });

  it('teaches what it would have taught in time', async () => {
    const late = dropped();
    for (const event of await recalls(late)) late.shop.give(event);
    const inTime = riskShop({ ...small, AFTERCARE_RISK_LEDGER: '5000' });
    for (let n = 0; n < 30; n += 1) inTime.give(buy(`c${n}`, start + n * hour, { order: `o${n}`, amountMinor: 1000 + n }));
    inTime.give(judge('c2', late.atMs, 'o2', 'chargeback'));
    const asked: RiskRequest = { type: 'purchase', customer: 'c2', amountMinor: 1002, currency: 'EUR', lines: [{ item: 'kettle', quantity: 1, unitMinor: 2000 }] };
    expect(late.shop.ask(asked, late.atMs + hour).probability).toBe(inTime.ask(asked, late.atMs + hour).probability);
    expect(late.shop.state.online.counts).toEqual(inTime.state.online.counts);
  });

  it('published twice, or by two verdicts, is learned once; one that contradicts it counts twice', async () => {
    const { shop, decisions, atMs } = dropped();
    shop.give(judge('c2', atMs + 1, 'o2', 'abuse'), judge('c2', atMs + 2, 'o2', 'genuine'));
    const [first, again, against] = await recalls({ shop, decisions });
    shop.give(first, { ...first, id: 'x' }, again, against);
    expect(shop.labels().slice(3).map(({ outcome }) => outcome)).toEqual(['recalled', 'repeated', 'repeated', 'contradicted']);
    expect(shop.state.online.counts).toMatchObject({ frauds: 0, genuine: 1 });
  });

  it('restored in the middle is the same', async () => {
    const [whole, cut] = [dropped(), dropped()];
    const [event] = await recalls(whole);
    whole.shop.give(event);
    cut.shop.restart();
    cut.shop.give(event);
    cut.shop.restart();
    expect(cut.shop.hash().split(' ')[0]).toBe(whole.shop.hash().split(' ')[0]);
  });

  it('is not what is usual for the customer, and is forgotten with it', async () => {
    const { shop, decisions, atMs } = dropped();
    for (const event of await recalls({ shop, decisions })) shop.give(event);
    expect(shop.state.ledger.lastOf('c2', 'purchase', new Int32Array(4))).toBe(0);
    expect(shop.state.ledger.ofOrder('purchase', 'c2', 'o2')).toHaveLength(1);
    shop.give(forget('c2', atMs + hour));
    expect(shop.state.ledger.ofOrder('purchase', 'c2', 'o2')).toEqual([]);
  });

  it('is not looked for where nothing was dropped, where the verdict says nothing, or where the row has no names', async () => {
    const shop = riskShop();
    shop.give(buy('c1', start, { order: 'o1' }), judge('c1', start + 1, 'never', 'chargeback'));
    expect(shop.labels()).toMatchObject([{ outcome: 'unknown' }]);
    expect(lateLabel(0, shop.labels()[0])).toBeUndefined();
    const late = dropped('maybe');
    expect(late.shop.labels()).toMatchObject([{ outcome: 'ignored' }]);
    const found = dropped();
    const label = lateLabel(0, found.shop.labels()[0]);
    if (label === undefined) throw new Error('the verdict was not late');
    expect(recallOf(label, { ...rowsOf(found.decisions)[2], featureNames: [] })).toBeUndefined();
    expect(await recallMessages(memoryKeptDecisions([]), [label])).toEqual([]);
  });

  it('of another build gives the features that both have', () => {
    const names = riskFeatures.map(({ name }) => name);
    const x = featuresByName(`gone,${names[3]},${names[0]}`, Buffer.from(Float32Array.of(7, 3, NaN).buffer).toString('base64'));
    expect([x[0], x[3], x[1], x.length]).toEqual([NaN, 3, NaN, names.length]);
    expect(featuresByName(names.join(), 'AAAAAA==').filter((value) => !Number.isNaN(value))).toHaveLength(1); // cut short: the rest is missing
  });
});

it('a recall that is none is a reject by the field that is wrong', () => {
  const event = { v: 1, type: 'control', id: 'r', customer: 'c1', atMs: start, command: 'recall', label: { of: 'purchase', ref: 'o', verdict: 'abuse', atMs: start },
    decided: { atMs: start, seq: 1, decision: 'allow', probability: 0.5, model: 'm', names: 'a', features: 'AAAAAA==' } };
  const error = (more: object): string => (checkEvent({ ...event, ...more }) as { error: string }).error;
  expect(checkEvent(event)).toHaveProperty('event');
  expect(error({ label: { ...event.label, of: 'ticket' } })).toContain('label.of');
  expect(error({ decided: { ...event.decided, probability: 2 } })).toContain('decided.probability');
  expect(error({ decided: { ...event.decided, features: 'no base64!' } })).toContain('decided.features');
});
