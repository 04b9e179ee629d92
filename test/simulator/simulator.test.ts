import { describe, expect, it } from 'vitest';
import { checkEvent } from '../../schemas/decode.js';
import type { Event, Purchase, Refund, Ticket } from '../../schemas/events.js';
import { createSimulator, simulateDay, type SimulatorOptions, type Truth } from '../../simulator/simulator.js';
import { textsOf } from '../../simulator/ticket-texts.js';

const day: SimulatorOptions = { seed: 7, customers: 600, items: 300, startMs: Date.UTC(2026, 10, 23) };

function played(options: SimulatorOptions): { events: Event[]; truth: Truth } {
  const simulator = createSimulator(options);
  const events = [...simulator.events()];
  return { events, truth: simulator.truth() };
}

const { events, truth } = played(day);
const purchases = events.filter((event): event is Purchase => event.type === 'purchase');
const refunds = events.filter((event): event is Refund => event.type === 'refund');
const tickets = events.filter((event): event is Ticket => event.type === 'ticket');

describe('a simulated day', () => {
  it('is the same for the same seed, and another for another', () => {
    expect(played(day)).toEqual({ events, truth });
    const other = [...simulateDay({ ...day, seed: 8 })];
    expect(other.slice(0, 100)).not.toEqual(events.slice(0, 100));
  });

  it('holds about as many events as were asked for', () => {
    expect(events.length).toBeGreaterThan(18_000);
    expect(events.length).toBeLessThan(22_000);
    const few = [...simulateDay({ ...day, events: 5000 })].length;
    expect(few).toBeGreaterThan(4000);
    expect(few).toBeLessThan(6000);
  });

  it('is made of valid events alone, in order of time, each with an id of its own', () => {
    for (const event of events) expect(checkEvent(event)).toEqual({ event });
    for (let i = 1; i < events.length; i++) expect(events[i].atMs).toBeGreaterThanOrEqual(events[i - 1].atMs);
    expect(events[0].atMs).toBeGreaterThanOrEqual(day.startMs);
    expect(events.at(-1)?.atMs).toBeLessThan(day.startMs + 86_400_000);
    expect(new Set(events.map((event) => event.id)).size).toBe(events.length);
  });

  it('has every kind of event, clicks above all', () => {
    const kinds = new Set(events.map((event) => (event.type === 'click' ? event.action : event.type === 'label' ? `label ${event.of}` : event.type)));
    expect([...kinds].sort()).toEqual(['cart', 'control', 'favourite', 'label purchase', 'label refund', 'label ticket', 'purchase', 'refund', 'ticket', 'uncart', 'view']);
    expect(events.filter((event) => event.type === 'click').length / events.length).toBeGreaterThan(0.85);
  });

  it('is busier in the evening than at night', () => {
    const inHour = (from: number, to: number): number =>
      events.filter((event) => event.type === 'click' && new Date(event.atMs).getUTCHours() >= from && new Date(event.atMs).getUTCHours() < to).length;
    expect(inHour(19, 22)).toBeGreaterThan(5 * inHour(2, 5));
  });

  it('adds up: lines, coupons, and refunds of orders that exist', () => {
    const byOrder = new Map(purchases.map((purchase) => [purchase.order, purchase]));
    for (const { lines, amountMinor, coupon } of purchases) {
      const total = lines.reduce((sum, line) => sum + line.quantity * line.unitMinor, 0);
      expect(amountMinor).toBe(coupon === undefined ? total : total - Math.round(total / 10));
    }
    for (const refund of refunds) {
      const purchase = byOrder.get(refund.order);
      expect(purchase?.customer).toBe(refund.customer);
      expect(purchase?.atMs).toBeLessThan(refund.atMs);
      expect(refund.amountMinor).toBeLessThanOrEqual(purchase?.amountMinor ?? -1);
    }
  });

  it('shares no id with the same day from another seed', () => {
    const ids = new Set(events.map((event) => event.id));
    for (const event of simulateDay({ ...day, seed: 77 })) expect(ids.has(event.id)).toBe(false);
  });
});

