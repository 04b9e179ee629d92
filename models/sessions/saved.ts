/** What an index holds, as the sections of a snapshot: the sessions in order, serials counted from the oldest; the rest follows from them. */
import { append, createIndex, NONE, startSession, type Index } from './index.js';
import type { SessionSettings } from './settings.js';

export function sectionsOf(index: Index): Uint8Array[] {
  const { oldest, next, ring, customers } = index;
  const held = next - oldest;
  const [counts, owners, keys, lastMs] = [new Uint16Array(held), new Uint32Array(held), new Uint32Array(held), new Float64Array(held)];
  let total = 0;
  for (let n = 0; n < held; n += 1) {
    const slot = (oldest + n) & ring;
    counts[n] = index.counts[slot];
    total += counts[n];
    if (counts[n] === 0) continue;
    owners[n] = index.owners[slot];
    keys[n] = index.keys[slot];
    lastMs[n] = index.lastMs[slot];
  }
  // By hand, as a view for each of half a million sessions takes longer than copying what it shows.
  const contents = new Uint32Array(total);
  let at = 0;
  for (let n = 0; n < held; n += 1) {
    const base = ((oldest + n) & ring) * index.settings.limits.length;
    for (let place = base; place < base + counts[n]; place += 1) contents[at++] = index.contents[place];
  }
  const current = index.current.slice(0, customers.used());
  for (let c = 0; c < current.length; c += 1) if (current[c] !== NONE) current[c] -= oldest - 1;
  return [customers.save(), index.items.save(), ...[counts, owners, keys, lastMs, contents, current].map((array) => new Uint8Array(array.buffer))];
}

/** @param part  the next section, in a buffer of its own */
export function indexOf(settings: SessionSettings, evicted: number, part: () => Uint8Array): Index {
  const index = createIndex(settings, 1, { customers: part(), items: part() });
  const [counts, owners, keys] = [new Uint16Array(part().buffer), new Uint32Array(part().buffer), new Uint32Array(part().buffer)];
  const [lastMs, contents, current] = [new Float64Array(part().buffer), new Uint32Array(part().buffer), new Uint32Array(part().buffer)];
  let at = 0;
  for (const [n, count] of counts.entries()) {
    if (count === 0) { // forgotten: its serial stays taken
      index.next += 1;
      continue;
    }
    const serial = startSession(index, owners[n], keys[n]);
    for (let i = 0; i < count; i += 1) append(index, serial, contents[at++]);
    index.lastMs[serial & index.ring] = lastMs[n];
  }
  index.current.set(current);
  index.evicted = evicted;
  return index;
}

/** As a restart would: what is answered, and the bytes of a snapshot, stay the same. */
export function renumber(index: Index): void {
  const sections = sectionsOf(index);
  let next = 0;
  Object.assign(index, indexOf(index.settings, index.evicted, () => sections[next++]));
}
