/** The settings of the session channel, their defaults with the reason of each, and their bounds. */
export interface SessionLimits {
  /** Sessions kept; beyond it the one started longest ago goes, and a customer or an item with its last session. Default 500,000: 180 bytes each. */
  sessions: number;
  /** Items; beyond it the oldest sessions go until one is free. Default 200,000: up to 2 KiB each, 16 bytes for a rare one. */
  items: number;
  /** Different items of one session; a longer one is cut and goes on as a new one. Default 40: one session in a thousand of yoochoose is longer. */
  length: number;
}

export interface SessionSettings {
  limits: SessionLimits;
  /** m of the paper: the most recent sessions of each item that are looked at. Default 500: 2,500 gained nothing measurable. */
  perItem: number;
  /** k of the paper: the sessions nearest to the customer's that vote. Default 200: HR@20 .686 on yoochoose's validation part, with 50 .674, with 500 .687. */
  neighbours: number;
  /** Latest different items of the customer's session that are looked at, at most 10. Default 3: MRR@20 .363 there, with 9 .357. */
  recent: number;
  /** After this many ms without an event a session without an id has ended. Default 30 minutes, as web analytics count. */
  gapMs: number;
}

export const defaultSessionSettings: SessionSettings = {
  limits: { sessions: 500_000, items: 200_000, length: 40 },
  perItem: 500,
  neighbours: 200,
  recent: 3,
  gapMs: 30 * 60_000,
};

/** Sessions and items: memory that a process can have; `recent`: the weights of the paper end at the tenth item. */
const bounds: Record<keyof SessionLimits | 'perItem' | 'neighbours' | 'recent' | 'gapMs', number> = {
  sessions: 16_000_000,
  items: 16_000_000,
  length: 1000,
  perItem: 32_768,
  neighbours: 32_768,
  recent: 10,
  gapMs: 365 * 24 * 3_600_000,
};

/** Flat, for the checks and for a snapshot's header. */
export function flattenSessions({ limits, perItem, neighbours, recent, gapMs }: SessionSettings): Record<keyof typeof bounds, number> {
  return { ...limits, perItem, neighbours, recent, gapMs };
}

/** @throws RangeError when a setting is out of range */
export function checkSessionSettings(settings: SessionSettings): void {
  checkWholes('sessions', flattenSessions(settings), bounds);
}

/** @throws RangeError that names the model, the setting and its range: each is a whole number from 1 to its bound */
export function checkWholes<Key extends string>(model: string, settings: Record<Key, number>, most: Record<Key, number>): void {
  for (const key of Object.keys(settings) as Key[]) {
    const value = settings[key];
    if (!(Number.isInteger(value) && value >= 1 && value <= most[key])) throw new RangeError(`${model}: ${key} must be a whole number from 1 to ${most[key]}, got ${value}`);
  }
}