describe('its truth', () => {
  it('knows the ring: shared device and address, every order paid back within the hour', () => {
    const { ring } = truth;
    expect(ring.customers).toHaveLength(6);
    const theirs = purchases.filter((purchase) => ring.orders.includes(purchase.order));
    expect(theirs.length).toBe(ring.orders.length);
    expect(theirs.length).toBeGreaterThan(15);
    for (const purchase of theirs) {
      expect(ring.customers).toContain(purchase.customer);
      expect([purchase.device, purchase.address]).toEqual([ring.device, ring.address]);
    }
    const theirRefunds = refunds.filter((refund) => ring.refunds.includes(refund.id));
    expect(theirRefunds.length).toBe(ring.refunds.length);
    for (const refund of theirRefunds) {
      const bought = theirs.find((purchase) => purchase.order === refund.order);
      expect(refund.atMs - (bought?.atMs ?? 0)).toBeLessThan(3_600_000);
      expect(refund.amountMinor).toBe(bought?.amountMinor);
    }
  });

  it('is told by the labels: ring and stolen cards are chargebacks, and nothing else is', () => {
    const bad = new Set([...truth.ring.orders, ...truth.stolenOrders]);
    const verdicts = events.filter((event) => event.type === 'label' && event.of === 'purchase');
    expect(verdicts.length).toBeGreaterThan(50);
    for (const label of verdicts) if (label.type === 'label') expect(label.verdict).toBe(bad.has(label.ref) ? 'chargeback' : 'genuine');
  });

  it('knows of each ticket its intent, its entities and its personal data, which stand in the text', () => {
    expect(truth.tickets.map((known) => known.ticket)).toEqual(tickets.map((ticket) => ticket.ticket));
    truth.tickets.forEach((known, i) => {
      expect(tickets[i].language).toBe(known.language);
      expect(/[一-鿿]/.test(tickets[i].text)).toBe(known.language === 'zh');
      expect(tickets[i].text).not.toMatch(/[{}]|undefined/);
      for (const { value } of known.entities) expect(tickets[i].text).toContain(value);
      for (const value of known.personal) expect(tickets[i].text).toContain(value);
      expect(tickets[i].order !== undefined).toBe(textsOf[known.intent].about === 'order');
    });
    expect(truth.tickets.some((known) => known.personal.length > 0)).toBe(true);
    expect(new Set(truth.tickets.map((known) => known.language))).toEqual(new Set(['en', 'zh']));
  });

  it('labels tickets with their intent and an answer without empty slots', () => {
    const intentOf = new Map(truth.tickets.map((known) => [known.ticket, known.intent]));
    const labels = events.filter((event) => event.type === 'label' && event.of === 'ticket');
    expect(labels.length).toBeGreaterThan(tickets.length / 2);
    for (const label of labels) {
      if (label.type !== 'label') continue;
      expect(label.verdict).toBe(intentOf.get(label.ref));
      expect(label.answer).not.toMatch(/[{}]|undefined/);
    }
  });

  it('knows tastes that show in the clicks', () => {
    const groupOf = new Map(truth.groups.flatMap((items, group) => items.map((item): [string, number] => [item, group])));
    const favourite = new Map(truth.tastes.map((taste) => [taste.customer, taste.favourite]));
    expect(favourite.size).toBe(day.customers);
    expect(groupOf.size).toBe(day.items);
    const views = events.filter((event) => event.type === 'click' && event.action === 'view');
    const inTaste = views.filter((event) => event.type === 'click' && groupOf.get(event.item) === favourite.get(event.customer)).length;
    expect(inTaste / views.length).toBeGreaterThan(0.5); // one of twelve groups: 0.08 without a taste
  });

  it('knows who was forgotten, and what came twice', () => {
    const controls = events.filter((event) => event.type === 'control');
    expect(controls.map((event) => event.customer)).toEqual(truth.forgotten);
    expect(truth.duplicates).toEqual([]);
    const twice = played({ ...day, duplicateShare: 0.01 });
    expect(twice.truth.duplicates.length).toBeGreaterThan(100);
    expect(twice.events.length - new Set(twice.events.map((event) => event.id)).size).toBe(twice.truth.duplicates.length);
  });
});

describe('other shops', () => {
  it('an honest one has neither ring nor stolen cards nor forgetting', () => {
    const honest = played({ ...day, events: 5000, ringMembers: 0, stolenShare: 0, forgets: 0 });
    expect(honest.truth).toMatchObject({ ring: { customers: [], orders: [], refunds: [] }, stolenOrders: [], forgotten: [] });
    expect(honest.events.some((event) => event.type === 'control' || (event.type === 'label' && event.verdict === 'chargeback'))).toBe(false);
  });

  it.each([
    { customers: 1, items: 1 },
    { customers: 20_000, items: 5000 },
    { customers: 50, items: 30, hours: 0.5 },
    { customers: 30, items: 30, hours: 24 * 14 },
  ])('%o gives valid events', (size) => {
    const some = [...simulateDay({ ...day, ...size, events: 3000 })];
    expect(some.length).toBeGreaterThan(300);
    for (const event of some) expect(checkEvent(event)).toEqual({ event });
  });

  it('an impossible one is refused by name', () => {
    expect(() => createSimulator({ ...day, customers: 0 })).toThrow('simulator: customers must be above 0, got 0');
    expect(() => createSimulator({ ...day, customers: 3, ringMembers: 4 })).toThrow('simulator: ringMembers must be at most 3, got 4');
  });
});
