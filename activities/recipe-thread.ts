/**
 * Training and judging beside the worker's own loop, which has heartbeats to send: a thread takes the data set, trains epoch by
 * epoch, and waits after each one until its checkpoint is kept.
 */
import type { Measured } from './gate.js';
import type { Epoch, RecipeSettings } from './recipes/recipe.js';
import { startThread, type Failed } from './thread.js';

/** threads: 1, or 2, of a network's steps; without it 1. The bytes are the same. */
export type RecipeRequest =
  | { type: 'train'; model: string; data: Uint8Array[]; holdout: number; settings?: RecipeSettings; threads?: number; checkpoint?: Uint8Array[] }
  | { type: 'next' }
  | ({ type: 'judge'; model: string; data: Uint8Array[] } & JudgeTask);

export interface JudgeTask {
  challenger: Uint8Array[];
  /** its size as an artefact */
  bytes: number;
  champion?: { model: string; parts: Uint8Array[] };
  /** rows after it judge */
  newerThanMs: number;
  settings?: RecipeSettings;
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
  champion: 'version' | 'baseline' | 'none';
  metrics: { name: string; challenger: number; champion: number }[];
  fromMs: number;
  toMs: number;
}

export type RecipeAnswer =
  | ({ type: 'epoch' } & Epoch)
  | ({ type: 'trained' } & Trained)
  | { type: 'few'; reason: string }
  | ({ type: 'judged' } & Judgement)
  | Failed;

export interface RecipeThread {
  /** @param onEpoch  the next epoch begins when it resolves. @returns the reason where there is too little to learn from */
  train(task: Omit<Extract<RecipeRequest, { type: 'train' }>, 'type'>, onEpoch: (epoch: Epoch) => Promise<void>): Promise<Trained | { reason: string }>;
  judge(model: string, data: Uint8Array[], task: JudgeTask): Promise<Judgement>;
  /** At once, in the middle of an epoch too. */
  close(): Promise<void>;
}

export function startRecipeThread(): RecipeThread {
  const { ask, close } = startThread<RecipeRequest, RecipeAnswer>('recipe');
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
    close,
  };
}
