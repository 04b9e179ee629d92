import { dirname } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkEvent } from '../../schemas/decode.js';
import { rowsOf, sampleFolder } from './files.js';

const sample = sampleFolder();
const otherSample = sampleFolder();
let orders = '';

beforeAll(() => {
  sample('olist_customers_dataset.csv', 'customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state\nk1,ana,01000,x,SP\nk2,ana,01000,x,SP\nk3,rui,02000,x,SP\n');
  sample('olist_order_items_dataset.csv.gz', [
    'order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value',
    'o1,1,p1,s,2018-01-01 00:00:00,10.5,1.25', 'o1,2,p1,s,2018-01-01 00:00:00,10.5,1.25', 'o1,3,p2,s,2018-01-01 00:00:00,3,0', 'o2,1,p1,s,2018-01-01 00:00:00,10.5,2', 'o2,2,p1,s,2018-01-01 00:00:00,dear,2', '',
  ].join('\n'), { gz: true });
  sample('olist_order_payments_dataset.csv', 'order_id,payment_sequential,payment_type,payment_installments,payment_value\no1,1,voucher,1,6.5\no1,2,credit_card,1,20.0\n');
  sample('olist_order_reviews_dataset.csv', [
    'review_id,order_id,review_score,review_comment_title,review_comment_message,review_creation_date,review_answer_timestamp',
    'r1,o1,1,Tarde,"Chegou\nquebrado ",2018-01-10 00:00:00,2018-01-11 10:00:00', 'r2,o2,5,,,2018-01-10 00:00:00,2018-01-11 10:00:00', '',
  ].join('\n'));
  orders = sample('olist_orders_dataset.csv', [
    'order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date',
    'o2,k2,canceled,2018-01-02 00:00:00,,,,2018-01-20 00:00:00', 'o1,k1,delivered,2018-01-01 00:00:00,,,,2018-01-20 00:00:00', 'o3,k3,unavailable,2018-01-01 00:00:00,,,,2018-01-20 00:00:00', '',
  ].join('\n'));
});

describe('olist', () => {
  it('joins orders with items, payments, customers and reviews, in order of time', async () => {
    const rows = (await rowsOf('olist', dirname(orders))).filter((row) => row.error === undefined);
    expect(rows.map((row) => row.event)).toEqual([
      {
        v: 1, type: 'purchase', id: 'olist-o1', customer: 'ana', atMs: Date.UTC(2018, 0, 1), order: 'o1',
        lines: [{ item: 'p1', quantity: 2, unitMinor: 1050 }, { item: 'p2', quantity: 1, unitMinor: 300 }],
        amountMinor: 2650, currency: 'BRL', payment: 'card', address: 'br-01000', shippingCountry: 'BR', billingCountry: 'BR',
      },
      {
        v: 1, type: 'purchase', id: 'olist-o2', customer: 'ana', atMs: Date.UTC(2018, 0, 2), order: 'o2', lines: [{ item: 'p1', quantity: 1, unitMinor: 1050 }],
        amountMinor: 1250, currency: 'BRL', address: 'br-01000', shippingCountry: 'BR', billingCountry: 'BR',
      },
      { v: 1, type: 'ticket', id: 'olist-ticket-2', customer: 'ana', atMs: Date.UTC(2018, 0, 10), ticket: 'r1-2', text: 'Tarde\nChegou\nquebrado', order: 'o1' },
      { v: 1, type: 'label', id: 'olist-label-2', customer: 'ana', atMs: Date.UTC(2018, 0, 11, 10), of: 'ticket', ref: 'r1-2', verdict: 'stars-1' },
      {
        v: 1, type: 'refund', id: 'olist-refund-o2', customer: 'ana', atMs: Date.UTC(2018, 0, 20), order: 'o2', lines: [{ item: 'p1', quantity: 1, unitMinor: 1050 }],
        amountMinor: 1250, currency: 'BRL', reason: 'canceled',
      },
    ]);
    for (const row of rows) expect(checkEvent(row.event)).toHaveProperty('event');
  });

  it('takes the orders file as well, and names the table of a bad row', async () => {
    const errors = (await rowsOf('olist', orders)).filter((row) => row.error !== undefined);
    expect(errors.map((row) => row.error)).toEqual([
      'olist_order_items: line 6: price: must be a decimal number, got "dear"',
      'line 4: order_id: has no line in olist_order_items_dataset, got "o3"',
    ]);
  });

  it('says which files it misses', async () => {
    const alone = otherSample('olist_orders_dataset.csv', 'order_id\n');
    await expect(rowsOf('olist', alone)).rejects.toThrow(/lacks olist_customers_dataset.csv\[.gz\], olist_order_items_dataset/);
  });
});
