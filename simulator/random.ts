/**
 * A seeded generator: the same seed gives the same shop on every machine and Node version.
 * Source: xoshiro128**, Blackman and Vigna 2018 (public domain); seeded by splitmix32, as its authors advise.
 */
export interface Random {
  /** 0 <= u < 1, 32 bits */
  uniform(): number;
  /** 0 <= k < n */
  below(n: number): number;
  chance(probability: number): boolean;
  pick<T>(values: readonly T[]): T;
  /** 0 <= u < 1, small values far more often: half of them below a quarter */
  skewed(): number;
  /** waiting time of a Poisson process, by its mean */
  exponential(mean: number): number;
}

/** A hash of two integers that looks random: properties of customer 7 need no table, and do not depend on who came before. */
export function mix(seed: number, n: number): number {
  let z = (seed + Math.imul(n, 0x9e3779b9)) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

export function createRandom(seed: number): Random {
  let a = mix(seed, 1);
  let b = mix(seed, 2);
  let c = mix(seed, 3);
  let d = mix(seed, 4) | 1; // never all zero

  const rotate = (x: number, k: number): number => (x << k) | (x >>> (32 - k));
  const uniform = (): number => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotate(d, 11);
    return result / 0x1_0000_0000;
  };
  const below = (n: number): number => Math.floor(uniform() * n);
  return {
    uniform,
    below,
    chance: (probability) => uniform() < probability,
    pick: (values) => values[below(values.length)],
    skewed: () => {
      const u = uniform();
      return u * u; // not `**`, which engines do not round alike
    },
    exponential: (mean) => -mean * Math.log(1 - uniform()),
  };
}
