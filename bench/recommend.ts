/** Recommendations: how good they are, what waiting for the night costs, and how fast they are given. */
import { messageOf } from '../schemas/errors.js';
import { ml100kBlendRows } from './recommend-blend.js';
import { budgetRows } from './budget.js';
import type { SuiteOptions } from './main.js';
import { basketRows } from './recommend-basket.js';
import { inProcessRows } from './recommend-inprocess.js';
import { ml100kRows } from './recommend-ml100k.js';
import { prequentialRows } from './recommend-prequential.js';
import { pruningRows } from './recommend-pruning.js';
import { serveRows } from './recommend-serve.js';
import { svdRows } from './recommend-svd.js';
import type { Row } from './report.js';
import { sessionRows } from './sessions.js';

type Part = (say: SuiteOptions['say']) => Promise<Row[]> | Row[];

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

export async function recommend({ only, say }: SuiteOptions): Promise<Row[]> {
  const unknown = only.filter((part) => !Object.hasOwn(parts, part));
  if (unknown.length > 0) throw new Error(`bench: recommend has no part "${unknown.join(', ')}"; it has ${Object.keys(parts).join(', ')}`);
  const rows: Row[] = [];
  for (const [name, part] of Object.entries(parts)) {
    if (only.length > 0 && !only.includes(name)) continue;
    try {
      rows.push(...(await part(say)));
    } catch (error) {
      // Minutes of other parts must not be lost; the exit code says that something was.
      say(`recommend.${name} failed and has no rows: ${messageOf(error)}`);
      process.exitCode = 1;
    }
  }
  return rows;
}
