/**
 * A text for each slot of a ring, off V8's heap: hundreds of thousands of strings on it make every full collection long.
 *
 *   saved:  u32 length by slot | UTF-16 units, in the order of the slots
 */
import { createNames } from './names.js';

/** Units of one text at most: its length stands in 16 bits, and reading it passes them as arguments. */
export const RING_TEXT_MAX = 20_000;

export interface RingTexts {
  /** '' where there is none */
  get(slot: number): string;
  /** @throws RangeError when the text is longer than RING_TEXT_MAX */
  set(slot: number, text: string): void;
  clear(slot: number): void;
  /** The two sections of a snapshot. @param held  slots from 0 that may have a text */
  save(held: number): [lengths: Uint8Array, units: Uint8Array];
}

/** @throws RangeError when what was saved is not what `save` made */
export function createRingTexts(saved?: readonly [lengths: Uint8Array, units: Uint8Array]): RingTexts {
  const names = createNames();
  const texts: RingTexts = {
    get: (slot) => names.get(slot) ?? '',
    set(slot, text) {
      if (text.length > RING_TEXT_MAX) throw new RangeError(`ring texts: a text has ${text.length} units, at most ${RING_TEXT_MAX} are kept; cut it`);
      if (names.lengthOf(slot) !== undefined) names.clear(slot);
      if (text !== '') names.set(slot, text);
    },
    clear(slot) {
      if (names.lengthOf(slot) !== undefined) names.clear(slot);
    },
    save(held) {
      const lengths = new Uint32Array(held);
      let all = 0;
      for (let slot = 0; slot < held; slot += 1) all += lengths[slot] = names.lengthOf(slot) ?? 0;
      const units = new Uint16Array(all);
      for (let slot = 0, at = 0; slot < held; slot += 1) if (lengths[slot] > 0) at += names.copy(slot, units, at);
      return [new Uint8Array(lengths.buffer), new Uint8Array(units.buffer)];
    },
  };
  if (saved !== undefined) load(texts, saved);
  return texts;
}

function load(texts: RingTexts, [lengthBytes, unitBytes]: readonly [Uint8Array, Uint8Array]): void {
  const lengths = new Uint32Array(lengthBytes.slice().buffer);
  const units = Buffer.from(unitBytes);
  if (lengths.reduce((sum, length) => sum + length, 0) * 2 !== units.length) throw new RangeError(`ring texts: ${units.length} bytes do not fit their lengths: corrupted`);
  for (let slot = 0, at = 0; slot < lengths.length; slot += 1) {
    texts.set(slot, units.toString('utf16le', at, at + lengths[slot] * 2));
    at += lengths[slot] * 2;
  }
}
