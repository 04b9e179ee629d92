/** A name as 64 bits. */
export interface Key {
  a: number;
  b: number;
}

export const createKey = (): Key => ({ a: 0, b: 0 });

/** FNV-1a, and the same with another basis and multiplier, each mixed to the last bit (murmur3's finaliser). @returns `key` */
export function keyInto(name: string, key: Key): Key {
  let [a, b] = [0x811c9dc5, 0x9747b28c];
  for (let i = 0; i < name.length; i += 1) {
    const unit = name.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x5bd1e995) ^ (b >>> 15);
  }
  key.a = mixed(a);
  key.b = mixed(b);
  return key;
}

function mixed(h: number): number {
  let z = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
  return z ^ (z >>> 16);
}
