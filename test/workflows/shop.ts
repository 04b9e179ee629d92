/** Shards as the export meets them: real recommend states behind the real protocol, and the truth by brute force. */
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { loadKernel } from '../../models/recommend/load.js';
import { createRecommender, defaultSettings, type Recommender } from '../../models/recommend/recommender.js';
import { neighbours } from '../../pipelines/recommend/serve.js';
import { NeighboursRequest, requestCheck, type NeighboursAnswer } from '../../schemas/services.js';
import { partitionOf, shardServiceSubject } from '../../schemas/subjects.js';
import { createRandom } from '../../simulator/random.js';
import type { StoredNeighbour } from './system.js';

export type Answer = (request: NeighboursRequest) => NeighboursAnswer;

export interface Shards {
  /** answers that each shard still gives as failures */
  failures: number;
  asked: number;
  close(): void;
}

const check = requestCheck(NeighboursRequest);

/** Answers for the shards. As pipelines/runtime/serve.ts does, but failing when told to. */
export function answerShards(nc: NatsConnection, answers: readonly Answer[], failures = 0): Shards {
  const shards: Shards = { failures, asked: 0, close: () => { for (const s of subscriptions) s.unsubscribe(); } };
  const subscriptions = answers.map((answer, shard) => nc.subscribe(shardServiceSubject(shard, 'neighbours'), {
    callback: (_error, message) => {
      shards.asked += 1;
      const checked = check(message.data);
      if (shards.failures > 0 || 'error' in checked) {
        const fields = headers();
        fields.set('Nats-Service-Error-Code', 'error' in checked ? '400' : '500');
        fields.set('Nats-Service-Error', 'error' in checked ? checked.error : `shard ${shard} is starting`);
        shards.failures -= 1;
        message.respond('', { headers: fields });
        return;
      }
      message.respond(JSON.stringify(answer(checked.value)));
    },
  }));
  return shards;
}

interface Touch { customer: string; item: string; strength: number; atMs: number }

const day = 24 * 3600 * 1000;
const endMs = 1_700_000_000_000;
const kernel = loadKernel();

export interface Shop {
  answers: Answer[];
  /** every pair of items that a customer touched both of, over all customers at once */
  truth: StoredNeighbour[];
}

/** Customers with a dozen items each, split among the shards as the stream splits them. */
export function createShop(shards: number, customers = 120, items = 40): Shop {
  const random = createRandom(11);
  const touches: Touch[] = [];
  for (let c = 0; c < customers; c++) {
    for (let n = 0; n < 12; n++) {
      // a strength of its own for each, so that no two neighbours are equally close
      touches.push({ customer: `c${c}`, item: `item-${random.below(items)}`, strength: 1 + 4 * random.uniform(), atMs: Math.floor(endMs - (100 + 100 * random.uniform()) * day) });
    }
  }
  // the newest event of all; the other shards have been idle for months, and what they hold has faded since
  touches.push({ customer: customerOf(0, shards), item: 'item-0', strength: 2, atMs: endMs });
  const states = Array.from({ length: shards }, () => createRecommender({ ...defaultSettings, limits: { customers: 1000, items: 1000, pairs: 100_000, history: 500, neighbours: 100, postings: 100, memory: 2 ** 28 } }, kernel));
  for (const { customer, item, strength, atMs } of touches) states[partitionOf(customer, shards)].observe(customer, item, strength, atMs);
  return { answers: states.map(answerOf), truth: bruteForce(touches) };
}

const answerOf = (state: Recommender): Answer => (request) => neighbours(state, request);

function customerOf(shard: number, shards: number): string {
  for (let c = 0; ; c++) if (partitionOf(`last${c}`, shards) === shard) return `last${c}`;
}

/** The definition, without increments, shards or limits. */
function bruteForce(touches: readonly Touch[]): StoredNeighbour[] {
  const strongest = new Map<string, Map<string, number>>();
  for (const { customer, item, strength, atMs } of touches) {
    const own = strongest.get(customer) ?? new Map<string, number>();
    strongest.set(customer, own);
    own.set(item, Math.max(own.get(item) ?? 0, strength * 2 ** ((atMs - endMs) / defaultSettings.halfLifeMs)));
  }
  const norm2 = new Map<string, number>();
  const dots = new Map<string, Map<string, number>>();
  for (const own of strongest.values()) {
    for (const [p, rp] of own) {
      norm2.set(p, (norm2.get(p) ?? 0) + rp * rp);
      const row = dots.get(p) ?? new Map<string, number>();
      dots.set(p, row);
      for (const [q, rq] of own) if (q !== p) row.set(q, (row.get(q) ?? 0) + rp * rq);
    }
  }
  return [...dots].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([item, row]) => {
    const own = norm2.get(item) as number;
    return [...row]
      .map(([neighbour, dot]) => ({ item, rank: 0, neighbour, dot, norm2: own, similarity: dot / Math.sqrt(own * (norm2.get(neighbour) as number)) }))
      .sort((a, b) => b.similarity - a.similarity)
      .map((row, i) => ({ ...row, rank: i + 1 }));
  });
}

/** Lists that need no state: `items` items with `each` neighbours, the same in every shard. Large enough for several pages. */
export function wideAnswer(items: number, each: number): Answer {
  return ({ fromId, count }) => {
    const ids = Array.from({ length: Math.min(count, items - fromId) }, (_, i) => fromId + i);
    const page = ids.map((id) => ({
      item: `wide-${id}`,
      norm2: 1,
      neighbours: Array.from({ length: each }, (_, i) => ({ item: `wide-${(id + 1 + i) % items}`, dot: 1 / (i + 2), similarity: 1 / (i + 2) })),
    }));
    return { nextId: fromId + count < items ? fromId + count : -1, asOfMs: 0, items: page };
  };
}
