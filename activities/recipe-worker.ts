/** The thread in which a recipe trains and judges. Each message is answered before the next one comes. */
import { parentPort } from 'node:worker_threads';
import { startPair, type Pair } from '../models/lstm/crew.js';
import type { CreateEngine } from '../models/lstm/engine.js';
import { createFastEngine, fastEngineOn } from '../models/lstm/fast.js';
import { AftercareError, messageOf } from '../schemas/errors.js';
import { readCut } from './arrow-cut.js';
import { judge, trainingRows } from './judge.js';
import type { RecipeAnswer, RecipeRequest } from './recipe-thread.js';
import { recipeOf } from './recipes/index.js';
import { atColumn, type Training } from './recipes/recipe.js';

const port = parentPort;
if (port === null) throw new Error('recipe-worker.js is a thread of the worker process: it is not run by hand');

/** Started by the first network that learns. It ends with this thread at the latest. */
let pair: Pair | undefined;
const onTwo: CreateEngine = (shape) => fastEngineOn(pair ??= startPair())(shape);

interface Under { training: Training; rows: number; toMs: number; epochs: number }
let under: Under | undefined;

function start({ model, data, holdout, settings, threads = 1, checkpoint }: Extract<RecipeRequest, { type: 'train' }>): string | undefined {
  const recipe = recipeOf(model);
  const cut = readCut(data);
  const times = cut.numbers(atColumn);
  const rows = trainingRows(times, holdout);
  const table = recipe.read(cut, { ...recipe.plan.settings, ...settings });
  const reason = recipe.tooFew(table, rows);
  if (reason !== undefined) return reason;
  under = { training: recipe.train(table, rows, checkpoint, threads > 1 ? onTwo : createFastEngine), rows: rows.to - rows.from, toMs: times[rows.to - 1], epochs: 0 };
  return undefined;
}

async function step(): Promise<RecipeAnswer> {
  if (under === undefined) throw new Error('recipe: nothing is being trained');
  const next = await under.training.next();
  if (next.done !== true) {
    under.epochs = next.value.epochs;
    return { type: 'epoch', ...next.value };
  }
  const { rows, toMs, epochs } = under;
  await pair?.close();
  pair = undefined;
  return { type: 'trained', parts: next.value, rows, toMs, epochs };
}

async function answer(request: RecipeRequest): Promise<RecipeAnswer> {
  switch (request.type) {
    case 'train': {
      const reason = start(request);
      return reason === undefined ? step() : { type: 'few', reason };
    }
    case 'next':
      return step();
    case 'judge':
      return { type: 'judged', ...judge(recipeOf(request.model), request.data, request) };
  }
}

port.on('message', (request: RecipeRequest) => {
  answer(request).then(
    (done) => { port.postMessage(done); },
    (error: unknown) => {
      const poison = error instanceof RangeError || (error instanceof AftercareError && error.disposition === 'poison');
      port.postMessage({ type: 'failed', reason: messageOf(error), poison } satisfies RecipeAnswer);
    },
  );
});
