/** The heads on small made-up tickets: what is learnt is found again, a training that was cut goes on bit for bit, and bytes that are no model say so. */
import { beforeAll, describe, expect, it } from 'vitest';
import { createFastEngine } from '../../models/lstm/fast.js';
import { createNetwork } from '../../models/lstm/network.js';
import { spanScores } from '../../models/metrics/spans.js';
import { createUniform } from '../../models/random.js';
import { readEntities } from '../../models/support/entities.js';
import { entityDefaults, trainEntities, type EntityExample } from '../../models/support/entities-train.js';
import { readIntent, type IntentModel } from '../../models/support/intent.js';
import { intentDefaults, trainIntent, type IntentExample, type IntentSettings } from '../../models/support/intent-train.js';
import { END, readLanguageModel } from '../../models/support/language.js';
import { languageDefaults, trainLanguage } from '../../models/support/language-train.js';
import { scopeQuantiles, unusualness } from '../../models/support/scope.js';
import { trainingSteps, type EpochTraining } from '../../models/support/training.js';
import { warmStart } from '../../models/support/transfer.js';
import { vocabularyOf, wordOf } from '../../models/support/words.js';
import { tokenise } from '../../models/text/tokenise.js';

const engine = createFastEngine;
const uniform = createUniform(5);
const pick = <T>(list: readonly T[]): T => list[Math.floor(uniform() * list.length)];
const words = (text: string): string[] => tokenise(text, 'en').map(({ text: word }) => word);
const bytes = (parts: readonly Uint8Array[]): Buffer => Buffer.concat(parts);

const asks: Record<string, readonly string[]> = {
  cancel: ['please cancel', 'stop', 'i do not want', 'call off'],
  track: ['where is', 'track', 'has it left', 'when comes'],
  refund: ['money back for', 'refund', 'pay me back', 'reimburse'],
};
const things = ['my order', 'the kettle', 'that parcel', 'my lamp', 'order 4711', 'the blue shirt'];
const tail = ['', 'today', 'please', 'now', 'thanks'];
const ticket = (intent: string): IntentExample => ({ tokens: words(`${pick(asks[intent])} ${pick(things)} ${pick(tail)}`), intent });
const tickets = (each: number): IntentExample[] => Object.keys(asks).flatMap((intent) => Array.from({ length: each }, () => ticket(intent)));

function run<Result>(training: EpochTraining<Result>): Result {
  while (training.epoch < training.epochs) training.next();
  return training.finish();
}

const small: IntentSettings = { ...intentDefaults, epochs: 6, batch: 8, learningRate: 1e-2, stepsMin: 0, E: 16, H1: 16, H2: 12, wordMin: 1, featureTextsMin: 1 };

