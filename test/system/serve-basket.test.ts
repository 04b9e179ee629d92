/** `basket` as a service of a shop and as a command: two shards, real servers and processes. */
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { endpointVariables } from '../../cli/system.js';
import { connectNats } from '../../pipelines/runtime/jetstream/connect.js';
import { requestService } from '../../pipelines/runtime/request.js';
import type { Event } from '../../schemas/events.js';
import type { BasketAnswer } from '../../schemas/services.js';
import { partitionOf, serviceSubject, shardServiceSubject, streams } from '../../schemas/subjects.js';
import { aftercare } from '../support/cli.js';
import { click, purchase } from '../support/events.js';
import { publishAll, startTestSystem, type TestSystem } from '../support/system.js';

const shards = 2;
const atMs = Date.UTC(2026, 0, 15);
const customers = Array.from({ length: 40 }, (_, i) => `c${i}`);
const line = (item: string) => ({ item, quantity: 1, unitMinor: 500 });

describe('what is added to a cart next', () => {
  let system: TestSystem;
  let nc: NatsConnection;

  const send = async (...events: Event[]): Promise<void> => {
    await publishAll(nc, shards, events);
    await untilFolded(nc);
  };
  const ask = (items: unknown, k?: unknown): Promise<BasketAnswer> => requestService(nc, serviceSubject('basket'), { items, k });
  const hashes = (): Promise<{ hash: string }[]> => Promise.all([0, 1].map((shard) => requestService<{ hash: string }>(nc, shardServiceSubject(shard, 'hash'), {})));

  beforeAll(async () => {
    system = await startTestSystem({ AFTERCARE_SHARDS: String(shards), AFTERCARE_BASKET_SAMPLE: '2' });
    nc = await connectNats(system.endpoints.nats, 'test');
    // Each in one order; a saucer comes with every fourth; a lamp with a shade in carts of the others, never bought.
    await send(...customers.flatMap((customer, i): Event[] => (i % 2 === 0
      ? [purchase(`p${i}`, customer, { atMs: atMs + i, lines: ['kettle', 'cup', ...(i % 4 === 0 ? ['saucer'] : [])].map(line) })]
      : [click(`l${i}`, customer, { atMs: atMs + i, action: 'cart', item: 'lamp' }), click(`s${i}`, customer, { atMs: atMs + i, action: 'cart', item: 'shade' })])));
    // What one shard alone has seen.
    for (let shard = 0; shard < shards; shard += 1) {
      const customer = customers.find((name, i) => i % 2 === 0 && partitionOf(name, shards) === shard) as string;
      await send(purchase(`only${shard}`, customer, { atMs: atMs + 1000, order: 'later', lines: [line('kettle'), line(`only-${shard}`)] }));
    }
    return async () => { await nc.close(); };
  }, 120_000);

  it('is answered from the baskets of all shards, with probability and because, whichever process is asked', async () => {
    const first = await ask(['kettle'], 5);
    for (let i = 0; i < 10; i += 1) expect(await ask(['kettle'], 5)).toEqual(first);
    expect(first.items[0]).toMatchObject({ item: 'cup', channel: 'basket', because: [{ item: 'kettle', weight: 1 }] });
    expect(first.items[0].probability).toBeGreaterThan(0.5);
    expect(first.items[0].probability).toBeLessThanOrEqual(1);
    expect((await ask(['kettle'], 10)).items.map(({ item }) => item)).toEqual(expect.arrayContaining(['saucer', 'only-0', 'only-1']));
    expect(first).toMatchObject({ unknown: [], support: 22, baskets: 42, model: 'basket-knn-1' });
    expect((await ask(['kettle', 'cup'], 1)).items[0]).toMatchObject({ item: 'saucer', because: [{ item: 'cup' }, { item: 'kettle' }] });
    expect((await ask(['lamp'], 1)).items[0], 'open carts count too').toMatchObject({ item: 'shade', channel: 'basket' });
  });

  it('names what it does not know, and knows what one shard alone has seen', async () => {
    expect(await ask(['ghost', 'kettle', 'only-1'], 1)).toMatchObject({ unknown: ['ghost'], items: [{ item: 'cup' }] });
    const none = await ask(['ghost'], 3);
    expect(none).toMatchObject({ unknown: ['ghost'], support: 0 });
    expect(none.items.map(({ channel, because }) => ({ channel, because }))).toEqual(Array.from({ length: 3 }, () => ({ channel: 'popular', because: [] })));
  });

  it.each([
    [[], undefined, /^items must not have fewer than 1 items?, got an array/],
    [undefined, undefined, /^missing field "items"/],
    [['kettle', ''], undefined, /^items\.1 /],
    [Array.from({ length: 201 }, (_, i) => `p${i}`), undefined, /^items must not have more than 200 items/],
    [['kettle'], 0, /^k must be >= 1, got 0/],
    [['kettle'], 10_000, /^k must be <= 200, got 10000/],
  ])('a bad request gets an error that names the field, and no request leaves a trace: %#', async (items, k, message) => {
    const before = await hashes();
    await expect(ask(items, k)).rejects.toMatchObject({ code: 'bad_request', message: expect.stringMatching(message) as string });
    await ask(['kettle', 'ghost'], 200);
    expect(await hashes()).toEqual(before);
  });

  it('is a command, for people and for machines', async () => {
    const run = (...args: string[]) => aftercare(['basket', ...args], { env: endpointVariables(system.endpoints) });
    const text = await run('ghost', 'kettle', '-k', '2');
    expect(text).toMatchObject({ code: 0, stderr: 'not known, left out: ghost\n' });
    expect(text.stdout).toMatch(/^item\s+probability\s+channel\s+because\ncup\s+0\.\d+\s+basket\s+kettle\n/);
    expect((JSON.parse((await run('kettle', '-k', '1', '--json')).stdout) as BasketAnswer).items[0].item).toBe('cup');
    expect((await run('kettle', '-k', '0')).stderr).toContain('must be a whole number from 1 to 200');
    expect((await run()).stderr).toContain("missing required argument 'items'");
    expect((await run('--help')).stdout).toContain('$ aftercare basket 85123A 71053 -k 5');
  });

  it('loses what is taken out of a cart, keeps what is sent back, and forgets a customer on command', async () => {
    const odd = customers.filter((_, i) => i % 2 === 1);
    await send(...odd.slice(0, 5).map((customer, i) => click(`u${i}`, customer, { atMs: atMs + 2000, action: 'uncart', item: 'shade' })));
    expect((await ask(['shade'])).support).toBe(15);
    await send({ v: 1, type: 'refund', id: 'r1', customer: 'c0', atMs: atMs + 3000, order: 'o-p0', lines: [line('cup')], amountMinor: 500, currency: 'EUR' });
    expect((await ask(['cup'])).support, 'it was in the basket together with the others').toBe(20);
    await send(...odd.map((customer, i): Event => ({ v: 1, type: 'control', id: `f${i}`, customer, atMs: atMs + 4000, command: 'forget' })));
    expect(await ask(['lamp'])).toMatchObject({ unknown: ['lamp'], support: 0 });
  });
});

/** Both shards have seen the stream's end as far as it concerns them. */
async function untilFolded(nc: NatsConnection): Promise<void> {
  const jsm = await jetstreamManager(nc);
  for (let shard = 0; shard < shards; shard += 1) {
    const message = await jsm.streams.getMessage(streams.events, { last_by_subj: `ev.${shard}.>` }).catch(() => null);
    const committed = async (): Promise<number> => {
      // A shard that has just started does not answer yet.
      const status = await requestService<{ committedTo: number }>(nc, shardServiceSubject(shard, 'status'), {}, 10_000).catch(() => undefined);
      return status?.committedTo ?? -1;
    };
    while ((await committed()) < (message?.seq ?? 0)) await delay(50);
  }
}
