import { ENTITIES_MAX } from './entities.js';

/** Bounds of the risk features, and what they read from tickets. */
export interface RiskFeatureSettings {
  /** Customers kept; beyond it one whose last event was long ago makes room (entities.ts), as with all below. At most 16,000,000. */
  customers: number;
  devices: number;
  cards: number;
  addresses: number;
  /** Items whose usual price is kept. */
  items: number;
  /** Sets of more than 16 counterparts that are estimated, 4 KiB each; beyond it they stay at 16. */
  sketches: number;
  /** Intents of tickets that are complaints. */
  complaintIntents: readonly string[];
}

export const defaultRiskFeatureSettings: RiskFeatureSettings = {
  customers: 1_000_000,
  // A customer has about one of each; the few with many use them in turn.
  devices: 1_000_000,
  cards: 1_000_000,
  addresses: 1_000_000,
  items: 200_000,
  // 16 MiB. In the shop that the simulator plays no set but those of a shared device has more than 16.
  sketches: 4096,
  complaintIntents: ['complaint', 'damaged_item', 'delivery_status', 'payment_issue', 'payment_problem'],
};

/** @throws RangeError that names the setting */
export function checkSettings(settings: RiskFeatureSettings): void {
  for (const key of ['customers', 'devices', 'cards', 'addresses', 'items', 'sketches'] as const) {
    const value = settings[key];
    if (Number.isSafeInteger(value) && value >= (key === 'sketches' ? 0 : 1) && value <= ENTITIES_MAX) continue;
    throw new RangeError(`risk features: ${key} must be a whole number from ${key === 'sketches' ? 0 : 1} to ${ENTITIES_MAX}, got ${value}`);
  }
}

/** As a snapshot's header holds them. */
export const flat = ({ complaintIntents, ...bounds }: RiskFeatureSettings): Record<string, number | string> =>
  ({ ...bounds, complaintIntents: [...complaintIntents].sort().join(',') });
