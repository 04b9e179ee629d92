/** Support: what is understood of a ticket and how fast, beside a linear model on TF-IDF in the same run. */
import type { SuiteOptions } from './main.js';
import { runParts, type Part } from './parts.js';
import type { Row } from './report.js';

/** Speed first: what the other parts leave on the heap must not show. */
const parts: Record<string, Part> = {
};

export const support = (options: SuiteOptions): Promise<Row[]> => runParts('support', parts, options);
