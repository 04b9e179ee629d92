/** The true entities that a label brings: where they stand, what becomes of them, what is counted, and that nothing personal is kept. */
import { describe, expect, it } from 'vitest';
import { findEntities } from '../../pipelines/support/entity-rules.js';
import { placeEntities, type NamedEntity } from '../../pipelines/support/entity-labels.js';
import { maskEvent } from '../../pipelines/support/personal.js';
import type { Label } from '../../schemas/events.js';
import { limits } from '../../schemas/limits.js';
import { buy, day, hour, start } from '../support/risk.js';
import { settle, supportShop, write, type SupportShop } from '../support/support.js';

const entity = (kind: NamedEntity['kind'], text: string, occurrence?: number): NamedEntity => ({ kind, text, ...(occurrence !== undefined && { occurrence }) });

describe('places of named entities', () => {
  const placed = (text: string, ...named: NamedEntity[]): string[] | string => {
    const found = placeEntities(text, named);
    return 'spans' in found ? found.spans.map(({ kind, start, end }) => `${kind} ${text.slice(start, end)}@${start}`) : `${found.outcome}: ${found.detail}`;
  };

  it.each<[string, string, NamedEntity[], string[]]>([
    ['every place of a text', 'order SO-1 for 12 euros, SO-1!', [entity('order', 'SO-1'), entity('amount', '12 euros')], ['order SO-1@6', 'amount 12 euros@15', 'order SO-1@25']],
    ['only the one that is counted', 'SO-1 and SO-1 and SO-1', [entity('order', 'SO-1', 2)], ['order SO-1@9']],
    ['not inside of a number', 'order 1234 and 12', [entity('amount', '12')], ['amount 12@15']],
    ['not inside of a word', 'cartoon art', [entity('product', 'art')], ['product art@8']],
    ['from a letter to a digit', 'order113542', [entity('order', '113542')], ['order 113542@5']],
    ['among Han letters, which have no borders', '我的订单SO-1到哪里了，水壶坏了', [entity('order', 'SO-1'), entity('product', '水壶')], ['order SO-1@4', 'product 水壶@13']],
    ['as the ticket has it, normalised', 'paid 12 euros', [entity('amount', '１２\u200b\n euros')], ['amount 12 euros@5']],
    ['the longer one first, wherever it stands in the list', '12 May, I paid 12', [entity('amount', '12'), entity('date', '12 May')], ['date 12 May@0', 'amount 12@15']],
    ['behind a letter beyond 16 bits', '🫖 12 euros', [entity('amount', '12 euros')], ['amount 12 euros@3']],
    ['one that is named twice', 'SO-1', [entity('order', 'SO-1'), entity('order', 'SO-1')], ['order SO-1@0']],
    ['none', 'thanks', [], []],
    ['two kinds of one text, told apart by their places', '12 and 12', [entity('amount', '12', 1), entity('date', '12', 2)], ['amount 12@0', 'date 12@7']],
  ])('%s', (_name, text, named, wanted) => { expect(placed(text, ...named)).toEqual(wanted); });

  it.each<[string, string, NamedEntity[], string]>([
    ['a text that is not there', 'where is SO-1', [entity('order', 'SO-1'), entity('product', 'kettle')], 'not_found: entities.1.text (product) stands nowhere in the ticket in whole words, within its first 500 characters and outside of what is masked; send it as the ticket has it'],
    ['a piece of a word', 'kettles', [entity('product', 'kettle')], 'not_found: entities.0.text'],
    ['another case', 'Kettle', [entity('product', 'kettle')], 'not_found: entities.0.text'],
    ['characters that are none', 'kettle', [entity('product', '\u200b')], 'not_found: entities.0.text'],
    ['a place too many', 'SO-1, SO-1', [entity('order', 'SO-1', 3)], 'not_found: entities.0.occurrence (order) is 3, and its text stands in 2 places of the ticket; send at most that'],
    ['two kinds of one place', '12 euros', [entity('amount', '12 euros'), entity('product', '12 euros')], 'overlapping: entities.1 (product) stands where entities.0 (amount) does; send one of them, or the occurrence of each'],
    ['one inside of another alone', 'the red kettle', [entity('product', 'kettle'), entity('product', 'red kettle')], 'overlapping: entities.0 (product) stands where entities.1 (product) does'],
    ['what is masked', 'mail <email>, call <phone>', [entity('order', '<phone>')], 'not_found: entities.0.text'],
    ['a piece of a mask', 'mail <email>', [entity('product', 'email')], 'not_found: entities.0.text'],
  ])('refuses %s', (_name, text, named, wanted) => { expect(placed(text, ...named)).toContain(wanted); });

  it('does not take a word that the end of what is kept may have cut', () => {
    const cut = `${'x '.repeat(247)}SO-5001`.slice(0, limits.ticketKeptMax);
    expect(cut.endsWith(' SO-500')).toBe(true);
    expect(placed(cut, entity('order', 'SO-500'))).toContain('not_found');
    expect(placed(cut.slice(0, -1), entity('order', 'SO-50'))).toHaveLength(1);
  });
});