describe('intent', () => {
  const examples = { train: tickets(60), validation: tickets(30) };
  let parts: Uint8Array[];
  let model: IntentModel;
  beforeAll(() => {
    parts = run(trainIntent(examples, small, { engine }));
    model = readIntent(parts);
  });
  const ask = (text: string): ReturnType<IntentModel['predict']> => model.predict(tokenise(text, 'en'));

  it('knows tickets that it has not seen, each half too', () => {
    const test = tickets(30);
    const right = test.filter(({ tokens, intent }) => model.predict(tokens.map((text) => ({ text }))).intent === intent);
    expect(right.length / test.length).toBeGreaterThan(0.95);
    const { labels } = model;
    for (const half of ['deep', 'wide'] as const) {
      const ok = test.filter(({ tokens, intent }) => {
        const z = model.logits(tokens.map(wordOf))[half];
        return labels[z.indexOf(Math.max(...z))] === intent;
      });
      expect(ok.length / test.length).toBeGreaterThan(0.9);
    }
  });
  it('is sure of what it knows, and its probabilities are probabilities', () => {
    const { confidence, alternatives, outOfScope, abstain } = ask('please cancel my order');
    expect(abstain).toBeUndefined();
    expect(confidence).toBeGreaterThan(0.8);
    expect(confidence + alternatives.reduce((sum, other) => sum + other.confidence, 0)).toBeCloseTo(1, 9);
    expect(outOfScope).toBeLessThan(0.95);
  });
  it('leaves to a person what it cannot know', () => {
    expect(ask('')).toMatchObject({ outOfScope: 1, abstain: 'out_of_scope' });
    expect(ask('vote purple bananas tomorrow').abstain).toMatch(/^(out_of_scope|\d+ % sure, \d+ % are enough for this model)$/);
  });
  it('reads so much of a text and no more, whatever follows', () => {
    const long = Array.from({ length: 20_000 }, (_, i) => ({ text: `${pick(['cancel', 'track', 'refund'])}${i % 7 === 0 ? '' : i}` }));
    expect(model.predict(long)).toEqual(model.predict(long.slice(0, 256)));
    expect(model.sentence(long)).toEqual(model.sentence(long.slice(0, 64)));
    const strange = ['\ud800', '', '\u202eabc', '😀', '<email>', 'x'.repeat(20_000), '__proto__', 'constructor'].map((text) => ({ text }));
    const { confidence, outOfScope } = model.predict(strange);
    expect(confidence).toBeGreaterThan(0);
    expect(outOfScope).toBeGreaterThanOrEqual(0);
  });
  it('gives the sentence as a vector of the network', () => {
    expect(model.sentence(tokenise('track my order', 'en'))).toHaveLength(small.H2);
    expect(model.sentence([])).toEqual(new Float32Array(small.H2));
  });
  it('answers the same twice, and after being written and read', () => {
    const once = ask('where is the lamp');
    expect(ask('where is the lamp')).toEqual(once);
    expect(readIntent([bytes(parts)]).predict(tokenise('where is the lamp', 'en'))).toEqual(once);
  });
  it('goes on bit for bit after a cut between any two epochs', () => {
    for (const cut of [1, 5]) {
      const first = trainIntent(examples, small, { engine });
      for (let epoch = 0; epoch < cut; epoch += 1) first.next();
      const saved = first.save();
      expect(bytes(run(trainIntent(examples, small, { engine, saved }))).equals(bytes(parts))).toBe(true);
    }
  });
  it('is the same when it is taken step by step, from the checkpoint of any', () => {
    const steps = trainingSteps(trainIntent(examples, small, { engine }));
    const third = [steps.next(), steps.next(), steps.next()][2];
    if (third.done === true) throw new Error('three of six epochs cannot be all');
    expect(third.value).toMatchObject({ epoch: 3, epochs: 6 });
    const rest = trainingSteps(trainIntent(examples, small, { engine, saved: third.value.checkpoint }));
    let next = rest.next();
    while (next.done !== true) next = rest.next();
    expect(bytes(next.value).equals(bytes(parts))).toBe(true);
  });
  it('says what is wrong with bytes that are no model', () => {
    const broken = bytes(parts);
    broken[broken.length >> 1] ^= 1;
    expect(() => readIntent([broken])).toThrow(/intent model snapshot: checksum differs/);
    expect(() => readIntent([bytes(parts).subarray(0, 100)])).toThrow(RangeError);
    expect(() => readIntent([Buffer.from('something else that is long enough')])).toThrow(/not a snapshot/);
  });
  it('takes as many epochs of few examples as steps are needed, within bounds', () => {
    const of = (stepsMin: number, epochs = 6): number => trainIntent(examples, { ...small, stepsMin, epochs }, { engine }).epochs;
    const steps = Math.ceil(examples.train.length / small.batch);
    expect([of(0), of(10 * steps), of(1e9), of(1e9, 80)]).toEqual([6, 10, 60, 80]);
  });
  it('needs two intents, and something to validate on', () => {
    expect(() => trainIntent({ train: tickets(5).filter(({ intent }) => intent === 'track'), validation: tickets(2) }, small, { engine })).toThrow(/at least two intents, got track/);
    expect(() => trainIntent({ train: tickets(5), validation: [] }, small, { engine })).toThrow(/got 15 and 0/);
  });
  it('has a class for what is outside where examples say so, and never answers with it', () => {
    const other = Array.from({ length: 60 }, () => ({ tokens: words(`${pick(['write', 'sing', 'tell'])} me a ${pick(['poem', 'song', 'joke'])}`), intent: 'other' }));
    const outside = readIntent(run(trainIntent({ train: [...examples.train, ...other.slice(30)], validation: [...examples.validation, ...other.slice(0, 30)] }, { ...small, outside: 'other' }, { engine })));
    const joke = outside.predict(tokenise('sing me a joke', 'en'));
    expect(joke.abstain).toBe('out_of_scope');
    expect(joke.intent).not.toBe('other');
    expect(joke.alternatives.map(({ intent }) => intent)).not.toContain('other');
    expect(outside.predict(tokenise('please cancel my order', 'en'))).toMatchObject({ intent: 'cancel' });
  });
});

describe('how unusual', () => {
  const quantiles = scopeQuantiles(Float64Array.from({ length: 5000 }, (_, i) => i / 5000));
  it('is the share of known ones that are less so, and tells apart what lies beyond', () => {
    expect(unusualness(quantiles, 0.25)).toBeCloseTo(0.25, 2);
    expect(unusualness(quantiles, 0.95)).toBeCloseTo(0.95, 2);
    expect(unusualness(quantiles, -1)).toBe(0);
    let before = 0;
    for (const score of [0.1, 0.5, 0.999, 1, 1.5, 3, 100]) {
      expect(unusualness(quantiles, score)).toBeGreaterThan(before);
      before = unusualness(quantiles, score);
    }
    expect(before).toBeLessThan(1);
  });
});

