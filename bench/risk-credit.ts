/**
 * uci-credit-default: who misses next month's payment, from six months of bills and payments.  N = 30,000 rows.
 *
 *   ID,LIMIT_BAL,SEX,EDUCATION,MARRIAGE,AGE,PAY_0,PAY_2..PAY_6,BILL_AMT1..6,PAY_AMT1..6,class
 *   1,20000,2,2,1,24,2,2,-1,-1,-2,-2,3913,3102,689,0,0,0,0,689,0,0,0,0,1
 *
 * PAY_n are states: -2 no bill, -1 paid in full, 0 a part paid, 1.. months late; they are not on one scale, so each state is a
 * column. Amounts span six decades and are taken as logarithms, and as shares of the limit and of the bill. What stands here
 * was chosen on the training part (its own last fifth held out), never on the test part.
 */
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { Feature } from '../models/linear/scaler.js';

export const creditFile = '../shared/data/uci-credit-default/UCI_Credit_Card.csv.gz';
const header = 'ID,LIMIT_BAL,SEX,EDUCATION,MARRIAGE,AGE,PAY_0,PAY_2,PAY_3,PAY_4,PAY_5,PAY_6,'
  + 'BILL_AMT1,BILL_AMT2,BILL_AMT3,BILL_AMT4,BILL_AMT5,BILL_AMT6,PAY_AMT1,PAY_AMT2,PAY_AMT3,PAY_AMT4,PAY_AMT5,PAY_AMT6,class';

export interface Matrix {
  names: string[];
  /** N * names.length */
  X: Float64Array;
  y: Uint8Array;
}

/** The 23 columns as they are, in the file's order; undefined where the data set is not here. */
export function readCredit(file = creditFile): Matrix | undefined {
  if (!existsSync(file)) return undefined;
  const [first, ...lines] = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split(/\r?\n/);
  if (first !== header) throw new Error(`${file}: line 1 is "${first.slice(0, 100)}", expected ${header}`);
  const names = header.split(',').slice(1, -1);
  const [X, y] = [new Float64Array(lines.length * names.length), new Uint8Array(lines.length)];
  lines.forEach((line, i) => {
    const fields = line.split(',').map(Number);
    if (fields.length !== names.length + 2 || !fields.every(Number.isFinite)) throw new Error(`${file}: line ${i + 2} is not ${names.length + 2} numbers: "${line.slice(0, 100)}"`);
    X.set(fields.slice(1, -1), i * names.length);
    y[i] = fields[fields.length - 1];
  });
  return { names, X, y };
}

interface Row {
  limit: number;
  sex: number;
  education: number;
  marriage: number;
  age: number;
  /** newest month first, as in the file */
  states: number[];
  bills: number[];
  payments: number[];
}

interface Column {
  name: string;
  of: (row: Row) => number;
}

const signedLog = (x: number): number => Math.sign(x) * Math.log1p(Math.abs(x));
const cut = (x: number, low: number, high: number): number => Math.min(high, Math.max(low, x));
const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0);
const is = (condition: boolean): number => (condition ? 1 : 0);
const late = (state: number): number => Math.max(0, state);
const months = [0, 1, 2, 3, 4, 5];
const ago = (month: number): string => (month === 0 ? 'this month' : `${month} months ago`);

const columns: Column[] = [
  { name: 'log limit', of: ({ limit }) => Math.log(limit) },
  { name: 'age', of: ({ age }) => age },
  { name: 'age squared', of: ({ age }) => age ** 2 },
  { name: 'sex 2', of: ({ sex }) => is(sex === 2) },
  ...[1, 2, 3].map((value) => ({ name: `education ${value}`, of: ({ education }: Row) => is(education === value) })),
  ...[1, 2].map((value) => ({ name: `marriage ${value}`, of: ({ marriage }: Row) => is(marriage === value) })),
  ...months.flatMap((month) => [
    ...[-2, -1, 0, 1, 2].map((value) => ({ name: `state ${value} ${ago(month)}`, of: ({ states }: Row) => is(states[month] === value) })),
    { name: `state 3 or more ${ago(month)}`, of: ({ states }: Row) => is(states[month] >= 3) },
  ]),
  ...months.map((month) => ({ name: `log bill ${ago(month)}`, of: ({ bills }: Row) => signedLog(bills[month]) })),
  ...months.map((month) => ({ name: `log payment ${ago(month)}`, of: ({ payments }: Row) => Math.log1p(payments[month]) })),
  ...months.map((month) => ({ name: `utilisation ${ago(month)}`, of: ({ bills, limit }: Row) => cut(bills[month] / limit, -1, 3) })),
  // A payment settles the bill of the month before; both are counted backwards.
  ...months.slice(1).map((month) => ({ name: `share paid of the bill ${ago(month)}`, of: ({ bills, payments }: Row) => cut(payments[month - 1] / Math.max(1, bills[month]), 0, 2) })),
  ...months.map((month) => ({ name: `nothing paid ${ago(month)}`, of: ({ payments }: Row) => is(payments[month] === 0) })),
  ...months.map((month) => ({ name: `nothing owed ${ago(month)}`, of: ({ bills }: Row) => is(bills[month] <= 0) })),
  { name: 'months late at all', of: ({ states }) => sum(states.map((state) => is(state >= 1))) },
  { name: 'months late by two', of: ({ states }) => sum(states.map((state) => is(state >= 2))) },
  { name: 'total lateness', of: ({ states }) => sum(states.map(late)) },
  { name: 'worst lateness', of: ({ states }) => Math.max(...states.map(late)) },
  { name: 'lateness against before', of: ({ states }) => late(states[0]) - sum(states.slice(1).map(late)) / 5 },
  { name: 'log total payments', of: ({ payments }) => Math.log1p(sum(payments)) },
  { name: 'log mean bill', of: ({ bills }) => signedLog(sum(bills) / 6) },
  { name: 'mean utilisation', of: ({ bills, limit }) => cut(sum(bills) / 6 / limit, -1, 3) },
  { name: 'growth of the bill by limit', of: ({ bills, limit }) => cut((bills[0] - bills[5]) / limit, -3, 3) },
  { name: 'total payments by limit', of: ({ payments, limit }) => cut(sum(payments) / limit, 0, 3) },
];

/** The columns above, from the plain ones. */
export function deriveCredit({ X, y, names }: Matrix): Matrix {
  const [D, W] = [names.length, columns.length];
  const out = new Float64Array(y.length * W);
  for (let i = 0; i < y.length; i += 1) {
    const x = Array.from(X.subarray(i * D, (i + 1) * D));
    const [limit, sex, education, marriage, age] = x;
    const row = { limit, sex, education, marriage, age, states: x.slice(5, 11), bills: x.slice(11, 17), payments: x.slice(17, 23) };
    for (let j = 0; j < W; j += 1) out[i * W + j] = columns[j].of(row);
  }
  return { names: columns.map(({ name }) => name), X: out, y };
}

/** Rows from..to. */
export function rowsOf({ X, y, names }: Matrix, from: number, to: number): Matrix {
  return { names, X: X.subarray(from * names.length, to * names.length), y: y.subarray(from, to) };
}

/** The last fifth of the file is the test part; what has to be chosen is chosen on the last fifth of what lies before it. */
export function splitCredit(rows: number): { validation: number; test: number } {
  const test = Math.floor(rows * 0.8);
  return { validation: Math.floor(test * 0.8), test };
}

/** All of them scaled by z, none of them missing. */
export const featuresOf = ({ names }: Matrix): Feature[] => names.map((name) => ({ name, scale: 'z', missing: 'refuse' }));
