/**
 * Chinese reviews: of ten categories of an online shop, and of food deliveries (waimai). 1 is favourable, 0 is not.
 *
 *   cat,label,review                          label,review
 *   书籍,1,做父母一定要有刘墉这样的心态……       1,很快，好吃，味道足，量大
 *
 * There is no published split. A review that says the same as an earlier one, letter by letter, is left out: on both sides of a
 * split it would be asked after it was learnt.
 */
import { join } from 'node:path';
import { AftercareError } from '../schemas/errors.js';
import { csvRows, readTexts, sharedFolder } from './labelled-text.js';

export interface Review {
  text: string;
  /** `书籍`, `平板`, ...; `waimai` for food deliveries */
  category: string;
  favourable: boolean;
}

const folderName = 'chinese-online-shopping-reviews';

/** @returns undefined when it is not here  @throws AftercareError bad_file that names the row */
export function readShoppingReviews(folder = join(sharedFolder, folderName)): Review[] | undefined {
  const name = 'online_shopping_10_cats.csv.gz';
  const texts = readTexts(folder, [name]);
  if (texts === undefined) return undefined;
  const file = join(folder, name);
  return distinct(csvRows(file, texts[name], ['cat', 'label', 'review']).map(([category, label, text], i) => review(category, label, text, `${file}: row ${i + 1}`)));
}

/** @returns undefined when it is not here  @throws AftercareError bad_file that names the row */
export function readWaimai(folder = join(sharedFolder, folderName)): Review[] | undefined {
  const name = 'waimai_10k.csv';
  const texts = readTexts(folder, [name]);
  if (texts === undefined) return undefined;
  const file = join(folder, name);
  return distinct(csvRows(file, texts[name], ['label', 'review']).map(([label, text], i) => review('waimai', label, text, `${file}: row ${i + 1}`)));
}

function review(category: string, label: string, text: string, where: string): Review {
  if (label !== '0' && label !== '1') throw new AftercareError('bad_file', `${where}: label must be 0 or 1, got "${label}"`);
  return { text, category, favourable: label === '1' };
}

function distinct(reviews: Review[]): Review[] {
  const seen = new Set<string>();
  return reviews.filter(({ text }) => text.trim() !== '' && !seen.has(text) && seen.add(text).size > 0);
}
