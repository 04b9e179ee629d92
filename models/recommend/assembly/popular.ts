/**
 * The most popular items: those with the largest decayed sums of r. A sum is relative to the landmark, so it only grows
 * (but for refunds), and an item climbs past the bar of a short table when it is touched; `bar` is the lowest sum there
 * when it was last looked up.
 */
import { ON_TOP, cold, hot, rScale } from './records';

/** Answers are at most a few hundred long, and refunds push hardly anyone below the last hundred. */
export const TOP: u32 = 512;

let table: usize = 0;
let count: u32 = 0;
let bar: f64 = 0;

export function initTop(at: usize): void {
  table = at;
}

export function popularityOf(item: u32): f64 {
  return load<f64>(cold(item)) * rScale(load<i32>(hot(item), 24));
}

/** p must be at the current epoch. */
export function offerToTop(p: u32): void {
  const h = hot(p);
  const flags = load<u32>(h, 28);
  if ((flags & ON_TOP) !== 0) return;
  if (count < TOP) {
    store<u32>(table + (<usize>count << 2), p);
    count++;
    store<u32>(h, flags | ON_TOP, 28);
    return;
  }
  const mine = load<f64>(cold(p));
  // The bar may be of an earlier epoch and then too high; lookUpBar() brings it down as the landmark moves.
  if (!(mine > bar)) return;
  let lowest: u32 = 0;
  let least: f64 = Infinity;
  let second: f64 = Infinity;
  for (let i: u32 = 0; i < count; i++) {
    const sum = popularityOf(load<u32>(table + (<usize>i << 2)));
    if (sum < least) {
      second = least;
      least = sum;
      lowest = i;
    } else if (sum < second) second = sum;
  }
  if (!(mine > least)) {
    bar = least;
    return;
  }
  const out = hot(load<u32>(table + (<usize>lowest << 2)));
  store<u32>(out, load<u32>(out, 28) & ~ON_TOP, 28);
  store<u32>(table + (<usize>lowest << 2), p);
  store<u32>(h, flags | ON_TOP, 28);
  bar = min(second, mine);
}

/** The landmark has moved: sums shrank, so must the bar. */
export function forgetBar(): void {
  bar = 0;
}

export function dropFromTop(p: u32): void {
  for (let i: u32 = 0; i < count; i++) {
    if (load<u32>(table + (<usize>i << 2)) !== p) continue;
    count--;
    store<u32>(table + (<usize>i << 2), load<u32>(table + (<usize>count << 2)));
    store<u32>(table + (<usize>count << 2), 0);
    break;
  }
  store<u32>(hot(p), load<u32>(hot(p), 28) & ~ON_TOP, 28);
  bar = 0;
}

export function topCount(): u32 { return count; }
export function topAt(i: u32): u32 { return load<u32>(table + (<usize>i << 2)); }

export function saveTop(at: usize): usize {
  store<u32>(at, count);
  store<f64>(at, bar, 8);
  return at + 16;
}

export function loadTop(at: usize): usize {
  count = load<u32>(at);
  bar = load<f64>(at, 8);
  return at + 16;
}
