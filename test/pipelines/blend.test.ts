/** A promoted blend decides; what is looked at now is a channel where what was seen may be shown. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { defaultBasketSettings } from '../../models/baskets/baskets.js';
import { encodeBlend } from '../../models/blend/artefact.js';
import { defaultObjectionSettings } from '../../models/objections.js';
import { equalBlend, type Blend } from '../../models/recommend/fuse.js';
import { encodeFactors } from '../../models/svd/factors.js';
import { loadKernel } from '../../models/recommend/load.js';
import { defaultSettings } from '../../models/recommend/recommender.js';
import { defaultSessionSettings } from '../../models/sessions/sessions.js';
import { modelReaders } from '../../pipelines/fold.js';
import { decidesFor } from '../../pipelines/canary.js';
import { promotedStep } from '../../pipelines/promoted.js';
import type { Answer } from '../../pipelines/recommend/answer.js';
import { recommend } from '../../pipelines/recommend/serve.js';
import { recommendStep } from '../../pipelines/recommend/step.js';
import { promotionEvent } from '../../pipelines/runtime/jetstream/promote.js';
import type { Event } from '../../schemas/events.js';
import { click, purchase } from '../support/events.js';

const atMs = Date.UTC(2026, 0, 15);
const step = recommendStep({
  recommender: { ...defaultSettings, limits: { customers: 200, items: 100, pairs: 20_000, history: 50, neighbours: 20, postings: 50, memory: 2 ** 28 } },
  sessions: { ...defaultSessionSettings, limits: { sessions: 100, items: 100, length: 10 } },
  baskets: { ...defaultBasketSettings, limits: { baskets: 100, items: 100, length: 10 } },
  objections: defaultObjectionSettings,
  complaints: new Set(),
}, loadKernel());
const promoted = promotedStep(modelReaders);

function shop() {
  const state = step.empty();
  const events: Event[] = [
    ...['a', 'b', 'c'].flatMap((customer) => ['kettle', 'cup', 'pot'].map((item, n) => click(`${customer}${n}`, customer, { item, atMs: atMs + n }))),
    purchase('p', 'ann', { lines: [{ item: 'pot', quantity: 1, unitMinor: 500 }], amountMinor: 500, atMs }),
    click('1', 'ann', { item: 'lamp', atMs: atMs + 1 }),
    click('2', 'ann', { item: 'kettle', atMs: atMs + 2 }),
  ];
  for (const event of events) step.step(state, { event, shard: 0, position: 0, receivedMs: 0 }, () => undefined);
  return state;
}

/** @returns what became of it */
function promote(models: ReturnType<typeof promoted.empty>, version: number, bytes: Uint8Array, name = 'blend', percent?: number): { outcome: string; detail: string } {
  const ref = { name, version, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length };
  const rows: { outcome: string; detail: string }[] = [];
  const event = promotionEvent({ ref, atMs, ...(percent !== undefined && { percent }) }, 0, 1);
  promoted.step(models, { event, shard: 0, position: 1024 * version, receivedMs: atMs, artefact: [bytes] }, ({ value }) => rows.push(value as never));
  return rows[0];
}

const blendOf = (weights: Partial<Blend['weights']>): Blend => ({ weights: { ...equalBlend.weights, ...weights }, constant: 10 });
const bytesOf = (blend: Blend): Uint8Array => new Uint8Array(Buffer.concat(encodeBlend(blend)));

