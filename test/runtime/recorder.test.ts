/** Answers on record: each once and durable, whatever becomes of an acknowledgement. */
import { expect, it } from 'vitest';
import { decodeCommit } from '../../pipelines/runtime/commit.js';
import { memoryCommits, memoryLog } from '../../pipelines/runtime/memory/log.js';
import type { CommitLog, Lease } from '../../pipelines/runtime/ports.js';
import { createRecorder } from '../../pipelines/runtime/recorder.js';
import { AftercareError } from '../../schemas/errors.js';

const held: Lease = { epoch: 7, held: () => true, release: () => Promise.resolve() };

function world(change: (commits: CommitLog) => Partial<CommitLog> = () => ({}), lease = held) {
  const log = memoryLog();
  const real = memoryCommits(log);
  const recorder = createRecorder({ shard: 0, lease, commits: { ...real, ...change(real) }, committedTo: () => 41 });
  const stored = async () => (await (await log.open(1)).take(10_000, 10)).map(({ seq, body }) => ({ seq, ...decodeCommit(body) }));
  return { recorder, stored };
}
const answer = (n: number) => [{ table: 'recommendations' as const, value: { n } }];
const asked = (count: number) => Array.from({ length: count }, (_, n) => n);

it('tells each where it stands; what is asked in one turn of the loop shares a message', async () => {
  const { recorder, stored } = world();
  const places = await Promise.all(asked(5).map((n) => recorder.record(answer(n))));
  const messages = await stored();
  expect(messages).toHaveLength(1);
  expect(messages[0]).toMatchObject({ shard: 0, epoch: 7, from: 42, to: 41, events: 0 });
  places.forEach(({ commitSeq, first }, n) => { expect(messages.find(({ seq }) => seq === commitSeq)?.decisions[first].value).toEqual({ n }); });
});

it('has at most eight messages on their way: the next one takes all that was asked meanwhile', async () => {
  let [underWay, most] = [0, 0];
  const { recorder, stored } = world((real) => ({
    async answers(...args) {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setTimeout(resolve, 20));
      underWay -= 1;
      return real.answers(...args);
    },
  }));
  const all: Promise<unknown>[] = [];
  for (const n of asked(30)) {
    all.push(recorder.record(answer(n)));
    await new Promise(setImmediate);
  }
  await recorder.drain();
  await Promise.all(all);
  expect(most).toBe(8);
  const messages = await stored();
  expect(messages.length).toBeLessThan(30);
  expect(messages.flatMap(({ decisions }) => decisions.map(({ value }) => (value as { n: number }).n)).sort((a, b) => a - b)).toEqual(asked(30));
});

it.each([['before', false], ['after', true]])('an acknowledgement that is lost %s it was stored: on record once', async (_when, isStored) => {
  let calls = 0;
  const { recorder, stored } = world((real) => ({
    async answers(...args) {
      calls += 1;
      if (calls > 1) return real.answers(...args);
      if (isStored) await real.answers(...args);
      throw new AftercareError('unavailable', 'no answer');
    },
  }));
  const { commitSeq } = await recorder.record(answer(1));
  expect(await stored()).toMatchObject([{ seq: commitSeq }]);
});

it('nothing is answered without the lease, or when the store says something else', async () => {
  const { recorder, stored } = world(undefined, { ...held, held: () => false });
  await expect(recorder.record(answer(1))).rejects.toMatchObject({ code: 'lease_lost' });
  expect(await stored()).toEqual([]);
  const broken = world(() => ({ answers: () => Promise.reject(new Error('too large')) }));
  await expect(broken.recorder.record(answer(1))).rejects.toMatchObject({ code: 'commit_unknown' });
});
