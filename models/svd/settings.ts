/** The settings of the factorisation, their defaults with the reason of each, and their bounds. */
export interface SvdSettings {
  /** Components of a factor at most. Default 20: of 12 to 50 the best, if not by much, since the spectrum's power takes the weight of the others away. */
  rank: number;
  /**
   * Items that are kept, the most supported ones: an answer reads them all, 4 bytes a component each. Default 20,000,
   * a ninth of a millisecond at the default rank; rarer ones the other channels propose.
   */
  items: number;
  /** An item must have this many customers: a factor out of one customer repeats that customer. Default 2. */
  supportMin: number;
  /**
   * A strength counts times (customers of the item)^-itemPower (items of the customer)^-customerPower, so that neither what
   * everybody has nor who has everything is the whole spectrum; answers are weighted back. 0: PureSVD (Cremonesi, Koren, Turrin, RecSys 2010).
   */
  itemPower: number;
  customerPower: number;
  /** A component weighs S^spectrumPower when it is asked: the fainter, the more of it is noise. 0: PureSVD. */
  spectrumPower: number;
  /** Of the range finder's test matrix. */
  seed: number;
}

/** The powers and the rank were chosen on a fifth of movielens-100k's training part (bench/recommend-svd.ts says how to repeat it). */
export const defaultSvdSettings: SvdSettings = {
  rank: 20,
  items: 20_000,
  supportMin: 2,
  itemPower: 0.3,
  customerPower: 0.3,
  spectrumPower: 0.5,
  seed: 1,
};

/** Least and most of each; the items are those that 4 GiB hold at the largest rank. */
const bounds: Record<keyof SvdSettings, { least: number; most: number; whole: boolean }> = {
  rank: { least: 1, most: 512, whole: true },
  items: { least: 1, most: 1_000_000, whole: true },
  supportMin: { least: 1, most: 1_000_000, whole: true },
  itemPower: { least: 0, most: 1, whole: false },
  customerPower: { least: 0, most: 1, whole: false },
  spectrumPower: { least: 0, most: 4, whole: false },
  seed: { least: 0, most: 2 ** 32 - 1, whole: true },
};

/** @throws RangeError when a setting is out of range */
export function checkSvdSettings(settings: SvdSettings): void {
  for (const key of Object.keys(bounds) as (keyof SvdSettings)[]) {
    const { least, most, whole } = bounds[key];
    const value = settings[key];
    if (value >= least && value <= most && (!whole || Number.isInteger(value))) continue;
    throw new RangeError(`svd: ${key} must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}, got ${value}`);
  }
}
