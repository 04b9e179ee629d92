/**
 * The shop's customers. Each is derived from seed and number when it is needed, so that a million of them take no memory.
 *
 *   number 0 -> c0001, favourite group 7, second group 2, Germany, device d-1f3a..., one card, one address
 */
import { mix } from './random.js';
import type { Settings } from './options.js';

export interface Shopper {
  customer: string;
  favourite: number;
  second: number;
  country: string;
  currency: 'EUR' | 'CNY';
  language: 'en' | 'zh';
  device: string;
  card: string;
  address: string;
  /** a member of the ring shares device and address with the others */
  inRing: boolean;
}

export interface Customers {
  shopper(index: number): Shopper;
  /** numbers of the ring's members, anywhere among the customers */
  ring: number[];
  ringDevice: string;
  ringAddress: string;
}

const euroCountries = ['DE', 'FR', 'NL', 'ES', 'IT', 'AT', 'IE', 'BE'];
const chineseShare = 0.4;

export function createCustomers(settings: Settings, groups: number): Customers {
  const { seed, customers } = settings;
  const width = Math.max(4, String(customers).length);
  const ringDevice = fingerprint('d', mix(seed, 0x21e6));
  const ringAddress = fingerprint('a', mix(seed, 0x21e7));
  const ring = ringNumbers(settings);
  const members = new Set(ring);
  return {
    ring,
    ringDevice,
    ringAddress,
    shopper(index) {
      const hash = mix(seed ^ 0x5eed, index);
      const chinese = (hash % 1000) / 1000 < chineseShare;
      const inRing = members.has(index);
      const { favourite, second } = tasteOf(hash, groups);
      return {
        customer: `c${String(index + 1).padStart(width, '0')}`,
        favourite,
        second,
        country: chinese ? 'CN' : euroCountries[(hash >>> 10) % euroCountries.length],
        currency: chinese ? 'CNY' : 'EUR',
        language: chinese ? 'zh' : 'en',
        device: inRing ? ringDevice : fingerprint('d', mix(hash, 1)),
        card: fingerprint('k', mix(hash, 2)),
        address: inRing ? ringAddress : fingerprint('a', mix(hash, 3)),
        inRing,
      };
    },
  };
}

function tasteOf(hash: number, groups: number): { favourite: number; second: number } {
  const favourite = mix(hash, 4) % groups;
  return { favourite, second: groups === 1 ? 0 : (favourite + 1 + (mix(hash, 5) % (groups - 1))) % groups };
}

function ringNumbers({ seed, customers, ringMembers }: Settings): number[] {
  const numbers = new Set<number>();
  for (let k = 0; numbers.size < ringMembers; k++) numbers.add(mix(seed ^ 0x12345, k) % customers);
  return [...numbers].sort((a, b) => a - b);
}

export const fingerprint = (kind: 'a' | 'd' | 'k', hash: number): string => `${kind}-${hash.toString(16).padStart(8, '0')}`;
