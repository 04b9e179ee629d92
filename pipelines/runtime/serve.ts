/**
 * Request/reply on the NATS services protocol, so that `nats micro` lists it. Each process answers `aftercare.<name>`
 * in a queue group; a request for a customer of another shard goes on to that shard, one hop away.
 *
 * A recommendation is a decision: it is on record before it is answered, so that no answer is without its row. `risk` is
 * not one, and neither is `support`: the purchase, refund or ticket that it is asked about has not happened, and its event
 * brings the decision on record.
 * To wait for a commit would only make a payment wait.
 */
import { Svcm, type Service } from '@nats-io/services';
import { headers, type Msg, type NatsConnection } from '@nats-io/transport-node';
import { messageOf } from '../../schemas/errors.js';
import { AdoptRequest, BasketRequest, errorHeaders, kDefault, NeighboursRequest, ProfileRequest, RecommendRequest, requestCheck, riskRequestCheck, SimilarRequest, SupportRequest, type BasketAnswer, type SimilarAnswer } from '../../schemas/services.js';
import { limits } from '../../schemas/limits.js';
import { partitionOf, serviceSubject, shardServiceSubject } from '../../schemas/subjects.js';
import type { FoldState } from '../fold.js';
import { basket, basketOfAll, neighbours, profile, recommend, similar } from '../recommend/serve.js';
import { statsOf } from '../recommend/state.js';
import { riskAnswer, riskStats } from '../risk/serve.js';
import { supportAnswer, supportStats } from '../support/serve.js';
import type { PublicConfig } from '../../schemas/config.js';
import type { Artefacts } from './artefacts.js';
import type { LiveShard } from './shard.js';
import type { PartHashes } from './state-hashes.js';

export interface ServeOptions {
  nc: NatsConnection;
  shards: number;
  version: string;
  /** what the shard folds with, for whoever folds the same again */
  settings: PublicConfig;
  /** where a state is that shall take the live one's place */
  artefacts: Artefacts;
}

/** A failed request: an HTTP-like code and a sentence. */
class RequestError extends Error {
  constructor(readonly code: number, message: string) {
    super(message);
  }
}

type Handler = (body: Uint8Array) => Promise<unknown>;
/** A shard that is about to be taken over answers late; longer than that is a failure. */
const forwardTimeoutMs = 2000;
/** Items that each shard is asked for beyond those of a merged answer. */
const deeperBy = 50;

const checks = {
  recommend: requestCheck(RecommendRequest),
  similar: requestCheck(SimilarRequest),
  profile: requestCheck(ProfileRequest),
  neighbours: requestCheck(NeighboursRequest),
  basket: requestCheck(BasketRequest),
  risk: riskRequestCheck(),
  adopt: requestCheck(AdoptRequest),
  support: requestCheck(SupportRequest),
};

/** Starts answering for a live shard. @returns stops it, letting what was asked be answered */
export async function serveShard(live: LiveShard<FoldState>, options: ServeOptions): Promise<() => Promise<void>> {
  const { nc } = options;
  const own = shardHandlers(live, options);
  const subscriptions = Object.entries(own).map(([name, handler]) =>
    nc.subscribe(shardServiceSubject(live.shard, name), { callback: (_error, message) => void answer(message, handler) }));
  const service = await addService(live, options, publicHandlers(live, options, own));
  return async () => {
    await service.stop();
    for (const subscription of subscriptions) subscription.unsubscribe();
  };
}

async function addService(live: LiveShard<FoldState>, options: ServeOptions, handlers: Record<string, Handler>): Promise<Service> {
  const service = await new Svcm(options.nc).add({
    name: 'aftercare',
    version: options.version,
    description: 'Recommendations, similar items, profiles, risk and replies from the live models',
    metadata: { shard: String(live.shard), epoch: String(live.epoch) },
    queue: 'aftercare',
    statsHandler: () => Promise.resolve(shardStatus(live)),
  });
  for (const [name, handler] of Object.entries(handlers)) {
    service.addEndpoint(name, { subject: serviceSubject(name), handler: (_error, message) => void answer(message, handler) });
  }
  return service;
}

export interface ShardStatus {
  part: 'shard';
  shard: number;
  epoch: number;
  seq: number;
  committedTo: number;
  snapshotSeq: number;
  events: number;
  rejects: number;
  rssBytes: number;
  model: ReturnType<typeof statsOf>;
  risk: { customers: number; waiting: number; dropped: number; frauds: number; genuine: number; decisions: number };
  support: ReturnType<typeof supportStats>;
  /** version of each promoted model that is live */
  promoted: Record<string, number>;
}

const shardStatus = (live: LiveShard<FoldState>): ShardStatus => ({
  part: 'shard',
  shard: live.shard,
  epoch: live.epoch,
  seq: live.seq,
  committedTo: live.committedTo,
  snapshotSeq: live.snapshotSeq,
  events: live.events,
  rejects: live.rejects,
  rssBytes: process.memoryUsage.rss(),
  model: statsOf(live.state.recommend),
  risk: riskStats(live.state.risk),
  support: supportStats(live.state.support),
  promoted: Object.fromEntries([...live.state.models.versions].map(([name, { version }]) => [name, version])),
});

/** What a rebuild is compared with, and made with. */
export interface ShardState extends PartHashes {
  shard: number;
  settings: PublicConfig;
}

