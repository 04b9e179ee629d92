/** Risk: how well the models rank, and how fast they learn, beside their peers on the same rows. */
import { messageOf } from '../schemas/errors.js';
import type { SuiteOptions } from './main.js';
import type { Row } from './report.js';
import { batchRows } from './risk-batch.js';
import { featureRows } from './risk-features.js';
import { creditRows } from './risk-models.js';
import { prequentialRows } from './risk-prequential.js';
import { ringRows, riskServeRows, riskStepRows } from './risk-ring.js';
import { riverRows } from './risk-river.js';

type Part = (say: SuiteOptions['say']) => Promise<Row[]> | Row[];

/** Speed first: what the other parts leave on the heap must not show. */
const parts: Record<string, Part> = {
  step: riskStepRows,
  serve: riskServeRows,
  ring: ringRows,
  river: riverRows,
  features: featureRows,
  credit: creditRows,
  batch: batchRows,
  prequential: prequentialRows,
};

export async function risk({ only, say }: SuiteOptions): Promise<Row[]> {
  const unknown = only.filter((part) => !Object.hasOwn(parts, part));
  if (unknown.length > 0) throw new Error(`bench: risk has no part "${unknown.join(', ')}"; it has ${Object.keys(parts).join(', ')}`);
  const rows: Row[] = [];
  for (const [name, part] of Object.entries(parts)) {
    if (only.length > 0 && !only.includes(name)) continue;
    try {
      rows.push(...(await part(say)));
    } catch (error) {
      // Minutes of other parts must not be lost; the exit code says that something was.
      say(`risk.${name} failed and has no rows: ${messageOf(error)}`);
      process.exitCode = 1;
    }
  }
  return rows;
}
