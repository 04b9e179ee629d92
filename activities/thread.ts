/**
 * A thread beside the worker's own loop, which has heartbeats to send: one question at a time, one answer to each. It is as dead
 * for whoever waits as for whoever asks next.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { AftercareError } from '../schemas/errors.js';

/** What a thread answers where it could not do what it was asked. */
export interface Failed {
  type: 'failed';
  reason: string;
  /** another attempt would fail as well */
  poison: boolean;
}

export interface Thread<Request, Answer> {
  /** @param transferred  whose memory goes over instead of a copy  @throws AftercareError refused, unavailable; Error when the thread has ended */
  ask(request: Request, transferred?: readonly Uint8Array[]): Promise<Exclude<Answer, Failed>>;
  /** At once, whatever it is doing. */
  close(): Promise<void>;
}

/** @param name  `<name>-worker.ts` is what it runs  @throws AftercareError bad_config when that is not built */
export function startThread<Request, Answer extends { type: string }>(name: string): Thread<Request, Answer> {
  // Compiled, beside this file in dist/, or in dist/ seen from the sources: a thread has no compiler of the tests.
  const places = [`./${name}-worker.js`, `../dist/activities/${name}-worker.js`];
  const path = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((candidate) => existsSync(candidate));
  if (path === undefined) throw new AftercareError('bad_config', `activities/${name}-worker.js is not built: run npm run build`);
  const thread = new Worker(path);
  let waiting: { resolve: (answer: Answer | Failed) => void; reject: (error: Error) => void } | undefined;
  let dead: Error | undefined;
  const die = (error: Error): void => {
    dead ??= error;
    waiting?.reject(dead);
  };
  thread.on('message', (answer: Answer | Failed) => waiting?.resolve(answer));
  thread.on('error', die); // out of memory, too
  thread.on('exit', () => die(new Error(`${name}: the thread has ended`)));
  return {
    async ask(request, transferred = []) {
      const answer = await new Promise<Answer | Failed>((resolve, reject) => {
        waiting = { resolve, reject };
        if (dead === undefined) thread.postMessage(request, transferred.map(({ buffer }) => buffer as ArrayBuffer));
        else reject(dead);
      });
      if (isFailed(answer)) throw new AftercareError(answer.poison ? 'refused' : 'unavailable', answer.reason);
      return answer as Exclude<Answer, Failed>;
    },
    async close() {
      await thread.terminate();
    },
  };
}

const isFailed = (answer: { type: string }): answer is Failed => answer.type === 'failed';
