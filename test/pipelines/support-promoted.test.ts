/** Promoted heads in the fold: they take over at their event, their names stand in every row, and a restart does not forget them. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createFastEngine } from '../../models/lstm/fast.js';
import { entityDefaults, trainEntities } from '../../models/support/entities-train.js';
import { intentDefaults, trainIntent } from '../../models/support/intent-train.js';
import { languageDefaults, trainLanguage } from '../../models/support/language-train.js';
import type { EpochTraining } from '../../models/support/training.js';
import { tokenise } from '../../models/text/tokenise.js';
import { day, hour, promote, start } from '../support/risk.js';
import { settle, supportShop, write, type SupportShop } from '../support/support.js';

const engine = createFastEngine;
const small = { batch: 8, learningRate: 1e-2, E: 16, H1: 16, H2: 12 };

/** Sentences of three intents; `track_order` is an alias of an approved one, `gift_wrap` is none of them. */
const sentences = Array.from({ length: 90 }, (_, n) => {
  const item = ['kettle', 'lamp', 'mug', 'pan', 'tent'][n % 5];
  const [intent, text] = ([
    ['track_order', `where is the ${item} from order ${1000 + n}`], ['cancel_order', `cancel the ${item} please order ${2000 + n}`], ['gift_wrap', `wrap the ${item} as a present`],
  ] as const)[n % 3];
  const tokens = tokenise(text, 'en');
  const at = text.search(/\d/);
  return { text, tokens, intent, entities: at < 0 ? [] : [{ kind: 'order_id', start: at, end: at + 4 }] };
});
const words = sentences.map(({ tokens, intent }) => ({ tokens: tokens.map(({ text }) => text), intent }));

function trained(training: EpochTraining<Uint8Array[]>): Uint8Array[] {
  while (training.epoch < training.epochs) training.next();
  return training.finish();
}

