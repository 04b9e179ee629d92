import { describe, expect, it } from 'vitest';
import { templateOf } from '../../../models/support/retrieval-template.js';
import { fillSlots, slotValues, type TicketFacts } from '../../../models/support/slots.js';
import { loadAnswers } from '../../../pipelines/support/load-answers.js';
import { textsOf } from '../../../simulator/ticket-texts.js';

const order = { order: 'SO-7731', atMs: Date.UTC(2026, 0, 3), amountMinor: 123_499, currency: 'EUR', items: ['KET-1'], refundedMinor: 12_000, refundMs: Date.UTC(2026, 0, 9) };
const facts: TicketFacts = {
  order: 'SO-7731', item: 'KET-1', orders: [order, { ...order, order: 'SO-7700', atMs: 0, refundMs: undefined }],
  entities: [{ kind: 'product', text: 'blue kettle' }, { kind: 'tracking', text: 'DP88120034' }, { kind: 'amount', text: '45,50 €' }],
};

describe('an agent\'s answer as a template', () => {
  it.each([
    ['See order SO-7731 under My orders.', 'See order {order} under My orders.'],
    ['your order so-7731, tracking dp88120034, is late', 'your order {order}, tracking {tracking}, is late'],
    ['The total is 1234.99 EUR.', 'The total is {order_amount}.'],
    ['The total is €1,234.99, thanks.', 'The total is {order_amount}, thanks.'],
    ['The total is 1.234,99 euros for the Blue Kettle.', 'The total is {order_amount} for the {product}.'],
    ['120 EUR went back on 9 January 2026.', '{refund_amount} went back on {refund_date}.'],
    ['$120.00 went back on 2026-01-09, you asked for 45.50.', '{refund_amount} went back on {refund_date}, you asked for {amount}.'],
    ['It takes 1-10 working days, at most 2 weeks.', 'It takes 1-10 working days, at most 2 weeks.'],
  ])('en: %s', (answer, text) => {
    expect(templateOf(answer, 'en', facts)).toEqual({ text, specific: [] });
  });

  it.each([
    ['您的订单SO-7731正在配送中，预计两天内送达。', '您的订单{order}正在配送中，预计两天内送达。'],
    ['1234.99元已经退回,一般1-10个工作日到账', '{order_amount}已经退回，一般1-10个工作日到账'],
    ['您可以在订单页查看SO-7731,一般1-10个工作日到账。', '您可以在订单页查看{order}，一般1-10个工作日到账。'],
    ['您1月3日下的订单SO-7731已退款¥120', '您{date}下的订单{order}已退款{refund_amount}'],
  ])('zh: %s', (answer, text) => {
    expect(templateOf(answer, 'zh', { ...facts, entities: [] })).toEqual({ text, specific: answer.startsWith('您可以') ? [] : ['act'] });
  });

  it('leaves a gap where something is that no slot is for, and says why', () => {
    const cases: [string, 'en' | 'zh', string][] = [
      ['Your other order SO-7700 is late.', 'en', 'number'],
      ['Order SO-77311 is late.', 'en', 'number'],
      ['It costs 1234.98 in all.', 'en', 'number'],
      ['Write to ann@shop.example please.', 'en', 'personal'],
      ['Please see https://shop.example/r?token=abc now.', 'en', 'link'],
      ['Please see shop-returns.com now.', 'en', 'link'],
      ['Dear Ms Miller, it is on its way.', 'en', 'name'],
      ['Hi Anna, it is on its way.', 'en', 'name'],
      ['hello anna, it is on its way.', 'en', 'name'],
      ['It was signed for by Kowalczyk, your neighbour.', 'en', 'name'],
      ['The code is four two seven one nine.', 'en', 'number'],
      ['The {order} is on its way.', 'en', 'brace'],
      ['Ihre Bestellung wurde gestern an den Nachbarn übergeben.', 'en', 'language'],
      ['包裹已由王女士签收。', 'zh', 'name'],
      ['快递员张师傅会联系您。', 'zh', 'name'],
      ['验证码是八八三一二。', 'zh', 'number'],
      ['您的手机号13800138000已经登记。', 'zh', 'personal'],
      ['请拨打电话010-62345678联系。', 'zh', 'personal'],
      ['Your order is cancelled, we refunded it.', 'en', 'act'],
      ['A new one has been sent.', 'en', 'act'],
      ['We will send you a new one.', 'en', 'act'],
      ['It is on its way to you.', 'en', 'act'],
      ['订单已经取消。', 'zh', 'act'],
      ['我们会尽快给您补发。', 'zh', 'act'],
      ['包裹正在配送中,预计两天内送达。', 'zh', 'act'],
      [`Thank you. ${'It is on its way. '.repeat(100)}`, 'en', 'long'],
    ];
    for (const [answer, language, reason] of cases) {
      const { text, specific } = templateOf(answer, language, facts);
      expect(specific, answer).toContain(reason);
      expect(text).not.toMatch(/SO-7700|77311|1234\.98|ann@|token|shop-returns|Miller|nna|Kowalczyk|four two|王女士|张师傅|八八|138|6234/);
    }
  });

  it('gives back nothing of a customer that any answer holds, however it is put together', () => {
    const secrets = ['SO-991234', '4111 1111 1111 1111', 'li.wei@example.com', '13800138111', '+44 7700 900123', 'Miss Beaumont', '110101199003074290', '17 Elm Street', '2025-03-14', '9931.17', 'XK7-PLM-22', 'http://t.example/a8f', '李伟先生', '北京市朝阳区建国路88号'];
    const frames: [string, 'en' | 'zh'][] = [
      ['We have looked at it: %s is what we found, and it will be settled soon.', 'en'], ['%s, thank you for your patience with us.', 'en'], ['(%s)', 'en'], ['Please note\n%s\nand wait for our message.', 'en'], ['It says "%s"; please check that.', 'en'],
      ['您好，%s已经为您登记，请您耐心等待。', 'zh'], ['%s', 'zh'], ['已核实【%s】，稍后回复您。', 'zh'],
    ];
    for (const secret of secrets) {
      for (const [frame, language] of frames) {
        const { text, specific } = templateOf(frame.replace('%s', secret), language, facts);
        expect(specific.length, `${frame} ${secret}`).toBeGreaterThan(0);
        // No piece of it of four characters that are not words.
        for (const piece of secret.match(/[\p{L}\d.@-]*[\d@][\p{L}\d.@-]*|Beaumont|李伟|建国路/gu) ?? []) expect(text, `${frame} ${secret}`).not.toContain(piece);
      }
    }
  });

  it('makes slots of every answer that the simulator\'s agents give, and fills them for another customer; only what tells of no act may go out', () => {
    const table = loadAnswers().slots;
    const values = { en: { order: 'SO7781', product: 'red desk lamp', amount: 'EUR 45.99' }, zh: { order: 'SO7781', product: '红色台灯', amount: '45.99元' } };
    const write = (text: string, by: Record<string, string>) => text.replace(/\{(\w+)\}/g, (_, name: string) => by[name]);
    const [sendable, acts]: [string[], string[]] = [[], []];
    for (const [intent, texts] of Object.entries(textsOf)) {
      for (const language of ['en', 'zh'] as const) {
        const of = values[language];
        const own: TicketFacts = { order: of.order, entities: [{ kind: 'product', text: of.product }, { kind: 'amount', text: of.amount }], orders: [{ ...order, order: of.order, amountMinor: 4599, refundMs: undefined }] };
        const { text, specific } = templateOf(write(texts.answer[language], of), language, own);
        expect(text, intent).not.toMatch(/7781|lamp|台灯|45\.99/);
        if (specific.includes('act')) acts.push(`${intent}/${language}`);
        if (specific.length > 0) continue;
        const other: TicketFacts = { order: 'A1', entities: [{ kind: 'product', text: 'mug' }, { kind: 'amount', text: '7 EUR' }], orders: [{ ...order, order: 'A1', refundMs: undefined }] };
        expect(fillSlots(text, slotValues(table, other, language)), intent).not.toMatch(/[{}]|undefined/);
        sendable.push(`${intent}/${language}`);
      }
    }
    for (const intent of ['delivery_status', 'refund_status', 'damaged_item', 'cancel_order']) expect(acts).toEqual(expect.arrayContaining([`${intent}/en`, `${intent}/zh`]));
    expect(sendable).toEqual(expect.arrayContaining(['coupon_problem/en', 'coupon_problem/zh', 'other/en', 'other/zh']));
  });
});
