/** Support: what is understood of a ticket and how fast, beside a linear model on TF-IDF in the same run. */
import type { SuiteOptions } from './main.js';
import { runParts, type Part } from './parts.js';
import type { Row } from './report.js';
import { bitextRows } from './support-bitext.js';
import { clinc150Rows } from './support-clinc150.js';
import { entityRows } from './support-entities.js';
import { headRows } from './support-heads.js';
import { jddcRows } from './support-jddc.js';
import { lstmRows } from './support-lstm.js';
import { reviewRows } from './support-reviews.js';
import { supportServeRows, ticketRows } from './support-ticket.js';
import { transferRows } from './support-transfer.js';

/** Speed first: what the other parts leave on the heap must not show. */
const parts: Record<string, Part> = {
  lstm: lstmRows,
  ticket: ticketRows,
  serve: supportServeRows,
  heads: headRows,
  bitext: bitextRows,
  entities: entityRows,
  clinc150: clinc150Rows,
  reviews: reviewRows,
  jddc: jddcRows,
  transfer: transferRows,
};

export const support = (options: SuiteOptions): Promise<Row[]> => runParts('support', parts, options);
