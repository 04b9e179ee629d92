/**
 * What becomes of a ticket: an approved answer, or a person and why. It reads the state and never writes, so that the step and
 * whoever only asks get the same answer.
 *
 *   text -> reading -> entities, the order it is about -> intent sure enough? -> answer with every slot filled -> reply
 *                                                          any doubt on the way -> a person, with what is known
 */
import { chooseAnswer, type Choice } from '../../models/support/answers-choice.js';
import { matchingOrder, type KnownOrder, type TicketFacts } from '../../models/support/slots.js';
import { termsOf, type Suggestion } from '../../models/support/retrieval.js';
import { handOverReasons, noReplyReasons, type HandOverReason, type NoReplyReason, type ReplyDecision, type Urgency } from '../../schemas/support-words.js';
import type { Masked } from '../../models/text/mask.js';
import type { Language } from '../../models/text/language.js';
import { opinionsFor } from '../canary.js';
import { findEntities, mergeEntities, type FoundEntity, type OwnNames, type ReadEntity } from './entity-rules.js';
import { replyCode } from './codes.js';
import { challengedModels, entitiesByModel, type SupportModels } from './models.js';
import { hasWords, readText, type Reading, type Starter } from './reading.js';
import type { SupportSettings } from './settings.js';
import { starterOf } from './starter.js';
import type { SupportState } from './state.js';
import { urgencyOf, withIntent, type Urgent } from './urgency.js';

/** Orders of a customer that a ticket may be about. */
const ORDERS_MOST = 8;

/** What somebody wrote. */
export interface Asked {
  customer: string;
  /** what maskText made of the text */
  masked: Masked;
  language?: Language | undefined;
  order?: string | undefined;
  item?: string | undefined;
}

export interface Decided {
  reading: Reading;
  /** of the approved answers where it is one of theirs; '' where none was read */
  intent: string;
  confidence: number;
  /** the model did not abstain, nor was it below the settings' least */
  confident: boolean;
  alternatives: readonly { intent: string; confidence: number }[];
  entities: readonly ReadEntity[];
  /** that it is taken to be about */
  order: string | undefined;
  urgency: Urgency;
  decision: ReplyDecision;
  reason: HandOverReason | NoReplyReason | undefined;
  because: string[];
  /** of a reply what is answered; of the others a draft or an acknowledgement */
  text: string | undefined;
  answer: string | undefined;
  /** tells the customer that a person takes over; it may be sent */
  acknowledgement: boolean;
}

/** Reads the rest of the state. */
export interface Decider {
  /** of the answers that are approved */
  readonly answers: string;
  /**
   * @param atMs  when it was written
   * @param none  why nobody is to be answered whatever it says, where that is so
   */
  decide(state: SupportState, models: SupportModels, asked: Asked, atMs: number, none?: NoReplyReason): Decided;
  /** What would have been decided by each challenger, or of its own customers by what it challenges: for the record alone. */
  beside(state: SupportState, models: SupportModels, asked: Asked, atMs: number, none?: NoReplyReason): Decided[];
  /** What of an answer to this text is about this customer. @param text  masked */
  facts(state: SupportState, customer: string, text: string): TicketFacts;
}

export function createDecider(settings: SupportSettings): Decider {
  // Trained when it is first needed: a shop without tickets does not wait for it.
  const starter = (): Starter => starterOf(settings.answers, settings.precision);
  return {
    answers: settings.answers.version,
    decide: (state, models, asked, atMs, none) => decide(state, settings, opinionsFor(models, challengedModels, asked.customer).deciding, starter, asked, atMs, none),
    beside: (state, models, asked, atMs, none) => opinionsFor(models, challengedModels, asked.customer).beside.map((other) => decide(state, settings, other, starter, asked, atMs, none)),
    facts(state, customer, text) {
      const orders = state.orders.of(customer, ORDERS_MOST);
      return { orders, entities: asEntities(findEntities(text, { orders: orders.map(({ order }) => order), items: itemsOf(orders, undefined) })) };
    },
  };
}

