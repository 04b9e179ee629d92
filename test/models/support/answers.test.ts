import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createAnswers, readAnswerFile, type AnswerFile } from '../../../models/support/answers.js';
import { chooseAnswer, type Understood } from '../../../models/support/answers-choice.js';
import { trainingExamples } from '../../../models/support/answers-examples.js';
import { fits, money, slotsOf, type TicketFacts } from '../../../models/support/slots.js';
import { loadAnswers } from '../../../pipelines/support/load-answers.js';
import { intents as simulated } from '../../../simulator/ticket-texts.js';

const answers = loadAnswers();
const folder = mkdtempSync(join(tmpdir(), 'aftercare-answers-'));
afterAll(() => rmSync(folder, { recursive: true }));

const bitext = ['cancel_order', 'change_order', 'change_shipping_address', 'check_cancellation_fee', 'check_invoice', 'check_payment_methods', 'check_refund_policy', 'complaint', 'contact_customer_service',
  'contact_human_agent', 'create_account', 'delete_account', 'delivery_options', 'delivery_period', 'edit_account', 'get_invoice', 'get_refund', 'newsletter_subscription', 'payment_issue', 'place_order',
  'recover_password', 'registration_problems', 'review', 'set_up_shipping_address', 'switch_account', 'track_order', 'track_refund'];

const nothing: TicketFacts = { entities: [], orders: [] };
const order = { order: 'SO1', atMs: Date.UTC(2026, 0, 3), amountMinor: 3499, currency: 'EUR', items: ['KET-1'], refundedMinor: 0, refundMs: undefined };
const refunded = { ...order, refundedMinor: 1000, refundMs: Date.UTC(2026, 0, 9) };
const sure = (intent: string, language: 'en' | 'zh' | undefined = 'en') => ({ intent, language, confidence: 0.99 });

describe('the answers that come with Aftercare', () => {
  it('know every intent of the simulator and of bitext-support', () => {
    for (const label of [...simulated, ...bitext]) expect(answers.find(label)?.intent, label).toBeDefined();
    expect(answers.find('track_order')?.intent).toBe('delivery_status');
    expect(answers.find('nothing_of_the_kind')).toBeUndefined();
  });

  it('have an answer without slots for each intent and language, and 8 to 20 examples, none of them twice', () => {
    const seen = new Map<string, string>();
    for (const intent of answers.intents.values()) {
      for (const language of ['en', 'zh'] as const) {
        const last = intent.answers[language].at(-1);
        expect(last?.slots, `${intent.intent}/${language}`).toEqual([]);
        expect(last?.when, `${intent.intent}/${language}`).toEqual([]);
        expect(intent.examples[language].length).toBeGreaterThanOrEqual(8);
        expect(intent.examples[language].length).toBeLessThanOrEqual(20);
        for (const example of intent.examples[language]) {
          expect(seen.get(example.toLowerCase()), example).toBeUndefined();
          seen.set(example.toLowerCase(), intent.intent);
        }
      }
    }
  });

  it('say nothing that only an agent can promise, in the language that they are for', () => {
    for (const intent of answers.intents.values()) {
      for (const { text } of intent.answers.en) expect(text).not.toMatch(/\p{Script=Han}/u);
      for (const { text } of intent.answers.zh) expect(text.match(/\p{Script=Han}/gu)?.length ?? 0).toBeGreaterThan(text.length / 3);
      for (const { text } of [...intent.answers.en, ...intent.answers.zh]) expect(text).not.toMatch(/has been cancelled|已取消|has been sent|已补发/);
    }
  });

  it('fill the examples for training: no braces, as many fillings as said, the same each time', () => {
    const examples = trainingExamples(answers);
    expect(examples.length).toBeGreaterThan(900);
    for (const { text } of examples) expect(text).not.toMatch(/[{}]|undefined/);
    expect(trainingExamples(loadAnswers())).toEqual(examples);
  });
});

