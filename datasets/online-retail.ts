/**
 * Online Retail (UCI 352): the lines of every invoice of a British gift shop, Dec 2010 to Dec 2011, in time order.
 *
 *   InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
 *   500001,90210A,"BLUE TIN, LARGE",6,2010-12-01 08:26:00,2.55,17001.0,France
 *   C500002,90210A,"BLUE TIN, LARGE",-2,2010-12-01 09:41:00,2.55,,France
 *
 * One line is one event, since the file says nothing about an invoice beyond its lines:
 *   Quantity >= 0 -> purchase of one line;  Quantity < 0 -> refund of one line (also the few without a C: stock written off)
 *   order = InvoiceNo; the file does not say which invoice a refund takes back, so a refund names its own
 *   id = <InvoiceNo>-<line>, customer = CustomerID without its ".0", or guest-<InvoiceNo> where it is missing
 *   amountMinor = |Quantity| * UnitPrice in pence, exact, rounded once; GBP
 * Description and Country are not carried: nothing reads them.
 * Nothing is filtered: a negative price or a quantity of 0 stays as it is, for the stream to reject by name.
 */
import { parseInteger, scaled } from './decimal.js';
import { badField, tableDataset } from './table.js';
import { cachedWallTime } from './wall-time.js';

const timeOf = cachedWallTime();

export const onlineRetail = tableDataset({
  name: 'online-retail',
  title: 'Online Retail: every invoice line of a British gift shop, 2010-2011',
  delimiter: ',',
  header: ['InvoiceNo', 'StockCode', 'Description', 'Quantity', 'InvoiceDate', 'UnitPrice', 'CustomerID', 'Country'],
  timeNote: 'InvoiceDate is read as UTC; events come out in the order of the file',
  toEvent,
});

function toEvent(fields: string[], line: number): object | string {
  const [order, item, , quantityText, date, price, customerText] = fields;
  const quantity = parseInteger(quantityText);
  if (Number.isNaN(quantity)) return badField('Quantity', quantityText, 'must be an integer');
  const units = Math.abs(quantity);
  const unitMinor = scaled(price, 2);
  if (Number.isNaN(unitMinor)) return badField('UnitPrice', price, 'must be a decimal number');
  const atMs = timeOf(date);
  if (Number.isNaN(atMs)) return badField('InvoiceDate', date, 'must be a time such as 2010-12-01 08:26:00');
  return {
    v: 1,
    type: quantity < 0 ? 'refund' : 'purchase',
    id: `${order}-${line}`,
    customer: customerOf(customerText, order),
    atMs,
    order,
    lines: [{ item, quantity: units, unitMinor }],
    amountMinor: scaled(price, 2, units),
    currency: 'GBP',
  };
}

function customerOf(text: string, order: string): string {
  if (text === '') return `guest-${order}`;
  return text.endsWith('.0') ? text.slice(0, -2) : text;
}
