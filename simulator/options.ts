/** What a simulated shop can be told; every default is the demo's day. */
export interface SimulatorOptions {
  seed: number;
  customers: number;
  items: number;
  /** the first moment, milliseconds since 1970 */
  startMs: number;
  hours?: number;
  /** about how many events in all; the default is what 600 customers make in a day, scaled */
  events?: number;
  /** members of the refund ring; 0 for an honest shop */
  ringMembers?: number;
  /** share of orders paid with a stolen card */
  stolenShare?: number;
  /** customers who ask to be forgotten */
  forgets?: number;
  /** share of events that are sent twice, with the same id */
  duplicateShare?: number;
  /** mean delay of a refund; days in a real shop, hours here, so that a day shows one */
  refundDelayHours?: number;
  /** mean delay of a verdict about money; weeks in a real shop */
  labelDelayHours?: number;
}

export type Settings = Required<SimulatorOptions>;

const eventsOfACustomerDay = 33;

export function settingsOf(options: SimulatorOptions): Settings {
  const hours = options.hours ?? 24;
  const settings: Settings = {
    ...options,
    hours,
    events: options.events ?? (options.customers * eventsOfACustomerDay * hours) / 24,
    ringMembers: options.ringMembers ?? Math.min(6, Math.floor(options.customers / 10)),
    stolenShare: options.stolenShare ?? 0.004,
    forgets: options.forgets ?? Math.min(2, Math.floor(options.customers / 50)),
    duplicateShare: options.duplicateShare ?? 0,
    refundDelayHours: options.refundDelayHours ?? 4,
    labelDelayHours: options.labelDelayHours ?? 6,
  };
  for (const key of ['customers', 'items', 'hours', 'events'] as const) {
    if (!(settings[key] > 0)) throw new RangeError(`simulator: ${key} must be above 0, got ${settings[key]}`);
  }
  if (settings.ringMembers > settings.customers) throw new RangeError(`simulator: ringMembers must be at most ${settings.customers}, got ${settings.ringMembers}`);
  return settings;
}
