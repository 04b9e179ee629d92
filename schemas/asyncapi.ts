/**
 * The contract for producers and services in any language, as an AsyncAPI 3 document made from the same schemas that
 * decode what they send. `docs/asyncapi.json` is its current form:
 *
 *   npm run build && node dist/schemas/asyncapi.js --write
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { TSchema } from 'typebox';
import { couponExample, eventExamples, promoteExample, reasonTexts, recallExample, replyExample, rewriteExample, riskExample, serviceExamples, supportExample } from './asyncapi-examples.js';
import { eventSchemas, eventTypes } from './events.js';
import { limits } from './limits.js';
import { CouponMessage, ReplyMessage, RewriteMessage, riskAlertLevels, RiskMessage, SupportMessage } from './messages.js';
import { handOverReasons } from './support-words.js';
import { errorHeaders, serviceSchemas, type ServiceName } from './services.js';
import { batchType, couponSubject, deadLetterHeaders, dlqSubject, eventSubject, replySubject, rewriteSubject, riskAlertSubject, serviceSubject, supportAlertSubject } from './subjects.js';

export const documentPath = join('docs', 'asyncapi.json');

/** TypeBox keeps these on the schema, and leaves them out of its type. */
const described = (schema: TSchema) => schema as { title: string; description: string };
const ref = (path: string): { $ref: string } => ({ $ref: `#/${path}` });
const serviceNames = Object.keys(serviceSchemas) as ServiceName[];

