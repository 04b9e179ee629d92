/**
 * What agents answered to earlier tickets, for the next one that asks the same.
 *
 * Held are the words of the question and the answer as a template (retrieval-template.ts): what was about the one customer is a
 * slot, or gone. An answer may be sent by itself only if nothing had to go, if as many different customers as the setting says
 * were answered in the very same words, and if its slots are filled from the ticket at hand; every other one is for a person to
 * read. At most `capacity` are held: the one that came first makes room.
 *
 *   snapshot   next number (JSON) | one JSON line an answer, in the order of their numbers
 */
import { createHash } from 'node:crypto';
import { kept, unpack, type Format } from '../snapshot.js';
import { createBm25, type Bm25 } from '../text/bm25.js';
import type { Token } from '../text/tokenise.js';
import type { AnswerLanguage } from './answers.js';
import { fillSlots, slotsOf, slotValues, type SlotName, type SlotTable, type TicketFacts } from './slots.js';
import { gap, type AnswerTemplate } from './retrieval-template.js';

export interface RetrievalSettings {
  /** Answers held, about 1 kB each. */
  capacity: number;
  /** Different customers who must have had the very same answer before it may go out by itself. */
  customersMin: number;
  /** Similarity of the questions below which an answer is not even shown, 0 to 1. */
  similarityMin: number;
}

export interface AgentAnswer {
  customer: string;
  ticket: string;
  language: AnswerLanguage;
  /** the true intent, as the label says */
  intent: string;
  /** of the question, see termsOf */
  terms: readonly string[];
  template: AnswerTemplate;
}

export interface Question {
  language: AnswerLanguage;
  terms: readonly string[];
  /** what the ticket is taken to want; an answer to another intent is never sent */
  intent: string;
  /** Sentence vectors of the live model, where there is one: cosine joins BM25. The same terms give the same vector. */
  vectorOf?: ((terms: readonly string[], language: AnswerLanguage) => Float32Array) | undefined;
}

export interface Suggestion {
  /** `agent/` and the start of the hash of the template: tells nobody who had it */
  answer: string;
  /** slots filled, a gap where one is not, or where something had to go */
  text: string;
  intent: string;
  /** 0 to 1 */
  similarity: number;
  /** that were answered in these words */
  customers: number;
  /** May go to the customer as it is; `why` says why not. */
  sendable: boolean;
  why: '' | 'intent' | 'specific' | 'few_customers' | 'open_slot';
  slots: Partial<Record<SlotName, string>>;
}

export interface Retrieval {
  /** A second answer to the same ticket replaces the first. */
  learn(answer: AgentAnswer): void;
  /** The best first, each template once. Never writes. */
  suggest(question: Question, table: SlotTable, facts: TicketFacts, most: number): Suggestion[];
  /** Everything from this customer's tickets. */
  forget(customer: string): void;
  stats(): { held: number; templates: number };
  snapshot(): Uint8Array[];
  hash(): string;
}

/** Terms of a question that are kept: what somebody wants is said at the start. */
const TERMS_MAX = 64;
/** Of the best by BM25 so many are compared by their vectors: an LSTM reads a sentence in a tenth of a millisecond. */
const COMPARED = 16;
/** So many are found first, as the same short question comes often. */
const SOUGHT = 64;
const format: Format = { name: 'retrieval', magic: 'AFRE', version: 1 };