function decide(state: SupportState, settings: SupportSettings, models: SupportModels, starter: () => Starter, asked: Asked, atMs: number, none?: NoReplyReason): Decided {
  const reading = readText(asked.masked, asked.language, models, starter);
  const orders = state.orders.of(asked.customer, ORDERS_MOST);
  const entities = entitiesOf(reading, models, { orders: orders.map(({ order }) => order), items: itemsOf(orders, asked.item) });
  const isNamed = (order: string): boolean => order === asked.order || entities.some(({ kind, value }) => kind === 'order' && value === order);
  // One that is named may be old; of the others only a recent one is meant.
  const facts: TicketFacts = { order: asked.order, item: asked.item, entities: asEntities(entities), orders: orders.filter((known) => atMs - known.atMs <= settings.orderMs || isNamed(known.order)) };
  const { prediction } = reading;
  const canonical = (label: string): string => settings.answers.find(label)?.intent ?? label;
  const intent = prediction === undefined ? '' : canonical(prediction.intent);
  const ofText = urgencyOf(reading.text.slice(0, READ_FOR_URGENCY), reading.sentiment, settings.urgentWords);
  const understood = prediction === undefined ? undefined : { ...prediction, intent, language: reading.language, abstain: isStrange(reading, settings) ? 'out_of_scope' : prediction.abstain };
  const choice = understood === undefined ? undefined : chooseAnswer(settings.answers, understood, facts, settings.confidenceMin);
  const sure = choice !== undefined && !isUnsure(choice);
  const proposal = choice === undefined ? nothing : proposalOf(choice, () => remembered(state, settings, models, reading, intent, facts));
  const shared = {
    reading, intent, confident: sure, confidence: prediction?.confidence ?? 0, alternatives: (prediction?.alternatives ?? []).map((of) => ({ ...of, intent: canonical(of.intent) })), entities,
    // Nobody knows what a text is about that says neither its order nor, surely, its matter.
    order: asked.order ?? (sure || entities.some(({ kind }) => kind === 'order') ? matchingOrder(facts)?.order : undefined),
    urgency: withIntent(ofText.urgency, sure ? choice.urgency : 'normal'), text: proposal.text, answer: proposal.answer, acknowledgement: proposal.acknowledgement,
  };
  if (none !== undefined) return { ...shared, decision: 'none', reason: none, because: [`none: ${noReplyReasons[none]}`] };
  const doubt = doubtOf(state, settings, { asked, atMs, reading, ofText, choice, intent, sendable: proposal.sendable });
  if (doubt === undefined) return { ...shared, decision: 'reply', reason: undefined, because: becauseOfReply(intent, shared.confidence, proposal.answer ?? '', settings, shared.order) };
  const { reason, detail } = doubt;
  return { ...shared, decision: 'hand_over', reason, because: [`hand over: ${handOverReasons[reason]}`, ...(detail === undefined ? [] : [detail]), ...(intent === '' ? [] : [`${intent} with a probability of ${percent(shared.confidence)}`])] };
}

const asEntities = (found: readonly FoundEntity[]): TicketFacts['entities'] => found.map(({ kind, value }) => ({ kind, text: value }));

const isStrange = ({ perplexity }: Reading, { perplexityMax }: SupportSettings): boolean => perplexity !== undefined && perplexityMax > 0 && perplexity > perplexityMax;

/** What cannot wait is said at the start of a text, or near it. */
const READ_FOR_URGENCY = 4000;

function entitiesOf({ text, tokens, language }: Reading, models: SupportModels, own: OwnNames): ReadEntity[] {
  const ofRules = findEntities(text.slice(0, READ_FOR_URGENCY), own);
  const model = models.get('entities');
  return mergeEntities(ofRules, model === undefined || language === undefined ? [] : entitiesByModel(model, text, tokens), own);
}

const itemsOf = (orders: readonly KnownOrder[], item: string | undefined): string[] => [...new Set([...(item === undefined ? [] : [item]), ...orders.flatMap(({ items }) => items)])];
const isUnsure = (choice: Choice): boolean => choice.outcome === 'hand_over' && (choice.reason === 'out_of_scope' || choice.reason === 'low_confidence');

/** What could be answered. */
interface Proposal {
  text: string | undefined;
  answer: string | undefined;
  acknowledgement: boolean;
  /** may go to the customer, if nothing else speaks against it */
  sendable: boolean;
}
const nothing: Proposal = { text: undefined, answer: undefined, acknowledgement: false, sendable: false };

