/** Recommendations: how good they are, what waiting for the night costs, and how fast they are given. */
import { ml100kBlendRows } from './recommend-blend.js';
import { budgetRows } from './budget.js';
import type { SuiteOptions } from './main.js';
import { runParts, type Part } from './parts.js';
import { basketRows } from './recommend-basket.js';
import { inProcessRows } from './recommend-inprocess.js';
import { ml100kRows } from './recommend-ml100k.js';
import { prequentialRows } from './recommend-prequential.js';
import { pruningRows } from './recommend-pruning.js';
import { serveRows } from './recommend-serve.js';
import { svdRows } from './recommend-svd.js';
import type { Row } from './report.js';
import { sessionRows } from './sessions.js';

/** Speed first: what the other parts leave on the heap must not show. */
const parts: Record<string, Part> = {
  inprocess: inProcessRows,
  serve: serveRows,
  sessions: sessionRows,
  basket: basketRows,
  svd: svdRows,
  ml100k: ml100kRows,
  blend: ml100kBlendRows,
  prequential: prequentialRows,
  pruning: pruningRows,
  budget: budgetRows,
};

export const recommend = (options: SuiteOptions): Promise<Row[]> => runParts('recommend', parts, options);
