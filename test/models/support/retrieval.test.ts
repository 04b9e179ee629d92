import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRetrieval, termsOf, type AgentAnswer, type Question, type RetrievalSettings } from '../../../models/support/retrieval.js';
import { templateOf } from '../../../models/support/retrieval-template.js';
import type { TicketFacts } from '../../../models/support/slots.js';
import { createBm25 } from '../../../models/text/bm25.js';
import { tokenise } from '../../../models/text/tokenise.js';
import { loadAnswers } from '../../../pipelines/support/load-answers.js';
import { createUniform } from '../../../models/random.js';

const table = loadAnswers().slots;
const settings: RetrievalSettings = { capacity: 100, customersMin: 3, similarityMin: 0.2 };
const order = (id: string) => ({ order: id, atMs: Date.UTC(2026, 0, 3), amountMinor: 3499, currency: 'EUR', items: [], refundedMinor: 0, refundMs: undefined });
const factsOf = (id: string): TicketFacts => ({ order: id, entities: [], orders: [order(id)] });
const words = (text: string, language: 'en' | 'zh' = 'en') => termsOf(tokenise(text, language));

const answered = (customer: string, question: string, answer: string, rest: Partial<AgentAnswer> = {}): AgentAnswer => ({
  customer, ticket: `t-${customer}`, language: 'en', intent: 'delivery_status', terms: words(question), template: templateOf(answer, 'en', factsOf(`SO-${customer}`)), ...rest,
});
const question = (text: string, rest: Partial<Question> = {}): Question => ({ language: 'en', terms: words(text), intent: 'delivery_status', ...rest });

describe('BM25 as a share', () => {
  it('is what the document of the question itself scores, and less for every other', () => {
    const random = createUniform(7);
    const bm25 = createBm25({ documentsMax: 200 });
    const textOf = () => Array.from({ length: 2 + Math.floor(random() * 9) }, () => `w${Math.floor(random() * random() * 40)}`);
    const texts = Array.from({ length: 60 }, textOf);
    texts.forEach((words, i) => bm25.add(String(i), words));
    for (const words of texts) {
      const [first] = bm25.search(words, 1);
      const own = bm25.search(words, 60).find(({ key }) => texts[Number(key)].join() === words.join());
      expect(Math.abs((own?.score ?? 0) - bm25.ofItself(words))).toBeLessThan(1e-9);
      expect(first.score).toBeGreaterThanOrEqual(own?.score ?? Infinity);
    }
    // A word that no text has stands below the line.
    expect(bm25.ofItself(['w1', 'never'])).toBeGreaterThan(bm25.ofItself(['w1']));
    expect(createBm25({ documentsMax: 1 }).ofItself(['a'])).toBe(0);
  });
});

