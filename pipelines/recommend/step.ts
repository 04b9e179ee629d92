/**
 * The recommend step: what an event says about a customer and an item, as a strength and as a part of a session,
 * and what it says about items that are bought together.
 *
 *   view 1, favourite 2, cart 3, purchase 5   the strongest one counts, and fades with the half-life; each joins the session
 *   refund                                    takes the item's strength back; the customer has something against it
 *   ticket, label                             a ticket about an item that was a complaint: the same
 *   cart, uncart, purchase                    fill and empty the customer's basket; a refund leaves it: the items were in it together
 *   control forget                            takes everything of the customer back
 */
import type { Click, Event, Purchase } from '../../schemas/events.js';
import type { Step } from '../step.js';
import { emptyState, hashOf, restoreState, snapshotOf, type RecommendState, type RecommendStateSettings } from './state.js';

/** Relative worth of what a customer does with an item; ratios matter, the unit does not. */
export const strengths = { view: 1, favourite: 2, cart: 3, purchase: 5 } as const;

export function recommendStep(settings: RecommendStateSettings, kernel: WebAssembly.Module): Step<RecommendState> {
  return {
    empty: () => emptyState(settings, kernel),
    step: (state, { event }) => observe(state, event, settings.complaints),
    snapshot: snapshotOf,
    restore: (chunks) => restoreState(settings, kernel, chunks),
    hash: hashOf,
  };
}

function observe(state: RecommendState, event: Event, complaints: ReadonlySet<string>): void {
  switch (event.type) {
    case 'click':
      // Taking something out of the cart says nothing that the cart did not say: interest, and no purchase.
      if (event.action !== 'uncart') touch(state, event, event.item, strengths[event.action]);
      if (event.action === 'cart') state.baskets.put(event.customer, event.item, event.atMs);
      else if (event.action === 'uncart') state.baskets.takeBack(event.customer, event.item, event.atMs);
      return;
    case 'purchase':
      for (const line of event.lines) {
        touch(state, event, line.item, strengths.purchase);
        state.objections.settle(event.customer, line.item);
      }
      state.baskets.order(event.customer, event.order, event.lines.map(({ item }) => item), event.atMs);
      return;
    case 'refund':
      for (const line of event.lines) {
        state.recommender.retract(event.customer, line.item, event.atMs);
        state.objections.refund(event.customer, line.item, event.atMs);
      }
      return;
    case 'control':
      if (event.command !== 'forget') return;
      state.recommender.forget(event.customer);
      state.sessions.forget(event.customer);
      state.baskets.forget(event.customer);
      state.objections.forget(event.customer);
      return;
    case 'ticket':
      if (event.item !== undefined) state.objections.ticket(event.customer, event.ticket, event.item, event.atMs);
      return;
    case 'label':
      if (event.of === 'ticket' && complaints.has(event.verdict)) state.objections.complaint(event.customer, event.ref);
      return;
  }
}

function touch({ recommender, sessions }: RecommendState, { customer, session, atMs }: Click | Purchase, item: string, strength: number): void {
  recommender.observe(customer, item, strength, atMs);
  sessions.observe(customer, session, item, atMs);
}
