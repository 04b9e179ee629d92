/**
 * Decisions as they were logged, and what the customer did next: what a blend is learnt from, and judged by.
 *
 *   D decisions, N items of all of them, C channels (../recommend/fuse.ts)
 *   starts u32 [D + 1] | ranks u16 [N, C], 0: the channel did not propose it | positions u16 [N], from 1 | taken u8 [N]
 */
import { channels } from '../recommend/fuse.js';

export const C = channels.length;

export interface Impressions {
  starts: Uint32Array;
  ranks: Uint16Array;
  positions: Uint16Array;
  taken: Uint8Array;
}

export interface ImpressionLog {
  /** An item of the decision that is being read. @param ranks  [C] by channel  @param position  from 1  @param taken  the customer went for it */
  add(ranks: ArrayLike<number>, position: number, taken: boolean): void;
  /** What follows is the next decision's; one without an item leaves no trace. */
  end(): void;
  readonly decisions: number;
  /** All, in the order in which they came. */
  done(): Impressions;
}

export function createImpressions(): ImpressionLog {
  let [starts, ranks, positions, taken] = [new Uint32Array(1 << 10), new Uint16Array(C << 12), new Uint16Array(1 << 12), new Uint8Array(1 << 12)];
  let [decisions, items] = [0, 0];
  return {
    add(of, position, was) {
      if (of.length !== C) throw new RangeError(`blend: an item has a rank for each of ${C} channels, got ${of.length}`);
      if (!(Number.isInteger(position) && position >= 1 && position <= 0xffff)) throw new RangeError(`blend: position must be a whole number from 1 to 65535, got ${position}`);
      if (items === taken.length) {
        ranks = grown(ranks, new Uint16Array(2 * C * items));
        positions = grown(positions, new Uint16Array(2 * items));
        taken = grown(taken, new Uint8Array(2 * items));
      }
      ranks.set(of, C * items);
      positions[items] = position;
      taken[items] = was ? 1 : 0;
      items += 1;
    },
    end() {
      if (items === starts[decisions]) return;
      decisions += 1;
      if (decisions === starts.length) starts = grown(starts, new Uint32Array(2 * decisions));
      starts[decisions] = items;
    },
    get decisions() { return decisions; },
    done: () => ({ starts: starts.slice(0, decisions + 1), ranks: ranks.slice(0, C * starts[decisions]), positions: positions.slice(0, starts[decisions]), taken: taken.slice(0, starts[decisions]) }),
  };
}

function grown<A extends Uint32Array | Uint16Array | Uint8Array>(from: A, into: A): A {
  into.set(from);
  return into;
}

export const decisionsOf = ({ starts }: Impressions): number => starts.length - 1;

/** The decisions from .. to - 1. */
export function between({ starts, ranks, positions, taken }: Impressions, from: number, to: number): Impressions {
  const [first, last] = [starts[from], starts[to]];
  return {
    starts: starts.slice(from, to + 1).map((at) => at - first),
    ranks: ranks.subarray(C * first, C * last),
    positions: positions.subarray(first, last),
    taken: taken.subarray(first, last),
  };
}

/** Where something was taken and something was not: what tells one blend from another. */
export function telling({ starts, taken }: Impressions): number[] {
  const found: number[] = [];
  for (let d = 0; d + 1 < starts.length; d += 1) {
    const mine = taken.subarray(starts[d], starts[d + 1]);
    if (mine.includes(1) && mine.includes(0)) found.push(d);
  }
  return found;
}
