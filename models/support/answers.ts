/**
 * The approved answers: data, checked when they are read, with a version that is their content.
 *
 *   {"v":1,
 *    "slots":{"order":["ticket.order","entity.order","order.id"]},
 *    "intents":{"delivery_status":{
 *      "urgency":"normal","aliases":["track_order"],
 *      "answers":{"en":[{"when":["order_known"],"text":"Order {order} ..."},{"text":"The position of a parcel ..."}]},
 *      "examples":{"en":["where is my parcel"]}}}}
 *
 * The first answer whose conditions hold, and whose slots can all be filled, is the one (answers-choice.ts). The examples
 * train the model that reads tickets until a better one is promoted.
 */
import { createHash } from 'node:crypto';
import { Type, type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { messageOf } from '../../schemas/errors.js';
import { explain } from '../../schemas/explain.js';
import { slotNames, slotsOf, sources, type SlotName, type SlotTable } from './slots.js';

const strict = { additionalProperties: false } as const;
export const answerLanguages = ['en', 'zh'] as const;
export type AnswerLanguage = (typeof answerLanguages)[number];

/** How soon a person should look at a ticket that is handed over. */
export const urgencies = ['low', 'normal', 'high', 'urgent'] as const;
export type Urgency = (typeof urgencies)[number];

/** What must be true of the order that the ticket is about: it is one of the customer's own; something of it was paid back. */
export const conditions = ['order_known', 'order_unknown', 'refund_recorded', 'refund_not_recorded'] as const;
export type Condition = (typeof conditions)[number];

/** A name of an intent: what models' labels are, and a column of analysts. */
const intentPattern = '^[a-z][a-z0-9_-]{0,63}$';
const Intent = Type.String({ pattern: intentPattern });
/** Line breaks are allowed, other control characters break logs. */
const textOf = (maxLength: number, description: string) => Type.String({ minLength: 1, maxLength, pattern: '^[^\\u0000-\\u0009\\u000b-\\u001f\\u007f]+$', description });

const AnswerText = Type.Object(
  {
    when: Type.Optional(Type.Array(Type.Enum([...conditions]), { minItems: 1, maxItems: conditions.length, description: 'All of them must hold' })),
    text: textOf(2000, 'What is answered; {order} and its like are slots'),
  },
  strict,
);
const inLanguages = <T extends ReturnType<typeof Type.Array>>(list: T) => Type.Object({ en: Type.Optional(list), zh: Type.Optional(list) }, { ...strict, minProperties: 1 });

const IntentAnswers = Type.Object(
  {
    urgency: Type.Enum([...urgencies], { description: 'How soon a person should look at it, where one must' }),
    person: Type.Optional(Type.Boolean({ description: 'true: a person takes it in any case, and the answer only says so' })),
    aliases: Type.Optional(Type.Array(Intent, { maxItems: 20, description: 'Other names of the intent, as models are trained on other label sets' })),
    // Twenty shades of one answer, and two hundred ways to ask: what people can still keep in mind.
    answers: inLanguages(Type.Array(AnswerText, { minItems: 1, maxItems: 20 })),
    examples: Type.Optional(inLanguages(Type.Array(textOf(300, 'What a customer writes'), { minItems: 1, maxItems: 200 }))),
  },
  strict,
);

export const AnswerFile = Type.Object(
  {
    v: Type.Literal(1, { description: 'Version of the format' }),
    extends: Type.Optional(Type.Literal('default', { description: 'default: the intents here replace those of the same name among the ones that come with Aftercare, and the rest stays' })),
    remove: Type.Optional(Type.Array(Intent, { maxItems: 500, description: 'With extends: intents that the shop does not answer' })),
    slots: Type.Optional(Type.Object(
      Object.fromEntries(slotNames.map((name) => [name, Type.Optional(Type.Array(Type.Enum([...sources]), { minItems: 1, maxItems: sources.length, description: 'The first that is known fills it' }))])),
      strict,
    )),
    intents: Type.Optional(Type.Record(Intent, IntentAnswers, { maxProperties: 500, additionalProperties: false })),
  },
  { ...strict, title: 'Approved answers' },
);
export type AnswerFile = Omit<Static<typeof AnswerFile>, 'slots' | 'intents'> & { slots?: SlotTable; intents?: Record<string, IntentText> };
interface IntentText {
  urgency: Urgency;
  person?: boolean;
  aliases?: string[];
  answers: Partial<Record<AnswerLanguage, { when?: Condition[]; text: string }[]>>;
  examples?: Partial<Record<AnswerLanguage, string[]>>;
}

export interface ApprovedAnswer {
  /** `<intent>/<language>/<place from 1>`; with the version it names the words for ever */
  id: string;
  text: string;
  slots: readonly SlotName[];
  when: readonly Condition[];
}

export interface AnsweredIntent {
  intent: string;
  urgency: Urgency;
  /** A person takes it in any case. */
  person: boolean;
  aliases: readonly string[];
  answers: Readonly<Record<AnswerLanguage, readonly ApprovedAnswer[]>>;
  examples: Readonly<Record<AnswerLanguage, readonly string[]>>;
}

export interface Answers {
  /** `answers-` and the start of the hash of their content: the same name means the same answers */
  version: string;
  slots: SlotTable;
  /** by name, in the order of the names */
  intents: ReadonlyMap<string, AnsweredIntent>;
  /** @param label  a name or an alias, as a model says it */
  find(label: string): AnsweredIntent | undefined;
}

const check = Compile(AnswerFile);

/**
 * One file's text, checked by itself.
 * @param name  of the file, for the message
 * @throws RangeError that names the file, the field, the value and the remedy
 */
export function readAnswerFile(name: string, json: string): AnswerFile {
  let given: unknown;
  try {
    given = JSON.parse(json);
  } catch (cause) {
    throw new RangeError(`answers ${name}: not JSON: ${messageOf(cause)}`, { cause });
  }
  if (!check.Check(given)) throw new RangeError(`answers ${name}: ${explain(check.Errors(given), given)}`);
  const file = given as AnswerFile;
  if (file.remove !== undefined && file.extends === undefined) throw new RangeError(`answers ${name}: "remove" needs "extends": "default"; without it nothing is there to be removed`);
  return file;
}

/**
 * Several files as one set: later ones replace what earlier ones say of an intent or a slot.
 * @throws RangeError that names the intent, the value and the remedy
 */
export function createAnswers(files: readonly AnswerFile[]): Answers {
  const slots: Record<string, readonly string[]> = {};
  const texts = new Map<string, IntentText>();
  for (const file of files) {
    for (const intent of file.remove ?? []) {
      if (!texts.delete(intent)) throw new RangeError(`answers: "remove" names "${intent}", which is no intent; correct its name or leave it out`);
    }
    Object.assign(slots, file.slots);
    for (const [intent, text] of Object.entries(file.intents ?? {})) texts.set(intent, text);
  }
  if (texts.size === 0) throw new RangeError('answers: no intent has one; give at least one intent');
  const table = slots as SlotTable;
  const intents = new Map([...texts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([intent, text]) => [intent, answeredIntent(intent, text, table)]));
  const byLabel = labelsOf(intents);
  return { version: versionOf(table, intents), slots: table, intents, find: (label) => byLabel.get(label) };
}

function answeredIntent(intent: string, text: IntentText, table: SlotTable): AnsweredIntent {
  const inLanguage = (language: AnswerLanguage): ApprovedAnswer[] => (text.answers[language] ?? []).map((answer, i, all) => {
    const id = `${intent}/${language}/${i + 1}`;
    const slots = checkedSlots(id, answer.text, table);
    if (i + 1 < all.length && answer.when === undefined && slots.length === 0) {
      throw new RangeError(`answers: ${id} always fits, so ${intent}/${language}/${i + 2} would never be given; move it to the end`);
    }
    return { id, text: answer.text, slots, when: answer.when ?? [] };
  });
  const examples = { en: text.examples?.en ?? [], zh: text.examples?.zh ?? [] };
  for (const language of answerLanguages) examples[language].forEach((example, i) => void checkedSlots(`example ${i + 1} of ${intent}/${language}`, example, table));
  return { intent, urgency: text.urgency, person: text.person ?? false, aliases: text.aliases ?? [], answers: { en: inLanguage('en'), zh: inLanguage('zh') }, examples };
}

function checkedSlots(where: string, text: string, table: SlotTable): SlotName[] {
  const { slots, rest } = slotsOf(text);
  for (const slot of slots) {
    if (!Object.hasOwn(table, slot)) throw new RangeError(`answers: ${where} has {${slot}}, which no "slots" fills; use one of ${Object.keys(table).join(', ')}`);
  }
  if (/[{}]/.test(rest)) throw new RangeError(`answers: ${where} has a brace that belongs to no slot; write slots as {order}, and no other braces`);
  return slots as SlotName[];
}

function labelsOf(intents: ReadonlyMap<string, AnsweredIntent>): Map<string, AnsweredIntent> {
  const byLabel = new Map<string, AnsweredIntent>(intents);
  for (const intent of intents.values()) {
    for (const alias of intent.aliases) {
      const other = byLabel.get(alias);
      if (other !== undefined) throw new RangeError(`answers: "${alias}" is an alias of "${intent.intent}" and ${other.intent === alias ? 'an intent' : `an alias of "${other.intent}"`}; a label stands for one intent`);
      byLabel.set(alias, intent);
    }
  }
  return byLabel;
}

function versionOf(slots: SlotTable, intents: ReadonlyMap<string, AnsweredIntent>): string {
  const sorted = Object.entries(slots).sort(([a], [b]) => (a < b ? -1 : 1));
  const content = [...intents.values()].map(({ intent, urgency, person, aliases, answers, examples }) =>
    [intent, urgency, person, [...aliases].sort(), answerLanguages.map((language) => [answers[language].map(({ text, when }) => [text, [...when].sort()]), examples[language]])]);
  return `answers-${createHash('sha256').update(JSON.stringify([sorted, content])).digest('hex').slice(0, 8)}`;
}
