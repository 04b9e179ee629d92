/** The session channel beside the others: one step, one answer, one snapshot. */
import { describe, expect, it } from 'vitest';
import { loadKernel } from '../../models/recommend/load.js';
import { createNaive } from '../../models/recommend/naive.js';
import { createRecommender, defaultSettings, type Ranking } from '../../models/recommend/recommender.js';
import { defaultBasketSettings } from '../../models/baskets/baskets.js';
import { defaultSessionSettings } from '../../models/sessions/sessions.js';
import { promotionEvent } from '../../pipelines/runtime/jetstream/promote.js';
import type { Answer } from '../../pipelines/recommend/answer.js';
import { defaultObjectionSettings } from '../../models/objections.js';
import { profile, recommend } from '../../pipelines/recommend/serve.js';
import { hashOf, statsOf, type RecommendState, type RecommendStateSettings } from '../../pipelines/recommend/state.js';
import { recommendStep } from '../../pipelines/recommend/step.js';
import type { Event } from '../../schemas/events.js';
import { simulateDay } from '../../simulator/simulator.js';
import { click, purchase } from '../support/events.js';

const atMs = Date.UTC(2026, 0, 15);
const settings: RecommendStateSettings = {
  recommender: { ...defaultSettings, limits: { customers: 2000, items: 1000, pairs: 200_000, history: 200, neighbours: 50, postings: 500, memory: 2 ** 28 } },
  sessions: { ...defaultSessionSettings, limits: { sessions: 300, items: 200, length: 10 } },
  baskets: { ...defaultBasketSettings, limits: { baskets: 300, items: 200, length: 10 }, sampleEvery: 7 },
  objections: defaultObjectionSettings,
  complaints: new Set(['complaint']),
};
const step = recommendStep(settings, loadKernel());
const place = { shard: 0, seq: 1 };

function fold(state: RecommendState, events: Iterable<Event>): RecommendState {
  for (const event of events) step.step(state, { event, shard: 0, position: 0, receivedMs: 0 }, () => undefined);
  return state;
}

/** Three looked at a kettle, then a cup; two others have a kettle and a lamp, a day apart: no session of theirs holds both. */
function shop(): Event[] {
  const views = (customer: string, first: string, second: string, gapMs: number): Event[] => [
    click(`${customer}-1`, customer, { item: first, atMs }), click(`${customer}-2`, customer, { item: second, atMs: atMs + gapMs }),
  ];
  return [
    ...['a', 'b', 'c'].flatMap((customer) => views(customer, 'kettle', 'cup', 60_000)),
    ...['d', 'e'].flatMap((customer) => views(customer, 'kettle', 'lamp', 24 * 3_600_000)),
  ];
}