describe('a label that names entities', () => {
  const named = (shop: SupportShop, customer: string, atMs: number, ticket: string, ...entities: NamedEntity[]): void => {
    shop.give({ ...settle(customer, atMs, ticket, 'delivery_status'), entities });
  };
  const last = (shop: SupportShop) => shop.labels().at(-1)?.entities;

  it('is right where the ticket was read so, and wrong where it was read otherwise', () => {
    const shop = supportShop();
    shop.give(write('c1', start, 'Where is my order SO-5001?', { ticket: 'T-1' }), write('c2', start, 'Where is my kettle of order SO-5002?', { ticket: 'T-2' }), write('c3', start, 'Where is it?', { ticket: 'T-3' }));
    named(shop, 'c1', start + hour, 'T-1', entity('order', 'SO-5001'));
    expect(last(shop)).toEqual({ outcome: 'right', detail: '', kinds: ['order'], values: ['SO-5001'], starts: [18], ends: [25], found: 1, right: 1, model: 'entity-rules-1' });
    named(shop, 'c2', start + hour, 'T-2', entity('order', 'SO-5002'), entity('product', 'kettle'));
    expect(last(shop)).toMatchObject({ outcome: 'wrong', kinds: ['product', 'order'], values: ['kettle', 'SO-5002'], found: 1, right: 1 });
    named(shop, 'c3', start + hour, 'T-3');
    expect(last(shop)).toMatchObject({ outcome: 'right', kinds: [], found: 0, right: 0 });
  });

  it('is wrong where what is found is nothing', () => {
    const shop = supportShop();
    shop.give(write('c1', start, 'Where is my order SO-5001?', { ticket: 'T-1' }));
    named(shop, 'c1', start + hour, 'T-1');
    expect(last(shop)).toMatchObject({ outcome: 'wrong', kinds: [], found: 1, right: 0 });
  });

  it('of several the last one counts, and says whether it contradicts', () => {
    const shop = supportShop();
    shop.give(write('c1', start, 'Where is my kettle of order SO-5001?', { ticket: 'T-1' }));
    named(shop, 'c1', start + hour, 'T-1', entity('order', 'SO-5001'));
    named(shop, 'c1', start + 2 * hour, 'T-1', entity('order', 'SO-5001'));
    expect(last(shop)).toMatchObject({ outcome: 'repeated', values: ['SO-5001'] });
    named(shop, 'c1', start + 3 * hour, 'T-1', entity('order', 'SO-5001'), entity('product', 'kettle'));
    expect(last(shop)).toMatchObject({ outcome: 'contradicted', values: ['kettle', 'SO-5001'], found: 1, right: 1 });
    named(shop, 'c1', start + 4 * hour, 'T-1', entity('product', 'pot'));
    expect(last(shop)).toMatchObject({ outcome: 'not_found', kinds: [] });
    named(shop, 'c1', start + 5 * hour, 'T-1', entity('order', 'SO-5001'), entity('product', 'kettle'));
    expect(last(shop), 'what was refused has changed nothing').toMatchObject({ outcome: 'repeated' });
    shop.give(settle('c1', start + 6 * hour, 'T-1', 'delivery_status'));
    expect(last(shop), 'a label that says nothing of them').toBeUndefined();
    named(shop, 'c1', start + 7 * hour, 'T-1');
    expect(last(shop), 'nothing is something else').toMatchObject({ outcome: 'contradicted', kinds: [] });
  });

  it('is unknown where the ticket has never been seen, is another customer\'s, or is no longer held', () => {
    const shop = supportShop();
    named(shop, 'c9', start, 'T-9', entity('order', 'SO-1'));
    expect(last(shop)).toEqual({ outcome: 'unknown', detail: '', kinds: [], values: [], starts: [], ends: [], found: 0, right: 0, model: '' });
    shop.give(write('c1', start + hour, 'Where is SO-1?', { ticket: 'T-1' }));
    named(shop, 'c2', start + 2 * hour, 'T-1', entity('order', 'SO-1'));
    expect(last(shop)).toMatchObject({ outcome: 'unknown' });
    for (let n = 0; n < 500; n += 1) shop.give(write(`n${n}`, start + 3 * hour, 'hello there'));
    named(shop, 'c1', start + 4 * hour, 'T-1', entity('order', 'SO-1'));
    expect(last(shop)).toMatchObject({ outcome: 'unknown' });
  });

  it('speaks of the first text of a ticket, and of its beginning', () => {
    const shop = supportShop();
    const long = `My order SO-1 is late. ${'I wait and wait. '.repeat(40)} It was order SO-2.`;
    shop.give(write('c1', start, long, { ticket: 'T-1' }), write('c1', start + hour, 'Any news of order SO-3?', { ticket: 'T-1' }));
    expect(shop.tickets()[0].entityValues).toEqual(['SO-1', 'SO-2']);
    named(shop, 'c1', start + 2 * hour, 'T-1', entity('order', 'SO-1'));
    expect(last(shop)).toMatchObject({ outcome: 'right', found: 1, right: 1 });
    named(shop, 'c1', start + 3 * hour, 'T-1', entity('order', 'SO-2'));
    expect(last(shop)).toMatchObject({ outcome: 'not_found' });
    named(shop, 'c1', start + 3 * hour, 'T-1', entity('order', 'SO-3'));
    expect(last(shop)).toMatchObject({ outcome: 'not_found' });
  });

  it('a first list of a ticket is counted, by day and by what read it', () => {
    const shop = supportShop();
    shop.give(write('c1', start, 'Where is my kettle of order SO-5001?', { ticket: 'T-1' }), write('c2', start, 'it cost 12 euros', { ticket: 'T-2' }));
    named(shop, 'c1', start + hour, 'T-1', entity('order', 'SO-5001'), entity('product', 'kettle'));
    named(shop, 'c1', start + hour, 'T-1', entity('product', 'kettle')); // again: does not count
    named(shop, 'c2', start + hour, 'T-2', entity('amount', '12'));
    named(shop, 'c2', start + hour, 'T-2', entity('amount', '13')); // refused: does not count
    shop.give(write('c3', start + day, 'hello there'));
    const metrics = shop.metrics().filter(({ metric }) => metric.startsWith('entity'));
    expect(metrics.map(({ metric, value, rows, positives, model, over }) => ({ metric, value: Number(value.toFixed(4)), rows, positives, model, over }))).toEqual([
      { metric: 'entity_precision', value: 0.5, rows: 2, positives: 1, model: 'entity-rules-1', over: 'verdicts' },
      { metric: 'entity_recall', value: 0.3333, rows: 2, positives: 1, model: 'entity-rules-1', over: 'verdicts' },
      { metric: 'entity_f1', value: 0.4, rows: 2, positives: 1, model: 'entity-rules-1', over: 'verdicts' },
    ]);
  });

  it('keeps nothing of it but what the masked ticket has', () => {
    const shop = supportShop();
    const label: Label = { ...settle('c1', start + hour, 'T-1', 'delivery_status'), entities: [entity('order', 'ann@example.com'), entity('product', '13800138000')] };
    shop.give(write('c1', start, 'Where is my order, write to ann@example.com or call 13800138000', { ticket: 'T-1' }), label);
    expect(shop.labels().at(-1)?.entities).toMatchObject({ outcome: 'not_found', values: [] });
    expect(JSON.stringify(shop.labels())).not.toMatch(/example\.com|13800138000/);
    expect(JSON.stringify(maskEvent(label))).not.toMatch(/example\.com|13800138000/);
  });

  it('the same events give the same bytes, restored on the way', () => {
    const run = (restarts: boolean): SupportShop => {
      const shop = supportShop();
      for (let n = 0; n < 60; n += 1) {
        shop.give(write(`c${n % 7}`, start + n * hour, `Where is the kettle of order SO-${1000 + n}, it cost ${n} euros`, { id: `e${n}`, ticket: `T-${n}` }));
        if (restarts && n % 5 === 1) shop.restart();
        if (n >= 3 && n % 2 === 0) shop.give({ ...settle(`c${(n - 3) % 7}`, start + n * hour + 1, `T-${n - 3}`, 'delivery_status'), id: `l${n}`, entities: [entity('order', `SO-${997 + n}`), entity('amount', `${n - 3} euros`), ...(n % 3 === 0 ? [entity('product', 'kettle')] : [])] });
        if (restarts && n % 5 === 3) shop.restart();
      }
      return shop;
    };
    const [straight, cut] = [run(false), run(true)];
    expect(cut.hash()).toBe(straight.hash());
    expect(cut.labels()).toEqual(straight.labels());
    expect(new Set(straight.labels().map(({ entities }) => entities?.outcome))).toEqual(new Set(['right', 'wrong']));
  });
});

it('who found an entity stands beside it', () => {
  const shop = supportShop();
  const found = shop.give(buy('c1', start, { order: 'SO-5001' }), write('c1', start + hour, 'I paid 12 euros for SO-5001'));
  expect(found.entityValues.map((value, i) => `${value} ${found.entityBy?.[i]}`)).toEqual(['12 euros rule', 'SO-5001 own']);
  expect(findEntities('I paid 12 euros for SO-5001', { orders: [], items: [] }).map(({ value }) => value)).toEqual(['12 euros']);
});
