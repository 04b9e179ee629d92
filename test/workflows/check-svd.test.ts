/** Factors that would shrink the shop do not go live. */
import type { ClickHouseClient } from '@clickhouse/client';
import type { NatsConnection } from '@nats-io/transport-node';
import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it } from 'vitest';
import { createSvdActivities, type CheckSvdInput } from '../../activities/refresh-svd.js';
import type { Verdict } from '../../activities/train.js';
import { encodeFactors } from '../../models/svd/factors.js';
import { memoryArtefacts } from '../../pipelines/runtime/memory/artefacts.js';

const artefacts = memoryArtefacts();
// The check asks neither of the two.
const { checkSvd } = createSvdActivities({ artefacts, nc: {} as NatsConnection, clickhouse: {} as ClickHouseClient });
const check = (input: CheckSvdInput): Promise<Verdict> => new MockActivityEnvironment().run<[CheckSvdInput], Verdict, typeof checkSvd>(checkSvd, input);

const factors = (version: number, items: number, customers: number, singular = 2) => artefacts.put('svd', version, encodeFactors({
  rank: 1, names: Array.from({ length: items }, (_, n) => `i${n}`), support: new Uint32Array(items).fill(3), singular: Float64Array.of(singular), v: new Float32Array(items).fill(0.5), itemPower: 0.5, spectrumPower: 0.5, customers, entries: 9,
}));
const failed = ({ checks }: Verdict): string[] => checks.filter(({ passed }) => !passed).map(({ name }) => name);

it('passes the first one, and one that knows half of what the live one does', async () => {
  const live = await factors(1, 10, 100);
  expect(await check({ ref: live })).toMatchObject({ champion: 'nothing', checks: [{ passed: true }, { passed: true }, { passed: true }, { passed: true }, { passed: true }] });
  expect(failed(await check({ ref: await factors(2, 5, 50), champion: live }))).toEqual([]);
});

it('refuses one that knows less, and one that is no number', async () => {
  const live = await factors(3, 10, 101);
  expect(failed(await check({ ref: await factors(4, 4, 50), champion: live }))).toEqual(['customers', 'items']);
  expect(failed(await check({ ref: await factors(5, 10, 100, NaN), champion: live }))).toEqual(['least_singular_value']);
});