/** What this shard answers out of its own memory. */
function shardHandlers(live: LiveShard<FoldState>, { settings, artefacts }: ServeOptions) {
  const place = () => ({ shard: live.shard, seq: live.seq });
  return {
    async recommend(body: Uint8Array) {
      const { answer: found, decision } = recommend(live.state.recommend, valid(checks.recommend(body)), place(), Date.now(), live.state.models);
      await live.record([decision]);
      return found;
    },
    profile(body: Uint8Array) {
      const request = valid(checks.profile(body));
      return Promise.resolve(profile(live.state.recommend, request, place()) ?? notFound(`customer "${request.customer}" is unknown: no event of theirs was folded, or they were forgotten`));
    },
    neighbours: (body: Uint8Array) => Promise.resolve(neighbours(live.state.recommend.recommender, valid(checks.neighbours(body)))),
    async similar(body: Uint8Array) {
      const request = valid(checks.similar(body));
      return similar(live.state.recommend.recommender, request) ?? notFound(`item "${request.item}" is unknown: no customer has touched it`);
    },
    basket: (body: Uint8Array) => Promise.resolve(basket(live.state.recommend.baskets, valid(checks.basket(body)))),
    async risk(body: Uint8Array) {
      const { risk, models, signals } = live.state;
      return riskAnswer(risk, models, signals, valid(checks.risk(body)), place(), Date.now());
    },
    async support(body: Uint8Array) {
      const { support, models } = live.state;
      return supportAnswer(support, models, valid(checks.support(body)), place(), Date.now());
    },
    hash: () => Promise.resolve({ shard: live.shard, seq: live.seq, hash: live.hash() }),
    state: async (): Promise<ShardState> => ({ shard: live.shard, ...(await live.hashes()), settings }),
    async adopt(body: Uint8Array) {
      const { ref, seq } = valid(checks.adopt(body));
      await live.adopt({ seq, chunks: await artefacts.load(ref) });
      return { shard: live.shard, seq };
    },
    status: () => Promise.resolve(shardStatus(live)),
  };
}

/** What anyone may ask, whichever shard it concerns. */
function publicHandlers(live: LiveShard<FoldState>, { nc, shards }: ServeOptions, own: ReturnType<typeof shardHandlers>): Record<string, Handler> {
  const ask = async (shard: number, name: string, body: Uint8Array): Promise<unknown> => {
    const reply = await nc.request(shardServiceSubject(shard, name), body, { timeout: forwardTimeoutMs }).catch((error: unknown) => {
      throw new RequestError(503, `shard ${shard} does not answer: ${messageOf(error)}; it may be starting`);
    });
    const failed = reply.headers?.get(errorHeaders.text);
    if (failed) throw new RequestError(Number(reply.headers?.get(errorHeaders.code)), failed);
    return reply.json();
  };
  const ofCustomer = (name: 'recommend' | 'profile' | 'risk' | 'support'): Handler => async (body) => {
    const { customer } = valid(checks[name](body));
    const shard = partitionOf(customer, shards);
    return shard === live.shard ? own[name](body) : ask(shard, name, body);
  };
  return {
    recommend: ofCustomer('recommend'),
    profile: ofCustomer('profile'),
    risk: ofCustomer('risk'),
    support: ofCustomer('support'),
    async similar(body) {
      const request = valid(checks.similar(body));
      if (shards === 1) return own.similar(body);
      const found = await similarOfAll(request, shards, (shard) => (shard === live.shard ? own.similar(body) : ask(shard, 'similar', body)));
      return found ?? notFound(`item "${request.item}" is unknown: no customer has touched it`);
    },
    async basket(body) {
      const { items, k = kDefault } = valid(checks.basket(body));
      if (shards === 1) return own.basket(body);
      // Deeper than asked for: what one shard has in front another may have just behind.
      const deeper = Buffer.from(JSON.stringify({ items, k: Math.min(limits.answerItemsMax, k + deeperBy) }));
      const answers = await Promise.all(Array.from({ length: shards }, (_, shard) => (shard === live.shard ? own.basket(deeper) : ask(shard, 'basket', deeper))));
      return basketOfAll(answers as BasketAnswer[], k);
    },
  };
}

/**
 * The lists of all shards as one: sum of the dots over the sum of the products of the norms. That product is an upper
 * bound by parts of the true one (Cauchy-Schwarz); the export, which has the norms of all items, is exact.
 */
async function similarOfAll(request: SimilarRequest, shards: number, ask: (shard: number) => Promise<unknown>): Promise<SimilarAnswer | undefined> {
  const answers = await Promise.all(Array.from({ length: shards }, (_, shard) => ask(shard).catch(notKnownThere)));
  const known = (answers as (SimilarAnswer | undefined)[]).filter((found) => found !== undefined);
  if (known.length === 0) return undefined;
  const sums = new Map<string, { dot: number; norms: number }>();
  for (const { item, dot, similarity } of known.flatMap((found) => found.items)) {
    const sum = sums.get(item) ?? { dot: 0, norms: 0 };
    sums.set(item, { dot: sum.dot + dot, norms: sum.norms + dot / similarity });
  }
  const items = [...sums].map(([item, { dot, norms }]) => ({ item, dot, similarity: dot / norms }));
  return { item: request.item, items: items.sort((a, b) => b.similarity - a.similarity).slice(0, request.k ?? kDefault) };
}

function notKnownThere(error: unknown): undefined {
  if (error instanceof RequestError && error.code === 404) return undefined;
  throw error;
}

function valid<T>(checked: { value: T } | { error: string }): T {
  if ('error' in checked) throw new RequestError(400, checked.error);
  return checked.value;
}

function notFound(message: string): never {
  throw new RequestError(404, message);
}

async function answer(message: Pick<Msg, 'data' | 'respond'>, handler: Handler): Promise<void> {
  try {
    message.respond(JSON.stringify(await handler(message.data)));
  } catch (error) {
    const fields = headers();
    fields.set(errorHeaders.code, String(error instanceof RequestError ? error.code : 500));
    fields.set(errorHeaders.text, messageOf(error).replaceAll(/[^\x20-\x7e]/g, '?'));
    message.respond('', { headers: fields });
  }
}
