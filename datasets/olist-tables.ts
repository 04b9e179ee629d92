/** The tables that Olist's orders are joined with, by order or customer. A bad row is told and left out. */
import type { ImportedRow, ReadOptions } from './dataset.js';
import { scaled } from './decimal.js';
import { badField, readTable } from './table.js';

export interface Buyer {
  customer: string;
  /** the postcode's first five digits are all that is published of an address */
  address: string;
}

interface BasketLine {
  item: string;
  quantity: number;
  unitMinor: number;
}

export interface Basket {
  /** by product and price, in the order of the file */
  lines: Map<string, BasketLine>;
  /** prices and freight */
  amountMinor: number;
}

export interface Payment {
  amountMinor: number;
  kind: string;
  largestMinor: number;
}

/** boleto is a slip that is paid at a bank afterwards. */
const kinds: Record<string, string> = { credit_card: 'card', debit_card: 'card', boleto: 'invoice', voucher: 'voucher' };

export async function readCustomers(file: string, errors: ImportedRow[], options: ReadOptions): Promise<Map<string, Buyer>> {
  const buyers = new Map<string, Buyer>();
  const header = ['customer_id', 'customer_unique_id', 'customer_zip_code_prefix'];
  await eachRow({ file, name: 'olist_customers', header, errors, options }, ([id, customer, postcode]) => {
    buyers.set(id, { customer, address: `br-${postcode}` });
    return undefined;
  });
  return buyers;
}

export async function readItems(file: string, errors: ImportedRow[], options: ReadOptions): Promise<Map<string, Basket>> {
  const baskets = new Map<string, Basket>();
  const header = ['order_id', 'order_item_id', 'product_id', 'seller_id', 'shipping_limit_date', 'price', 'freight_value'];
  await eachRow({ file, name: 'olist_order_items', header, errors, options }, ([order, , item, , , price, freight]) => {
    const unitMinor = scaled(price, 2);
    if (Number.isNaN(unitMinor)) return badField('price', price, 'must be a decimal number');
    const freightMinor = scaled(freight, 2);
    if (Number.isNaN(freightMinor)) return badField('freight_value', freight, 'must be a decimal number');
    const basket = entry(baskets, order, () => ({ lines: new Map<string, BasketLine>(), amountMinor: 0 }));
    entry(basket.lines, `${item} ${unitMinor}`, () => ({ item, quantity: 0, unitMinor })).quantity += 1;
    basket.amountMinor += unitMinor + freightMinor;
    return undefined;
  });
  return baskets;
}

export async function readPayments(file: string, errors: ImportedRow[], options: ReadOptions): Promise<Map<string, Payment>> {
  const payments = new Map<string, Payment>();
  const header = ['order_id', 'payment_sequential', 'payment_type', 'payment_installments', 'payment_value'];
  await eachRow({ file, name: 'olist_order_payments', header, errors, options }, ([order, , type, , value]) => {
    const minor = scaled(value, 2);
    if (Number.isNaN(minor)) return badField('payment_value', value, 'must be a decimal number');
    const payment = entry(payments, order, () => ({ amountMinor: 0, kind: 'other', largestMinor: -1 }));
    payment.amountMinor += minor;
    if (minor > payment.largestMinor) {
      payment.largestMinor = minor;
      payment.kind = kinds[type] ?? 'other';
    }
    return undefined;
  });
  return payments;
}

interface Side {
  file: string;
  name: string;
  header: readonly string[];
  errors: ImportedRow[];
  options: ReadOptions;
}

async function eachRow(side: Side, take: (fields: string[]) => string | undefined): Promise<void> {
  const { file, name, header, errors, options } = side;
  for await (const rows of readTable(file, { name: 'olist', delimiter: ',', header }, options)) {
    for (const { line, fields, error } of rows) {
      const wrong = error ?? take(fields);
      if (wrong !== undefined) errors.push({ line, error: `${name}: ${error ?? `line ${line}: ${wrong}`}` });
    }
  }
}

function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}
