/** The kernel's channels one at a time, by name: what `createRecommender` fuses, without the fusing. */
import { createIntern } from '../models/intern.js';
import { epochOf, halfLives, R_MIN, relative } from '../models/recommend/decay.js';
import { instantiate, type Answer } from '../models/recommend/kernel.js';
import { loadKernel } from '../models/recommend/load.js';
import type { RecommendSettings } from '../models/recommend/recommender.js';
import { prunes } from '../models/recommend/settings.js';

export interface Channels {
  observe(customer: string, item: string, strength: number, atMs: number): void;
  retract(customer: string, item: string): void;
  /** Ids, best first; empty for a customer without a history. */
  itemItem(customer: string, k: number): number[];
  userUser(customer: string, k: number): number[];
  /** Without what the customer has. */
  popular(customer: string, k: number): number[];
  /** The whole list, which holds some more than `neighbours`: queries read all of it. */
  similar(item: number): Answer[];
  /** What the customer has, r as of the landmark: only ratios mean something. */
  history(customer: string): { item: number; r: number }[];
  /** At the landmark. */
  norm2Of(item: number): number;
  nameOf(item: number): string;
  /** undefined: nobody has touched it yet */
  idOf(item: string): number | undefined;
}

/** Places of a list at most: a place has 8 bits (assembly/lists.ts). */
const listMost = 254;

/** For a stream that stays within the limits: nothing is evicted here. */
export function createChannels(settings: RecommendSettings): Channels {
  const { limits, halfLifeMs, weighting, pruning } = settings;
  const kernel = instantiate(loadKernel(), settings, limits.items);
  const [customers, items] = [createIntern(), createIntern()];
  let epoch: number | undefined;
  const ask = (customer: string, channel: (id: number) => number): number[] => {
    const id = customers.idOf(customer);
    if (id === undefined) return [];
    kernel.setMoment(weighting.itemItem.shrinkage, weighting.saturation, 0, customers.size());
    kernel.open(id);
    const ids = [...kernel.ids(channel(id))];
    kernel.close(id);
    return ids;
  };
  const added = (names: ReturnType<typeof createIntern>, name: string, add: (id: number) => void): number => {
    const known = names.idOf(name);
    if (known !== undefined) return known;
    const id = names.add(name);
    add(id);
    return id;
  };
  return {
    observe(customer, item, strength, atMs) {
      const x = halfLives(atMs, halfLifeMs);
      const now = epochOf(x);
      if (epoch === undefined) kernel.begin(now);
      else if (now > epoch) kernel.advance(now);
      epoch = Math.max(epoch ?? now, now);
      if (prunes(pruning)) kernel.renewPruned(Math.floor(x));
      const r = relative(strength, x, epoch);
      if (r < R_MIN) return;
      kernel.observe(added(customers, customer, kernel.addCustomer), added(items, item, kernel.addItem), r);
    },
    retract(customer, item) {
      const [c, p] = [customers.idOf(customer), items.idOf(item)];
      if (c !== undefined && p !== undefined) kernel.retract(c, p);
    },
    itemItem: (customer, k) => ask(customer, (id) => kernel.itemItem(id, k)),
    userUser: (customer, k) => ask(customer, (id) => kernel.userUser(id, k)),
    popular(customer, k) {
      if (epoch === undefined) return [];
      return customers.idOf(customer) === undefined ? [...kernel.ids(kernel.popular(k))] : ask(customer, () => kernel.popular(k));
    },
    similar: (item) => (item < items.used() ? kernel.take(kernel.similar(item, listMost)) : []),
    history(customer) {
      const id = customers.idOf(customer);
      return id === undefined ? [] : kernel.history(id);
    },
    norm2Of: (item) => kernel.norm2Of(item),
    nameOf: (item) => items.nameOf(item) ?? '',
    idOf: (item) => items.idOf(item),
  };
}
