import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { naiveRecommend, type NaiveSession } from '../../models/sessions/naive.js';
import { createSessions, defaultSessionSettings, restoreSessions, type Sessions, type SessionSettings } from '../../models/sessions/sessions.js';
import { sharedData } from '../support/datasets.js';

const start = 1_700_000_000_000;
const minute = 60_000;
const small: SessionSettings = { limits: { sessions: 1000, items: 1000, length: 40 }, perItem: 500, neighbours: 100, recent: 9, gapMs: 30 * minute };

type Event =
  | { kind: 'observe'; customer: string; session: string | undefined; item: string; atMs: number }
  | { kind: 'forget'; customer: string };

/** What the index should hold, as plain as can be: all sessions of the stream, by the rules of sessions.ts. */
function createLedger({ limits, gapMs }: SessionSettings) {
  interface Session extends NaiveSession { items: string[]; id: string | undefined; lastMs: number; gone: boolean }
  let all: Session[] = []; // with those that were forgotten: they take room until they would have gone
  const current = new Map<string, Session>();
  const held = (): Session[] => all.filter(({ gone }) => !gone);
  const itemCount = (): number => new Set(held().flatMap(({ items }) => items)).size;
  function dropOldest(): void {
    const [dropped] = all.splice(0, 1);
    const last = held().findLast(({ customer }) => customer === dropped.customer);
    if (last === undefined) current.delete(dropped.customer);
    else if (current.get(dropped.customer) === dropped) current.set(dropped.customer, last);
  }
  function find(customer: string, id: string | undefined, atMs: number): Session | 'late' | undefined {
    if (id !== undefined) return held().filter((session) => session.customer === customer).slice(-8).findLast((session) => session.id === id);
    const running = current.get(customer);
    if (running === undefined || atMs - running.lastMs > gapMs) return undefined;
    return running.lastMs - atMs > gapMs ? 'late' : running;
  }
  return {
    held, current,
    fold(event: Event): void {
      if (event.kind === 'forget') {
        for (const session of held()) if (session.customer === event.customer) session.gone = true;
        current.delete(event.customer);
        return;
      }
      const { customer, session: id, item, atMs } = event;
      if (find(customer, id, atMs) === 'late') return;
      if (!held().some(({ items }) => items.includes(item))) while (itemCount() >= limits.items) dropOldest();
      let session = find(customer, id, atMs) as Session | undefined;
      if (session?.items.length === limits.length && !session.items.includes(item)) session = undefined;
      if (session === undefined) {
        while (all.length >= limits.sessions) dropOldest();
        session = { customer, id, items: [], lastMs: atMs, gone: false };
        all = [...all, session];
      }
      session.items = [...session.items.filter((other) => other !== item), item];
      session.lastMs = Math.max(session.lastMs, atMs);
      current.set(customer, session);
    },
  };
}

function fold(model: Sessions, events: Event[]): void {
  for (const event of events) {
    if (event.kind === 'forget') model.forget(event.customer);
    else model.observe(event.customer, event.session, event.item, event.atMs);
  }
}

/** Steps of a quarter of an hour on average, some back; a session's id now and then; a customer is forgotten now and then. */
function streams({ customers, items, length }: { customers: number; items: number; length: number }): fc.Arbitrary<Event[]> {
  const customer = fc.nat({ max: customers - 1 }).map((n) => `c${n}`);
  const observe = fc.record({
    kind: fc.constant('observe' as const), customer,
    session: fc.option(fc.nat({ max: 9 }).map((n) => `tab-${n}`), { nil: undefined, freq: 2 }),
    item: fc.nat({ max: items - 1 }).map((n) => `p${n}`),
    atMs: fc.integer({ min: -20 * minute, max: 50 * minute }),
  });
  const forget = fc.record({ kind: fc.constant('forget' as const), customer });
  return fc.array(fc.oneof({ weight: 25, arbitrary: observe }, { weight: 1, arbitrary: forget }), { maxLength: length, size: 'max' }).map((events) => {
    let atMs = start;
    return events.map((event) => (event.kind === 'forget' ? event : { ...event, atMs: (atMs += event.atMs) }));
  });
}

const plain = (answer: { item: string; score: number }[]): { item: string; score: number }[] => answer.map(({ item, score }) => ({ item, score }));

