/** The words that support decides with; tables, messages and services explain them with the same sentences. */

export const replyDecisions = {
  reply: 'the customer is answered',
  hand_over: 'a person gets it',
  none: 'nobody needs to do anything',
} as const;
export type ReplyDecision = keyof typeof replyDecisions;

/** Why a person gets a ticket, the strongest first: the first one that holds is told. */
export const handOverReasons = {
  no_text: 'the text has no words',
  language: 'neither English nor Chinese',
  urgent: 'it says something that cannot wait, or must not be answered by a machine',
  out_of_scope: 'it seems to be about none of the intents',
  low_confidence: 'the intent is not sure enough',
  upset: 'the customer is too angry for a machine\'s answer',
  again: 'the customer was answered about the same a short while ago, and writes again',
  not_automatic: 'a person answers this intent, by the settings or by the approved answers',
  no_answer: 'there is no approved answer to it in this language',
  open_slot: 'the answer needs something that neither the text nor the customer\'s orders tell',
} as const;
export type HandOverReason = keyof typeof handOverReasons;

/** Why nothing happens at all. */
export const noReplyReasons = {
  history: 'it arrived long after it was written, as in an import',
  repeated: 'the same text came before under the same ticket',
  answered: 'its final answer had arrived before it did',
} as const;
export type NoReplyReason = keyof typeof noReplyReasons;

export const urgencies = {
  low: 'thanks, or a question without haste',
  normal: 'as every ticket',
  high: 'haste, strong anger, or a deadline',
  urgent: 'danger to people, fraud, or the law',
} as const;
export type Urgency = keyof typeof urgencies;

/** What a text may name; answers are filled with it. */
export const entityKinds = ['order', 'product', 'amount', 'date', 'tracking'] as const;
export type EntityKind = (typeof entityKinds)[number];

/** Who found an entity. */
export const entityFinders = {
  own: 'it is one of the customer\'s own orders or items, or that of the ticket',
  model: 'the promoted model',
  rule: 'a rule',
} as const;
export type EntityFinder = keyof typeof entityFinders;

/** What became of the entities that a label brings. */
export const entityOutcomes = {
  right: 'the ticket was read so',
  wrong: 'it was read otherwise',
  repeated: 'the same were known',
  contradicted: 'others were known, and these count from here on',
  not_found: 'one of them does not stand in the ticket, so none is taken',
  overlapping: 'two of them stand in the same place, so none is taken',
  unknown: 'no such ticket is held',
} as const;
export type EntityOutcome = keyof typeof entityOutcomes;