describe('entities', () => {
  const uniform = createUniform(17);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(uniform() * list.length)];
  const example = (): EntityExample => {
    const [order, amount] = [String(1e6 + Math.floor(uniform() * 9e6)), String(10 + Math.floor(uniform() * 900))];
    const text = pick([`where is order ${order}?`, `refund ${amount} dollars for ${order}`, `I paid $${amount}, order${order}`, `${amount} pieces of the lamp`, 'hello there']);
    const entities = [{ kind: 'order', value: order }, { kind: 'amount', value: amount }]
      .filter(({ kind, value }) => text.includes(value) && !(kind === 'amount' && text.includes('pieces')))
      .map(({ kind, value }) => ({ kind, start: text.lastIndexOf(value), end: text.lastIndexOf(value) + value.length }))
      .sort((a, b) => a.start - b.start);
    return { text, tokens: tokenise(text, 'en'), entities };
  };
  const examples = { train: Array.from({ length: 400 }, example), validation: Array.from({ length: 60 }, example) };
  const settings = { ...entityDefaults, epochs: 12, stepsMin: 0, E: 16, H1: 16, H2: 12 };
  it('are found in numbers that nobody has seen, also where what follows tells', () => {
    const model = readEntities(run(trainEntities(examples, settings, { engine })));
    const asked = Array.from({ length: 100 }, example);
    expect(spanScores(asked.map(({ text, tokens }) => model.predict(text, tokens)), asked.map(({ entities }) => entities)).f1).toBeGreaterThan(0.95);
    expect(model.predict('', [])).toEqual([]);
  });
  it('go on bit for bit after a cut, also between the two directions', () => {
    const whole = bytes(run(trainEntities(examples, settings, { engine })));
    for (const cut of [11, 12, 13]) {
      const first = trainEntities(examples, settings, { engine });
      for (let epoch = 0; epoch < cut; epoch += 1) first.next();
      expect(bytes(run(trainEntities(examples, settings, { engine, saved: first.save() }))).equals(whole)).toBe(true);
    }
  });
});

describe('language', () => {
  const texts = { train: tickets(80).map(({ tokens }) => tokens), validation: tickets(20).map(({ tokens }) => tokens) };
  const parts = run(trainLanguage(texts, { ...languageDefaults, epochs: 20, batch: 8, learningRate: 1e-2, dropout: { embedding: 0, between: 0, output: 0 }, E: 16, H1: 16, H2: 12, wordMin: 2 }, { engine }));
  const model = readLanguageModel(parts);
  const of = (text: string): { text: string }[] => words(text).map((word) => ({ text: word }));
  it('finds what it has read likely, and neither the strange nor the disordered', () => {
    const usual = model.perplexity(of('please cancel my order'));
    expect(usual).toBeGreaterThan(1);
    expect(usual).toBeLessThan(15);
    expect(model.perplexity(of('order my cancel please'))).toBeGreaterThan(2 * usual);
    expect(model.perplexity(of('vote purple bananas'))).toBeGreaterThan(2 * usual);
  });
  it('is the product of what it says word by word', () => {
    const text = of('track my order');
    let log = 0;
    for (let t = 0; t <= text.length; t += 1) {
      const next = model.next(text.slice(0, t), 10_000);
      log -= Math.log(next.find(({ word }) => word === text[t]?.text)?.probability ?? 0);
    }
    expect(model.perplexity(text)).toBeCloseTo(Math.exp(log / (text.length + 1)), 3);
  });
  it('goes on with words, most likely first', () => {
    const next = model.next(of('please cancel'), 5);
    expect(next.map(({ probability }) => probability)).toEqual(next.map(({ probability }) => probability).sort((a, b) => b - a));
    expect(['my', 'the', 'that', 'order']).toContain(next[0].word);
    expect(next.every(({ word }) => word !== END)).toBe(true);
  });
});

describe('a warm start', () => {
  const list = (...words: string[]): ReturnType<typeof vocabularyOf> => vocabularyOf([words], { min: 1, max: 10, spelling: false });
  it('keeps the rows of words that both know, and the layers', () => {
    const shape = { E: 4, H1: 3, H2: 2, head: 'last' as const };
    const [mine, theirs] = [list('refund', 'kettle', 'new'), list('kettle', 'lamp', 'refund')];
    const [into, from] = [createNetwork({ ...shape, V: mine.size, C: 5 }, 1, { engine }), createNetwork({ ...shape, V: theirs.size, C: 9 }, 2, { engine })];
    const classes = into.get('dense.kernel');
    expect(warmStart(into, mine, { network: from, words: theirs })).toBe(2);
    const [a, b] = [into.get('embedding'), from.get('embedding')];
    const row = (values: Float32Array, i: number): number[] => [...values.subarray(4 * i, 4 * i + 4)];
    expect(row(a, mine.idOf('refund'))).toEqual(row(b, theirs.idOf('refund')));
    expect(row(a, mine.idOf('new'))).toEqual(row(b, 1));
    expect(into.get('lstm2.kernel')).toEqual(from.get('lstm2.kernel'));
    expect(into.get('dense.kernel')).toEqual(classes);
  });
  it('refuses other widths', () => {
    const words = list('a');
    const network = (H1: number): ReturnType<typeof createNetwork> => createNetwork({ V: 3, E: 4, H1, H2: 2, C: 2, head: 'last' }, 1, { engine });
    expect(() => warmStart(network(3), words, { network: network(4), words })).toThrow(/H1 is 3, the network to start from has 4/);
  });
});
