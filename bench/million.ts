/** A million interactions with the size and the skew of movielens-1m, which cannot be had here: for what costs time, not for what is good. */
import { createRandom } from '../simulator/random.js';

export interface Interactions {
  customers: number;
  items: number;
  /** In the order of the customers; `value` is 1 to 5. */
  interactions: { customer: number; item: number; value: number }[];
}

export function millionInteractions(): Interactions {
  const [rows, columns, wanted, tastes] = [6040, 3706, 1_000_209, 40];
  const random = createRandom(1);
  const steps = new Float64Array(columns);
  let total = 0;
  for (let i = 0; i < columns; i += 1) steps[i] = total += (i + 10) ** -0.9;
  const draw = (): number => {
    const x = random.uniform() * total;
    let [low, high] = [0, columns - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (steps[middle] < x) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const interactions: Interactions['interactions'] = [];
  for (let customer = 0; customer < rows; customer += 1) {
    const most = Math.round(((wanted - interactions.length) / (rows - customer)) * (customer === rows - 1 ? 1 : 0.2 + 1.6 * random.uniform()));
    const own = new Set<number>();
    while (own.size < most) own.add(random.chance(0.5) ? draw() : (draw() * tastes + (customer % tastes)) % columns);
    for (const column of own) interactions.push({ customer, item: column, value: 1 + random.below(5) });
  }
  return { customers: rows, items: columns, interactions };
}
