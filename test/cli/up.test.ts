/** `aftercare up` from start to stop: everything, with Temporal, on a folder of its own. */
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compiledPath } from '../../servers/compiled.js';
import { aftercare } from '../support/cli.js';
import { tempDir } from '../support/temp.js';

interface Up { processes: { name: string; pid: number }[] }

async function up(dataDir: string) {
  const child = spawn(process.execPath, [compiledPath('cli/main.js'), 'up', '--json', '--data-dir', dataDir], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => { stderr += chunk.toString(); });
  const exited = new Promise<number | null>((resolve) => child.on('close', resolve));
  const started = new Promise<Up>((resolve) => {
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
      if (stdout.endsWith('\n')) resolve(JSON.parse(stdout) as Up);
    });
  });
  const result = await Promise.race([started, exited.then((code) => { throw new Error(`up ended with ${code}: ${stderr}`); })]);
  return { child, ...result, exited, stderr: () => stderr };
}

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('aftercare up', () => {
  it('starts every part, lets commands find it, runs a workflow, and stops in order on SIGTERM', async () => {
    const dataDir = tempDir();
    const system = await up(dataDir);
    expect(system.processes.map((p) => p.name)).toEqual(expect.arrayContaining(['nats', 'clickhouse', 'temporal', 'shard 0', 'sink', 'worker']) as string[]);
    expect(statSync(join(dataDir, 'endpoints.json')).mode & 0o777).toBe(0o600);
    const lines = ['a', 'b'].flatMap((c) => ['kettle', 'teapot'].map((item) => JSON.stringify({ id: `${c}-${item}`, customer: c, atMs: Date.UTC(2026, 0, 15), action: 'view', item })));
    expect(await aftercare(['publish', 'click', '--data-dir', dataDir], { input: lines.join('\n') })).toMatchObject({ code: 0 });
    const ran = await aftercare(['workflow', 'run', 'exportNeighbours', '--json', '--data-dir', dataDir]);
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    const { result } = JSON.parse(ran.stdout) as { result: { rows: number; items: number; version: number } };
    expect(result).toMatchObject({ rows: 2, items: 2 });
    const { stdout } = await aftercare(['sql', 'SELECT item, neighbour FROM item_neighbours_latest ORDER BY item', '--json', '--data-dir', dataDir]);
    expect(stdout).toBe('{"item":"kettle","neighbour":"teapot"}\n{"item":"teapot","neighbour":"kettle"}\n');
    const second = await aftercare(['up', '--data-dir', dataDir]);
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/in use/);
    system.child.kill('SIGTERM');
    expect(await system.exited, system.stderr()).toBe(0);
    for (const { name, pid } of system.processes) expect(alive(pid), name).toBe(false);
  });

  it('a part that dies takes the whole down, and its last lines are shown', async () => {
    const system = await up(tempDir());
    process.kill(system.processes.find((p) => p.name === 'sink')?.pid ?? 0, 'SIGKILL');
    expect(await system.exited).toBe(1);
    expect(system.stderr()).toMatch(/sink ended by itself \(signal SIGKILL\), so everything was stopped; its last lines:\n.*sink is live/s);
    await delay(100);
    for (const { name, pid } of system.processes) expect(alive(pid), name).toBe(false);
  });
});
