/**
 * Names as dense ids, of which only so many are kept: the one that was touched longest ago makes room. What a model knows
 * about a name stands in typed arrays at its id.
 *
 *   saved:  intern.ts | u32 id ... from the one touched longest ago to the latest
 */
import { createIntern } from './intern.js';

export interface Roster {
  /** Names held. */
  size(): number;
  /** One past the largest id ever handed out. */
  used(): number;
  idOf(name: string): number | undefined;
  nameOf(id: number): string;
  /** The id of a name, which is entered when it is new, and is the latest from here on. A new id's columns are cleared by whoever holds them. */
  touch(name: string): number;
  /** Forgets a name, and tells as when it makes room. */
  drop(id: number): void;
  /** The two sections of a snapshot. */
  save(): [names: Uint8Array, order: Uint8Array];
}

export interface RosterOptions {
  /** Names at most. */
  max: number;
  /** Called for an id whose name goes, before another can have it. */
  onDrop: (id: number) => void;
  saved?: [names: Uint8Array, order: Uint8Array] | undefined;
}

const NONE = 0xffffffff;

export function createRoster({ max, onDrop, saved }: RosterOptions): Roster {
  const names = createIntern(saved?.[0]);
  // A list through all ids, by the order of their last touch.
  const [older, newer] = [new Uint32Array(max), new Uint32Array(max)];
  let [oldest, latest] = [NONE, NONE];

  // A step asks for the same name several times.
  let [lastName, lastId]: [string | undefined, number | undefined] = [undefined, undefined];
  function idOf(name: string): number | undefined {
    if (name !== lastName) [lastName, lastId] = [name, names.idOf(name)];
    return lastId;
  }

  function link(id: number): void {
    older[id] = latest;
    newer[id] = NONE;
    if (latest === NONE) oldest = id;
    else newer[latest] = id;
    latest = id;
  }

  function unlink(id: number): void {
    const before = older[id];
    const behind = newer[id];
    if (before === NONE) oldest = behind;
    else newer[before] = behind;
    if (behind === NONE) latest = before;
    else older[behind] = before;
  }

  function drop(id: number): void {
    onDrop(id);
    unlink(id);
    names.release(id);
    names.recycle(id);
    lastName = undefined;
  }

  if (saved !== undefined) for (const id of new Uint32Array(saved[1].slice().buffer)) link(id);

  return {
    size: () => names.size(),
    used: () => names.used(),
    idOf,
    nameOf: (id) => names.nameOf(id) ?? '',
    touch(name) {
      const known = idOf(name);
      if (known !== undefined) {
        if (known !== latest) {
          unlink(known);
          link(known);
        }
        return known;
      }
      if (names.size() >= max) drop(oldest);
      const id = names.add(name);
      link(id);
      [lastName, lastId] = [name, id];
      return id;
    },
    drop,
    save() {
      const order = new Uint32Array(names.size());
      for (let id = oldest, n = 0; id !== NONE; id = newer[id], n += 1) order[n] = id;
      return [names.save(), new Uint8Array(order.buffer)];
    },
  };
}
