/**
 * How similarities and strengths are weighted when an answer is made. Nothing of it is in the state: another weighting is
 * another answer to the same events, at once.
 *
 * item-item   s(c, q) = (dot(c, q) / (norm2(c)^alpha norm2(q)^(1 - alpha) + shrinkage))^locality     c the candidate, q of the history
 *             score(c) = sum over q of s(c, q) r(q) rarity(q)^rarity
 * user-user   s(u, v) = (sum over p of r(u, p) r(v, p) rarity(p)^(2 rarity) / (norm2(u)^alpha norm2(v)^(1 - alpha)))^locality
 *             score(c) = sum over the most similar v of s(u, v) r(v, c) / |v|
 *
 * alpha = 1/2, locality = 1 is cosine. Below 1/2 what many have gains; a locality above 1 lets the nearest speak.
 * Source: asymmetric cosine and locality, Aiolli, RecSys 2013; shrinkage, Bell and Koren, KDD 2007; rarity, Salton and
 * Buckley 1988 (TF-IDF) and Robertson et al. 1994 (BM25).
 */
export interface Weighting {
  /** tf-idf: log(1 + N/n); bm25: log(1 + (N - n + 1/2)/(n + 1/2)), N customers, n of them have the item. */
  rarity: 'tf-idf' | 'bm25';
  /** BM25's k1: a strength r counts r k1 / (r + k1), as of the newest event; 0: it counts as it is. */
  saturation: number;
  itemItem: {
    /** Entries of the history whose lists propose candidates, the strongest. At most 200. */
    seeds: number;
    /** Candidates that are scored by their own lists. At most 512. */
    screen: number;
    alpha: number;
    /** A multiple of 1/2. */
    locality: number;
    /** In strength squared, as of the newest event. */
    shrinkage: number;
    /** Exponent; 0: rarity does not count. */
    rarity: number;
  };
  userUser: {
    seeds: number;
    /** The most similar ones that propose. At most 512. */
    customers: number;
    /** Entries of the seeds' postings that are looked at in all, the latest of each: bounds the time of an answer. */
    owners: number;
    /** History entries of the similar customers that are read in all: the histories of the most similar, whole, until it is reached. */
    entries: number;
    alpha: number;
    locality: number;
    rarity: number;
  };
}

/** Plain cosine, exact over all that is remembered: what the tests compare with. */
export const plainCosine: Weighting = {
  rarity: 'tf-idf',
  saturation: 0,
  itemItem: { seeds: 50, screen: 300, alpha: 0.5, locality: 1, shrinkage: 0, rarity: 0 },
  userUser: { seeds: 50, customers: 50, owners: 2 ** 32 - 1, entries: 2 ** 32 - 1, alpha: 0.5, locality: 1, rarity: 0 },
};

/**
 * Chosen on a fifth of movielens-100k's training items and on the first 300,000 lines of online-retail
 * (docs/measured-recommend.md): more than plain cosine on both, and the best of neither.
 */
export const defaultWeighting: Weighting = {
  rarity: 'tf-idf',
  saturation: 0,
  itemItem: { seeds: 10, screen: 80, alpha: 0.35, locality: 1.5, shrinkage: 0, rarity: 0 },
  userUser: { seeds: 50, customers: 80, owners: 6000, entries: 8000, alpha: 0.5, locality: 1.5, rarity: 1 },
};

const within = (least: number, most: number, whole = false) => ({ least, most, whole });
const exponents = { alpha: within(0, 1), locality: within(0.5, 5), rarity: within(0, 4) };
const bounds = {
  itemItem: { seeds: within(1, 200, true), screen: within(1, 512, true), shrinkage: within(0, 1e9), ...exponents },
  userUser: { seeds: within(1, 200, true), customers: within(1, 512, true), owners: within(1, 2 ** 32 - 1, true), entries: within(1, 2 ** 32 - 1, true), ...exponents },
};

/**
 * @param json  what differs from the defaults: {"itemItem":{"alpha":0.5}}
 * @throws RangeError that names the setting and its remedy
 */
export function readWeighting(json: string): Weighting {
  let given: unknown;
  try {
    given = JSON.parse(json);
  } catch (cause) {
    throw new RangeError(`recommend: the weighting is not JSON: ${(cause as Error).message}`, { cause });
  }
  const weighting = merged('weighting', defaultWeighting, given);
  checkWeighting(weighting);
  return weighting;
}

/** The defaults with what was given; the shape of a default is the shape that it must have. */
function merged<T extends object>(name: string, defaults: T, given: unknown): T {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new RangeError(`recommend: ${name} must be a JSON object, got ${JSON.stringify(given)}`);
  const result = { ...defaults } as Record<string, unknown>;
  for (const [key, value] of Object.entries(given)) {
    const before = result[key];
    if (!Object.hasOwn(defaults, key)) throw new RangeError(`recommend: ${name} has no "${key}"; it has ${Object.keys(defaults).join(', ')}`);
    if (typeof before === 'object' && before !== null) result[key] = merged(`${name}.${key}`, before, value);
    else if (typeof value === typeof before) result[key] = value;
    else throw new RangeError(`recommend: ${name}.${key} must be a ${typeof before}, got ${JSON.stringify(value)}`);
  }
  return result as T;
}

/** @throws RangeError that names the setting and its range */
export function checkWeighting(weighting: Weighting): void {
  for (const channel of ['itemItem', 'userUser'] as const) {
    const given: Record<string, number> = weighting[channel];
    for (const [name, { least, most, whole }] of Object.entries(bounds[channel])) {
      const value = given[name];
      if (!(value >= least && value <= most) || (whole && !Number.isInteger(value))) {
        throw new RangeError(`recommend: weighting.${channel}.${name} must be ${whole ? 'a whole number' : 'a number'} from ${least} to ${most}, got ${value}`);
      }
    }
    if (!Number.isInteger(given.locality * 2)) throw new RangeError(`recommend: weighting.${channel}.locality must be a multiple of 0.5, got ${given.locality}`);
  }
  if (!['tf-idf', 'bm25'].includes(weighting.rarity)) throw new RangeError(`recommend: weighting.rarity must be tf-idf or bm25, got ${weighting.rarity}`);
  if (!(weighting.saturation >= 0)) throw new RangeError(`recommend: weighting.saturation must be 0 or more, got ${weighting.saturation}`);
}
