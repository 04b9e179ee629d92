/** What the AsyncAPI document says beyond the schemas: examples of every message, and why a message is set aside. */
import type { RejectReason } from './decode.js';
import type { Event, EventType, Promote, Recall } from './events.js';
import { limits } from './limits.js';
import type { CouponMessage, ReplyMessage, RewriteMessage, RiskMessage, SupportMessage } from './messages.js';
import type { ServiceName } from './services.js';

const atMs = Date.UTC(2026, 0, 15, 12);
const head = (id: string) => ({ v: 1, id, customer: 'c0042', atMs }) as const;

/** One valid event of each type; a test holds them against their schemas. */
export const eventExamples: { [T in EventType]: Extract<Event, { type: T }> } = {
  click: { ...head('e-1001'), type: 'click', action: 'view', item: 'KET-1042', session: 's-77' },
  purchase: {
    ...head('e-1002'), type: 'purchase', order: 'SO-5001', lines: [{ item: 'KET-1042', quantity: 2, unitMinor: 3499 }], amountMinor: 6998, currency: 'EUR',
    session: 's-77', payment: 'card', card: 'k-9f2c', device: 'd-51aa', address: 'a-07c1', shippingCountry: 'DE', billingCountry: 'DE', coupon: 'WELCOME10',
  },
  refund: { ...head('e-1003'), type: 'refund', order: 'SO-5001', lines: [{ item: 'KET-1042', quantity: 1, unitMinor: 3499 }], amountMinor: 3499, currency: 'EUR', reason: 'damaged' },
  ticket: { ...head('e-1004'), type: 'ticket', ticket: 'T-301', text: '为什么这个商品没有配送选项？', language: 'zh', item: 'KET-1042' },
  label: { ...head('e-1005'), type: 'label', of: 'ticket', ref: 'T-303', verdict: 'delivery_status', answer: '您的订单SO-5001正在配送中。', entities: [{ kind: 'order', text: 'SO-5001' }] },
  control: { ...head('e-1006'), type: 'control', command: 'forget' },
};

/** The other command of a control. */
export const promoteExample: Promote = {
  v: 1, id: 'promote-svd-17-shard-0', customer: '~0', atMs, type: 'control', command: 'promote',
  model: 'svd', version: 17, sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', bytes: 4_194_304,
};

export const recallExample: Recall = {
  v: 1, id: 'recall-91750400-1263616', customer: 'c0042', atMs, type: 'control', command: 'recall', label: { of: 'refund', ref: 'SO-5001', verdict: 'abuse', atMs },
  decided: { atMs: atMs - 9_000_000_000, seq: 1_263_616, decision: 'allow', probability: 0.03, model: 'risk-online-1', names: 'amount_log,refund_rate', features: 'GxgFQQAAgD4=' },
};

export const couponExample: CouponMessage = {
  v: 1, customer: 'c0042', atMs, reason: 'resolved_complaint', code: '7K2M-Q9XA-41TZ', amountMinor: 500, currency: 'EUR', validUntilMs: atMs + 30 * 86_400_000,
  because: ['ticket T-301 (damaged_item) was answered 2.5 h after it came'], rules: 'coupons-1-9f86d081',
};

export const riskExample: RiskMessage = {
  v: 1, level: 'review', customer: 'c0042', atMs, seq: 1_263_616, event: 'refund', order: 'SO-5001', amountMinor: 3499, currency: 'EUR', probability: 0.31, topReason: 'rule:shared_device',
  because: ['review: fraud with a probability of 31 %', 'rule shared_device: device_customers_7d >= 4'], model: 'risk-online-1', rules: 'rules-9f86d081',
};

export const replyExample: ReplyMessage = {
  v: 1, customer: 'c0042', ticket: 'T-301', atMs, seq: 1_263_617, language: 'zh', intent: 'delivery_options', confidence: 0.97,
  text: '部分偏远地区暂不支持配送，请更换收货地址后查看可选的配送方式。', answer: 'delivery_options.zh.1', answers: 'answers-9f86d081', because: ['reply: delivery_options with a probability of 97 %'], model: 'intent-starter-1',
};

export const rewriteExample: RewriteMessage = {
  v: 1, customer: 'c0042', ticket: 'T-301', atMs, seq: 1_263_617, language: 'zh', text: '有些偏远地区暂时不支持配送，麻烦您更换收货地址后，再查看可选的配送方式。',
  draft: '部分偏远地区暂不支持配送，请更换收货地址后查看可选的配送方式。', rewritten: true, reason: '', model: 'qwen3-8b', answer: 'delivery_options.zh.1', answers: 'answers-9f86d081',
};

