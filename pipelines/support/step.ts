/**
 * The support step: each ticket is read and either answered or handed to a person; labels that come later tell how well.
 *
 *   ticket             read, decided, emitted, and kept for its label. What arrives long after it was written, came before, or
 *                      has its final answer already, is read and kept, and nobody is answered
 *   label of a ticket  says what it was about, and perhaps what it names: the scorecard counts it, and its row is what the next
 *                      models are trained on. An agent's answer is remembered for similar tickets
 *   purchase, refund   the customer's orders: what a ticket is about, and what answers are filled with
 *   time               a day that is over has its metrics
 *   control forget     takes out the customer's orders, texts and the answers that they had
 *
 * Clicks, most of all events, pass without a look.
 */
import { termsOf } from '../../models/support/retrieval.js';
import { templateOf } from '../../models/support/retrieval-template.js';
import { tokenise } from '../../models/text/tokenise.js';
import type { Label, Ticket } from '../../schemas/events.js';
import type { NoReplyReason } from '../../schemas/support-words.js';
import type { Emit, StoredEvent } from '../step.js';
import { decisionCode, decisionOf, languageCode, languageOf, reasonCode, reasonOf } from './codes.js';
import type { TicketDecision, TicketLabel } from './decision.js';
import type { Decided } from './decide.js';
import { judgeEntities } from './entity-labels.js';
import { measureDay } from './measured.js';
import type { SupportModels } from './models.js';
import { maskText } from './personal.js';
import { contentOf } from './reading.js';
import type { SupportSettings } from './settings.js';
import { emptySupport, hashOfSupport, restoreSupport, snapshotOfSupport, type SupportState } from './state.js';
import { CONFIDENT } from './tickets.js';

const dayMs = 86_400_000;

/** Like a `Step`, beside the models that are live. */
export interface SupportStep {
  empty(): SupportState;
  /**
   * @param atMs  the event's time, no later than it was received
   * @returns of a ticket the intent that was read with confidence, for the signals
   */
  step(state: SupportState, models: SupportModels, stored: StoredEvent, atMs: number, emit: Emit): string | undefined;
  snapshot(state: SupportState): Uint8Array[];
  /** @throws RangeError when they are not a whole snapshot of this version made with these settings */
  restore(chunks: Uint8Array[]): SupportState;
  hash(state: SupportState): string;
}

export function supportStep(settings: SupportSettings): SupportStep {
  return {
    empty: () => emptySupport(settings),
    step(state, models, stored, atMs, emit) {
      const { event, position } = stored;
      switch (event.type) {
        case 'click':
          return undefined;
        case 'purchase':
          state.orders.bought(event, atMs);
          return undefined;
        case 'refund':
          state.orders.sentBack(event, atMs);
          return undefined;
        case 'ticket': {
          moveClock(state, atMs, position, emit);
          return read(state, settings, models, { event, seq: position, atMs, old: stored.receivedMs - atMs > settings.freshMs }, emit);
        }
        case 'label':
          moveClock(state, atMs, position, emit);
          if (event.of === 'ticket') emit({ table: 'ticket_labels', value: judge(state, settings, event, position, atMs) });
          return undefined;
        case 'control':
          if (event.command !== 'forget') return undefined;
          state.orders.forget(event.customer);
          state.tickets.forget(event.customer);
          state.memory.forget(event.customer);
          return undefined;
      }
    },
    snapshot: snapshotOfSupport,
    restore: (chunks) => restoreSupport(chunks, settings),
    hash: hashOfSupport,
  };
}

/** Only what the scorecard counts moves it: the metrics of a day come with the first ticket or label of the next. */
function moveClock(state: SupportState, atMs: number, seq: number, emit: Emit): void {
  if (atMs <= state.clockMs) return;
  const [before, day] = [Math.floor(state.clockMs / dayMs), Math.floor(atMs / dayMs)];
  state.clockMs = atMs;
  if (day > before) measureDay(state, before, seq, emit);
}

interface Arrived {
  event: Ticket;
  seq: number;
  atMs: number;
  old: boolean;
}

function read(state: SupportState, settings: SupportSettings, models: SupportModels, { event, seq, atMs, old }: Arrived, emit: Emit): string | undefined {
  const { customer, ticket } = event;
  const { tickets, scorecard } = state;
  const masked = maskText(event.text);
  const repeated = tickets.isHeld(customer, ticket, masked.text);
  const none: NoReplyReason | undefined = repeated ? 'repeated' : old ? 'history' : tickets.isEarly(customer, ticket) ? 'answered' : undefined;
  const asked = { ...event, masked };
  const decided = state.decider.decide(state, models, asked, atMs, none);
  const beside = state.decider.beside(state, models, asked, atMs, none);
  emit({ table: 'tickets', value: { ...rowOf(decided, event, seq, atMs, settings), ...shadowOf(beside) } });
  const { reading, intent, confident, confidence, decision, reason } = decided;
  const sure = confident ? intent : undefined;
  if (repeated) return sure;
  const version = state.versions.numberOf(reading.model);
  if (decision !== 'none') scorecard.decision(version, { replied: decision === 'reply', confident, outOfScope: reading.prediction?.abstain === 'out_of_scope' });
  tickets.push({
    customer, ticket, atMs, seq, text: reading.text, confidence, intent: state.intents.numberOf(intent), version, entityVersion: state.versions.numberOf(reading.entityModel), entities: decided.entities,
    language: languageCode(reading.language), decision: decisionCode(decision), reason: reasonCode(reason), flags: confident ? CONFIDENT : 0,
  });
  return sure;
}

