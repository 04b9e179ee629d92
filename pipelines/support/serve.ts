/** What would be read in a ticket that has not come, and decided about it. Nothing here changes the state. */
import type { SupportAnswer, SupportRequest } from '../../schemas/services.js';
import type { SupportModels } from './models.js';
import { maskText } from './personal.js';
import type { SupportState } from './state.js';

/** @param nowMs  the moment that is asked about, where the request names none, and the latest that it may name */
export function supportAnswer(state: SupportState, models: SupportModels, request: SupportRequest, place: { shard: number; seq: number }, nowMs: number): SupportAnswer {
  const { reading, intent, confidence, alternatives, entities, order, urgency, decision, reason, because, text, answer } =
    state.decider.decide(state, models, { ...request, masked: maskText(request.text) }, Math.min(request.atMs ?? nowMs, nowMs));
  const { prediction } = reading;
  return {
    customer: request.customer, text: reading.text, personal: reading.personal, language: reading.language ?? null,
    intent: intent === '' ? null : intent, confidence, alternatives: [...alternatives], outOfScope: prediction?.outOfScope ?? 0, abstained: prediction?.abstain ?? null,
    entities: [...entities], sentiment: reading.sentiment, urgency, decision, reason: reason ?? null, because,
    reply: text === undefined ? null : { text, answer: answer ?? '', answers: state.decider.answers }, order: order ?? null, model: reading.models, ...place,
  };
}

/** For people who look at a shard. */
export function supportStats({ orders, tickets, memory }: SupportState) {
  const { waiting, dropped, held } = tickets.stats();
  return { orders: orders.stats().held, tickets: held, waiting, dropped, answers: memory.stats().held };
}