/** An approved answer; where none fits, or the intent is unsure, what agents answered to similar tickets. */
function proposalOf(choice: Choice, similar: () => Suggestion | undefined): Proposal {
  if (choice.outcome === 'reply') return { text: choice.text, answer: choice.answer, acknowledgement: false, sendable: true };
  if (choice.acknowledgement !== undefined) return { ...choice.acknowledgement, acknowledgement: true, sendable: false };
  const found = similar();
  // Where the intent is unsure, what a similar ticket got says more than the answer to the nearest intent; where it is none of them, that says nothing.
  if (found === undefined) return choice.draft === undefined || choice.reason === 'out_of_scope' ? nothing : { ...choice.draft, acknowledgement: false, sendable: false };
  return { text: found.text, answer: found.answer, acknowledgement: false, sendable: found.sendable && (choice.reason === 'no_answer' || choice.reason === 'open_slot') };
}

/** Suggestions that are looked through for one that may be sent. */
const SUGGESTIONS = 5;

interface SentenceReader { sentence(tokens: { text: string }[]): Float32Array }

/**
 * What a model makes of remembered terms, by the model and the very list: reading one anew takes a tenth of a millisecond, and a
 * ticket is compared with dozens. Not a part of the state: the same terms give the same vector.
 */
const sentences = new WeakMap<SentenceReader, WeakMap<readonly string[], Float32Array>>();

function sentenceOf(reader: SentenceReader, terms: readonly string[]): Float32Array {
  let known = sentences.get(reader);
  if (known === undefined) sentences.set(reader, (known = new WeakMap()));
  let vector = known.get(terms);
  if (vector === undefined) known.set(terms, (vector = reader.sentence(terms.map((text) => ({ text })))));
  return vector;
}

function remembered({ memory }: SupportState, { answers }: SupportSettings, models: SupportModels, { tokens, language }: Reading, intent: string, facts: TicketFacts): Suggestion | undefined {
  if (language === undefined) return undefined;
  const reader = models.get('intent');
  const vectorOf = reader?.sentence === undefined ? undefined : (terms: readonly string[]): Float32Array => sentenceOf(reader as Required<typeof reader>, terms);
  const found = memory.suggest({ language, terms: termsOf(tokens), intent, vectorOf }, answers.slots, facts, SUGGESTIONS);
  return found.find(({ sendable }) => sendable) ?? found.at(0);
}

interface Case {
  asked: Asked;
  atMs: number;
  reading: Reading;
  ofText: Urgent;
  choice: Choice | undefined;
  intent: string;
  sendable: boolean;
}

/** The strongest reason for a person, in the order of schemas/support-words.ts. */
function doubtOf(state: SupportState, settings: SupportSettings, { asked, atMs, reading, ofText, choice, intent, sendable }: Case): { reason: HandOverReason; detail?: string } | undefined {
  if (!hasWords(reading.text)) return { reason: 'no_text' };
  if (ofText.danger !== undefined) return { reason: 'urgent', detail: `it speaks of ${ofText.danger}` };
  if (reading.language === undefined || choice === undefined) return { reason: 'language' };
  if (choice.outcome === 'hand_over' && isUnsure(choice)) return { reason: choice.reason, detail: choice.detail };
  if (reading.sentiment < settings.sentimentMin) return { reason: 'upset', detail: `sentiment ${reading.sentiment.toFixed(2)}, a machine answers from ${settings.sentimentMin} on` };
  if (wasAnswered(state, settings, asked.customer, intent, atMs)) return { reason: 'again' };
  if (settings.automatic !== undefined && !settings.automatic.has(intent)) return { reason: 'not_automatic', detail: `"${intent}" is not among AFTERCARE_SUPPORT_REPLY_INTENTS` };
  return choice.outcome === 'reply' || sendable ? undefined : { reason: choice.reason, detail: choice.detail };
}

function wasAnswered({ tickets, intents }: SupportState, { againMs }: SupportSettings, customer: string, intent: string, atMs: number): boolean {
  const number = intents.find(intent);
  return tickets.lastOf(customer).some((n) => {
    const slot = tickets.slotOf(n);
    const { intent: of, decision, atMs: at } = tickets.columns;
    return of[slot] === number && decision[slot] === replyCode && Math.abs(atMs - at[slot]) < againMs;
  });
}

const percent = (p: number): string => `${(p * 100).toFixed(p < 0.1 || p > 0.9 ? 1 : 0)} %`;

function becauseOfReply(intent: string, confidence: number, answer: string, { answers }: SupportSettings, order: string | undefined): string[] {
  return [`reply: ${intent} with a probability of ${percent(confidence)}`, answer.startsWith('agent/') ? `${answer}: what agents answered to similar tickets` : `answer ${answer} of ${answers.version}`, ...(order === undefined ? [] : [`about order ${order}`])];
}