/** The first label of a ticket is the one that counts. */
function judge(state: SupportState, settings: SupportSettings, { customer, ref, verdict, answer, entities }: Label, seq: number, atMs: number): TicketLabel {
  const { tickets, intents, versions, scorecard } = state;
  const truth = settings.answers.find(verdict)?.intent ?? verdict;
  const row: TicketLabel = { seq, atMs, customer, ticket: ref, intent: verdict, truth, answer: answer === undefined ? '' : maskText(answer).text, outcome: 'unknown', remembered: false };
  const n = tickets.ofTicket(customer, ref);
  if (entities !== undefined) row.entities = judgeEntities(state, n, entities);
  if (n === undefined) {
    tickets.early(customer, ref);
    return row;
  }
  const slot = tickets.slotOf(n);
  const { columns } = tickets;
  const predicted = intents.nameOf(columns.intent[slot]);
  const before = columns.verdict[slot];
  const of = intents.numberOf(truth);
  row.outcome = before === of ? 'repeated' : predicted === truth ? 'right' : 'wrong';
  row.decided = {
    seq: columns.seq[slot], atMs: columns.atMs[slot], language: languageOf(columns.language[slot]), intent: predicted, confidence: columns.confidence[slot],
    decision: decisionOf(columns.decision[slot]), reason: reasonOf(columns.reason[slot]), model: versions.nameOf(columns.version[slot]),
  };
  if (before === 0) scorecard.label(columns.version[slot], { intent: truth, predicted, confidence: columns.confidence[slot], confident: (columns.flags[slot] & CONFIDENT) !== 0 });
  tickets.setVerdict(n, of);
  if (answer !== undefined) row.remembered = remember(state, n, { customer, ticket: ref, intent: truth, answer });
  return row;
}

/** @returns whether similar tickets may get it from here on, by themselves or as a draft */
function remember(state: SupportState, n: number, { customer, ticket, intent, answer }: { customer: string; ticket: string; intent: string; answer: string }): boolean {
  const { tickets, memory } = state;
  const language = languageOf(tickets.columns.language[tickets.slotOf(n)]);
  const text = tickets.textOf(n);
  if (language === '' || text === '') return false;
  const terms = termsOf(tokenise(text, language));
  const template = templateOf(answer, language, state.decider.facts(state, customer, text));
  memory.learn({ customer, ticket, language, intent, terms, template });
  return template.text !== '' && terms.length > 0;
}

type Shadow = Required<Pick<TicketDecision, 'shadow' | 'shadowIntents' | 'shadowConfidences' | 'shadowDecisions' | 'shadowEntities'>>;

/** What is compared; nobody acts on it. */
const shadowOf = (beside: readonly Decided[]): Shadow => ({
  shadow: beside.map(({ reading }) => reading.models), shadowIntents: beside.map(({ intent }) => intent), shadowConfidences: beside.map(({ confidence }) => confidence),
  shadowDecisions: beside.map(({ decision }) => decision), shadowEntities: beside.map(({ entities }) => entities.map(({ kind, start, end }) => `${kind} ${start}-${end}`).join(' ')),
});

function rowOf(decided: Decided, { customer, ticket, item }: Ticket, seq: number, atMs: number, { answers }: SupportSettings): Omit<TicketDecision, keyof Shadow> {
  const { reading, intent, confidence, alternatives, entities, order, urgency, decision, reason, because, text, answer, acknowledgement } = decided;
  return {
    seq, atMs, customer, ticket, order: order ?? '', item: item ?? '', language: reading.language ?? '', text: reading.text, personal: reading.personal, ...contentOf(reading),
    entityKinds: entities.map(({ kind }) => kind), entityValues: entities.map(({ value }) => value), entityStarts: entities.map(({ start }) => start), entityEnds: entities.map(({ end }) => end), entityBy: entities.map(({ by }) => by),
    sentiment: reading.sentiment, intent, confidence, alternatives: alternatives.map((of) => of.intent), alternativeConfidences: alternatives.map((of) => of.confidence),
    outOfScope: reading.prediction?.outOfScope ?? 0, perplexity: reading.perplexity ?? 0, urgency, decision, reason: reason ?? '', because, reply: text ?? '', answer: answer ?? '', answers: text === undefined ? '' : answers.version,
    model: reading.models, acknowledgement,
  };
}