describe('promoted heads', () => {
  let parts: Record<'intent' | 'entities' | 'language', Uint8Array[]>;
  /** another intent model: it takes each of the three for the next */
  let other: Uint8Array[];
  const goLive = (shop: SupportShop, ...models: (keyof typeof parts)[]): void => {
    for (const model of models) shop.receive(promote(model, 3, start), start, parts[model]);
  };

  beforeAll(() => {
    const [train, validation] = [words.slice(30), words.slice(0, 30)];
    parts = {
      intent: trained(trainIntent({ train, validation }, { ...intentDefaults, ...small, epochs: 8, stepsMin: 0, wordMin: 1, featureTextsMin: 1 }, { engine })),
      entities: trained(trainEntities({ train: sentences.slice(30), validation: sentences.slice(0, 30) }, { ...entityDefaults, ...small, epochs: 6, stepsMin: 0 }, { engine })),
      language: trained(trainLanguage({ train: train.map(({ tokens }) => tokens), validation: validation.map(({ tokens }) => tokens) }, { ...languageDefaults, ...small, epochs: 4, wordMin: 1 }, { engine })),
    };
    const turned = words.map(({ tokens, intent }) => ({ tokens, intent: { track_order: 'cancel_order', cancel_order: 'gift_wrap', gift_wrap: 'track_order' }[intent] }));
    other = trained(trainIntent({ train: turned.slice(30), validation: turned.slice(0, 30) }, { ...intentDefaults, ...small, epochs: 8, stepsMin: 0, wordMin: 1, featureTextsMin: 1 }, { engine }));
  }, 120_000);

  it('the starter reads until the promotion, the model from there on; an alias is the approved intent', () => {
    const shop = supportShop();
    const text = 'where is the mug from order 1234';
    expect(shop.give(write('c1', start - hour, text)).model).toBe('intent-starter-1');
    goLive(shop, 'intent', 'entities', 'language');
    expect(shop.promotions().map(({ outcome }) => outcome)).toEqual(['live', 'live', 'live']);
    const found = shop.give(write('c2', start + hour, text));
    expect(found).toMatchObject({ model: 'intent.3+entities.3+language.3', intent: 'delivery_status', decision: 'reply' });
    expect(found.entityKinds).toContain('order');
    expect(found.entityValues).toContain('1234');
    expect(found.perplexity).toBeGreaterThan(1);
    expect(shop.give(write('c3', start + hour, text, { ticket: 'T-x' }), settle('c3', start + 2 * hour, 'T-x', 'track_order'))).toMatchObject({ intent: 'delivery_status' });
    expect(shop.labels().at(-1)).toMatchObject({ outcome: 'right', decided: { model: 'intent.3' } });
  });

  it('an intent without an approved answer is for a person, until several customers had the same answer of an agent', () => {
    const shop = supportShop();
    goLive(shop, 'intent');
    const text = 'wrap the lamp as a present';
    const answer = 'Tick the box for a present when you check out, it is free.';
    expect(shop.give(write('c0', start + hour, text))).toMatchObject({ intent: 'gift_wrap', decision: 'hand_over', reason: 'no_answer', reply: '' });
    for (let n = 1; n <= 3; n += 1) {
      const asked = write(`a${n}`, start + n * hour, text);
      expect(shop.give(asked).decision).toBe('hand_over');
      shop.give(settle(`a${n}`, start + n * hour + 1, asked.ticket, 'gift_wrap', answer));
    }
    const found = shop.give(write('c9', start + day, 'wrap the mug as a present'));
    expect(found).toMatchObject({ decision: 'reply', reply: answer, answer: expect.stringMatching(/^agent\//) as string });
    expect(found.because[1]).toMatch(/what agents answered to similar tickets/);
  });

  it('a challenger reads every ticket beside what decides, and nothing comes of it but its place in the row', () => {
    const [alone, challenged] = [supportShop(), supportShop()];
    for (const shop of [alone, challenged]) goLive(shop, 'intent', 'entities');
    challenged.receive({ ...promote('intent-shadow', 4, start), percent: 0 }, start, other);
    challenged.receive(promote('entities-shadow', 5, start), start, parts.entities);
    alone.receive(write('cX', start, 'hello'), start);
    alone.receive(write('cX', start, 'hello'), start); // the same sequence numbers in both
    challenged.receive(write('cX', start, 'hello'), start);
    for (const [n, { text, intent }] of sentences.slice(0, 30).entries()) {
      const ticket = write(`c${n % 4}`, start + n * hour, text, { id: `e${n}`, ticket: `T-${n}` });
      const [without, found] = [alone.give(ticket), challenged.give(ticket)];
      const { shadow, shadowIntents, shadowConfidences, shadowDecisions, shadowEntities, ...decided } = found;
      expect({ ...decided, seq: 0 }).toEqual({ ...without, seq: 0, shadow: undefined, shadowIntents: undefined, shadowConfidences: undefined, shadowDecisions: undefined, shadowEntities: undefined });
      expect([without.shadow, shadow]).toEqual([[], ['intent.4+entities.3', 'intent.3+entities.5']]);
      expect(shadowIntents?.[0]).not.toBe(decided.intent);
      expect([shadowIntents?.[1], shadowDecisions?.[1], shadowConfidences?.[1]], 'the same entities, so the same').toEqual([decided.intent, decided.decision, decided.confidence]);
      expect(shadowEntities?.[1]).toBe(decided.entityKinds.map((kind, i) => `${kind} ${decided.entityStarts[i]}-${decided.entityEnds[i]}`).join(' '));
      challenged.give(settle(ticket.customer, ticket.atMs + 1, ticket.ticket, intent));
      expect(challenged.labels().at(-1), 'under the name of the approved answers').toMatchObject({ intent, truth: decided.intent });
    }
    expect(challenged.metrics().filter(({ model }) => model === 'intent.4')).toEqual([]);
  });

  it('a challenger decides for its share, and then the champion is what reads beside it', () => {
    const shop = supportShop();
    shop.receive({ ...promote('intent-shadow', 4, start), percent: 100 }, start, other);
    const text = 'cancel the kettle please order 2222';
    expect(shop.give(write('c1', start + hour, text)), 'the starter, as long as there is no champion').toMatchObject({ model: 'intent.4', shadow: ['intent-starter-1'] });
    goLive(shop, 'intent');
    const found = shop.give(write('c2', start + hour, text));
    expect(found).toMatchObject({ model: 'intent.4', shadow: ['intent.3'] });
    expect(shop.ask({ customer: 'c3', text }, start + hour)).toMatchObject({ model: 'intent.4', intent: found.intent });
    shop.restart();
    expect(shop.give(write('c4', start + hour, text))).toMatchObject({ model: 'intent.4', shadow: ['intent.3'], intent: found.intent, shadowIntents: found.shadowIntents });
  });

  it('a perplexity that the shop does not believe is out of scope', () => {
    const text = 'cancel the kettle please order 2222';
    const of = (most: string): string => {
      const shop = supportShop({ AFTERCARE_SUPPORT_PERPLEXITY_MAX: most });
      goLive(shop, 'intent', 'language');
      return shop.give(write('c1', start + hour, text)).reason;
    };
    expect(of('1000000')).toBe('');
    expect(of('1.0001')).toBe('out_of_scope');
  });

  it('the same events give the same bytes, restored on the way; a question gets what the ticket gets', () => {
    const [straight, cut] = [supportShop(), supportShop()];
    for (const shop of [straight, cut]) goLive(shop, 'intent', 'entities', 'language');
    for (const [n, { text }] of sentences.slice(0, 30).entries()) {
      const ticket = write(`c${n % 4}`, start + n * hour, text, { id: `e${n}`, ticket: `T-${n}` });
      const asked = straight.ask({ customer: ticket.customer, text }, ticket.atMs);
      const found = straight.give(ticket);
      expect([asked.decision, asked.confidence, asked.entities.map(({ value }) => value)]).toEqual([found.decision, found.confidence, found.entityValues]);
      cut.give(ticket);
      if (n % 7 === 3) cut.restart();
    }
    expect(cut.hash()).toBe(straight.hash());
    expect(cut.tickets()).toEqual(straight.tickets());
  });

  it('what is no model leaves the one before', () => {
    const shop = supportShop();
    goLive(shop, 'intent');
    shop.receive(promote('intent', 4, start), start, [Buffer.from('no model at all, whatever it is')]);
    expect(shop.promotions().at(-1)).toMatchObject({ outcome: 'unreadable' });
    expect(shop.give(write('c1', start + hour, 'cancel the mug please order 2002')).model).toBe('intent.3');
  });
});