function expectFromScratch(model: Sessions, ledger: ReturnType<typeof createLedger>, settings: SessionSettings, customers: number): void {
  const held = ledger.held();
  for (let c = 0; c < customers; c += 1) {
    const session = ledger.current.get(`c${c}`);
    expect(model.current(`c${c}`)).toEqual([...(session?.items ?? [])].reverse());
    for (const own of [true, false]) {
      const expected = session === undefined ? [] : naiveRecommend(settings, held, session, 20, own);
      expect(plain(model.recommend(`c${c}`, 20, own ? 'with own' : 'without own'))).toEqual(expected);
    }
  }
  const { sessions, customers: known, items } = model.stats();
  expect({ sessions, known, items }).toEqual({
    sessions: held.length, known: new Set(held.map(({ customer }) => customer)).size, items: new Set(held.flatMap((session) => session.items)).size,
  });
}

describe('the live index answers as one built from scratch at the same moment, to the last bit', () => {
  const cases: [string, SessionSettings, { customers: number; items: number; length: number }, number?][] = [
    ['with room for everything', small, { customers: 12, items: 15, length: 250 }],
    ['with lists of three, two neighbours, two recent items', { ...small, perItem: 3, neighbours: 2, recent: 2 }, { customers: 12, items: 8, length: 250 }],
    ['with rings of lists that grow', { ...small, perItem: 21 }, { customers: 40, items: 4, length: 400 }],
    ['with a ring of five sessions', { ...small, limits: { sessions: 5, items: 1000, length: 40 }, perItem: 2 }, { customers: 8, items: 8, length: 200 }],
    ['with room for four items', { ...small, limits: { sessions: 50, items: 4, length: 40 } }, { customers: 8, items: 9, length: 200 }],
    ['with sessions cut at three items', { ...small, limits: { sessions: 20, items: 12, length: 3 }, perItem: 4 }, { customers: 4, items: 14, length: 200 }],
    ['while serials are counted from 1 again', { ...small, limits: { sessions: 9, items: 9, length: 5 } }, { customers: 5, items: 10, length: 200 }, 0xffff_ffd8],
  ];
  it.each(cases)('%s', (_name, settings, size, firstSerial) => {
    fc.assert(fc.property(streams(size), (events) => {
      const model = createSessions(settings, firstSerial);
      const ledger = createLedger(settings);
      for (const [n, event] of events.entries()) {
        fold(model, [event]);
        ledger.fold(event);
        if (n % 20 === 19) expectFromScratch(model, ledger, settings, size.customers);
      }
      expectFromScratch(model, ledger, settings, size.customers);
    }), { numRuns: 120, seed: 11 });
  });
});

const train = sharedData('yoochoose-100k', 'yoochoose-clicks-100k_train_full.tsv.gz');
const test = sharedData('yoochoose-100k', 'yoochoose-clicks-100k_test.tsv');

describe.skipIf(train.missing || test.missing)('on yoochoose', () => {
  it('the live index answers as one built from scratch', () => {
    const rows = [gunzipSync(readFileSync(train.file)), readFileSync(test.file)].flatMap((bytes, part) => (
      bytes.toString('utf8').trimEnd().split('\n').slice(1).map((line) => {
        const [session, item, seconds] = line.split('\t');
        return { session: `${part}-${session}`, item, atMs: Number(seconds) * 1000 };
      })
    )).sort((a, b) => a.atMs - b.atMs);
    const settings = defaultSessionSettings; // longer sessions than these limits have room for are cut on both sides
    const model = createSessions(settings);
    const held: NaiveSession[] = [];
    const running = new Map<string, { customer: string; items: string[] }>();
    let compared = 0;
    for (const [n, { session, item, atMs }] of rows.entries()) {
      model.observe(session, session, item, atMs);
      let mine = running.get(session);
      if (mine === undefined || (mine.items.length === settings.limits.length && !mine.items.includes(item))) {
        running.set(session, (mine = { customer: session, items: [] }));
        held.push(mine);
      }
      if (mine.items.includes(item)) mine.items.splice(mine.items.indexOf(item), 1);
      mine.items.push(item);
      if (n % 1997 !== 0) continue;
      compared += 1;
      expect(plain(model.recommend(session, 20, 'with own'))).toEqual(naiveRecommend(settings, held, mine, 20, true));
    }
    expect(compared).toBeGreaterThan(40);
    expect(model.stats().sessions).toBe(held.length);
  });
});

