/**
 * Answers through NATS while events are folded. A recommendation is on record before it is answered; `similar` is not put there,
 * and takes the same way: it is the baseline.
 */
import type { RecommendAnswer } from '../schemas/services.js';
import type { SuiteOptions } from './main.js';
import type { Row } from './report.js';
import { nth, servedBesideSimilar, servedRows } from './serving.js';

const isAnswer = (answer: unknown): boolean => (answer as RecommendAnswer).items.length > 0;

export async function serveRows(say: SuiteOptions['say']): Promise<Row[]> {
  const served = await servedBesideSimilar('serve', say, ({ customers }) => ({
    similar: { isAnswer },
    own: { endpoint: 'recommend', requestOf: (n) => ({ customer: nth(customers, n), k: 10 }), isAnswer },
  }));
  return servedRows('recommend.serve', served, 'similar, which is not put on record');
}
