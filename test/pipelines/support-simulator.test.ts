/** Tickets of the simulated shop through the whole fold: sensible decisions by the starter model, and none that tells what it should not. */
import { beforeAll, describe, expect, it } from 'vitest';
import { loadKernel } from '../../models/recommend/load.js';
import { foldSettings, foldStep } from '../../pipelines/fold.js';
import type { TicketDecision, TicketLabel } from '../../pipelines/support/decision.js';
import { loadAnswers } from '../../pipelines/support/load-answers.js';
import { readConfig } from '../../schemas/config.js';
import { positionOf } from '../../schemas/decode.js';
import { createSimulator } from '../../simulator/simulator.js';
import { squeezed } from '../support/planted.js';

const startMs = Date.UTC(2026, 0, 15);

describe('a simulated shop', () => {
  const simulator = createSimulator({ seed: 21, customers: 1500, items: 200, startMs });
  const [tickets, labels]: [TicketDecision[], TicketLabel[]] = [[], []];
  const intentAfter = new Map<string, string | undefined>();

  beforeAll(() => {
    const step = foldStep(foldSettings(readConfig({ AFTERCARE_CUSTOMERS_MAX: '3000', AFTERCARE_ITEMS_MAX: '1000', AFTERCARE_MEMORY_MIB: '256', AFTERCARE_PAIRS_MAX: '200000' }), 'test'), loadKernel());
    const state = step.empty();
    let seq = 0;
    for (const event of simulator.events()) {
      step.step(state, { event, shard: 0, position: positionOf(++seq, 0), receivedMs: event.atMs }, ({ table, value }) => {
        if (table === 'tickets') tickets.push(value as TicketDecision);
        if (table === 'ticket_labels') labels.push(value as TicketLabel);
      });
      if (event.type === 'ticket') intentAfter.set(event.ticket, state.signals.of(event.customer, event.atMs)?.intent);
    }
  }, 60_000);

  const truthOf = () => new Map(simulator.truth().tickets.map((truth) => [truth.ticket, truth]));
  const canonical = (label: string): string => loadAnswers().find(label)?.intent ?? label;

  it('each ticket has one decision, in its language, with a reason where nobody is answered', () => {
    const truth = truthOf();
    expect(new Set(tickets.map(({ ticket }) => ticket)).size).toBe(truth.size);
    for (const { ticket, decision, reason, reply, because } of tickets) {
      expect(truth.has(ticket)).toBe(true);
      expect(because.length).toBeGreaterThan(0);
      expect(decision === 'reply' ? reply !== '' && reason === '' : reason !== '').toBe(true);
      expect(reply).not.toMatch(/[{}]/);
    }
    const languages = tickets.filter(({ language, ticket }) => language === truth.get(ticket)?.language).length;
    expect(languages / tickets.length).toBeGreaterThan(0.98);
  });

  it('most of what is answered is right, a good part is answered, and what is about nothing is left to people', () => {
    const truth = truthOf();
    const replied = tickets.filter(({ decision }) => decision === 'reply');
    const right = replied.filter(({ ticket, intent }) => canonical(truth.get(ticket)?.intent ?? '') === intent);
    expect(replied.length / tickets.length).toBeGreaterThan(0.25);
    expect(right.length / replied.length).toBeGreaterThan(0.85);
    const about = tickets.filter(({ ticket }) => truth.get(ticket)?.intent === 'other');
    expect(about.length).toBeGreaterThan(5);
    expect(about.filter(({ decision }) => decision === 'hand_over').length / about.length).toBeGreaterThan(0.75);
  });

  it('no planted personal data is in a decision', () => {
    const truth = truthOf();
    const secrets = [...truth.values()].flatMap(({ personal }) => personal);
    expect(secrets.length).toBeGreaterThan(20);
    const all = [...tickets, ...labels].map((row) => squeezed(JSON.stringify(row))).join('\n');
    expect(secrets.filter((secret) => all.includes(squeezed(secret)))).toEqual([]);
  });

  it('orders and tracking numbers that stand in the text are found', () => {
    const truth = truthOf();
    for (const kind of ['order', 'tracking']) {
      const planted = tickets.flatMap((row) => (truth.get(row.ticket)?.entities ?? []).filter((entity) => entity.kind === kind && entity.value !== '').map(({ value }) => row.entityValues.some((found, i) => found === value && row.entityKinds[i] === kind)));
      expect(planted.length).toBeGreaterThan(20);
      expect(planted.filter(Boolean).length / planted.length, kind).toBeGreaterThan(0.95);
    }
  });

  it('what was read with confidence is a signal for the other steps at once', () => {
    const replied = tickets.filter(({ decision }) => decision === 'reply');
    expect(replied.filter(({ ticket, intent }) => intentAfter.get(ticket) === intent)).toHaveLength(replied.length);
  });

  it('labels name the entities of their tickets, which stand there but where a number is masked', () => {
    const taken = labels.filter(({ entities }) => entities?.outcome === 'right' || entities?.outcome === 'wrong');
    const placed = labels.filter(({ outcome }) => outcome !== 'unknown');
    expect(taken.length / placed.length).toBeGreaterThan(0.95);
    expect(new Set(taken.flatMap(({ entities }) => entities?.kinds ?? []))).toEqual(new Set(['order', 'product', 'amount', 'tracking']));
    const truth = truthOf();
    for (const { ticket, entities } of taken) {
      const planted = (truth.get(ticket)?.entities ?? []).filter(({ value }) => value !== '').map(({ kind, value }) => `${kind} ${value}`);
      expect(new Set(entities?.kinds.map((kind, i) => `${kind} ${entities.values[i]}`))).toEqual(new Set(planted));
    }
  });

  it('labels find their tickets', () => {
    const found = labels.filter(({ outcome }) => outcome === 'right' || outcome === 'wrong');
    expect(found.length / labels.length).toBeGreaterThan(0.95);
    expect(found.filter(({ remembered }) => remembered).length).toBeGreaterThan(0);
  });
});