describe('a session', () => {
  const seen = (model: Sessions, ...items: string[]): void => items.forEach((item, n) => model.observe('ann', undefined, item, start + n * minute));

  it('ends after a gap, and the last one stays the current one until then', () => {
    const model = createSessions(small);
    seen(model, 'kettle', 'cup');
    expect(model.current('ann')).toEqual(['cup', 'kettle']);
    model.observe('ann', undefined, 'pot', start + 31 * minute); // exactly the gap after the cup
    expect(model.current('ann')).toEqual(['pot', 'cup', 'kettle']);
    model.observe('ann', undefined, 'lamp', start + 61 * minute + 1);
    expect(model.current('ann')).toEqual(['lamp']);
    model.observe('ann', undefined, 'shade', start); // from a session that is over: it says nothing about this one
    expect(model.current('ann')).toEqual(['lamp']);
    expect(model.stats()).toMatchObject({ sessions: 2, customers: 1, items: 4 });
  });

  it('is the one that the event names, two tabs at once too, however long it takes', () => {
    const model = createSessions(small);
    model.observe('ann', 'left', 'kettle', start);
    model.observe('ann', 'right', 'lamp', start + minute);
    model.observe('ann', 'left', 'cup', start + 600 * minute);
    expect(model.current('ann')).toEqual(['cup', 'kettle']);
    model.observe('ann', undefined, 'pot', start + 601 * minute);
    expect(model.current('ann')).toEqual(['pot', 'cup', 'kettle']);
    expect(model.stats().sessions).toBe(2);
    model.observe('bob', 'left', 'cup', start + 600 * minute);
    expect(model.current('bob'), 'an id is one customer\'s own').toEqual(['cup']);
  });

  it('is answered with what came along in sessions like it, and the reasons add up to the score', () => {
    const model = createSessions({ ...small, recent: 3 });
    for (const [n, items] of [['kettle', 'cup', 'pot'], ['kettle', 'cup', 'pot'], ['lamp', 'shade'], ['kettle', 'lamp']].entries()) {
      for (const item of items) model.observe(`other-${n}`, undefined, item, start);
    }
    seen(model, 'kettle', 'cup');
    const [first, second] = model.recommend('ann', 5);
    // Both have the pot: overlap 2 + 1, vote 10: 30 each. Two of five sessions hold it: 60 ln(5/2) / 20.
    expect(first).toMatchObject({ item: 'pot', score: (60 * Math.log(5 / 2)) / 20 });
    expect(first.because().map(({ item }) => item)).toEqual(['cup', 'kettle']);
    expect(first.because().reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(first.score, 12);
    expect(second.item).toBe('lamp');
    expect(second.because().map(({ item }) => item)).toEqual(['kettle']);
    expect(model.recommend('nobody', 5)).toEqual([]);
    expect(() => model.recommend('ann', 0)).toThrow(/k must be a whole number from 1, got 0/);
    expect(() => model.observe('ann', undefined, 'cup', Number.NaN)).toThrow(/atMs must be finite, got NaN/);
  });
});

describe('limits', () => {
  it('are never exceeded, at any moment', () => {
    const limits = { sessions: 7, items: 9, length: 4 };
    fc.assert(fc.property(streams({ customers: 12, items: 30, length: 300 }), (events) => {
      const model = createSessions({ ...small, limits });
      for (const event of events) {
        fold(model, [event]);
        const { sessions, customers, items } = model.stats();
        expect(sessions <= limits.sessions && customers <= sessions && items <= limits.items).toBe(true);
        expect(model.current(event.customer).length <= limits.length).toBe(true);
      }
    }), { numRuns: 100, seed: 12 });
  });

  it('refuse what cannot be held', () => {
    expect(() => createSessions({ ...small, recent: 11 })).toThrow(/recent must be a whole number from 1 to 10, got 11/);
    expect(() => createSessions({ ...small, gapMs: Number.NaN })).toThrow(/gapMs/);
    expect(() => createSessions(defaultSessionSettings)).not.toThrow();
  });
});

describe('forgetting', () => {
  it('leaves an index that never saw the customer', () => {
    fc.assert(fc.property(streams({ customers: 10, items: 6, length: 300 }), (events) => {
      const settings = { ...small, perItem: 4 };
      const observed = events.filter(({ kind }) => kind === 'observe');
      const [forgot, never] = [createSessions(settings), createSessions(settings)];
      fold(forgot, observed);
      forgot.forget('c0');
      fold(never, observed.filter(({ customer }) => customer !== 'c0'));
      for (let c = 0; c < 10; c += 1) expect(plain(forgot.recommend(`c${c}`, 20))).toEqual(plain(never.recommend(`c${c}`, 20)));
      const { sessions, customers, items } = never.stats();
      expect(forgot.stats()).toMatchObject({ sessions, customers, items });
      expect(forgot.current('c0')).toEqual([]);
    }), { numRuns: 100, seed: 13 });
  });

  it('leaves no name in the bytes', () => {
    const model = createSessions(small);
    model.observe('ann', 'tab-of-ann', 'wedding-ring', start);
    model.observe('bob', undefined, 'cup', start);
    model.forget('ann');
    const bytes = Buffer.concat(model.snapshot());
    for (const name of ['ann', 'tab-of-ann', 'wedding-ring']) {
      expect(bytes.includes(Buffer.from(name, 'utf16le'))).toBe(false);
      expect(bytes.includes(Buffer.from(name))).toBe(false);
    }
    expect(bytes.includes(Buffer.from('bob', 'utf16le'))).toBe(true);
    model.forget('ann');
    model.forget('bob');
    expect(model.stats()).toMatchObject({ sessions: 0, customers: 0, items: 0 });
  });
});

describe('snapshots', () => {
  it('restored in the middle, the bytes and the answers are those of an uninterrupted run', () => {
    const settings = { ...small, limits: { sessions: 12, items: 14, length: 5 }, perItem: 4 };
    fc.assert(fc.property(streams({ customers: 9, items: 20, length: 300 }), fc.double({ min: 0, max: 1, noNaN: true }), (events, share) => {
      const cut = Math.floor(events.length * share);
      const [whole, first] = [createSessions(settings), createSessions(settings)];
      fold(whole, events);
      fold(first, events.slice(0, cut));
      const second = restoreSessions(settings, first.snapshot());
      fold(second, events.slice(cut));
      expect(Buffer.concat(second.snapshot()).equals(Buffer.concat(whole.snapshot()))).toBe(true);
      expect(second.hash()).toBe(whole.hash());
      const answers = (model: Sessions) => Array.from({ length: 9 }, (_, c) => model.recommend(`c${c}`, 20).map((p) => ({ ...p, because: p.because() })));
      expect(answers(second)).toEqual(answers(whole));
    }), { numRuns: 150, seed: 14 });
  });

  it('are refused by name when they are not whole, not ours or not of these settings', () => {
    const model = createSessions(small);
    for (let n = 0; n < 300; n += 1) model.observe(`c${n % 7}`, undefined, `item ${(n * n) % 31} ☕`, start + n * minute);
    const bytes = Buffer.concat(model.snapshot());
    expect(restoreSessions(small, [bytes.subarray(0, 5), bytes.subarray(5)]).hash()).toBe(model.hash());
    const flipped = Buffer.from(bytes);
    flipped[bytes.length >> 1] ^= 1;
    expect(() => restoreSessions(small, [flipped])).toThrow(/sessions snapshot: checksum differs/);
    expect(() => restoreSessions(small, [bytes.subarray(0, 20)])).toThrow(/truncated/);
    expect(() => restoreSessions(small, [Buffer.from(bytes).fill('X', 0, 4)])).toThrow(/starts with "XXXX" instead of AFTS/);
    expect(() => restoreSessions({ ...small, recent: 4 }, [bytes])).toThrow(/made with recent 9, but the setting is 4/);
  });
});

describe('asking', () => {
  it('never writes', () => {
    fc.assert(fc.property(streams({ customers: 10, items: 20, length: 200 }), (events) => {
      const model = createSessions(small);
      fold(model, events);
      const before = model.hash();
      for (let c = 0; c < 12; c += 1) {
        for (const { because } of model.recommend(`c${c}`, 30)) because();
        model.current(`c${c}`);
      }
      model.stats();
      expect(model.hash()).toBe(before);
    }), { numRuns: 60, seed: 15 });
  });
});
