/**
 * The recommend step: what an event says about a customer and an item, as a strength.
 *
 *   view 1, favourite 2, cart 3, purchase 5   the strongest one counts, and fades with the half-life
 *   refund                                    takes the item's strength back
 *   control forget                            takes everything of the customer back
 */
import type { Event } from '../../schemas/events.js';
import { createRecommender, restoreRecommender, type Recommender, type RecommendSettings } from '../../models/recommend/recommender.js';
import type { Step } from '../step.js';

/** Relative worth of what a customer does with an item; ratios matter, the unit does not. */
export const strengths = { view: 1, favourite: 2, cart: 3, purchase: 5 } as const;

export function recommendStep(settings: RecommendSettings, kernel: WebAssembly.Module): Step<Recommender> {
  return {
    empty: () => createRecommender(settings, kernel),
    step: (state, { event }) => observe(state, event),
    snapshot: (state) => state.snapshot(),
    restore: (chunks) => restoreRecommender(settings, kernel, chunks),
  };
}

function observe(state: Recommender, event: Event): void {
  switch (event.type) {
    case 'click':
      // Taking something out of the cart says nothing that the cart did not say: interest, and no purchase.
      if (event.action !== 'uncart') state.observe(event.customer, event.item, strengths[event.action], event.atMs);
      return;
    case 'purchase':
      for (const line of event.lines) state.observe(event.customer, line.item, strengths.purchase, event.atMs);
      return;
    case 'refund':
      for (const line of event.lines) state.retract(event.customer, line.item, event.atMs);
      return;
    case 'control':
      state.forget(event.customer);
      return;
    case 'ticket':
    case 'label':
      return;
  }
}