export const supportExample: SupportMessage = {
  v: 1, customer: 'c0042', ticket: 'T-302', atMs, seq: 1_263_618, order: 'SO-5001', reason: 'low_confidence', urgency: 'normal', language: 'en', text: 'It came in the wrong colour, write to <email>', sentiment: -0.4,
  intent: 'return_request', confidence: 0.48, alternatives: [{ intent: 'damaged_item', confidence: 0.31 }], because: ['hand over: return_request with a probability of 48 %, 80 % are needed'], model: 'intent.12',
};

/** Why something is set aside; the record makes a reason without a description a compile error. */
export const reasonTexts: Record<RejectReason, string> = {
  bad_subject: 'The subject is not events.<type>.<customer>',
  unknown_type: 'The subject names a type that the contract lacks',
  too_large: `The body has more than ${limits.messageBytesMax} bytes`,
  too_many_events: `The envelope has more than ${limits.envelopeEventsMax} events`,
  empty: 'The body is empty',
  not_utf8: 'The line is not UTF-8',
  not_json: 'The line is not JSON',
  bad_event: 'The event does not fit its schema',
  wrong_type: 'The type of the event differs from the type in the subject',
  wrong_partition: 'The customer belongs to another partition than the customer in the subject',
  not_alone: 'A promotion came with other lines, or in an envelope',
  bad_time: 'The event lies more than a day after it was received',
};

/** Requests by example; replies are described beside the code that makes them. */
export const serviceExamples: Record<ServiceName, { summary: string; request: object; reply: object }> = {
  recommend: {
    summary: 'What to show to a customer now, each item with its channel and its because',
    request: { customer: 'c0042', k: 1 },
    reply: { customer: 'c0042', items: [{ item: 'MUG-1001', score: 0.83, channel: 'item', because: [{ item: 'KET-1042', weight: 0.83 }] }], model: 'item-cosine', shard: 0, seq: 1234 },
  },
  similar: {
    summary: 'What resembles an item',
    request: { item: 'KET-1042', k: 1 },
    reply: { item: 'KET-1042', items: [{ item: 'MUG-1001', similarity: 0.71, dot: 12.5 }] },
  },
  profile: {
    summary: 'What the models hold about a customer',
    request: { customer: 'c0042' },
    reply: { customer: 'c0042', items: [{ item: 'KET-1042', strength: 5 }], norm: 5, shard: 0, seq: 1234 },
  },
  basket: {
    summary: 'What is most likely to be added to a cart next, with its probability; no row is written',
    request: { items: ['KET-1042', 'CUP-0007'], k: 1 },
    reply: {
      items: [{ item: 'MUG-1001', probability: 0.18, channel: 'basket', because: [{ item: 'KET-1042', weight: 1 }] }],
      unknown: ['CUP-0007'], support: 87, baskets: 2045, model: 'basket-knn-1',
    },
  },
  risk: {
    summary: 'What would be decided about a purchase or a refund, and why; no row is written: the decision on record comes with the event',
    request: { type: 'purchase', customer: 'c0042', amountMinor: 6998, currency: 'EUR', lines: [{ item: 'KET-1042', quantity: 2, unitMinor: 3499 }], device: 'd-51aa', shippingCountry: 'DE', billingCountry: 'DE' },
    reply: {
      customer: 'c0042', decision: 'allow', probability: 0.0012, decidedBy: 'costs', costs: { allow: 10.8, review: 501.1, block: 5093.3 }, rules: [],
      reasons: [{ feature: 'customer_purchases_24h', value: 1, usual: 0.2, term: 0.12 }], rest: -6.84, anomaly: { score: 0.31, features: [] },
      because: ['allow: fraud with a probability of 0.12 %'], model: 'risk-online-1', rulesVersion: 'rules-9f86d081', shard: 0, seq: 1234,
    },
  },
  support: {
    summary: 'support.reply: what would be read in a ticket and answered, or why a person would get it; no row is written: the decision on record comes with the ticket\'s event',
    request: { customer: 'c0042', text: '为什么这个商品没有配送选项？', item: 'KET-1042' },
    reply: {
      customer: 'c0042', text: '为什么这个商品没有配送选项?', personal: [], language: 'zh', intent: 'delivery_options', confidence: 0.97, alternatives: [{ intent: 'product_question', confidence: 0.01 }], outOfScope: 0.02, abstained: null,
      entities: [], sentiment: 0, urgency: 'normal', decision: 'reply', reason: null, because: ['reply: delivery_options with a probability of 97 %'],
      reply: { text: '部分偏远地区暂不支持配送，请更换收货地址后查看可选的配送方式。', answer: 'delivery_options.zh.1', answers: 'answers-9f86d081' }, order: null, model: 'intent-starter-1', shard: 0, seq: 1234,
    },
  },
};
