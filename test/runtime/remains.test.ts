/** A log of which lines were forgotten reads as if they had never been there, and what is left keeps its place. */
import { describe, expect, it } from 'vitest';
import { memoryLog, memoryRemains } from '../../pipelines/runtime/memory/log.js';
import { withRemains } from '../../pipelines/runtime/remains.js';
import { decode, type StoredMessage } from '../../schemas/decode.js';
import { withoutCustomer } from '../../schemas/remains.js';
import { click } from '../support/events.js';

const nowMs = Date.UTC(2026, 0, 15);
const line = (id: string, customer: string): string => JSON.stringify(click(id, customer, { atMs: nowMs }));
const body = (...lines: string[]): Uint8Array => Buffer.from(lines.join('\n'));

function shop() {
  const [log, remains] = [memoryLog(), memoryRemains()];
  const events = withRemains(log, remains);
  return {
    log, remains, events,
    append: (...lines: string[]) => log.append('ev.0.batch', body(...lines), nowMs),
    async forget(customer: string, seq: number) {
      const message = (await all(log)).find((m) => m.seq === seq) ?? (await remains.get(seq));
      if (message === undefined) return;
      const left = withoutCustomer(message.body, customer, message.remains === true);
      if (left.left > 0 || message.remains === true) await remains.put({ ...message, body: left.body });
      log.remove((m) => m.seq !== seq);
    },
  };
}

async function all(log: { open: ReturnType<typeof memoryLog>['open']; lastSeq: ReturnType<typeof memoryLog>['lastSeq'] }, fromSeq = 1, max = 3): Promise<StoredMessage[]> {
  const cursor = await log.open(fromSeq, 'ev.0.>');
  const found: StoredMessage[] = [];
  const last = await log.lastSeq('ev.0.>');
  while ((found.at(-1)?.seq ?? fromSeq - 1) < last) found.push(...(await cursor.take(max, 5)));
  await cursor.close();
  return found;
}

const ids = (messages: readonly StoredMessage[]): [string, number][] => {
  const found: [string, number][] = [];
  for (const message of messages) decode(message, 1, { event: ({ id }, position) => found.push([id, position]), reject: ({ reason, position }) => found.push([reason, position]) });
  return found;
};

describe('remains', () => {
  it('stand where the message stood: at the start, in the middle, at the end', async () => {
    const w = shop();
    for (let n = 1; n <= 7; n += 1) w.append(line(`a${n}`, 'mine'), line(`b${n}`, 'other'));
    w.append(line('only', 'mine'));
    const wanted = ids(await all(w.log)).filter(([id]) => id.startsWith('b'));
    for (const seq of [1, 4, 5, 7, 8, 2, 3, 6]) await w.forget('mine', seq);
    for (const max of [1, 2, 100]) expect(ids(await all(w.events, 1, max))).toEqual(wanted);
    expect(ids(await all(w.events, 5))).toEqual(wanted.slice(4));
    expect(await w.events.lastSeq('ev.0.>')).toBe(7);
    await w.forget('other', 4);
    await w.forget('mine', 4);
    expect(ids(await all(w.events))).toEqual(wanted.filter((_, i) => i !== 3));
  });

  it('of a message that is forgotten while it is read come instead of it, and never beside it', async () => {
    const w = shop();
    for (let n = 1; n <= 4; n += 1) w.append(line(`a${n}`, 'mine'), line(`b${n}`, 'other'));
    const cursor = await w.events.open(1, 'ev.0.>');
    const found = await cursor.take(2, 5);
    for (const seq of [1, 2, 3]) await w.forget('mine', seq);
    found.push(...(await cursor.take(10, 5)));
    expect(ids(found)).toEqual([['a1', 1024], ['b1', 1025], ['a2', 2048], ['b2', 2049], ['b3', 3073], ['a4', 4096], ['b4', 4097]]);
    expect(await cursor.take(10, 5)).toEqual([]);
    w.append(line('a5', 'mine'));
    expect(ids(await cursor.take(10, 50))).toEqual([['a5', 5120]]);
    await cursor.close();
  });

  it('keep what is no event, and a name that only begins alike', () => {
    const before = body(line('e1', 'c1'), 'not json', line('e2', 'c12'), '{"customer":"c1"', '["c1"]', line('e3', 'c2').replace('"e3"', '"c1"'));
    const { taken, left, body: after } = withoutCustomer(before, 'c1', false);
    expect([taken, left]).toEqual([3, 3]); // the last one has an id that is a customer's name
    expect(ids([{ subject: 'ev.0.batch', seq: 1, receivedMs: nowMs, body: after, remains: true }])).toEqual([['not_json', 1025], ['e2', 1026], ['c1', 1029]]);
    expect(withoutCustomer(after, 'c12', true)).toMatchObject({ taken: 1, left: 2 });
    // A producer's own dash is no mark.
    expect(ids([{ subject: 'ev.0.batch', seq: 1, receivedMs: nowMs, body: body('-') }])).toEqual([['not_json', 1024]]);
  });
});
