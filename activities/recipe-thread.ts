/**
 * Training and judging beside the worker's own loop, which has heartbeats to send: a thread takes the data set, trains epoch by
 * epoch, and waits after each one until its checkpoint is kept.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { AftercareError } from '../schemas/errors.js';
import type { Measured } from './gate.js';
import type { Epoch } from './recipes/recipe.js';

export type RecipeRequest =
  | { type: 'train'; model: string; data: Uint8Array[]; holdout: number; checkpoint?: Uint8Array[] }
  | { type: 'next' }
  | ({ type: 'judge'; model: string; data: Uint8Array[] } & JudgeTask);

export interface JudgeTask {
  challenger: Uint8Array[];
  /** its size as an artefact */
  bytes: number;
  champion?: { model: string; parts: Uint8Array[] };
  /** rows after it judge */
  newerThanMs: number;
}

export interface Trained {
  parts: Uint8Array[];
  rows: number;
  /** of the last row that it was trained on */
  toMs: number;
  epochs: number;
}

/** Figures of both, NaN where they could not be told. */
export interface Judgement {
  measured: Measured;
  champion: 'version' | 'recorded' | 'none';
  metrics: { name: string; challenger: number; champion: number }[];
  fromMs: number;
  toMs: number;
}

export type RecipeAnswer =
  | ({ type: 'epoch' } & Epoch)
  | ({ type: 'trained' } & Trained)
  | { type: 'few'; reason: string }
  | ({ type: 'judged' } & Judgement)
  | { type: 'failed'; reason: string; poison: boolean };

export interface RecipeThread {
  /** @param onEpoch  the next epoch begins when it resolves. @returns the reason where there is too little to learn from */
  train(task: Omit<Extract<RecipeRequest, { type: 'train' }>, 'type'>, onEpoch: (epoch: Epoch) => Promise<void>): Promise<Trained | { reason: string }>;
  judge(model: string, data: Uint8Array[], task: JudgeTask): Promise<Judgement>;
  /** At once, in the middle of an epoch too. */
  close(): Promise<void>;
}

/** Compiled, beside this file in dist/, or in dist/ seen from the sources: a thread has no compiler of the tests. */
const places = ['./recipe-worker.js', '../dist/activities/recipe-worker.js'];

export function startRecipeThread(): RecipeThread {
  const path = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((candidate) => existsSync(candidate));
  if (path === undefined) throw new AftercareError('bad_config', 'activities/recipe-worker.js is not built: run npm run build');
  const thread = new Worker(path);
  let waiting: { resolve: (answer: RecipeAnswer) => void; reject: (error: Error) => void } | undefined;
  let dead: Error | undefined;
  const die = (error: Error): void => {
    dead ??= error;
    waiting?.reject(dead);
  };
  thread.on('message', (answer: RecipeAnswer) => waiting?.resolve(answer));
  thread.on('error', die); // out of memory, too
  thread.on('exit', () => die(new Error('recipe: the thread has ended')));

  async function ask(request: RecipeRequest, transferred: readonly Uint8Array[] = []): Promise<Exclude<RecipeAnswer, { type: 'failed' }>> {
    const answer = await new Promise<RecipeAnswer>((resolve, reject) => {
      waiting = { resolve, reject };
      if (dead === undefined) thread.postMessage(request, transferred.map(({ buffer }) => buffer as ArrayBuffer));
      else reject(dead);
    });
    if (answer.type !== 'failed') return answer;
    throw new AftercareError(answer.poison ? 'refused' : 'unavailable', answer.reason);
  }
  return {
    async train(task, onEpoch) {
      for (let answer = await ask({ type: 'train', ...task }, task.data); ; answer = await ask({ type: 'next' })) {
        if (answer.type === 'few') return { reason: answer.reason };
        if (answer.type === 'trained') return answer;
        if (answer.type !== 'epoch') throw new Error(`recipe: the thread answered "${answer.type}"`);
        await onEpoch(answer);
      }
    },
    async judge(model, data, task) {
      const answer = await ask({ type: 'judge', model, data, ...task }, data);
      if (answer.type !== 'judged') throw new Error(`recipe: the thread answered "${answer.type}"`);
      return answer;
    },
    async close() {
      await thread.terminate();
    },
  };
}