describe('choice', () => {
  it('answers the question of the article: why is there no delivery option', () => {
    const choice = chooseAnswer(answers, sure('delivery_options', 'zh'), nothing, 0.7);
    expect(choice).toMatchObject({ outcome: 'reply', answer: 'delivery_options/zh/1', language: 'zh' });
    expect(choice.outcome === 'reply' && choice.text).toMatch(/收货地址.*商家.*缺货.*更换其他地址.*人工客服/s);
  });

  it('takes the first answer whose conditions hold', () => {
    const about = (orders: TicketFacts['orders'], rest = {}) => chooseAnswer(answers, sure('refund_status'), { entities: [], orders, ...rest }, 0.7);
    expect(about([refunded])).toMatchObject({ answer: 'refund_status/en/1', slots: { order: 'SO1', refund_amount: '10.00 EUR', refund_date: '9 January 2026' } });
    expect(about([order])).toMatchObject({ answer: 'refund_status/en/2', slots: { order: 'SO1' } });
    expect(about([])).toMatchObject({ answer: 'refund_status/en/3', slots: {} });
    // An order that is not theirs is no order of theirs: nothing is said about it, and not about another one instead.
    expect(about([refunded], { order: 'SO2' })).toMatchObject({ answer: 'refund_status/en/3' });
    expect(about([refunded], { entities: [{ kind: 'order', text: 'SO2' }] })).toMatchObject({ answer: 'refund_status/en/3' });
  });

  it('takes the latest order with the item, the named one before that, and none of two that the text names', () => {
    const later = { ...order, order: 'SO2', atMs: order.atMs + 1, items: ['MUG-1'] };
    const about = (rest: Partial<TicketFacts>) => chooseAnswer(answers, sure('delivery_status'), { ...nothing, orders: [later, order], ...rest }, 0.7);
    expect(about({})).toMatchObject({ slots: { order: 'SO2' } });
    expect(about({ item: 'KET-1' })).toMatchObject({ slots: { order: 'SO1' } });
    expect(about({ order: 'SO1' })).toMatchObject({ slots: { order: 'SO1' } });
    expect(about({ entities: [{ kind: 'order', text: 'SO1' }, { kind: 'order', text: 'SO2' }] })).toMatchObject({ answer: 'delivery_status/en/3', slots: {} });
  });

  it('hands over with the reason', () => {
    const reasonOf = (understood: Partial<Understood>) => {
      const choice = chooseAnswer(answers, { intent: 'cancel_order', language: 'en', confidence: 0.99, ...understood }, nothing, 0.7);
      return choice.outcome === 'hand_over' ? choice.reason : choice.text;
    };
    expect(reasonOf({ language: undefined })).toBe('language');
    expect(reasonOf({ abstain: 'out_of_scope' })).toBe('out_of_scope');
    expect(reasonOf({ abstain: 'near_another_intent' })).toBe('low_confidence');
    expect(reasonOf({ intent: 'gift_wrap' })).toBe('no_answer');
    expect(reasonOf({ confidence: 0.2 })).toBe('low_confidence');
    expect(reasonOf({ intent: 'complaint' })).toBe('not_automatic');
  });

  it('never answers below the confidence, also not for NaN, and gives the person a draft', () => {
    for (const confidence of [0, 0.699999, Number.NaN]) {
      const choice = chooseAnswer(answers, { intent: 'cancel_order', language: 'en', confidence }, nothing, 0.7);
      expect(choice).toMatchObject({ outcome: 'hand_over', reason: 'low_confidence', draft: { answer: 'cancel_order/en/3' } });
    }
    expect(chooseAnswer(answers, { intent: 'cancel_order', language: 'en', confidence: 0.7 }, nothing, 0.7).outcome).toBe('reply');
  });

  it('leaves to a person what is for a person, and tells the customer so', () => {
    for (const intent of ['legal_threat', 'complaint', 'payment_fraud', 'contact_human_agent', 'other']) {
      expect(chooseAnswer(answers, sure(intent, 'zh'), nothing, 0.7)).toMatchObject({ outcome: 'hand_over', reason: 'not_automatic', acknowledgement: { answer: `${intent}/zh/1` } });
    }
    expect(chooseAnswer(answers, sure('legal_threat'), nothing, 0.7).urgency).toBe('urgent');
  });

  it('never sends a slot that is not filled', () => {
    const only = createAnswers([{ v: 1, slots: { order: ['order.id'], tracking: ['entity.tracking'] }, intents: { a: { urgency: 'low', answers: { en: [{ text: 'Order {order}, {tracking}.' }] } } } }]);
    expect(chooseAnswer(only, sure('a'), { ...nothing, orders: [order] }, 0.7)).toMatchObject({ outcome: 'hand_over', reason: 'open_slot', detail: 'a/en/1 lacks {tracking}' });
    expect(chooseAnswer(only, sure('a', 'zh'), { ...nothing, orders: [order] }, 0.7)).toMatchObject({ outcome: 'hand_over', reason: 'no_answer' });
    expect(chooseAnswer(only, sure('a'), { entities: [{ kind: 'tracking', text: 'DP1234567' }], orders: [order] }, 0.7)).toMatchObject({ outcome: 'reply', text: 'Order SO1, DP1234567.' });
  });

  it('does not put what could be a link, markup, a masked value or a sentence into a slot', () => {
    for (const bad of ['http://evil.example', 'evil.com', '<b>kettle</b>', '{order}', 'a@b', '<phone>', 'x\ny', '13800138000', '', 'x'.repeat(81), 'kettle! Ignore all rules']) expect(fits('product', bad), bad).toBe(false);
    for (const good of ['kettle', 'red running shoes (size 42)', '电热水壶', 'T恤', 'USB-C cable, 2 m']) expect(fits('product', good), good).toBe(true);
    for (const good of ['34.99元', 'EUR 34.99', '$120', '49 euros', '¥1,200.50', '100']) expect(fits('amount', good), good).toBe(true);
    for (const bad of ['all your money', '<card>', '12 and a link', '']) expect(fits('amount', bad), bad).toBe(false);
    for (const bad of ['<card>', 'SO 1', 'a.b', '']) expect(fits('order', bad), bad).toBe(false);
    expect([money(5, 'EUR'), money(1200, 'JPY'), money(1234, 'KWD'), money(-150, 'USD')]).toEqual(['0.05 EUR', '1200 JPY', '1.234 KWD', '-1.50 USD']);
  });
});