describe('a promoted blend', () => {
  const state = shop();
  const models = promoted.empty();
  const ask = (seen: boolean, at = atMs + 3) => recommend(state, { customer: 'ann', k: 5, seen }, { shard: 0, seq: 9 }, at, models);
  const rowsOf = (of: ReturnType<typeof ask>): Answer['items'] => (of.decision.value as Answer).items;

  it('is not needed: all channels count the same, and what is looked at now is one of them where it may be shown', () => {
    const { answer } = ask(false);
    expect(answer.model).toBe('cosine-sessions-2');
    expect(answer.items.map(({ item }) => item)).toEqual(['cup']);
    const again = Object.fromEntries(rowsOf(ask(true)).map(({ item, ranks }) => [item, ranks?.again]));
    expect(again, 'the latest first; what was bought is no proposal').toEqual({ kettle: 1, lamp: 2, cup: undefined });
    expect(rowsOf(ask(true, atMs + 24 * 3_600_000)).every(({ ranks }) => ranks?.again === undefined), 'a session that is over is not looked at').toBe(true);
  });

  it('decides from its promotion on, and the row says by which version and from which ranks', () => {
    expect(promote(models, 3, bytesOf(blendOf({ again: 50 })))).toMatchObject({ outcome: 'live' });
    const { answer, decision } = ask(true);
    expect(answer.model).toBe('cosine-sessions-2+blend.3');
    expect((decision.value as Answer).model).toBe('cosine-sessions-2+blend.3');
    expect(answer.items[0]).toMatchObject({ item: 'kettle', channel: 'again', because: expect.arrayContaining([{ item: 'kettle', weight: 1 }]) as unknown });
    expect(promote(models, 4, bytesOf(blendOf({ again: 0, session: 0, 'user-user': 0 })))).toMatchObject({ outcome: 'live' });
    for (const { ranks } of rowsOf(ask(true))) expect(Object.keys(ranks ?? {}).every((channel) => channel === 'item-item' || channel === 'popular')).toBe(true);
  });

  it('stays when the next one is damaged or not one', () => {
    const damaged = bytesOf(blendOf({}));
    damaged[damaged.length - 40] ^= 1;
    expect(promote(models, 5, damaged)).toMatchObject({ outcome: 'unreadable', detail: expect.stringContaining('blend snapshot: checksum differs') as unknown });
    expect(promote(models, 6, bytesOf(blendOf({ svd: Number.POSITIVE_INFINITY })))).toMatchObject({ outcome: 'unreadable', detail: expect.stringContaining('the weight of svd must be a number') as unknown });
    expect(ask(true).answer.model).toBe('cosine-sessions-2+blend.4');
  });
});

describe('a challenger', () => {
  const state = shop();
  const models = promoted.empty();
  const customers = Array.from({ length: 400 }, (_, n) => `c${n}`);
  const decidedBy = (customer: string): { model: string; first: string } => {
    const { answer } = recommend(state, { customer, k: 5 }, { shard: 0, seq: 9 }, atMs + 3, models);
    return { model: answer.model, first: answer.items[0].item };
  };
  const factors = (first: string): Uint8Array => new Uint8Array(Buffer.concat(encodeFactors({
    rank: 1, names: ['cup', 'kettle', 'pot'], support: Uint32Array.of(3, 3, 3), singular: Float64Array.of(1), v: Float32Array.from(['cup', 'kettle', 'pot'], (item) => (item === first ? 2 : 1)), itemPower: 0, spectrumPower: 0, customers: 3, entries: 9,
  })));
  const inside = (model: string, percent: number): string[] => customers.filter((customer) => decidesFor({ version: 1, sha256: '', bytes: 0, seq: 0, percent }, model, customer));

  it('of the blend decides for its share of the customers, always the same ones, under its own version', () => {
    promote(models, 3, bytesOf(blendOf({})));
    promote(models, 8, bytesOf(blendOf({ 'item-item': 0 })), 'blend-shadow', 25);
    const his = customers.filter((customer) => decidedBy(customer).model === 'cosine-sessions-2+blend.8');
    expect(his).toEqual(inside('blend-shadow', 25));
    expect(customers.filter((customer) => decidedBy(customer).model === 'cosine-sessions-2+blend.3')).toHaveLength(customers.length - his.length);
  });

  it('of the factorisation decides beside it, for others; without a share for nobody', () => {
    promote(models, 5, factors('cup'), 'svd');
    promote(models, 6, factors('kettle'), 'svd-shadow');
    expect(customers.every((customer) => decidedBy(customer).model.includes('+svd.5'))).toBe(true);
    promote(models, 6, factors('kettle'), 'svd-shadow', 50);
    const [factorisations, blends] = [new Set(inside('svd-shadow', 50)), new Set(inside('blend-shadow', 25))];
    for (const customer of customers) expect(decidedBy(customer).model).toBe(`cosine-sessions-2+svd.${factorisations.has(customer) ? 6 : 5}+blend.${blends.has(customer) ? 8 : 3}`);
    for (const of of [factorisations, blends]) expect(of.size).toBeGreaterThan(60);
    expect(customers.filter((customer) => factorisations.has(customer) && blends.has(customer)).length, 'one does not stand in the way of the other').toBeGreaterThan(20);
  });

  it('recommends by its own factors', () => {
    const customer = 'ann';
    const ranked = (percent: number): string[] => {
      promote(models, 6, factors('kettle'), 'svd-shadow', percent);
      const { decision } = recommend(state, { customer, k: 5, seen: true }, { shard: 0, seq: 9 }, atMs + 3, models);
      return (decision.value as Answer).items.flatMap(({ item, ranks }) => (ranks?.svd === 1 ? [item] : []));
    };
    expect(ranked(0)).toEqual(['cup']);
    expect(ranked(100)).toEqual(['kettle']);
  });
});
