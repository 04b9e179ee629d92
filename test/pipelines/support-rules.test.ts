/** What needs no model: how a text sounds, how soon it must be looked at, what it names; and the model that is there from the start. */
import { describe, expect, it } from 'vitest';
import { normalise } from '../../models/text/normalise.js';
import { detectLanguage } from '../../models/text/language.js';
import { tokenise } from '../../models/text/tokenise.js';
import { findEntities, mergeEntities, type FoundEntity } from '../../pipelines/support/entity-rules.js';
import { loadAnswers } from '../../pipelines/support/load-answers.js';
import { maskBody, maskLong } from '../../pipelines/support/personal.js';
import { sentimentOf } from '../../pipelines/support/sentiment.js';
import { trainStarter } from '../../pipelines/support/starter.js';
import { ownWords, urgencyOf, withIntent } from '../../pipelines/support/urgency.js';

const sentiment = (raw: string): number => {
  const text = normalise(raw);
  const language = detectLanguage(text);
  return sentimentOf(text, language === undefined ? [] : tokenise(text, language), language);
};

describe('sentiment', () => {
  it('a worked one: terrible is -3, and -3 / sqrt(9 + 15) = -0.612; not good is 1 * -0.74', () => {
    expect(sentiment('it is terrible')).toBeCloseTo(-3 / Math.sqrt(24), 12);
    expect(sentiment('it is not good')).toBeCloseTo(-0.74 / Math.sqrt(0.74 ** 2 + 15), 12);
    expect(sentiment('这个很好')).toBeCloseTo(1.29 / Math.sqrt(1.29 ** 2 + 15), 12);
  });

  it.each([
    ['great product, I love it', 'worse than', 'not great'], ['I am very disappointed', 'below', 'I am disappointed'], ['this is terrible!!!', 'below', 'this is terrible'],
    ['质量太差了', 'below', '质量差'], ['不满意', 'below', '满意'], ['非常满意', 'above', '有点满意'],
  ])('%s / %s / %s are told apart', (a, order, b) => {
    if (order === 'below') expect(sentiment(a)).toBeLessThan(sentiment(b));
    else expect(sentiment(a)).toBeGreaterThan(sentiment(b));
  });

  it.each(['where is my order', '差价怎么补', '你好，请问什么时候发货', '差不多三天', ''])('%s says nothing', (text) => { expect(sentiment(text)).toBe(0); });
  it('is within -1 and 1, however often something is said', () => { expect(sentiment('terrible '.repeat(2000))).toBeGreaterThanOrEqual(-1); });
});

describe('urgency', () => {
  it.each([
    ['the charger caught fire', 'urgent', 'danger to people'], ['水壶漏电了', 'urgent', 'danger to people'], ['unauthorised payment on my card', 'urgent', 'fraud'], ['账户被盗刷', 'urgent', 'fraud'],
    ['you will hear from my lawyer', 'urgent', 'the law'], ['再不处理我打12315', 'urgent', 'the law'], ['I need it by tomorrow', 'high', undefined], ['请尽快处理', 'high', undefined], ['where is my fire pit', 'normal', undefined],
  ])('%s is %s', (text, urgency, danger) => { expect(urgencyOf(text, 0, [])).toEqual({ urgency, danger }); });

  it('the shop\'s own words, strong anger, and what the intent is like', () => {
    expect(urgencyOf('about the RECALL of the kettle', 0, ownWords('recall, 召回'))).toEqual({ urgency: 'urgent', danger: 'recall' });
    expect(urgencyOf('where is it', -0.9, []).urgency).toBe('high');
    expect([withIntent('normal', 'low'), withIntent('high', 'low'), withIntent('high', 'urgent'), withIntent('normal', 'high')]).toEqual(['low', 'high', 'urgent', 'high']);
  });
});

describe('entities by rules', () => {
  const own = { orders: ['SO-5001', '113-4471'], items: ['KET-1042'] };
  const found = (text: string): string[] => findEntities(text, own).map(({ kind, value, start, end }) => {
    expect(text.slice(start, end)).toBe(value);
    return `${kind} ${value}`;
  });

  it.each([
    ['so-5001 is late, so is 113-4471.', ['order so-5001', 'order 113-4471']],
    ['my order number is #A48213', ['order A48213']],
    ['订单号：20241103569还没发货', ['order 20241103569']],
    ['the KET-1042 cost EUR 34.99, not 49 euros', ['product KET-1042', 'amount EUR 34.99', 'amount 49 euros']],
    ['退款120元，单号SF123456789012', ['amount 120元', 'tracking SF123456789012']],
    ['1Z999AA10123456784 was due on Monday, 3 May 2026', ['tracking 1Z999AA10123456784', 'date on Monday', 'date 3 May 2026']],
    ['2026-01-31, 5月3日, 昨天', ['date 2026-01-31', 'date 5月3日', 'date 昨天']],
    ['SO-50012 and XKET-1042 are none of mine; call <phone>, 100% of 3 orders', []],
  ])('%s', (text, wanted) => { expect(found(text)).toEqual(wanted); });

  it('a model has the say, but for the customer\'s own orders and items', () => {
    const text = 'SO-5001 from 3 May in red';
    const model: FoundEntity[] = [{ kind: 'product', value: 'SO-5001 from', start: 0, end: 12 }, { kind: 'date', value: '3 May in', start: 13, end: 21 }];
    expect(mergeEntities(findEntities(text, own), model, own).map(({ kind, value }) => `${kind} ${value}`)).toEqual(['order SO-5001', 'date 3 May in']);
  });
});