describe('answers of agents', () => {
  const ask = 'where is my parcel, it has not moved for days';
  const sentence = (id: string) => `Customs takes 3 to 5 days; see order ${id} under My orders.`;

  it('are sent when three different customers had the same words, and filled from the ticket at hand', () => {
    const retrieval = createRetrieval(settings);
    const best = () => retrieval.suggest(question('my parcel has not moved for days, where is it'), table, factsOf('SO-new'), 3)[0];
    for (const [i, customer] of ['a1', 'a2', 'a2', 'a3'].entries()) {
      retrieval.learn(answered(customer, ask, sentence(`SO-${customer}`), { ticket: `t${i}` }));
      if (i < 3) expect(best()).toMatchObject({ sendable: false, why: 'few_customers' });
    }
    expect(best()).toMatchObject({ sendable: true, why: '', customers: 3, text: 'Customs takes 3 to 5 days; see order SO-new under My orders.', slots: { order: 'SO-new' } });
    expect(best().answer).toMatch(/^agent\/[0-9a-f]{8}$/);
    // Not to a ticket that wants something else, and not with an open slot.
    expect(retrieval.suggest(question(ask, { intent: 'cancel_order' }), table, factsOf('SO-new'), 3)[0]).toMatchObject({ sendable: false, why: 'intent' });
    expect(retrieval.suggest(question(ask), table, { entities: [], orders: [] }, 3)[0]).toMatchObject({ sendable: false, why: 'open_slot', text: 'Customs takes 3 to 5 days; see order [...] under My orders.' });
    expect(retrieval.suggest(question(ask, { language: 'zh' }), table, factsOf('SO-new'), 3)).toEqual([]);
  });

  it('with something specific are never sent, however often they were given, and tell it to nobody', () => {
    const retrieval = createRetrieval(settings);
    for (let i = 0; i < 20; i += 1) retrieval.learn(answered(`c${i}`, ask, `Dear Ms Miller, your voucher QX-7712 is worth 17.35, write to me at jo${i}@shop.example.`));
    const found = retrieval.suggest(question(ask), table, factsOf('SO-new'), 10);
    expect(found.length).toBeGreaterThan(0);
    for (const one of found) {
      expect(one).toMatchObject({ sendable: false, why: 'specific' });
      expect(one.text).not.toMatch(/Miller|7712|17\.35|jo\d/);
    }
    expect(Buffer.concat(retrieval.snapshot()).toString('utf8')).not.toMatch(/Miller|7712|17\.35|jo\d+@/);
  });

  it('are forgotten with their customer: neither answer nor count is left', () => {
    const [retrieval, without] = [createRetrieval(settings), createRetrieval(settings)];
    for (const customer of ['a1', 'a2', 'a3']) retrieval.learn(answered(customer, ask, sentence(`SO-${customer}`)));
    retrieval.learn(answered('a2', 'cancel it please', 'It is done, thank you.', { ticket: 'other', intent: 'cancel_order' }));
    retrieval.forget('a2');
    retrieval.forget('nobody');
    expect(retrieval.stats()).toEqual({ held: 2, templates: 1 });
    expect(retrieval.suggest(question(ask), table, factsOf('SO-new'), 3)).toMatchObject([{ customers: 2, sendable: false }]);
    expect(retrieval.suggest(question('cancel it please', { intent: 'cancel_order' }), table, factsOf('SO-new'), 3).map(({ text }) => text)).not.toContain('It is done, thank you.');
    expect(Buffer.concat(retrieval.snapshot()).toString('utf8')).not.toContain('a2');
    for (const customer of ['a1', 'a3']) without.learn(answered(customer, ask, sentence(`SO-${customer}`)));
    expect(without.suggest(question(ask), table, factsOf('SO-new'), 3)).toEqual(retrieval.suggest(question(ask), table, factsOf('SO-new'), 3));
  });

  it('of one ticket count once: the last one holds', () => {
    const retrieval = createRetrieval(settings);
    retrieval.learn(answered('a1', ask, 'It will come soon.'));
    retrieval.learn(answered('a1', ask, 'It was lost, we are sorry.'));
    expect(retrieval.suggest(question(ask), table, factsOf('SO-new'), 3).map(({ text }) => text)).toEqual(['It was lost, we are sorry.']);
    retrieval.learn(answered('a1', ask, ''));
    expect(retrieval.stats()).toEqual({ held: 0, templates: 0 });
  });

  it('make room for later ones, the first first', () => {
    const retrieval = createRetrieval({ ...settings, capacity: 3 });
    for (let i = 0; i < 5; i += 1) retrieval.learn(answered(`c${i}`, ask, `It will come ${'very '.repeat(i)}soon.`));
    expect(retrieval.stats().held).toBe(3);
    expect(retrieval.suggest(question(ask), table, factsOf('x'), 9).map(({ text }) => text)).toEqual([4, 3, 2].map((i) => `It will come ${'very '.repeat(i)}soon.`));
  });

  it('are the same after a restart in the middle, byte for byte', () => {
    const random = createUniform(11);
    const texts = ['It will come soon.', 'It was lost, we are sorry.', 'Please wait some days.', '包裹在路上,请耐心等待。'];
    const moves = Array.from({ length: 300 }, () => ({ customer: `c${Math.floor(random() * 40)}`, ticket: `t${Math.floor(random() * 60)}`, text: Math.floor(random() * 4), forget: random() < 0.05 }));
    const play = (retrieval: ReturnType<typeof createRetrieval>, from: number, to: number): void => {
      for (const { customer, ticket, text, forget } of moves.slice(from, to)) {
        if (forget) retrieval.forget(customer);
        else retrieval.learn(answered(customer, `${ask} ${ticket}`, texts[text], { ticket, language: text === 3 ? 'zh' : 'en', template: templateOf(texts[text], text === 3 ? 'zh' : 'en', factsOf('x')) }));
      }
    };
    const small = { ...settings, capacity: 30 };
    const whole = createRetrieval(small);
    play(whole, 0, moves.length);
    for (const cut of [0, 1, 77, 150, 299]) {
      const first = createRetrieval(small);
      play(first, 0, cut);
      const second = createRetrieval(small, first.snapshot());
      expect(second.hash()).toBe(first.hash());
      play(second, cut, moves.length);
      expect(second.hash()).toBe(whole.hash());
      expect(Buffer.concat(second.snapshot()).equals(Buffer.concat(whole.snapshot()))).toBe(true);
      expect(second.suggest(question(ask), table, factsOf('x'), 9)).toEqual(whole.suggest(question(ask), table, factsOf('x'), 9));
    }
    expect(() => createRetrieval({ ...settings, capacity: 31 }, whole.snapshot())).toThrow(/capacity 30, but the setting is 31/);
    const damaged = whole.snapshot().map((chunk) => chunk.slice());
    damaged[1][3] ^= 1;
    expect(() => createRetrieval(small, damaged)).toThrow(/checksum differs/);
  });

  it('are ranked by the sentences too, where a model is live', () => {
    const retrieval = createRetrieval({ ...settings, similarityMin: 0 });
    retrieval.learn(answered('a1', 'parcel parcel late late', 'First answer.'));
    retrieval.learn(answered('a2', 'parcel which is late somewhere', 'Second answer.'));
    const vectorOf = (terms: readonly string[]) => Float32Array.of(terms.includes('somewhere') || terms.includes('mine') ? 1 : 0, terms.includes('somewhere') || terms.includes('mine') ? 0 : 1);
    const texts = (rest: Partial<Question>) => retrieval.suggest(question('parcel late mine', rest), table, factsOf('x'), 9).map(({ text }) => text);
    expect(texts({})).toEqual(['First answer.', 'Second answer.']);
    expect(texts({ vectorOf })[0]).toBe('Second answer.');
  });

  /** Whatever an agent writes about one customer: nothing with a digit or an @ that only they have comes out for another. */
  it('never bring a value of one customer to another', () => {
    const value = fc.oneof(
      fc.stringMatching(/^[A-Z]{2}-[0-9]{5,9}$/), fc.stringMatching(/^[0-9]{6,16}$/), fc.stringMatching(/^[a-z]{3,8}[0-9]{1,3}@[a-z]{3,8}\.(com|cn)$/), fc.stringMatching(/^\+44 7700 900[0-9]{3}$/),
      fc.stringMatching(/^[1-9][0-9]{1,5}\.[0-9]{2}$/), fc.stringMatching(/^20[0-9]{2}-0[1-9]-1[0-9]$/), fc.stringMatching(/^https:\/\/[a-z]{4,8}\.com\/[a-z0-9]{4,9}$/),
    );
    const filler = fc.constantFrom('Your order', '您的订单', 'it is', '已经', 'please see', 'thank you,', '(', ')', '、', '"', ':', '请联系', 'refund of', '。', '.');
    fc.assert(fc.property(fc.array(fc.tuple(filler, value), { minLength: 1, maxLength: 6 }), fc.boolean(), (parts, known) => {
      const retrieval = createRetrieval({ ...settings, customersMin: 1, similarityMin: 0 });
      const own: TicketFacts = { order: parts[0][1], entities: known ? parts.map(([, text]) => ({ kind: 'amount' as const, text })) : [], orders: [{ ...order(parts[0][1]), amountMinor: 99_887_766 }] };
      const answer = parts.map((part) => part.join(' ')).join(' ');
      for (const language of ['en', 'zh'] as const) retrieval.learn({ customer: 'first', ticket: language, language, intent: 'a', terms: ['where'], template: templateOf(answer, language, own) });
      for (const language of ['en', 'zh'] as const) {
        for (const { text } of retrieval.suggest({ language, terms: ['where'], intent: 'a' }, table, factsOf('SO-other'), 9)) {
          for (const [, secret] of parts) expect(text.includes(secret), `${answer} -> ${text}`).toBe(false);
        }
      }
    }), { numRuns: 300, seed: 5 });
  });
});
