/**
 * The events that a shop publishes. Each schema is JSON Schema itself; the type, the AsyncAPI document and the
 * columns of the table `events` come from it.
 *
 *   {"v":1,"type":"click","id":"e1","customer":"c42","atMs":1764000000000,"action":"view","item":"kettle-1"}
 */
import { Type, type Static } from 'typebox';
import { limits } from './limits.js';
import { entityKinds } from './support-words.js';

const strict = { additionalProperties: false } as const;
/** No control characters: they break logs, terminals and NDJSON. */
const printable = '^[^\\u0000-\\u001f\\u007f]+$';

const id = (description: string) =>
  Type.String({ minLength: 1, maxLength: limits.idLengthMax, pattern: printable, description });
const amountMinor = (description: string) => Type.Integer({ minimum: 0, maximum: limits.amountMinorMax, description });

export const Customer = Type.String({
  minLength: 1,
  maxLength: limits.idLengthMax,
  pattern: '^[A-Za-z0-9_-]+$',
  description: 'The customer: letters, digits, _ and - (it is a token of the NATS subject); a pseudonym, never an e-mail address',
});
export const Item = Type.String({
  minLength: 1,
  maxLength: limits.itemLengthMax,
  pattern: printable,
  description: 'The item: the shop\'s own product code',
});
const AtMs = Type.Integer({
  minimum: limits.atMsMin,
  maximum: 9_007_199_254_740_991,
  description: 'When it happened, milliseconds since 1970 (UTC); at most one day after it was received',
});
const Session = Type.Optional(id('The browsing session, where the shop knows one'));
const Currency = Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217 code of the amounts' });
const Country = (description: string) => Type.String({ pattern: '^[A-Z]{2}$', description });

const head = <T extends string>(type: T) => ({
  v: Type.Literal(1, { description: 'Version of the contract' }),
  type: Type.Literal(type, { description: 'Type of the event' }),
  id: id('The producer\'s own id of the event; send it as Nats-Msg-Id too, so that a repeated publish is dropped'),
  customer: Customer,
  atMs: AtMs,
});

const Line = Type.Object(
  {
    item: Item,
    quantity: Type.Integer({ minimum: 1, maximum: limits.quantityMax, description: 'Units' }),
    unitMinor: amountMinor('Price of one unit, in minor units (cents)'),
  },
  strict,
);
const Lines = Type.Array(Line, { minItems: 1, maxItems: limits.linesMax, description: 'What was bought or sent back' });

export const Click = Type.Object(
  {
    ...head('click'),
    action: Type.Enum(['view', 'favourite', 'cart', 'uncart'], {
      description: 'What the customer did with the item',
    }),
    item: Item,
    session: Session,
  },
  { ...strict, title: 'Click', description: 'A customer looked at an item, marked it, put it into the cart or took it out' },
);

export const Purchase = Type.Object(
  {
    ...head('purchase'),
    order: id('The order'),
    lines: Lines,
    amountMinor: amountMinor('What was paid in all, in minor units (cents), after discounts'),
    currency: Currency,
    session: Session,
    payment: Type.Optional(Type.Enum(['card', 'wallet', 'transfer', 'invoice', 'voucher', 'cash', 'other'], { description: 'How it was paid' })),
    card: Type.Optional(id('A fingerprint of the card, never its number')),
    device: Type.Optional(id('A fingerprint of the device')),
    address: Type.Optional(id('A fingerprint of the shipping address')),
    shippingCountry: Type.Optional(Country('ISO 3166 code of the country it is sent to')),
    billingCountry: Type.Optional(Country('ISO 3166 code of the country that pays')),
    coupon: Type.Optional(id('The coupon that was redeemed')),
  },
  { ...strict, title: 'Purchase', description: 'A customer bought' },
);

export const Refund = Type.Object(
  {
    ...head('refund'),
    order: id('The order that it takes back, in whole or in part'),
    lines: Lines,
    amountMinor: amountMinor('What was paid back in all, in minor units (cents)'),
    currency: Currency,
    reason: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'Why, in the shop\'s own words' })),
    device: Type.Optional(id('A fingerprint of the device')),
  },
  { ...strict, title: 'Refund', description: 'A customer sent something back or was paid back' },
);

export const Ticket = Type.Object(
  {
    ...head('ticket'),
    ticket: id('The ticket'),
    text: Type.String({ minLength: 1, maxLength: limits.textLengthMax, description: 'What the customer wrote' }),
    language: Type.Optional(Type.Enum(['en', 'zh'], { description: 'Language, where the shop knows it' })),
    order: Type.Optional(id('The order that it is about')),
    item: Type.Optional(Item),
  },
  { ...strict, title: 'Ticket', description: 'A customer wrote to support' },
);

/**
 * An entity by its text and not by offsets: those of the ticket as it was sent are not those of the masked one, and each language
 * counts in units of its own (docs/decisions/0026-entity-labels.md).
 */
const LabelledEntity = Type.Object(
  {
    kind: Type.Enum([...entityKinds], { description: 'What it is' }),
    text: Type.String({ minLength: 1, maxLength: limits.entityLengthMax, description: 'As it stands in the ticket, in whole words and numbers; every place where it stands so is meant, but where a longer one of the list has it' }),
    occurrence: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.textLengthMax, description: 'Only this one of its places, counted from 1' })),
  },
  strict,
);

