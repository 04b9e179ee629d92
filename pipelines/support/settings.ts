import type { Answers } from '../../models/support/answers.js';
import type { RetrievalSettings } from '../../models/support/retrieval.js';
import type { Config } from '../../schemas/config.js';
import { loadAnswers } from './load-answers.js';
import { ownWords } from './urgency.js';

const hourMs = 3_600_000;

export interface SupportSettings {
  answers: Answers;
  /** Intents that are answered without a person; undefined: all. */
  automatic: ReadonlySet<string> | undefined;
  /** Of those that the starter model does not abstain from, the share that must be right. */
  precision: number;
  /** A person gets what is read with less confidence, whatever the model says. */
  confidenceMin: number;
  /** A text above it is out of scope, where a language model is live; 0: none is. */
  perplexityMax: number;
  /** Below it a person answers. */
  sentimentMin: number;
  urgentWords: readonly string[];
  /** After an answer, how long another ticket with the same intent goes to a person. */
  againMs: number;
  /** A ticket that arrives later than this after it was written is history. */
  freshMs: number;
  /** Answers of agents to earlier tickets. */
  memory: RetrievalSettings;
  /** Tickets that wait for their label. */
  tickets: number;
  orders: number;
  /** An order older than this is not the one that a ticket means, unless it is named. */
  orderMs: number;
}

/** @throws AftercareError bad_config when the shop's own answers cannot be read */
export function supportSettings(config: Config): SupportSettings {
  const intents = config.AFTERCARE_SUPPORT_REPLY_INTENTS.trim();
  return {
    answers: loadAnswers(config.AFTERCARE_ANSWERS),
    automatic: intents === 'all' ? undefined : new Set(intents === 'none' ? [] : intents.split(',').map((intent) => intent.trim())),
    precision: config.AFTERCARE_SUPPORT_PRECISION,
    confidenceMin: config.AFTERCARE_SUPPORT_CONFIDENCE_MIN,
    perplexityMax: config.AFTERCARE_SUPPORT_PERPLEXITY_MAX,
    sentimentMin: config.AFTERCARE_SUPPORT_SENTIMENT_MIN,
    urgentWords: ownWords(config.AFTERCARE_SUPPORT_URGENT_WORDS),
    againMs: config.AFTERCARE_SUPPORT_AGAIN_HOURS * hourMs,
    freshMs: config.AFTERCARE_SUPPORT_FRESH_HOURS * hourMs,
    memory: { capacity: config.AFTERCARE_SUPPORT_MEMORY, customersMin: config.AFTERCARE_SUPPORT_MEMORY_CUSTOMERS, similarityMin: config.AFTERCARE_SUPPORT_MEMORY_SIMILARITY },
    tickets: config.AFTERCARE_SUPPORT_TICKETS,
    orders: config.AFTERCARE_SUPPORT_ORDERS,
    orderMs: config.AFTERCARE_SUPPORT_ORDER_DAYS * 24 * hourMs,
  };
}
