/** The lists of similar items out of the shards' memories, page by page. */
import type { NatsConnection } from '@nats-io/transport-node';
import { requestService } from '../pipelines/runtime/request.js';
import type { NeighboursAnswer, NeighboursRequest } from '../schemas/services.js';
import { shardServiceSubject } from '../schemas/subjects.js';

type Items = NeighboursAnswer['items'];

/** Items of one request: 500 with 50 neighbours each are about 2 MB of JSON, below the 8 MB that a message may have. */
const pageItems = 500;
/** Shards that are asked at the same time: their lists come from nearly one moment, and the worker stays small. */
const lanes = 4;

export interface Collected {
  /** shards that are complete */
  shards: number;
  items: number;
}

/** @returns the items of each shard  @param onPage  called after each page */
export async function askShards(nc: NatsConnection, shards: number, onPage: (collected: Collected) => Promise<void>): Promise<Items[]> {
  const answers: Items[] = [];
  const collected: Collected = { shards: 0, items: 0 };
  const name = interner();
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < shards) {
      const shard = next++;
      answers[shard] = await askShard(nc, shard, name, async (items) => {
        collected.items += items;
        await onPage({ ...collected });
      });
      collected.shards += 1;
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, shards) }, lane));
  return answers;
}

/**
 * The shard goes on learning between two pages. An item that was evicted and came back under a new id may then be on
 * two of them: the later one counts, once.
 */
async function askShard(nc: NatsConnection, shard: number, name: Interner, onPage: (items: number) => Promise<void>): Promise<Items> {
  const found = new Map<string, Items[number]>();
  let fromId = 0;
  for (;;) {
    const request: NeighboursRequest = { fromId, count: pageItems };
    const { nextId, items } = await requestService<NeighboursAnswer>(nc, shardServiceSubject(shard, 'neighbours'), request);
    for (const { item, norm2, neighbours } of items) {
      found.set(name(item), { item: name(item), norm2, neighbours: neighbours.map((n) => ({ ...n, item: name(n.item) })) });
    }
    await onPage(items.length);
    if (nextId <= fromId) return [...found.values()]; // -1 behind the last item
    fromId = nextId;
  }
}

type Interner = (text: string) => string;

/** One string for each item, instead of one for each time that it is mentioned: half the memory of the whole. */
function interner(): Interner {
  const known = new Map<string, string>();
  return (text) => {
    const first = known.get(text);
    if (first === undefined) known.set(text, text);
    return first ?? text;
  };
}