describe('the session channel', () => {
  it('is fused with the others, with the items of the session as its reasons', () => {
    const state = fold(step.empty(), [...shop(), click('ann-1', 'ann', { item: 'kettle', atMs: atMs + 60_000 })]);
    const { answer, decision } = recommend(state, { customer: 'ann', k: 5 }, place, atMs);
    expect(answer.model).toBe('cosine-sessions-2');
    expect(answer.items.map(({ item, channel }) => ({ item, channel }))).toEqual([{ item: 'cup', channel: 'session' }, { item: 'lamp', channel: 'item-item' }]);
    const [cup, lamp] = answer.items;
    expect(cup.because[0].item).toBe('kettle');
    expect(cup.because.some(({ customers }) => customers === 3), 'each channel adds its reasons').toBe(true);
    expect(cup.score).toBeCloseTo(3 / 61, 12);
    expect(lamp.score).toBeCloseTo(2 / 62, 12);
    expect(decision.value).toMatchObject({ items: [{ item: 'cup', channel: 'session', because: ['kettle'] }, { item: 'lamp' }] });
    expect(profile(state, { customer: 'ann' }, place)?.session).toEqual(['kettle']);
  });

  it('leaves out what the customer has, has had and looks at', () => {
    const bought = purchase('ann-0', 'ann', { lines: [{ item: 'cup', quantity: 1, unitMinor: 500 }], amountMinor: 500, atMs: atMs - 24 * 3_600_000 });
    const viewed = click('ann-1', 'ann', { item: 'kettle', atMs: atMs + 60_000 });
    const sentBack: Event = { v: 1, type: 'refund', id: 'r1', customer: 'ann', atMs: atMs + 120_000, order: bought.order, lines: bought.lines, amountMinor: 500, currency: 'EUR' };
    for (const events of [[bought, viewed], [bought, viewed, sentBack]]) {
      const state = fold(step.empty(), [...shop(), ...events]);
      expect(state.sessions.recommend('ann', 5).map(({ item }) => item), 'the session alone would').toContain('cup');
      const items = recommend(state, { customer: 'ann', k: 5 }, place, atMs).answer.items.map(({ item }) => item);
      expect(items).toContain('lamp');
      for (const item of ['cup', 'kettle']) expect(items).not.toContain(item);
    }
  });

  it('takes purchases in, and neither what leaves the cart nor refunds', () => {
    const state = fold(step.empty(), [
      click('1', 'ann', { item: 'kettle', atMs, session: 's1' }),
      click('2', 'ann', { item: 'pot', atMs, session: 's1', action: 'uncart' }),
      purchase('3', 'ann', { lines: [{ item: 'cup', quantity: 1, unitMinor: 500 }], amountMinor: 500, atMs: atMs + 1, session: 's1' }),
    ]);
    expect(state.sessions.current('ann')).toEqual(['cup', 'kettle']);
  });

  it('has no say when it is over', () => {
    const state = fold(step.empty(), [...shop(), click('ann-1', 'ann', { item: 'kettle', atMs })]);
    const channels = (afterMs: number) => recommend(state, { customer: 'ann', k: 5 }, place, atMs + afterMs).answer.items.map(({ channel }) => channel);
    expect(channels(60_000)).toContain('session');
    expect(channels(24 * 3_600_000)).not.toContain('session');
    expect(channels(24 * 3_600_000).length).toBeGreaterThan(0);
  });

  it('a promotion makes nobody forgotten, and stands in what decided', () => {
    const state = fold(step.empty(), shop());
    const before = hashOf(state);
    // As if a customer could be named so.
    fold(state, [{ ...promotionEvent({ ref: { name: 'svd', version: 17, sha256: 'a'.repeat(64), bytes: 1 }, atMs }, 0, 1), customer: 'a' }]);
    expect(hashOf(state)).toBe(before);
    const live = new Map([['svd', { version: 17, sha256: 'a'.repeat(64), bytes: 1, seq: 1024 }]]);
    const { answer, decision } = recommend(state, { customer: 'a' }, place, atMs, { versions: live, get: () => undefined });
    expect([answer.model, (decision.value as Answer).model]).toEqual(['cosine-sessions-2+svd.17', 'cosine-sessions-2+svd.17']);
  });

  it('forgets on command', () => {
    const forget: Event = { v: 1, type: 'control', id: 'f1', customer: 'a', atMs, command: 'forget' };
    const state = fold(step.empty(), [...shop(), forget]);
    expect(state.sessions.current('a')).toEqual([]);
    expect(state.sessions.stats()).toMatchObject({ customers: 4, sessions: 6 });
    expect(profile(state, { customer: 'a' }, place)).toBeUndefined();
  });

  it('the kernel admits what its naive twin admits', () => {
    const [fast, naive] = [createRecommender(settings.recommender, loadKernel()), createNaive(settings.recommender)];
    for (const model of [fast, naive]) {
      for (const [customer, item] of [['ann', 'kettle'], ['ann', 'cup'], ['bob', 'pot'], ['bob', 'kettle']]) model.observe(customer, item, 1, atMs);
      model.retract('ann', 'cup', atMs);
    }
    const others: Ranking<string>[] = [{ channel: 'session', ranked: ['cup', 'never seen', 'pot', 'kettle'].map((item) => ({ item, because: () => [{ item, weight: 1 }] })) }];
    for (const customer of ['ann', 'bob', 'nobody']) {
      const [mine, theirs] = [fast.recommend(customer, 5, atMs, { others }), naive.recommend(customer, 5, atMs, { others })];
      expect(mine.map(({ item, channel }) => ({ item, channel }))).toEqual(theirs.map(({ item, channel }) => ({ item, channel })));
    }
    expect(fast.recommend('ann', 5, atMs, { others })).toMatchObject([{ item: 'pot', channel: 'session' }]);
  });
});

