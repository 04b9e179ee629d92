/**
 * Olist: orders of a Brazilian marketplace, 2016-2018. Named by its folder or by its orders file; the other files are
 * read beside it, each as .csv or .csv.gz. All of them are joined in memory: the whole data set has 100,000 orders.
 *
 *   orders     order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,...,order_estimated_delivery_date
 *   customers  customer_id,customer_unique_id,customer_zip_code_prefix,...
 *   items      order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value
 *   payments   order_id,payment_sequential,payment_type,payment_installments,payment_value
 *   reviews    review_id,order_id,review_score,review_comment_title,review_comment_message,review_creation_date,review_answer_timestamp
 *
 *   order with items           -> purchase by customer_unique_id (customer_id is new for every order), lines by product
 *                                 and price, amount = sum of its payments (freight included), payment = the largest of them
 *   canceled or unavailable    -> a refund of all of it besides, at the estimated delivery: the file has no time of the refund
 *   order without items        -> an error row: nothing is known to have been bought
 *   review with words          -> ticket at its creation, and a label `stars-<score>` when it was answered
 *   review without words       -> nothing: a score alone is no ticket
 */
import type { Dataset, ImportedRow, ReadOptions } from './dataset.js';
import { findOlistFiles, type OlistFiles } from './olist-files.js';
import { readCustomers, readItems, readPayments, type Basket, type Buyer, type Payment } from './olist-tables.js';
import { inTimeOrder } from './sorted.js';
import { badField, readTable } from './table.js';
import { parseWallTime } from './wall-time.js';

const orderHeader = [
  'order_id', 'customer_id', 'order_status', 'order_purchase_timestamp', 'order_approved_at',
  'order_delivered_carrier_date', 'order_delivered_customer_date', 'order_estimated_delivery_date',
];
const reviewHeader = [
  'review_id', 'order_id', 'review_score', 'review_comment_title', 'review_comment_message', 'review_creation_date', 'review_answer_timestamp',
];
const takenBack = new Set(['canceled', 'unavailable']);

export const olist: Dataset = {
  name: 'olist',
  title: 'Olist: orders, payments and reviews of a Brazilian marketplace, 2016-2018',
  columns: orderHeader.join(', '),
  timeNote: 'times have no zone and are read as UTC; orders and reviews are joined and come out in order of time',
  async *read(file, options = {}) {
    const files = await findOlistFiles(file);
    const progress = progressOver(files, options);
    const errors: ImportedRow[] = [];
    const tables: Tables = {
      buyers: await readCustomers(files.customers.path, errors, progress('customers')),
      baskets: await readItems(files.items.path, errors, progress('items')),
      payments: await readPayments(files.payments.path, errors, progress('payments')),
    };
    const buyerOf = new Map<string, string>();
    const good: ImportedRow[] = [];
    for await (const row of orderRows(files.orders.path, tables, buyerOf, progress('orders'))) (row.error === undefined ? good : errors).push(row);
    for await (const row of reviewRows(files.reviews.path, buyerOf, progress('reviews'))) (row.error === undefined ? good : errors).push(row);
    if (errors.length > 0) yield errors;
    yield* inTimeOrder(good);
  },
};

interface Tables {
  buyers: Map<string, Buyer>;
  baskets: Map<string, Basket>;
  payments: Map<string, Payment>;
}

async function* orderRows(file: string, tables: Tables, buyerOf: Map<string, string>, options: ReadOptions): AsyncGenerator<ImportedRow> {
  for await (const rows of readTable(file, { name: 'olist', delimiter: ',', header: orderHeader }, options)) {
    for (const { line, fields, error } of rows) {
      const events = error ?? orderEvents(fields, tables);
      if (typeof events === 'string') {
        yield { line, error: error ?? `line ${line}: ${events}` };
        continue;
      }
      buyerOf.set(fields[0], events[0].customer);
      for (const event of events) yield { line, event };
    }
  }
}

function orderEvents(fields: string[], tables: Tables): { customer: string }[] | string {
  const [order, customerId, status, purchased, , , , estimated] = fields;
  const buyer = tables.buyers.get(customerId);
  if (buyer === undefined) return badField('customer_id', customerId, 'is not in olist_customers_dataset');
  const basket = tables.baskets.get(order);
  if (basket === undefined) return badField('order_id', order, 'has no line in olist_order_items_dataset');
  const atMs = parseWallTime(purchased);
  if (Number.isNaN(atMs)) return badField('order_purchase_timestamp', purchased, 'must be a time such as 2017-07-09 21:57:05');
  const payment = tables.payments.get(order);
  const shared = {
    order,
    lines: [...basket.lines.values()],
    amountMinor: payment?.amountMinor ?? basket.amountMinor,
    currency: 'BRL',
  };
  const purchase = {
    v: 1, type: 'purchase', id: `olist-${order}`, customer: buyer.customer, atMs, ...shared,
    ...(payment === undefined ? {} : { payment: payment.kind }),
    address: buyer.address, shippingCountry: 'BR', billingCountry: 'BR',
  };
  if (!takenBack.has(status)) return [purchase];
  const refundMs = parseWallTime(estimated);
  if (Number.isNaN(refundMs)) return badField('order_estimated_delivery_date', estimated, 'must be a time such as 2017-08-01 00:00:00');
  const refund = { v: 1, type: 'refund', id: `olist-refund-${order}`, customer: buyer.customer, atMs: refundMs, ...shared, reason: status };
  return [purchase, refund];
}

async function* reviewRows(file: string, buyerOf: Map<string, string>, options: ReadOptions): AsyncGenerator<ImportedRow> {
  for await (const rows of readTable(file, { name: 'olist', delimiter: ',', header: reviewHeader }, options)) {
    for (const { line, fields, error } of rows) {
      const events = error ?? reviewEvents(fields, line, buyerOf);
      if (typeof events === 'string') yield { line, error: `olist_order_reviews: ${error ?? `line ${line}: ${events}`}` };
      else for (const event of events) yield { line, event };
    }
  }
}

function reviewEvents(fields: string[], line: number, buyerOf: Map<string, string>): object[] | string {
  const [review, order, score, title, message, created, answered] = fields;
  const text = [title, message].map((part) => part.trim()).filter((part) => part !== '').join('\n');
  const customer = buyerOf.get(order);
  if (text === '' || customer === undefined) return []; // an order that became no purchase has been told already
  const atMs = parseWallTime(created);
  if (Number.isNaN(atMs)) return badField('review_creation_date', created, 'must be a time such as 2018-08-15 00:00:00');
  const labelMs = parseWallTime(answered);
  if (Number.isNaN(labelMs)) return badField('review_answer_timestamp', answered, 'must be a time such as 2018-08-15 04:10:37');
  const ticket = `${review}-${line}`; // one review may be about several orders
  return [
    { v: 1, type: 'ticket', id: `olist-ticket-${line}`, customer, atMs, ticket, text, order },
    { v: 1, type: 'label', id: `olist-label-${line}`, customer, atMs: labelMs, of: 'ticket', ref: ticket, verdict: `stars-${score}` },
  ];
}

/** Five files, one bar: bytes of the files that are done count with those of the one being read. */
function progressOver(files: OlistFiles, options: ReadOptions): (name: keyof OlistFiles) => ReadOptions {
  const total = Object.values(files).reduce((sum: number, file: { bytes: number }) => sum + file.bytes, 0);
  let before = 0;
  return (name) => {
    const start = before;
    before += files[name].bytes;
    return { onBytes: (done) => options.onBytes?.(start + done, total) };
  };
}
