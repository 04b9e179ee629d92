/** The ring of waiting decisions against a plain list, and the scorecard's thinning. */
import { describe, expect, it } from 'vitest';
import { auc } from '../../models/metrics/ranking.js';
import { hash53 } from '../../models/hash53.js';
import { createLedger, verdicts, type Entry, type Kind, type Ledger } from '../../pipelines/risk/ledger.js';
import { createScorecard, measure } from '../../pipelines/risk/scorecard.js';
import { createRandom } from '../../simulator/random.js';

const settings = { capacity: 50, features: 3, shadows: 2 };
const entry = (n: number, more: Partial<Entry> = {}): Entry => ({
  kind: 'purchase', customer: `c${n % 7}`, order: `o${n}`, atMs: n * 1000, level: n % 3, p: n / 1000, version: n % 5,
  shadow: Float64Array.of(n / 2000, NaN), shadowVersion: Uint16Array.of(n % 3, 0), shadows: 1, x: Float64Array.of(n, -n, NaN), ...more,
});
const cut = (chunks: Uint8Array[]): Uint8Array[] => chunks.map((chunk) => chunk.slice());

/** What the ledger should hold, as a list that is searched from its end. */
function naive(capacity: number) {
  let held: (Entry & { n: number; verdict: number })[] = [];
  let [count, dropped] = [0, 0];
  const known = () => held.filter((e) => e.verdict !== verdicts.forgotten);
  return {
    push(e: Entry) {
      if (held.length === capacity && held.shift()?.verdict === verdicts.waiting) dropped += 1;
      held.push({ ...e, n: count++, verdict: verdicts.waiting });
    },
    ofOrder: (kind: Kind, customer: string, order: string) => known().filter((e) => e.kind === kind && e.customer === customer && e.order === order).map(({ n }) => n).reverse(),
    setVerdict(n: number, verdict: number) { held = held.map((e) => (e.n === n ? { ...e, verdict } : e)); },
    firstWaiting: () => held.find((e) => e.verdict === verdicts.waiting)?.n,
    forget(customer: string) { held = held.map((e) => (e.customer === customer ? { ...e, verdict: verdicts.forgotten } : e)); },
    stats: () => ({ held: held.length, waiting: held.filter((e) => e.verdict === verdicts.waiting).length, dropped }),
  };
}

describe('the ledger', () => {
  it('holds what a plain list holds, whatever happens, and when restored in between', () => {
    const random = createRandom(7);
    let ledger: Ledger = createLedger(settings);
    const list = naive(settings.capacity);
    for (let n = 0; n < 3000; n += 1) {
      const kind: Kind = random.chance(0.3) ? 'refund' : 'purchase';
      const [customer, order] = [`c${random.below(7)}`, `o${random.below(40)}`];
      const what = random.below(10);
      if (what < 6) {
        const e = entry(n, { kind, customer, order });
        ledger.push(e);
        list.push(e);
      } else if (what < 9) {
        const found = ledger.ofOrder(kind, customer, order);
        expect(found).toEqual(list.ofOrder(kind, customer, order));
        for (const of of found) {
          ledger.setVerdict(of, verdicts.fraud);
          list.setVerdict(of, verdicts.fraud);
        }
      } else if (random.chance(0.1)) {
        ledger.forget(customer);
        list.forget(customer);
      }
      expect(ledger.firstWaiting()).toBe(list.firstWaiting());
      expect(ledger.stats()).toEqual(list.stats());
      if (n % 500 === 499) {
        const hash = ledger.hash();
        ledger = createLedger(settings, cut(ledger.snapshot()));
        expect(ledger.hash()).toBe(hash);
      }
    }
    expect(list.stats().dropped).toBeGreaterThan(100);
  });

  it('gives back what was put in, to 24 bits', () => {
    const ledger = createLedger(settings);
    for (let n = 0; n < 60; n += 1) ledger.push(entry(n));
    const slot = ledger.slotOf(ledger.ofOrder('purchase', 'c3', 'o59')[0] ?? -1);
    expect(slot).toBe(59 % 50);
    const { atMs, p, version, level, shadow, shadows, shadowVersion, x } = ledger.columns;
    expect([atMs[slot], p[slot], version[slot], level[slot], shadow[slot * 2], shadows[slot], shadowVersion[slot * 2]]).toEqual([59_000, 0.059, 4, 2, Math.fround(59 / 2000), 1, 2]);
    expect([...x.subarray(slot * 3, slot * 3 + 3)]).toEqual([59, -59, NaN]);
  });

  it('knows the last decisions of a customer, of one kind', () => {
    const ledger = createLedger(settings);
    for (let n = 0; n < 40; n += 1) ledger.push(entry(n, { kind: n % 2 === 0 ? 'purchase' : 'refund' }));
    const last = (customer: string, kind: Kind): number[] => {
      const out = new Int32Array(2);
      return [...out.subarray(0, ledger.lastOf(customer, kind, out))];
    };
    expect(last('c3', 'purchase')).toEqual([38, 24]);
    expect(last('c3', 'refund')).toEqual([31, 17]);
    expect(last('nobody', 'refund')).toEqual([]);
  });

  it('leaves nothing of a customer who is forgotten', () => {
    const [ledger, other] = [createLedger(settings), createLedger(settings)];
    for (let n = 0; n < 20; n += 1) {
      ledger.push(entry(n, { customer: n % 2 === 0 ? 'alice' : 'bob' }));
      other.push(entry(n, { customer: n % 2 === 0 ? 'carol' : 'bob', x: n % 2 === 0 ? Float64Array.of(1, 2, 3) : entry(n).x, p: n % 2 === 0 ? 0.5 : entry(n).p }));
    }
    ledger.forget('alice');
    other.forget('carol');
    expect(ledger.hash()).toBe(other.hash()); // no trace of which of them it was
  });

  it('refuses damaged bytes and other settings', () => {
    const chunks = cut(createLedger(settings).snapshot());
    expect(() => createLedger({ ...settings, capacity: 51 }, chunks)).toThrow('made with capacity 50, but the setting is 51');
    expect(() => createLedger(settings, [Buffer.concat(chunks).subarray(0, -1)])).toThrow('truncated or corrupted');
    expect(() => createLedger(settings).setVerdict(3, verdicts.fraud)).toThrow('decision 3 is not held');
  });

  it('hashes texts to 53 bits that differ', () => {
    const seen = new Set(Array.from({ length: 100_000 }, (_, n) => hash53('purchase', `c${n % 997}`, `SO-${n}`)));
    expect(seen.size).toBe(100_000);
    for (const hash of [...seen].slice(0, 100)) expect(Number.isSafeInteger(hash) && hash >= 0).toBe(true);
  });
});

