/**
 * Which approved answer a ticket gets, or why a person gets the ticket. Nothing leaves that is below the confidence, in
 * another language than the ticket, or has a slot that nothing fills.
 */
import type { AnsweredIntent, Answers, AnswerLanguage, ApprovedAnswer, Condition, Urgency } from './answers.js';
import type { HandOverReason } from '../../schemas/support-words.js';
import { fillSlots, matchingOrder, slotValues, type KnownOrder, type SlotName, type TicketFacts } from './slots.js';

/** Of schemas/support-words.ts those that the choice itself gives. */
export type ChoiceReason = Extract<HandOverReason, 'language' | 'out_of_scope' | 'low_confidence' | 'not_automatic' | 'no_answer' | 'open_slot'>;

export interface Understood {
  /** undefined: neither of those that are answered */
  language: AnswerLanguage | undefined;
  /** as the model says it, a name or an alias */
  intent: string;
  /** calibrated, 0 to 1 */
  confidence: number;
  /** why the model abstains, where it does */
  abstain?: string | undefined;
}

export interface Reply {
  outcome: 'reply';
  intent: string;
  urgency: Urgency;
  language: AnswerLanguage;
  /** of the answer, see ApprovedAnswer */
  answer: string;
  text: string;
  slots: Partial<Record<SlotName, string>>;
}

export interface HandOver {
  outcome: 'hand_over';
  reason: ChoiceReason;
  /** the values behind the reason, for people; nothing of what the customer wrote */
  detail: string;
  /** of the approved answers, where it is one of them */
  intent: string | undefined;
  urgency: Urgency;
  language: AnswerLanguage | undefined;
  /** An approved text that tells the customer that a person takes over; only where a person is required. It may be sent. */
  acknowledgement?: { answer: string; text: string } | undefined;
  /** What would have been answered with more confidence: for the person, never sent by itself. */
  draft?: { answer: string; text: string } | undefined;
}

export type Choice = Reply | HandOver;

/** @param confidenceMin  below it a person gets the ticket */
export function chooseAnswer(answers: Answers, understood: Understood, facts: TicketFacts, confidenceMin: number): Choice {
  const { language, intent: label, confidence, abstain } = understood;
  const intent = answers.find(label);
  const handOver = (reason: ChoiceReason, detail: string, rest: Partial<HandOver> = {}): HandOver =>
    ({ outcome: 'hand_over', reason, detail, intent: intent?.intent, urgency: intent?.urgency ?? 'normal', language, ...rest });
  if (language === undefined) return handOver('language', 'the text is neither English nor Chinese');
  const found = intent === undefined ? undefined : fittingAnswer(answers, intent, language, facts);
  const filled = found === undefined ? undefined : { answer: found.answer.id, text: found.text };
  if (abstain !== undefined) return handOver(abstain === 'out_of_scope' ? 'out_of_scope' : 'low_confidence', abstain, { draft: filled });
  // NaN is no confidence either.
  if (!(confidence >= confidenceMin)) return handOver('low_confidence', `confidence ${confidence.toFixed(3)} of "${label}" is below ${confidenceMin}`, { draft: filled });
  if (intent === undefined) return handOver('no_answer', `no approved answer is for "${label}"`);
  if (intent.person) return handOver('not_automatic', `"${intent.intent}" is for a person`, { acknowledgement: filled });
  if (intent.answers[language].length === 0) return handOver('no_answer', `"${intent.intent}" has no approved answer in ${language}`);
  if (found === undefined) return handOver('open_slot', unfilled(intent, language, answers, facts));
  return { outcome: 'reply', intent: intent.intent, urgency: intent.urgency, language, answer: found.answer.id, text: found.text, slots: found.slots };
}

export interface FittingAnswer {
  answer: ApprovedAnswer;
  text: string;
  slots: Partial<Record<SlotName, string>>;
}

/** The first answer of an intent whose conditions hold and whose slots are all filled. */
export function fittingAnswer(answers: Answers, intent: AnsweredIntent, language: AnswerLanguage, facts: TicketFacts): FittingAnswer | undefined {
  const order = matchingOrder(facts);
  const values = slotValues(answers.slots, facts, language);
  for (const answer of intent.answers[language]) {
    if (!answer.when.every((condition) => holds(condition, order))) continue;
    const text = fillSlots(answer.text, values);
    if (text !== undefined) return { answer, text, slots: Object.fromEntries(answer.slots.map((slot) => [slot, values[slot]])) };
  }
  return undefined;
}

function holds(condition: Condition, order: KnownOrder | undefined): boolean {
  switch (condition) {
    case 'order_known': return order !== undefined;
    case 'order_unknown': return order === undefined;
    case 'refund_recorded': return order?.refundMs !== undefined;
    case 'refund_not_recorded': return order?.refundMs === undefined;
  }
}

/** Of each answer what it lacks. */
function unfilled(intent: AnsweredIntent, language: AnswerLanguage, answers: Answers, facts: TicketFacts): string {
  const order = matchingOrder(facts);
  const values = slotValues(answers.slots, facts, language);
  return intent.answers[language].map(({ id, slots, when }) => {
    const lacking = [...when.filter((condition) => !holds(condition, order)), ...slots.filter((slot) => values[slot] === undefined).map((slot) => `{${slot}}`)];
    return `${id} lacks ${lacking.join(', ')}`;
  }).join('; ');
}
