/** `aftercare demo`, on a small shop: what a newcomer sees first must end well, twice in a row. */
import { expect, it } from 'vitest';
import { aftercare } from '../support/cli.js';
import { tempDir } from '../support/temp.js';

interface Tables {
  'What arrived': { type: string; events: number }[];
  'No row twice: rows, and distinct places in the stream': { rows: number; places: number }[];
  'What was not taken, and why': { reason: string; messages: number }[];
  'Recommendations given': { channel: string; items: number; customers: number }[];
  'Coupons: who had a reason, and what became of it': { reason: string; decision: string; withheld_because: string; decisions: number; given_at_most: number }[];
  'The first coupons': { code: string; because: string[] }[];
  'Support: what became of tickets, and of what was read with confidence how much was right': { decision: string; reason: string; tickets: number; right: number; wrong: number }[];
  'Risk: what was decided, and by what most': { type: string; decision: string; decisions: number; because: string[] }[];
  'The closest pairs of items, as exported by Temporal': { similarity: number }[];
}

it('plays a day, shows tables queried back, and can be repeated', { timeout: 120_000 }, async () => {
  const dataDir = tempDir();
  const shown: Tables[] = [];
  for (let turn = 0; turn < 2; turn++) {
    const ran = await aftercare(['demo', '--customers', '80', '--json', '--data-dir', dataDir]);
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    expect(ran.stderr).toMatch(/80 answers, .* each on record before it is given/);
    shown.push(JSON.parse(ran.stdout) as Tables);
  }
  const [first, second] = shown;
  expect(first['What arrived'].map((row) => row.type)).toEqual(expect.arrayContaining(['click', 'purchase', 'refund', 'ticket', 'label']) as string[]);
  const [{ rows, places }] = first['No row twice: rows, and distinct places in the stream'];
  expect(rows).toBe(first['What arrived'].reduce((sum, row) => sum + Number(row.events), 0));
  expect(places).toBe(rows);
  expect(first['What was not taken, and why'].length).toBeGreaterThan(5);
  expect(first['Recommendations given'].reduce((sum, row) => sum + Number(row.items), 0)).toBe(800);
  expect(first['The closest pairs of items, as exported by Temporal'][0].similarity).toBeGreaterThan(0.2);
  const coupons = first['Coupons: who had a reason, and what became of it'];
  expect(coupons.map((row) => `${row.reason} ${row.decision}`)).toEqual(expect.arrayContaining(['abandoned_cart granted', 'resolved_complaint granted']) as string[]);
  expect(coupons.reduce((sum, row) => sum + row.given_at_most, 0)).toBeLessThanOrEqual(2 * 500); // the simulated day may end in the next
  expect(first['Risk: what was decided, and by what most'].length).toBeGreaterThan(0);
  expect(first['Risk: what was decided, and by what most'].every(({ because }) => because.length > 0)).toBe(true);
  const support = first['Support: what became of tickets, and of what was read with confidence how much was right'];
  expect(support.map(({ decision }) => decision)).toEqual(expect.arrayContaining(['reply', 'hand_over']) as string[]);
  const replied = support.find(({ decision }) => decision === 'reply');
  expect(Number(replied?.right)).toBeGreaterThan(Number(replied?.wrong));
  expect(second['Support: what became of tickets, and of what was read with confidence how much was right'].map(({ tickets }) => tickets)).toEqual(support.map(({ tickets }) => tickets));
  expect(first['The first coupons'][0].code).toMatch(/^\w{4}-\w{4}-\w{4}$/);
  // The same shop, the same day: all but the times is the same.
  expect(second['What arrived']).toEqual(first['What arrived']);
  expect(second['Coupons: who had a reason, and what became of it']).toEqual(coupons);
  expect(second['The closest pairs of items, as exported by Temporal']).toEqual(first['The closest pairs of items, as exported by Temporal']);
});
