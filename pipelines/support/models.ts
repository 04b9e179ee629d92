/** What reads tickets: promoted models, and what stands in for them until there are some. */
import type { Language } from '../../models/text/language.js';
import type { Token } from '../../models/text/tokenise.js';
import type { LiveVersion } from '../promoted.js';
import { readEntities, type EntityModel } from '../../models/support/entities.js';
import { readIntent } from '../../models/support/intent.js';
import { readLanguageModel, type LanguageModel } from '../../models/support/language.js';
import { entityKinds, type EntityKind } from '../../schemas/support-words.js';
import type { FoundEntity } from './entity-rules.js';

export interface Prediction {
  intent: string;
  /** calibrated */
  confidence: number;
  /** the next most likely, the likeliest first */
  alternatives: readonly { intent: string; confidence: number }[];
  /** how likely it is about none of the intents, by the model's own measure */
  outOfScope: number;
  /** why the model would not say that it is this one: out_of_scope, or a sentence */
  abstain?: string | undefined;
}

/** Deterministic, and never changed by being asked. */
export interface IntentReader {
  readonly labels: readonly string[];
  predict(tokens: readonly Token[], language: Language): Prediction;
  /** the text as a vector, where the model has such */
  sentence?(tokens: readonly { text: string }[]): Float32Array;
}

/** Models that may be challenged: by one that reads every ticket beside them, and decides for its share of the customers (pipelines/canary.ts). */
export const challengedModels = ['intent', 'entities'] as const;
export const supportReaders = { intent: readIntent, 'intent-shadow': readIntent, entities: readEntities, 'entities-shadow': readEntities, language: readLanguageModel } as const;

/** What is live of the promoted models. */
export interface SupportModels {
  readonly versions: ReadonlyMap<string, LiveVersion>;
  get(name: 'intent' | 'intent-shadow'): IntentReader | undefined;
  get(name: 'entities' | 'entities-shadow'): EntityModel | undefined;
  get(name: 'language'): LanguageModel | undefined;
}

/** What label sets call the kinds of entities that answers are filled with. Other kinds, persons' names among them, are not kept. */
const kindOf: Readonly<Record<string, EntityKind>> = {
  ...Object.fromEntries(entityKinds.map((kind) => [kind, kind])),
  order_id: 'order', order_number: 'order', refund_amount: 'amount', money_amount: 'amount', tracking_number: 'tracking', tracking_id: 'tracking',
};

/** @param tokens  of the text; the entities' offsets are the text's */
export function entitiesByModel(model: EntityModel, text: string, tokens: readonly Token[]): FoundEntity[] {
  return model.predict(text, tokens).flatMap(({ kind, start, end }) => (Object.hasOwn(kindOf, kind) ? [{ kind: kindOf[kind], value: text.slice(start, end), start, end }] : []));
}
