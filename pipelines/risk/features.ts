/** The features of models/risk, with the bounds that the environment sets. */
import type { Feature } from '../../models/linear/scaler.js';
import { riskFeatures as features, type RiskFeatureSettings } from '../../models/risk/features.js';
import type { Config } from '../../schemas/config.js';
import { complaintIntents } from '../signals.js';

export { createRiskFeatures, type RiskFeatures, type RiskFeatureSettings } from '../../models/risk/features.js';

/**
 * Flags that are rarely 1. By their range they would move a weight as little as one that is 1 half of the time; by their z-score
 * one that is 1 in a hundred orders stands at ten, and a handful of verdicts teaches what it means.
 */
const rareFlags: ReadonlySet<string> = new Set(['country_differs', 'device_is_new', 'card_is_new', 'address_is_new', 'ticket_complaint', 'coupon_used']);

/** How the models scale each. */
export const riskFeatures: readonly Feature[] = features.map((feature) => (rareFlags.has(feature.name) ? { ...feature, scale: 'z' } : feature));

/** Sets that are too large to be exact, 4 KiB each: as many as a shop of a million customers needs. */
const SKETCHES = 4096;

/** A customer has about one device, card and address; the few with many use them in turn. */
export function riskFeatureSettings(config: Config): RiskFeatureSettings {
  const customers = config.AFTERCARE_CUSTOMERS_MAX;
  return { customers, devices: customers, cards: customers, addresses: customers, items: config.AFTERCARE_ITEMS_MAX, sketches: SKETCHES, complaintIntents: [...complaintIntents(config)] };
}