/** The words that tell questions apart: no numbers, names of placeholders or marks. */
export const termsOf = (tokens: readonly Pick<Token, 'text'>[]): string[] =>
  tokens.map(({ text }) => text).filter((text) => /^[\p{L}\p{M}'’-]+$/u.test(text)).slice(0, TERMS_MAX);

interface Entry extends AgentAnswer {
  n: number;
  /** language and template: those with the same words have the same */
  key: string;
  bytes: Uint8Array;
}

/**
 * @param chunks  a snapshot, made with the same capacity
 * @throws RangeError when they are not a whole snapshot of this version
 */
export function createRetrieval(settings: RetrievalSettings, chunks?: Uint8Array[]): Retrieval {
  const { capacity } = settings;
  // In the order of their numbers, as a Map keeps the order of insertion.
  const entries = new Map<number, Entry>();
  const index = { en: createBm25({ documentsMax: capacity }), zh: createBm25({ documentsMax: capacity }) };
  const ofCustomer = new Map<string, Set<number>>();
  const ofTicket = new Map<string, number>();
  /** customers of each template, with how often */
  const ofTemplate = new Map<string, Map<string, number>>();
  let next = 0;

  function insert(entry: Entry): void {
    const { n, customer, ticket, language, terms, key } = entry;
    entries.set(n, entry);
    index[language].add(String(n), terms);
    let own = ofCustomer.get(customer);
    if (own === undefined) ofCustomer.set(customer, (own = new Set()));
    own.add(n);
    ofTicket.set(ticketKey(customer, ticket), n);
    let customers = ofTemplate.get(key);
    if (customers === undefined) ofTemplate.set(key, (customers = new Map<string, number>()));
    customers.set(customer, (customers.get(customer) ?? 0) + 1);
  }

  function drop(n: number): void {
    const entry = entries.get(n);
    if (entry === undefined) return;
    const { customer, ticket, language, key } = entry;
    entries.delete(n);
    index[language].remove(String(n));
    const own = ofCustomer.get(customer);
    own?.delete(n);
    if (own?.size === 0) ofCustomer.delete(customer);
    ofTicket.delete(ticketKey(customer, ticket));
    const customers = ofTemplate.get(key);
    const left = (customers?.get(customer) ?? 1) - 1;
    if (left > 0) customers?.set(customer, left);
    else customers?.delete(customer);
    if (customers?.size === 0) ofTemplate.delete(key);
  }

  if (chunks !== undefined) next = load(chunks, capacity, insert);

  function sections(): Uint8Array[] {
    return [Buffer.from(JSON.stringify({ next })), Buffer.concat([...entries.values()].map(({ bytes }) => bytes))];
  }

  return {
    learn(answer) {
      const before = ofTicket.get(ticketKey(answer.customer, answer.ticket));
      if (before !== undefined) drop(before);
      if (answer.template.text === '' || answer.terms.length === 0) return;
      if (entries.size >= capacity) for (const oldest of entries.keys()) { drop(oldest); break; }
      insert(entryOf(next, answer));
      next += 1;
    },
    suggest(question, table, facts, most) {
      const values = slotValues(table, facts, question.language);
      const found = new Map<string, Suggestion>();
      for (const { n, similarity } of ranked(nearest(index[question.language], question.terms), question, entries)) {
        const entry = entries.get(n) as Entry;
        if (!(similarity >= settings.similarityMin) || found.has(entry.key)) continue;
        found.set(entry.key, suggestionOf(entry, similarity, ofTemplate.get(entry.key)?.size ?? 0, question.intent, values, settings));
      }
      return [...found.values()].slice(0, most);
    },
    forget(customer) {
      for (const n of [...(ofCustomer.get(customer) ?? [])]) drop(n);
    },
    stats: () => ({ held: entries.size, templates: ofTemplate.size }),
    ...kept({ capacity }, sections, format),
  };
}

const ticketKey = (customer: string, ticket: string): string => `${customer}\n${ticket}`;

function entryOf(n: number, { customer, ticket, language, intent, terms, template }: AgentAnswer): Entry {
  const kept = { customer, ticket, language, intent, terms: terms.slice(0, TERMS_MAX), template: { text: template.text, specific: [...template.specific] } };
  // Bytes once, so that a snapshot of thousands takes no time.
  return { ...kept, n, key: `${language}\n${template.text}`, bytes: Buffer.from(`${JSON.stringify({ n, ...kept })}\n`) };
}

interface Near {
  n: number;
  /** 0 to 1: the score as a share of what the question itself would have */
  similarity: number;
}

/** Of answers to the same question the newest: that is how it is done now. */
const better = (a: Near, b: Near): number => b.similarity - a.similarity || b.n - a.n;

function nearest(index: Bm25, terms: readonly string[]): Near[] {
  const most = index.ofItself(terms);
  const near = index.search(terms, SOUGHT).map(({ key, score }): Near => ({ n: Number(key), similarity: Math.min(1, score / most) }));
  return near.sort(better).slice(0, COMPARED);
}

/** By BM25, or by the mean of it and the cosine of the sentences where there is a model. */
function ranked(near: Near[], { terms, language, vectorOf }: Question, entries: ReadonlyMap<number, Entry>): Near[] {
  if (vectorOf === undefined || near.length === 0) return near;
  const own = vectorOf(terms, language);
  const both = near.map(({ n, similarity }) => ({ n, similarity: (similarity + Math.max(0, cosine(own, vectorOf((entries.get(n) as Entry).terms, language)))) / 2 }));
  return both.sort(better);
}

/** 0 where one of them is nothing. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i += 1) {
    dot += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  return aa === 0 || bb === 0 ? 0 : dot / Math.sqrt(aa * bb);
}

function suggestionOf(entry: Entry, similarity: number, customers: number, intent: string, values: Partial<Record<SlotName, string>>, { customersMin }: RetrievalSettings): Suggestion {
  const { text, specific } = entry.template;
  const slots = slotsOf(text).slots as SlotName[];
  const filled = fillSlots(text, values);
  const why = entry.intent !== intent ? 'intent' : specific.length > 0 ? 'specific' : customers < customersMin ? 'few_customers' : filled === undefined ? 'open_slot' : '';
  return {
    answer: `agent/${createHash('sha256').update(entry.key).digest('hex').slice(0, 8)}`,
    text: filled ?? fillSlots(text, Object.fromEntries(slots.map((slot) => [slot, values[slot] ?? gap]))) as string,
    intent: entry.intent, similarity, customers, sendable: why === '', why,
    slots: Object.fromEntries(slots.filter((slot) => values[slot] !== undefined).map((slot) => [slot, values[slot]])),
  };
}

function load(chunks: Uint8Array[], capacity: number, insert: (entry: Entry) => void): number {
  const { next } = unpack(chunks, { capacity }, format);
  const part = (): string => Buffer.from(next((bytes) => new Uint8Array(bytes))).toString('utf8');
  const head = JSON.parse(part()) as { next: number };
  for (const line of part().split('\n')) {
    if (line === '') continue;
    const { n, ...answer } = JSON.parse(line) as AgentAnswer & { n: number };
    insert(entryOf(n, answer));
  }
  return head.next;
}
