/**
 * The factorisation beside the worker's own loop, which has heartbeats to send: a thread takes the rows as ClickHouse gives
 * them and one piece at a time, so that neither side holds more than it works on.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { SvdSettings } from '../models/svd/settings.js';
import { AftercareError } from '../schemas/errors.js';

export type FactoriseRequest =
  | { type: 'rows'; bytes: Uint8Array }
  | { type: 'page' }
  | { type: 'factorise'; settings: SvdSettings };

export type FactoriseAnswer =
  | { type: 'taken'; entries: number }
  | ({ type: 'factors'; parts: Uint8Array[] } & FactorCounts)
  | { type: 'failed'; reason: string; poison: boolean };

export interface FactorCounts {
  customers: number;
  entries: number;
  items: number;
  /** 0: no item had enough customers, and there is nothing to factorise */
  rank: number;
}

export interface FactoriseThread {
  /** @returns interactions so far */
  rows(bytes: Uint8Array): Promise<number>;
  /** The page is complete: what comes next is another customer's. @throws AftercareError unavailable when it was cut short */
  endPage(): Promise<number>;
  factorise(settings: SvdSettings): Promise<FactorCounts & { parts: Uint8Array[] }>;
  close(): Promise<void>;
}

/** Compiled, beside this file in dist/, or in dist/ seen from the sources: a thread has no compiler of the tests. */
const places = ['./factorise-worker.js', '../dist/activities/factorise-worker.js'];

export function startFactorising(): FactoriseThread {
  const path = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((candidate) => existsSync(candidate));
  if (path === undefined) throw new AftercareError('bad_config', 'activities/factorise-worker.js is not built: run npm run build');
  const thread = new Worker(path);
  let waiting: { resolve: (answer: FactoriseAnswer) => void; reject: (error: Error) => void } | undefined;
  let dead: Error | undefined;
  const die = (error: Error): void => {
    dead ??= error;
    waiting?.reject(dead);
  };
  thread.on('message', (answer: FactoriseAnswer) => waiting?.resolve(answer));
  thread.on('error', die); // out of memory, too
  thread.on('exit', () => die(new Error('factorise: the thread has ended')));

  async function ask(request: FactoriseRequest): Promise<Exclude<FactoriseAnswer, { type: 'failed' }>> {
    const answer = await new Promise<FactoriseAnswer>((resolve, reject) => {
      waiting = { resolve, reject };
      if (dead === undefined) thread.postMessage(request);
      else reject(dead);
    });
    if (answer.type !== 'failed') return answer;
    throw new AftercareError(answer.poison ? 'refused' : 'unavailable', answer.reason);
  }
  const taken = async (request: FactoriseRequest): Promise<number> => {
    const answer = await ask(request);
    return answer.type === 'taken' ? answer.entries : 0;
  };
  return {
    rows: (bytes) => taken({ type: 'rows', bytes }),
    endPage: () => taken({ type: 'page' }),
    async factorise(settings) {
      const answer = await ask({ type: 'factorise', settings });
      if (answer.type !== 'factors') throw new Error(`factorise: the thread answered "${answer.type}"`);
      return answer;
    },
    async close() {
      await thread.terminate();
    },
  };
}