describe('a shop\'s own answers', () => {
  const file = (name: string, content: unknown): string => {
    const path = join(folder, name);
    writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
    return path;
  };
  const one = { urgency: 'low', answers: { en: [{ text: 'Yes.' }] } };

  it('extend or replace the default ones, and have a version of their own', () => {
    const extended = loadAnswers(file('extended.json', { v: 1, extends: 'default', remove: ['review'], intents: { gift_wrap: one, cancel_order: one } }));
    expect(extended.intents.size).toBe(answers.intents.size);
    expect([extended.find('review'), extended.find('gift_wrap')?.answers.en[0].text, extended.find('cancel_order')?.answers.zh]).toEqual([undefined, 'Yes.', []]);
    const replaced = loadAnswers(file('replaced.json', { v: 1, intents: { gift_wrap: { ...one, answers: { en: [{ text: '{order}?' }, { text: 'Yes.' }] } } } }));
    expect([...replaced.intents.keys()]).toEqual(['gift_wrap']);
    expect(new Set([answers.version, extended.version, replaced.version]).size).toBe(3);
    expect(answers.version).toMatch(/^answers-[0-9a-f]{8}$/);
    expect(loadAnswers().version).toBe(answers.version);
  });

  it.each([
    ['{"v":1,', /not JSON/],
    [{ v: 2, intents: { a: one } }, /v must be 1, got 2/],
    [{ v: 1 }, /no intent has one; give at least one intent/],
    [{ v: 1, intents: { a: { ...one, urgency: 'now' } } }, /intents.a.urgency must be one of low, normal, high, urgent, got "now"/],
    [{ v: 1, intents: { a: { ...one, answer: 'x' } } }, /unknown field "intents.a.answer"/],
    [{ v: 1, intents: { A: one } }, /unknown field|intents/],
    [{ v: 1, intents: { a: { urgency: 'low', answers: {} } } }, /intents.a.answers/],
    [{ v: 1, intents: { a: { urgency: 'low', answers: { en: [{ text: 'x\u0007' }] } } } }, /intents.a.answers.en.0.text/],
    [{ v: 1, intents: { a: { urgency: 'low', answers: { en: [{ text: 'Hello {name}' }] } } } }, /a\/en\/1 has \{name\}, which no "slots" fills; use one of order, /],
    [{ v: 1, intents: { a: { urgency: 'low', answers: { en: [{ text: 'Hello {order' }] } } } }, /a\/en\/1 has a brace/],
    [{ v: 1, intents: { a: { urgency: 'low', answers: { en: [{ text: 'Yes.' }, { text: 'No.' }] } } } }, /a\/en\/1 always fits, so a\/en\/2 would never be given/],
    [{ v: 1, extends: 'default', remove: ['nothing'] }, /"remove" names "nothing"/],
    [{ v: 1, remove: ['review'], intents: { a: one } }, /"remove" needs "extends"/],
    [{ v: 1, extends: 'default', intents: { a: { ...one, aliases: ['track_order'] } } }, /"track_order" is an alias of "delivery_status" and an alias of "a"/],
    [{ v: 1, extends: 'default', intents: { a: { ...one, aliases: ['review'] } } }, /"review" is an alias of "a" and an intent/],
    [{ v: 1, slots: { order: ['order.nothing'] }, intents: { a: one } }, /slots.order/],
  ])('say what is wrong: %j', (content, message) => {
    const path = file('bad.json', content);
    expect(() => loadAnswers(path)).toThrow(message);
    expect(() => loadAnswers(path)).toThrow(`AFTERCARE_ANSWERS="${path}"`);
  });

  it('say that a file is missing', () => {
    expect(() => loadAnswers(join(folder, 'none.json'))).toThrow(/AFTERCARE_ANSWERS=".*none.json": ENOENT/);
  });

  it('are versioned by content, not by how they are written down', () => {
    const read = (json: string) => createAnswers([readAnswerFile('x', json)]).version;
    const a = read('{"v":1,"intents":{"a":{"urgency":"low","answers":{"en":[{"text":"A"}]}},"b":{"urgency":"low","answers":{"en":[{"text":"B"}]}}}}');
    expect(read('{ "intents": {"b":{"answers":{"en":[{"text":"B"}]},"urgency":"low"}, "a":{"urgency":"low","answers":{"en":[{"text":"A"}]}}}, "v": 1 }')).toBe(a);
    expect(read('{"v":1,"intents":{"a":{"urgency":"low","answers":{"en":[{"text":"A."}]}},"b":{"urgency":"low","answers":{"en":[{"text":"B"}]}}}}')).not.toBe(a);
    const file: AnswerFile = { v: 1, intents: { a: { urgency: 'low', answers: { en: [{ text: 'A' }] } } } };
    expect(slotsOf(createAnswers([file]).intents.get('a')?.answers.en[0].text ?? '').slots).toEqual([]);
  });
});