describe('the starter', () => {
  const answers = loadAnswers();
  const starter = trainStarter(answers, 0.7);
  const read = (text: string, language: 'en' | 'zh') => starter.reader.predict(tokenise(normalise(text), language), language);

  it('reads nearly every example that it was made from, and far more than chance of those that it has not seen', () => {
    let [right, all] = [0, 0];
    for (const { intent, examples } of answers.intents.values()) {
      for (const language of ['en', 'zh'] as const) for (const text of examples[language].filter((example) => !example.includes('{'))) {
        all += 1;
        if (read(text, language).intent === intent) right += 1;
      }
    }
    expect(right / all).toBeGreaterThan(0.97);
    expect(starter.report.accuracy).toBeGreaterThan(10 / answers.intents.size);
    expect(starter.report.precision).toBeGreaterThanOrEqual(0.7);
    expect(starter.report.refused).toBeGreaterThan(0.85);
  });

  it('the same answers give the same model; a higher precision abstains from more', () => {
    const again = trainStarter(answers, 0.7);
    for (const text of ['where is it', 'refund please', 'qwertz']) expect(again.reader.predict(tokenise(text, 'en'), 'en')).toEqual(read(text, 'en'));
    expect(trainStarter(answers, 0.95).report.coverage).toBeLessThan(starter.report.coverage);
  });

  it('its probabilities are some, and strange words around a known one are not that one', () => {
    for (const text of ['refund', '', 'zyx wvu', 'order '.repeat(500)]) {
      const { confidence, alternatives } = read(text, 'en');
      expect(confidence).toBeGreaterThanOrEqual(alternatives[0].confidence);
      expect(confidence + alternatives.reduce((sum, of) => sum + of.confidence, 0)).toBeLessThanOrEqual(1 + 1e-9);
    }
    expect(read('cancel my order', 'en').abstain).toBeUndefined();
    expect(read('alert script order customer process env', 'en').abstain).toBeDefined();
  });
});

describe('bodies of rejects', () => {
  const body = (text: string, encoding: BufferEncoding = 'utf8'): string => Buffer.from(maskBody(Buffer.from(text, encoding))).toString(encoding);

  it.each([
    ['{"text":"mail a.b@example.com","n":1}', '{"text":"mail <email>","n":1}'],
    ['{"text":"mail a.b\\u0040example.com"}', '{"text":"mail <email>"}'],
    ['{"text":"mail a.b\\u0040example.com', '{"text":"mail <email>'],
    ['{"a.b@example.com":[["4111 1111 1111 1111"]]}', '{"<email>":[["<card>"]]}'],
    ['not json a.b@example.com', 'not json <email>'],
    ['{"a":1}\n{"text":"a.b@example.com"}\n', '{"a":1}\n{"text":"<email>"}\n'],
  ])('%s', (given, wanted) => { expect(body(given)).toBe(wanted); });

  it('what holds none keeps its bytes, whatever they are', () => {
    for (const bytes of [Buffer.from('{"text" : "hello  \\u00e9"}'), Buffer.from([0, 255, 254, 1, 200]), Buffer.from('')]) expect(Buffer.from(maskBody(bytes)).equals(bytes)).toBe(true);
  });

  it('another encoding is read as far as it is ASCII, and UTF-16 without its zeros', () => {
    expect(body('Grüße, a.b@example.com', 'latin1')).toBe('Grüße, <email>');
    expect(Buffer.from(maskBody(Buffer.from('mail a.b@example.com', 'utf16le'))).toString('latin1')).toBe('mail <email>');
  });

  it('a text of any length is masked to its end, also where a piece ends', () => {
    const long = `${'x'.repeat(9_990)} a.b@example.com ${'订'.repeat(9_980)}电话13800138000，${'y '.repeat(20_000)}c.d@example.com`;
    const masked = maskLong(long) ?? '';
    expect(masked).not.toMatch(/example|13800138000/);
    expect(masked.match(/<email>/g)).toHaveLength(2);
  });

  it('JSON that is nested deeper than the stack is no trouble', () => {
    expect(body(`${'['.repeat(5000)}"a.b@example.com"${']'.repeat(5000)}`)).toContain('"<email>"');
  });
});
