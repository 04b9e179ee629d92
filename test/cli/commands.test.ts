/** Every command against a running system, as a user and as a machine would call it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { endpointVariables } from '../../cli/system.js';
import type { Status } from '../../cli/commands/status.js';
import type { ProfileAnswer, RecommendAnswer, SimilarAnswer } from '../../schemas/services.js';
import { aftercare, type Ran } from '../support/cli.js';
import { startTestSystem, type TestSystem } from '../support/system.js';
import { tempDir } from '../support/temp.js';

const atMs = Date.UTC(2026, 0, 15);
const line = (id: string, customer: string, item: string): string => JSON.stringify({ id, customer, atMs, action: 'view', item });

describe('the command line', () => {
  let system: TestSystem;
  let run: (args: string[], input?: string) => Promise<Ran>;
  const folder = tempDir();

  beforeAll(async () => {
    system = await startTestSystem();
    run = (args, input) => aftercare(args, { env: endpointVariables(system.endpoints), ...(input === undefined ? {} : { input }) });
    const lines = ['a', 'b', 'c', 'd'].flatMap((c) => [line(`${c}1`, c, 'kettle'), line(`${c}2`, c, 'teapot')]);
    const ran = await run(['publish', 'click', '--json'], [...lines, line('e1', 'e', 'kettle')].join('\n'));
    expect(ran).toMatchObject({ code: 0 });
    expect(JSON.parse(ran.stdout)).toMatchObject({ sent: 9, bad: 0 });
  });

  it('publish names a bad line, sends the others, and fails', async () => {
    const ran = await run(['publish', 'click'], `${line('x1', 'x', 'lamp')}\n\n{"id":"x2","customer":"x","atMs":5,"action":"view","item":"lamp"}\nnonsense\n`);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toBe('1 sent, 2 bad, 0 known before\n');
    expect(ran.stderr).toMatch(/line 3: atMs must be >= /);
    expect(ran.stderr).toMatch(/line 4: not JSON/);
  });

  it('publish sent twice is taken once', async () => {
    await run(['publish', 'click'], line('twice', 'x', 'lamp'));
    expect((await run(['publish', 'click', '--json'], line('twice', 'x', 'lamp'))).stdout).toContain('"duplicates":1');
    const { stdout } = await run(['sql', "SELECT count() AS n FROM events WHERE id = 'twice'", '--json']);
    expect(JSON.parse(stdout)).toEqual({ n: 1 });
  });

  it('recommend, similar and profile print for people and for machines', async () => {
    const answer = JSON.parse((await run(['recommend', 'e', '-k', '1', '--json'])).stdout) as RecommendAnswer;
    expect(answer.items[0]).toMatchObject({ item: 'teapot', because: expect.arrayContaining([expect.objectContaining({ item: 'kettle' })]) as unknown });
    const text = (await run(['recommend', 'e', '-k', '1'])).stdout.split('\n');
    expect(text[0]).toMatch(/^item\s+score\s+channel\s+because$/);
    expect(text[1]).toMatch(/^teapot\s+0\.\d+\s+(session|item-item|user-user)\s+kettle/);
    expect((JSON.parse((await run(['similar', 'kettle', '--json'])).stdout) as SimilarAnswer).items[0].item).toBe('teapot');
    expect((await run(['similar', 'kettle'])).stdout).toMatch(/teapot\s+0\.\d+/);
    expect((JSON.parse((await run(['profile', 'e', '--json'])).stdout) as ProfileAnswer).items).toEqual([{ item: 'kettle', strength: 1 }]);
  });

  it('errors go to stderr with a code that is not zero', async () => {
    const unknown = await run(['similar', 'nothing']);
    expect(unknown).toMatchObject({ code: 1, stdout: '' });
    expect(unknown.stderr).toBe('aftercare: item "nothing" is unknown: no customer has touched it\n');
    const bad = await run(['recommend', 'a b']);
    expect(bad).toMatchObject({ code: 1, stdout: '' });
    expect(bad.stderr).toContain('customer must match');
    expect((await run(['recommend', 'a', '-k', '0'])).stderr).toContain('must be a whole number from 1 to 200');
    expect((await run(['sql', 'SELECT wrong'])).stderr).toMatch(/Unknown expression identifier/i);
    expect((await run(['import', 'nothing', 'x'])).stderr).toContain('known are online-retail');
    expect((await run(['import', 'movielens', join(folder, 'absent')])).stderr).toMatch(/absent/);
  });

  it('says what to do when nothing runs', async () => {
    const ran = await aftercare(['status'], { env: { AFTERCARE_DATA_DIR: folder, NATS_URL: '', CLICKHOUSE_URL: '', TEMPORAL_ADDRESS: '' } });
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/nothing runs on .*: start it with "npm start"/);
  });

  it('reports every bad setting at once', async () => {
    const ran = await aftercare(['status'], { env: { AFTERCARE_SHARDS: 'two', AFTERCARE_HISTORY: '-1', AFTERCARE_SPEED: '9' } });
    expect(ran.stderr).toMatch(/AFTERCARE_SHARDS="two" must be a whole number from 1 to 256; AFTERCARE_HISTORY="-1" must be .*; AFTERCARE_SPEED is not a setting/);
  });

  it('import puts a file through, and names line and field of a bad row', async () => {
    const file = join(folder, 'retail.csv');
    writeFileSync(file, [
      'InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country',
      '1,85123A,HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom',
      '1,71053,LANTERN,6,2010-12-01 08:2X:00,3.39,17850.0,United Kingdom',
      'C2,85123A,HOLDER,-1,2010-12-02 09:00:00,2.55,17850.0,United Kingdom',
      'A3,B,Adjust bad debt,1,2011-08-12 14:50:00,-11062.06,,United Kingdom',
    ].join('\n'));
    const ran = await run(['import', 'online-retail', file, '--json']);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toMatch(/line 3: InvoiceDate/);
    expect(JSON.parse(ran.stdout)).toMatchObject({ rows: 4, events: 3, badRows: 1 });
    const { stdout } = await run(['sql', "SELECT type, amount_minor FROM events WHERE customer = '17850' ORDER BY at", '--json']);
    expect(stdout.trim().split('\n').map((text) => JSON.parse(text) as unknown)).toEqual([{ type: 'purchase', amount_minor: 1530 }, { type: 'refund', amount_minor: 255 }]);
  });

  it('rejects are listed, repaired and replayed', async () => {
    const sent = await run(['publish', 'click', '--no-check'], '{"id":"broken","customer":"z","atMs":1768435200000,"action":"look","item":"lamp"}');
    expect(sent).toMatchObject({ code: 0 });
    const listed = JSON.parse((await run(['rejects', 'list', '--reason', 'bad_event', '--limit', '1', '--json'])).stdout) as { seq: string; body: string; detail: string }[];
    expect(listed[0].detail).toMatch(/^action must be one of view/);
    expect((await run(['rejects', 'list'])).stdout).toContain('action must be one of');
    expect((await run(['rejects', 'replay', '--json'])).stdout).toContain('"replayed":0');
    const file = join(folder, 'repaired.ndjson');
    writeFileSync(file, JSON.stringify({ seq: listed[0].seq, body: listed[0].body.replace('look', 'view') }));
    const replayed = await run(['rejects', 'replay', '--repaired', file, '--json']);
    expect(JSON.parse(replayed.stdout)).toMatchObject({ replayed: 1 });
    expect(JSON.parse((await run(['profile', 'z', '--json'])).stdout)).toMatchObject({ items: [{ item: 'lamp' }] });
    expect(JSON.parse((await run(['rejects', 'replay', '--repaired', file, '--json'])).stdout), 'a letter is replayed once').toMatchObject({ replayed: 0 });
  });

  it('status tells sequence, lag, rows and memory of each part', async () => {
    const status = JSON.parse((await run(['status', '--json'])).stdout) as Status;
    expect(status.shards).toHaveLength(1);
    expect(status.shards[0]).toMatchObject({ lag: 0, seq: status.streams[0].lastSeq });
    expect(status.shards[0].rssBytes).toBeGreaterThan(2 ** 25);
    expect(status.sinks[0]).toMatchObject({ lag: 0, owner: true });
    expect(status.tables.find((t) => t.name === 'events')?.rows).toBeGreaterThan(10);
    expect((await run(['status'])).stdout).toMatch(/shard 0\s+\d+\s+0\s+\d+ MiB/);
  });

  it('sql prints a table for people', async () => {
    expect((await run(['sql', 'SELECT 1 AS one'])).stdout).toMatch(/┌─one─┐/);
    expect((await run(['sql', 'SELECT 1', '--format', 'TSV'])).stdout).toBe('1\n');
  });

  it.each([[], ['up'], ['demo'], ['import'], ['publish'], ['recommend'], ['similar'], ['basket'], ['profile'], ['sql'], ['reply'], ['rejects'], ['rejects', 'replay'], ['status'], ['workflow', 'run'], ['shard'], ['sink'], ['worker']])('%s --help', async (...command) => {
    const ran = await aftercare([...(command as string[]), '--help']);
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.stdout).toMatch(/^Usage: aftercare/);
  });
});
