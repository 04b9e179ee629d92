import { existsSync, readFileSync } from 'node:fs';
import { getPriority } from 'node:os';
import { describe, expect, it, vi } from 'vitest';
import { spawnServer } from '../../servers/process.js';

const start = (niceness?: number) => spawnServer({
  name: 'sleeper', port: 0, command: process.execPath, args: ['-e', 'setInterval(() => {}, 1000)'], ...(niceness === undefined ? {} : { niceness }),
});
const ofSession = (pid: number): string => readFileSync(`/proc/${pid}/autogroup`, 'utf8');

describe('niceness', () => {
  it('lets a server give way, and only the one that was asked to', async () => {
    const [behind, usual] = [await start(5), await start()];
    try {
      expect(getPriority(behind.pid)).toBe(5);
      expect(getPriority(usual.pid)).toBe(getPriority());
      if (!existsSync(`/proc/${behind.pid}/autogroup`)) return; // not Linux, or without groups of sessions
      await vi.waitFor(() => { expect(ofSession(behind.pid)).toMatch(/nice 5$/m); });
      expect(ofSession(usual.pid)).toMatch(/nice 0$/m);
    } finally {
      await Promise.all([behind.stop(), usual.stop()]);
    }
  });
});