export const Label = Type.Object(
  {
    ...head('label'),
    of: Type.Enum(['purchase', 'refund', 'ticket'], { description: 'What it is the truth about' }),
    ref: id('The order or ticket that it is about'),
    verdict: Type.String({
      minLength: 1,
      maxLength: limits.idLengthMax,
      pattern: '^[a-z0-9_-]+$',
      description: 'The truth: genuine, chargeback or abuse for money; the true intent for a ticket',
    }),
    answer: Type.Optional(Type.String({ minLength: 1, maxLength: limits.textLengthMax, description: 'The answer that the ticket got in the end' })),
    entities: Type.Optional(Type.Array(LabelledEntity, {
      maxItems: limits.entitiesMax,
      description: `Of a ticket: everything that the first ${limits.ticketKeptMax} characters of its text name, an empty list where they name nothing; absent where nobody has looked. Of several lists about a ticket the last one counts`,
    })),
  },
  { ...strict, title: 'Label', description: 'The delayed truth about an earlier event' },
);

export const Forget = Type.Object(
  {
    ...head('control'),
    command: Type.Literal('forget', { description: 'forget: subtract everything that this customer taught the models' }),
  },
  { ...strict, title: 'Forget', description: 'Subtract everything that this customer taught the models' },
);

/** A model's short name: it is the name of its artefacts, and a token of subjects. */
export const Model = Type.String({ pattern: '^[a-z][a-z0-9_-]{0,23}$', description: 'The model: small letters, digits, _ and -, at most 24' });

export const Promote = Type.Object(
  {
    ...head('control'),
    customer: Type.String({ pattern: '^~[0-9]{1,5}$', description: 'A token of the shard\'s partition, as no customer is named; each shard gets a promotion of its own' }),
    command: Type.Literal('promote', { description: 'promote: this version of the model decides from here on' }),
    model: Model,
    version: Type.Integer({ minimum: 1, maximum: 9_007_199_254_740_991, description: 'The version of the model' }),
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'sha256 of the artefact, hexadecimal' }),
    bytes: Type.Integer({ minimum: 1, maximum: limits.modelBytesMax, description: 'Size of the artefact' }),
    percent: Type.Optional(Type.Integer({ minimum: 0, maximum: 100, description: 'Of a challenger: share of the customers for whom it decides, the same ones always; without it or at 0 it only scores in the shadow' })),
  },
  { ...strict, title: 'Promote', description: 'A model made by a workflow goes live at this place of the stream; alone in its message' },
);

export const Retire = Type.Object(
  {
    ...head('control'),
    customer: Promote.properties.customer,
    command: Type.Literal('retire', { description: 'retire: no version of this model decides from here on' }),
    model: Model,
    version: Type.Integer({ minimum: 1, maximum: 9_007_199_254_740_991, description: 'The version that steps aside; where another one is live nothing changes' }),
  },
  { ...strict, title: 'Retire', description: 'A model steps aside at this place of the stream, and what decided before its first version decides again' },
);

/** Features of a decision, and the names that they had: both are as long as the build that decided has features. */
export const Recall = Type.Object(
  {
    ...head('control'),
    command: Type.Literal('recall', { description: 'recall: a verdict came after the shard had dropped its decision; here is the decision again, as ClickHouse kept it. Published by the sink, not by producers' }),
    label: Type.Object(
      { of: Type.Enum(['purchase', 'refund']), ref: Label.properties.ref, verdict: Label.properties.verdict, atMs: AtMs },
      { ...strict, description: 'The verdict' },
    ),
    decided: Type.Object(
      {
        atMs: AtMs,
        seq: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description: 'Position of the event that was decided about' }),
        decision: Type.Enum(['allow', 'review', 'block']),
        probability: Type.Number({ minimum: 0, maximum: 1 }),
        model: Type.String({ minLength: 1, maxLength: limits.idLengthMax, pattern: printable }),
        names: Type.String({ minLength: 1, maxLength: limits.recallCharactersMax, pattern: '^[a-z0-9_,]+$', description: 'Names of the features, separated by commas' }),
        features: Type.String({ minLength: 4, maxLength: limits.recallCharactersMax, pattern: '^[A-Za-z0-9+/]+=*$', description: 'Their values, 32-bit floats, little-endian, base64; NaN where missing' }),
      },
      { ...strict, description: 'The decision, as its row in risk_decisions has it' },
    ),
  },
  { ...strict, title: 'Recall', description: 'The decision that a late verdict is about, published again so that every replay learns the same from it' },
);

export const Control = Type.Union([Forget, Promote, Retire, Recall], { title: 'Control', description: 'An instruction to the models, in order with the events' });
/** What a control says that is none of them. */
export const ControlCommand = Type.Object({ command: Type.Enum(['forget', 'promote', 'retire', 'recall']) });

export type Click = Static<typeof Click>;
export type Purchase = Static<typeof Purchase>;
export type Refund = Static<typeof Refund>;
export type Ticket = Static<typeof Ticket>;
export type Label = Static<typeof Label>;
export type Forget = Static<typeof Forget>;
export type Promote = Static<typeof Promote>;
export type Retire = Static<typeof Retire>;
export type Recall = Static<typeof Recall>;
export type Control = Forget | Promote | Retire | Recall;
export type Event = Click | Purchase | Refund | Ticket | Label | Control;
export type EventType = Event['type'];

/** The schema of each type; the order is the order of the documents made from it. */
export const eventSchemas = { click: Click, purchase: Purchase, refund: Refund, ticket: Ticket, label: Label, control: Control } as const;
export const eventTypes = Object.keys(eventSchemas) as EventType[];