describe('what a customer objects to', () => {
  const ticket = (customer: string, item: string): Event => ({ v: 1, type: 'ticket', id: `t-${customer}`, customer, atMs, ticket: 't1', text: 'It came broken', item });
  const label = (customer: string, verdict: string): Event => ({ v: 1, type: 'label', id: `l-${customer}`, customer, atMs, of: 'ticket', ref: 't1', verdict });
  const cupIn = (events: Event[]) => {
    const found = recommend(fold(step.empty(), [...shop(), ...events]), { customer: 'd', k: 5 }, place, atMs);
    return { cup: found.answer.items.find(({ item }) => item === 'cup'), row: (found.decision.value as Answer).items.find(({ item }) => item === 'cup') };
  };

  it('goes down once its ticket is known to be a complaint, and the answer and its row say so', () => {
    const before = cupIn([]);
    expect(before.row).toMatchObject({ against: [], because: ['kettle'] });
    expect(cupIn([ticket('d', 'cup'), label('d', 'shipping_options')]).cup).toEqual(before.cup);
    const after = cupIn([ticket('d', 'cup'), label('d', 'complaint')]);
    expect(after.cup?.score).toBeCloseTo((before.cup?.score ?? 0) * 0.1, 9);
    expect(after.cup?.because.at(-1)).toMatchObject({ item: 'cup', against: 'complaint', weight: -0.9 });
    expect(after.row).toMatchObject({ against: ['cup'], because: ['kettle'] });
  });

  it('what resembles what was sent back goes down', () => {
    const before = cupIn([]);
    const sentBack: Event = { v: 1, type: 'refund', id: 'r1', customer: 'd', atMs, order: 'o1', lines: [{ item: 'lamp', quantity: 1, unitMinor: 1 }], amountMinor: 1, currency: 'EUR' };
    const likeLamp = ['f', 'g', 'h'].flatMap((customer) => ['lamp', 'cup'].map((item) => click(`${customer}-${item}`, customer, { item, atMs })));
    const after = cupIn([...likeLamp, sentBack]);
    expect(after.cup?.because.at(-1)).toMatchObject({ item: 'lamp', against: 'refund' });
    expect(before.cup?.because.some(({ against }) => against !== undefined)).toBe(false);
  });

  it('`seen` shows again what was looked at', () => {
    const state = fold(step.empty(), shop());
    const itemsOf = (seen: boolean) => recommend(state, { customer: 'd', k: 5, seen }, place, atMs).answer.items.map(({ item }) => item);
    expect(itemsOf(false)).not.toContain('kettle');
    expect(itemsOf(true)).toContain('kettle');
  });
});

describe('the snapshot of both', () => {
  const events = [...simulateDay({ seed: 3, customers: 200, items: 120, startMs: atMs, events: 3000 })];

  it('restored in the middle, cut in any way, gives the same bytes and answers', () => {
    const whole = fold(step.empty(), events);
    const half = Buffer.concat(step.snapshot(fold(step.empty(), events.slice(0, 1500))));
    const cuts = [half.subarray(0, 7), half.subarray(7, 7), half.subarray(7, half.length - 50), half.subarray(half.length - 50)];
    const second = fold(step.restore(cuts), events.slice(1500));
    expect(Buffer.concat(step.snapshot(second)).equals(Buffer.concat(step.snapshot(whole)))).toBe(true);
    expect(hashOf(second)).toBe(hashOf(whole));
    expect(statsOf(whole).session.evicted.sessions).toBeGreaterThan(0);
    const customers = [...new Set(events.map(({ customer }) => customer))];
    const answers = (state: RecommendState) => customers.map((customer) => recommend(state, { customer }, place, atMs).answer);
    expect(answers(second)).toEqual(answers(whole));
    expect(hashOf(whole), 'asking has not written').toBe(hashOf(second));
  });

  it('is refused when it is not whole or not ours', () => {
    const bytes = Buffer.concat(step.snapshot(fold(step.empty(), events.slice(0, 100))));
    expect(() => step.restore([bytes.subarray(0, 10)])).toThrow(/does not start with AFBN/);
    expect(() => step.restore(fold(step.empty(), []).recommender.snapshot())).toThrow(/of an earlier version; rebuild from the events/);
    expect(() => step.restore([bytes.subarray(0, bytes.length - 1)])).toThrow(/truncated or corrupted/);
    const flipped = Buffer.from(bytes);
    flipped[bytes.length - 100] ^= 1;
    expect(() => step.restore([flipped])).toThrow(/objections snapshot: checksum differs/);
    const newer = Buffer.from(bytes);
    newer.writeUInt32LE(9, 4);
    expect(() => step.restore([newer])).toThrow(/version 9/);
  });
});
