/** The lists of similar items out of the shards' memories, page by page. */
import type { NatsConnection } from '@nats-io/transport-node';
import { requestService } from '../pipelines/runtime/request.js';
import type { NeighboursAnswer, NeighboursRequest } from '../schemas/services.js';
import { shardServiceSubject } from '../schemas/subjects.js';
import { neighbourLists, type NeighbourLists } from './neighbour-lists.js';

/** Items of one request: 500 with 100 neighbours each are about 4 MB of JSON, and a message may have 8. */
const pageItems = 500;
/** Shards that are asked at the same time: their lists come from nearly one moment, and the worker stays small. */
const lanes = 4;

export interface Collected {
  /** shards that are complete */
  shards: number;
  /** items that came, each as often as shards know it */
  items: number;
}

/** @param onPage  called after each answer */
export async function askShards(nc: NatsConnection, shards: number, onPage: (collected: Collected) => Promise<void>): Promise<NeighbourLists> {
  const lists = neighbourLists(shards);
  const asOfMs = shards === 1 ? undefined : await newestOf(nc, shards);
  const collected: Collected = { shards: 0, items: 0 };
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < shards) {
      const shard = next++;
      for await (const items of answersOf(nc, shard, asOfMs)) {
        lists.add(shard, items);
        collected.items += items.length;
        await onPage({ ...collected });
      }
      collected.shards += 1;
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, shards) }, lane));
  return lists;
}

/** The newest event of all shards: sums of what has faded for different times would favour the shard that was idle. */
async function newestOf(nc: NatsConnection, shards: number): Promise<number> {
  const newest = await Promise.all(Array.from({ length: shards }, async (_, shard) => (await ask(nc, shard, { fromId: 0, count: 1 })).asOfMs));
  return Math.max(...newest);
}

const ask = (nc: NatsConnection, shard: number, request: NeighboursRequest): Promise<NeighboursAnswer> =>
  requestService<NeighboursAnswer>(nc, shardServiceSubject(shard, 'neighbours'), request);

async function* answersOf(nc: NatsConnection, shard: number, asOfMs: number | undefined): AsyncGenerator<NeighboursAnswer['items']> {
  for (let fromId = 0; ;) {
    const { nextId, items } = await ask(nc, shard, { fromId, count: pageItems, ...(asOfMs === undefined ? {} : { asOfMs }) });
    yield items;
    if (nextId <= fromId) return; // -1 behind the last item
    fromId = nextId;
  }
}
