/**
 * Two public records of fraud as streams of purchases, in order of time, as the pipeline would get them.
 *
 *   fraud-data-ecommerce  user_id,signup_time,purchase_time,purchase_value,device_id,source,browser,sex,age,class
 *                         22058,2/24/15 22:55,4/18/15 2:47,34,QVPSPJUOCKZAR,SEO,Chrome,M,39,0
 *   creditcard-ulb        Time,Amount,Class of all 284,807 payments of two days; Time,V1..V28,Amount,Class of 9,999 of them
 *
 * fraud-data-ecommerce: user_id is the customer, device_id the device; this copy has no ip_address, so there is no address,
 * and its times are whole minutes. Each customer buys once. What the contract has no field for (sign-up, source, browser,
 * sex, age) stands beside the pipeline's features as columns of their own.
 *
 * creditcard-ulb names nobody: every payment gets the same customer, so that the customer's windows are those of the whole
 * stream. The day's second is unknown; Time 0 is taken as midnight UTC. Beware of the file with V1..V28: beside all 492 frauds
 * of two days it has the first 9,507 genuine payments, which end after four hours. From then on every row is a fraud, and a
 * model that knows no more than the time looks excellent. It is cut where its genuine payments end: until there it has every
 * payment that was made.
 */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Purchase } from '../schemas/events.js';

export const fraudFile = '../shared/data/fraud-data-ecommerce/Fraud_Data.head51690.csv.gz';
export const cardsFile = '../shared/data/creditcard-ulb/creditcard_full_Time_Amount_Class.csv.gz';
export const cardsWithVFile = '../shared/data/creditcard-ulb/creditcard_492fraud_plus_9507.csv.gz';

export interface Column {
  name: string;
  family: string;
}

/** N = purchases, E = columns beside the pipeline's features. */
export interface Stream {
  /** N, in order of time */
  events: Purchase[];
  /** N: 1 fraud */
  y: Uint8Array;
  /** what the file knows and the contract has no field for */
  extra: Column[];
  /** N * E */
  E: Float64Array;
}

const linesOf = (file: string): string[] => gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split(/\r?\n/);

function expectHeader(file: string, found: string, expected: string): void {
  if (found !== expected) throw new Error(`${file}: line 1 is "${found.slice(0, 100)}", expected ${expected}`);
}

function purchase(id: string, customer: string, atMs: number, amountMinor: number, currency: string, device?: string): Purchase {
  return {
    v: 1, type: 'purchase', id, customer, atMs, order: id, amountMinor, currency,
    lines: [{ item: 'goods', quantity: 1, unitMinor: amountMinor }],
    ...(device === undefined ? {} : { device }),
  };
}

const fraudHeader = 'user_id,signup_time,purchase_time,purchase_value,device_id,source,browser,sex,age,class';
const sources = ['SEO', 'Ads', 'Direct'];
const browsers = ['Chrome', 'IE', 'FireFox', 'Safari', 'Opera'];

/** 4/18/15 2:47, taken as UTC. @throws Error that names the text */
export function minuteOf(text: string): number {
  const parts = /^(\d{1,2})\/(\d{1,2})\/(\d{2}) (\d{1,2}):(\d{2})$/.exec(text);
  if (parts === null) throw new Error(`${fraudFile}: "${text}" is no time of the form 4/18/15 2:47`);
  const [month, day, year, hour, minute] = parts.slice(1).map(Number);
  return Date.UTC(2000 + year, month - 1, day, hour, minute);
}

/** undefined where the data set is not here */
export function readFraudData(file = fraudFile): Stream | undefined {
  if (!existsSync(file)) return undefined;
  const [header, ...lines] = linesOf(file);
  expectHeader(file, header, fraudHeader);
  const extra: Column[] = [
    { name: 'log seconds since sign-up', family: 'sign-up' },
    ...sources.map((name) => ({ name: `source ${name}`, family: 'profile' })),
    ...browsers.map((name) => ({ name: `browser ${name}`, family: 'profile' })),
    { name: 'sex M', family: 'profile' },
    { name: 'age', family: 'profile' },
  ];
  const rows = lines.map((line, i) => {
    const [user, signup, bought, value, device, source, browser, sex, age, fraud] = line.split(',');
    if (!/^[01]$/.test(fraud ?? '') || !sources.includes(source) || !browsers.includes(browser)) throw new Error(`${file}: line ${i + 2} is not as expected: "${line.slice(0, 100)}"`);
    const atMs = minuteOf(bought);
    return {
      event: purchase(`p${user}`, user, atMs, Math.round(Number(value) * 100), 'USD', device),
      fraud: Number(fraud),
      // Equal minutes mean within the minute; no purchase lies before its sign-up.
      extra: [Math.log1p((atMs - minuteOf(signup)) / 1000), ...sources.map((name) => Number(name === source)), ...browsers.map((name) => Number(name === browser)), Number(sex === 'M'), Number(age)],
    };
  }).sort((a, b) => a.event.atMs - b.event.atMs); // stable: within a minute the file's order, which tells nothing
  return {
    events: rows.map(({ event }) => event),
    y: Uint8Array.from(rows, ({ fraud }) => fraud),
    extra,
    E: Float64Array.from(rows.flatMap((row) => row.extra)),
  };
}

const components = Array.from({ length: 28 }, (_, i) => `V${i + 1}`);
const cardsStartMs = Date.UTC(2013, 8, 1);

/** All payments, with nothing but time and amount; undefined where the data set is not here. */
export function readCards(file = cardsFile): Stream | undefined {
  if (!existsSync(file)) return undefined;
  const [header, ...lines] = linesOf(file);
  expectHeader(file, header, 'Time,Amount,Class');
  const rows = lines.map((line) => line.split(',').map(Number));
  return {
    events: rows.map(([time, amount], i) => purchase(`p${i}`, 'everyone', cardsStartMs + time * 1000, Math.round(amount * 100), 'EUR')),
    y: Uint8Array.from(rows, ([, , fraud]) => fraud),
    extra: [],
    E: new Float64Array(0),
  };
}

/** The payments with V1..V28, up to the last genuine one; undefined where the data set is not here. */
export function readCardsWithV(file = cardsWithVFile): Stream | undefined {
  if (!existsSync(file)) return undefined;
  const [header, ...lines] = linesOf(file);
  expectHeader(file, header, ['Time', ...components, 'Amount', 'Class'].join(','));
  const all = lines.map((line) => line.split(',').map(Number)).sort((a, b) => a[0] - b[0]); // the file has the frauds in front
  const end = all.reduce((last, fields) => (fields[30] === 0 ? Math.max(last, fields[0]) : last), 0);
  const rows = all.filter(([time]) => time <= end);
  return {
    events: rows.map((fields, i) => purchase(`p${i}`, 'everyone', cardsStartMs + fields[0] * 1000, Math.round(fields[29] * 100), 'EUR')),
    y: Uint8Array.from(rows, (fields) => fields[30]),
    extra: components.map((name) => ({ name, family: 'components' })),
    E: Float64Array.from(rows.flatMap((fields) => fields.slice(1, 29))),
  };
}
