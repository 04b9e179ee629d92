/** Risk: how well the models rank, and how fast they learn, beside their peers on the same rows. */
import type { SuiteOptions } from './main.js';
import { runParts, type Part } from './parts.js';
import type { Row } from './report.js';
import { batchRows } from './risk-batch.js';
import { featureRows } from './risk-features.js';
import { creditRows } from './risk-models.js';
import { prequentialRows } from './risk-prequential.js';
import { ringRows, riskServeRows, riskStepRows } from './risk-ring.js';
import { riverRows } from './risk-river.js';

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

export const risk = (options: SuiteOptions): Promise<Row[]> => runParts('risk', parts, options);
