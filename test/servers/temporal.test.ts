import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTemporal, type TemporalServer } from '../../servers/temporal.js';
import { tempDir } from './temp-dir.js';

const temp = tempDir();
const dataDir = join(temp.path, 'temporal');
let server: TemporalServer;

beforeAll(async () => { server = await startTemporal({ dataDir }); });
afterAll(async () => { await server.stop(); temp.remove(); });

it('is ready to take workflows when the start returns, with its web page', async () => {
  const connection = await Connection.connect({ address: server.address });
  const { namespaceInfo } = await connection.workflowService.describeNamespace({ namespace: 'default' });
  expect(namespaceInfo?.name).toBe('default');
  expect((await fetch(server.uiUrl)).status).toBe(200);
  await connection.close();
});

it('refuses a second start on the same directory, which the server itself would not', async () => {
  await expect(startTemporal({ dataDir })).rejects.toThrow(/Temporal already runs on/);
});

it('keeps a workflow that was acknowledged, and its addresses, over kill -9', async () => {
  const start = async (workflowId: string): Promise<void> => {
    const connection = await Connection.connect({ address: server.address });
    await new Client({ connection }).workflow.start('nothing', { workflowId, taskQueue: 'nobody' });
    await connection.close();
  };
  await start('before');
  const { address, uiUrl } = server;
  server.kill('SIGKILL');
  await server.exited;
  server = await startTemporal({ dataDir });
  expect({ address: server.address, uiUrl: server.uiUrl }).toEqual({ address, uiUrl });
  const connection = await Connection.connect({ address });
  expect((await new Client({ connection }).workflow.getHandle('before').describe()).status.name).toBe('RUNNING');
  await connection.close();
});