describe('the scorecard', () => {
  it('keeps a day of verdicts by version, and forgets them when they are taken', () => {
    const card = createScorecard();
    card.add(4, 0.9, 1);
    card.add(2, 0.1, 0);
    card.add(4, 0.2, 0);
    expect(card.take().map(({ version, p, y, seen }) => ({ version, p: [...p], y: [...y], seen }))).toEqual([{ version: 2, p: [0.1], y: [0], seen: 1 }, { version: 4, p: [0.9, 0.2], y: [1, 0], seen: 2 }]);
    expect(card.take()).toEqual([]);
  });

  it('beyond its bound thins evenly: the AUC stays, and so does the share', () => {
    const random = createRandom(7);
    const card = createScorecard(undefined, 4096);
    const [p, y]: [number[], number[]] = [[], []];
    for (let n = 0; n < 100_000; n += 1) {
      const label = random.chance(0.1) ? 1 : 0;
      const score = Math.min(1, Math.max(0, 0.3 * label + random.uniform() * 0.7));
      card.add(1, score, label);
      p.push(score);
      y.push(label);
    }
    const [taken] = card.take();
    expect(taken.seen).toBe(100_000);
    expect(taken.p.length).toBeGreaterThan(2048);
    expect(taken.p.length).toBeLessThanOrEqual(4096);
    expect(Math.abs(auc(taken.p, taken.y) - auc(p, y))).toBeLessThan(0.03); // three standard errors of 3,000 rows
    expect(Math.abs(taken.y.reduce((sum, label) => sum + label, 0) / taken.y.length - 0.1)).toBeLessThan(0.02);
  });

  it('goes on the same when restored', () => {
    const cards = [createScorecard(undefined, 64), createScorecard(undefined, 64)];
    for (let n = 0; n < 500; n += 1) {
      for (const card of cards) card.add(n % 3, n / 500, n % 2);
      if (n % 50 === 0) cards[1] = createScorecard(cut(cards[1].snapshot()), 64);
      expect(cards[1].hash()).toBe(cards[0].hash());
    }
    expect(cards[1].take()).toEqual(cards[0].take());
  });

  it('tells every metric that the rows can tell', () => {
    const found = measure(Float64Array.of(0.9, 0.8, 0.3, 0.1), Uint8Array.of(1, 0, 1, 0), 2);
    expect(Object.fromEntries(found.map(({ metric, value }) => [metric, Number(value.toFixed(4))]))).toEqual({
      auc: 0.75, average_precision: 0.8333, precision_at_capacity: 0.5, brier: 0.2875, log_loss: 0.756, calibration_error: 0.425,
    });
    expect(measure(Float64Array.of(0.1, 0.2), Uint8Array.of(0, 0), 2).map(({ metric }) => metric)).toEqual(['precision_at_capacity', 'brier', 'log_loss', 'calibration_error']);
    expect(measure(new Float64Array(), new Uint8Array(), 2)).toEqual([]);
  });
});
