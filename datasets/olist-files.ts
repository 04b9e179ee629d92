/** Finds the five files of Olist, each plain or gz, in the folder that was named or beside the file that was. */
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AftercareError, messageOf } from '../schemas/errors.js';

const names = {
  orders: 'olist_orders_dataset.csv',
  customers: 'olist_customers_dataset.csv',
  items: 'olist_order_items_dataset.csv',
  payments: 'olist_order_payments_dataset.csv',
  reviews: 'olist_order_reviews_dataset.csv',
} as const;

export type OlistFiles = Record<keyof typeof names, { path: string; bytes: number }>;

export async function findOlistFiles(file: string): Promise<OlistFiles> {
  const named = await stat(file).catch((error: unknown) => {
    throw new AftercareError('bad_file', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  });
  const folder = named.isDirectory() ? file : dirname(file);
  const found: Partial<OlistFiles> = {};
  const missing: string[] = [];
  for (const [key, name] of Object.entries(names) as [keyof OlistFiles, string][]) {
    const candidates = [`${name}.gz`, name].map((candidate) => join(folder, candidate));
    if (key === 'orders' && !named.isDirectory()) candidates.unshift(file);
    const hit = await firstFile(candidates);
    if (hit === undefined) missing.push(`${name}[.gz]`);
    else found[key] = hit;
  }
  if (missing.length > 0) throw new AftercareError('bad_file', `${folder} lacks ${missing.join(', ')}; olist joins these to its orders`);
  return found as OlistFiles;
}

async function firstFile(paths: string[]): Promise<{ path: string; bytes: number } | undefined> {
  for (const path of paths) {
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile() === true) return { path, bytes: found.size };
  }
  return undefined;
}