export function asyncApiDocument(): Record<string, unknown> {
  const document = {
    asyncapi: '3.0.0',
    info: {
      title: 'Aftercare',
      version: '1',
      description: 'Events of a shop in, live answers out. Amounts are integers of minor units, times are milliseconds since 1970 (UTC), unknown fields are refused.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    servers: { nats: server() },
    channels: { ...eventChannels(), batch: batchChannel(), deadLetters: deadLetterChannel(), coupons: couponChannel(), riskAlerts: riskChannel(), replies: replyChannel(), rewrites: rewriteChannel(), supportAlerts: supportChannel(), ...serviceChannels() },
    operations: { ...eventOperations(), reject: rejectOperation(), sendCoupon: couponOperation(), sendRiskAlert: riskOperation(), sendReply: replyOperation(), sendRewrite: rewriteOperation(), sendSupportAlert: supportOperation(), ...serviceOperations() },
    components: { securitySchemes: { userPassword: { type: 'userPassword', description: 'User and password of the NATS account' } }, schemas: schemas(), messages: messages() },
  };
  // Through text: a TypeBox schema carries symbols and shares its parts, and a document does neither.
  return JSON.parse(JSON.stringify(document)) as Record<string, unknown>;
}

function server(): object {
  return {
    host: '{address}',
    protocol: 'nats',
    description: 'The NATS server that NATS_URL names, or the one that Aftercare started',
    variables: { address: { default: '127.0.0.1:4222', description: 'Host and port', examples: ['127.0.0.1:4222', 'nats.shop.internal:4222'] } },
    security: [ref('components/securitySchemes/userPassword')],
  };
}

const customerParameter = (description: string): object => ({ customer: { description, examples: ['c0042'] } });

function eventChannels(): Record<string, object> {
  return Object.fromEntries(eventTypes.map((type) => [type, {
    address: eventSubject(type, '{customer}'),
    title: described(eventSchemas[type]).title,
    description: `${described(eventSchemas[type]).description}. One JSON object, or up to ${limits.envelopeEventsMax} of this type separated by newlines.`,
    messages: { [type]: ref(`components/messages/${type}`) },
    parameters: customerParameter('The customer of the event: letters, digits, _ and -, no dot; of an envelope: any customer of the same partition'),
  }]));
}

function batchChannel(): object {
  return {
    address: eventSubject(batchType, '{customer}'),
    title: 'Batch',
    description: `Up to ${limits.envelopeEventsMax} events of any types, separated by newlines, at most ${limits.messageBytesMax} bytes; all of their customers in one partition (FNV-1a of the customer, 32 bits, modulo the number of shards).`,
    messages: { batch: ref('components/messages/batch') },
    parameters: customerParameter('Any customer of the partition that the events belong to'),
  };
}

function deadLetterChannel(): object {
  return {
    address: dlqSubject('{reason}'),
    title: 'Dead letters',
    description: `What did not decode, with its original bytes. ${Object.entries(reasonTexts).map(([reason, text]) => `${reason}: ${text}.`).join(' ')}`,
    messages: { deadLetter: ref('components/messages/deadLetter') },
    parameters: { reason: { description: 'Why it was set aside', enum: Object.keys(reasonTexts) } },
  };
}

function couponChannel(): object {
  return {
    address: couponSubject('{customer}'),
    title: 'Coupons',
    description: 'Coupons that were granted, in the stream DECISIONS for seven days; withheld ones are rows of the table coupons alone. Read them with a JetStream consumer on that stream (filter coupons.* for all customers): a plain subscription misses what comes while it is away, and may hear a repeat.',
    messages: { coupon: ref('components/messages/coupon') },
    parameters: customerParameter('The customer who gets it'),
  };
}

function riskChannel(): object {
  return {
    address: riskAlertSubject('{level}'),
    title: 'Risk alerts',
    description: 'Purchases and refunds that a person should look at (review) or that should be stopped (block), in the stream DECISIONS for seven days; those that are allowed are rows of the table risk_decisions alone. Read them with a JetStream consumer on that stream (filter alerts.risk.* for both): a plain subscription misses what comes while it is away, and may hear a repeat.',
    messages: { riskAlert: ref('components/messages/riskAlert') },
    parameters: { level: { description: 'What should be done', enum: [...riskAlertLevels] } },
  };
}

function replyChannel(): object {
  return {
    address: replySubject('{customer}'),
    title: 'Replies',
    description: 'Answers to tickets, in the stream DECISIONS for seven days. Aftercare sends nothing to a customer itself: the shop\'s own mail or chat does, reading them with a JetStream consumer on that stream (filter replies.* for all customers): a plain subscription misses what comes while it is away, and may hear a repeat.',
    messages: { reply: ref('components/messages/reply') },
    parameters: customerParameter('The customer who gets it'),
  };
}

function rewriteChannel(): object {
  return {
    address: rewriteSubject('{customer}'),
    title: 'Rewritten replies',
    description: 'Each reply once more, in the words of the large model behind AFTERCARE_LLM_URL, or unchanged where it gave none that hold; in the stream DECISIONS for seven days, and silent where no model is set up. Listen to these or to the replies, not to both.',
    messages: { rewrite: ref('components/messages/rewrite') },
    parameters: customerParameter('The customer who gets it'),
  };
}

function supportChannel(): object {
  return {
    address: supportAlertSubject('{reason}'),
    title: 'Support alerts',
    description: `Tickets that a person should answer, in the stream DECISIONS for seven days; the filter alerts.support.* hears all. ${Object.entries(handOverReasons).map(([reason, text]) => `${reason}: ${text}.`).join(' ')}`,
    messages: { supportAlert: ref('components/messages/supportAlert') },
    parameters: { reason: { description: 'Why a person gets it', enum: Object.keys(handOverReasons) } },
  };
}

function serviceChannels(): Record<string, object> {
  return Object.fromEntries(serviceNames.flatMap((name): [string, object][] => [
    [name, { address: serviceSubject(name), title: described(serviceSchemas[name]).title, messages: { request: ref(`components/messages/${name}Request`) } }],
    [`${name}Reply`, { address: null, title: `Reply of ${name}`, messages: { reply: ref(`components/messages/${name}Reply`) } }],
  ]));
}

function eventOperations(): Record<string, object> {
  const types = [...eventTypes, batchType];
  return Object.fromEntries(types.map((type) => [`receive${capital(type)}`, {
    action: 'receive',
    channel: ref(`channels/${type}`),
    summary: `Aftercare takes ${type === batchType ? 'envelopes of events' : `${type} events`}, exactly once and in order of arrival`,
    messages: [ref(`channels/${type}/messages/${type}`)],
  }]));
}

const rejectOperation = (): object => ({
  action: 'send',
  channel: ref('channels/deadLetters'),
  summary: 'Aftercare sets aside what it cannot take',
  messages: [ref('channels/deadLetters/messages/deadLetter')],
});

const couponOperation = (): object => ({
  action: 'send',
  channel: ref('channels/coupons'),
  summary: 'Aftercare gives a customer a coupon; its row in ClickHouse is stored before',
  messages: [ref('channels/coupons/messages/coupon')],
});

const riskOperation = (): object => ({
  action: 'send',
  channel: ref('channels/riskAlerts'),
  summary: 'Aftercare warns of a purchase or a refund; its row in ClickHouse is stored before',
  messages: [ref('channels/riskAlerts/messages/riskAlert')],
});

const replyOperation = (): object => ({
  action: 'send',
  channel: ref('channels/replies'),
  summary: 'Aftercare answers a ticket; its row in ClickHouse is stored before',
  messages: [ref('channels/replies/messages/reply')],
});

const rewriteOperation = (): object => ({
  action: 'send',
  channel: ref('channels/rewrites'),
  summary: 'A reply has been said in other words, or is passed on as it was',
  messages: [ref('channels/rewrites/messages/rewrite')],
});

const supportOperation = (): object => ({
  action: 'send',
  channel: ref('channels/supportAlerts'),
  summary: 'Aftercare hands a ticket to a person; its row in ClickHouse is stored before',
  messages: [ref('channels/supportAlerts/messages/supportAlert')],
});

function serviceOperations(): Record<string, object> {
  return Object.fromEntries(serviceNames.map((name) => [name, {
    action: 'receive',
    channel: ref(`channels/${name}`),
    summary: serviceExamples[name].summary,
    messages: [ref(`channels/${name}/messages/request`)],
    reply: {
      address: { location: '$message.header#/reply', description: 'The inbox that a NATS request carries as its reply subject' },
      channel: ref(`channels/${name}Reply`),
      messages: [ref(`channels/${name}Reply/messages/reply`)],
    },
  }]));
}

function schemas(): Record<string, object> {
  return { ...eventSchemas, coupon: CouponMessage, riskAlert: RiskMessage, reply: ReplyMessage, rewrite: RewriteMessage, supportAlert: SupportMessage, ...Object.fromEntries(serviceNames.map((name) => [`${name}Request`, serviceSchemas[name]])) };
}

function messages(): Record<string, object> {
  const eventHeaders = {
    type: 'object',
    properties: { 'Nats-Msg-Id': { type: 'string', description: 'The id of the event: the stream drops a repeat that comes within its window' } },
  };
  const events = eventTypes.map((type): [string, object] => [type, {
    name: type,
    title: described(eventSchemas[type]).title,
    contentType: 'application/json',
    headers: eventHeaders,
    payload: ref(`components/schemas/${type}`),
    examples: [{ name: type, payload: eventExamples[type] }, ...(type === 'control' ? [{ name: 'promote', payload: promoteExample }, { name: 'recall', payload: recallExample }] : [])],
  }]);
  const requests = serviceNames.flatMap((name): [string, object][] => [
    [`${name}Request`, { name: `${name}Request`, payload: ref(`components/schemas/${name}Request`), examples: [{ payload: serviceExamples[name].request }] }],
    [`${name}Reply`, {
      name: `${name}Reply`,
      description: 'A refused request is answered with an empty body and these headers',
      headers: { type: 'object', properties: { [errorHeaders.text]: { type: 'string' }, [errorHeaders.code]: { type: 'string' } } },
      payload: { type: 'object' },
      examples: [{ payload: serviceExamples[name].reply }],
    }],
  ]);
  return {
    ...Object.fromEntries(events),
    batch: {
      name: 'batch',
      title: 'Envelope',
      summary: 'One event a line; the payload is the schema of a line',
      contentType: 'application/x-ndjson',
      headers: eventHeaders,
      payload: { oneOf: eventTypes.map((type) => ref(`components/schemas/${type}`)) },
    },
    deadLetter: {
      name: 'deadLetter',
      title: 'Dead letter',
      contentType: 'application/octet-stream',
      headers: {
        type: 'object',
        properties: {
          [deadLetterHeaders.subject]: { type: 'string', description: 'The subject it came by, as the stream stored it' },
          [deadLetterHeaders.seq]: { type: 'string', description: 'Its sequence in the stream EVENTS' },
          [deadLetterHeaders.detail]: { type: 'string', description: 'The field, the value and the remedy' },
        },
      },
      payload: { description: 'The original bytes: of the bad line, or of the whole message' },
    },
    ...Object.fromEntries(([['coupon', CouponMessage, couponExample], ['riskAlert', RiskMessage, riskExample], ['reply', ReplyMessage, replyExample], ['rewrite', RewriteMessage, rewriteExample], ['supportAlert', SupportMessage, supportExample]] as const).map(([name, schema, payload]) => [name, decisionMessage(name, schema, payload)])),
    ...Object.fromEntries(requests),
  };
}

const decisionMessage = (name: string, schema: TSchema, payload: object): object => ({
  name,
  title: described(schema).title,
  contentType: 'application/json',
  headers: { type: 'object', properties: { 'Nats-Msg-Id': { type: 'string', description: 'Id of the decision: a repeat has the same' } } },
  payload: ref(`components/schemas/${name}`),
  examples: [{ name, payload }],
});

const capital = (word: string): string => word[0].toUpperCase() + word.slice(1);

/** The document as the file holds it. */
export const documentText = (): string => `${JSON.stringify(asyncApiDocument(), null, 2)}\n`;

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  if (process.argv.includes('--write')) writeFileSync(documentPath, documentText());
  else process.stdout.write(documentText());
}
