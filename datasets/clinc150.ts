/**
 * CLINC150: English requests of 150 intents, and requests outside of all of them. Larson et al. 2019 (EMNLP).
 *
 *   {"train": [["what expression would i use to say i love you if i were an italian", "translate"], ...], "oos_train": [[..., "oos"], ...], ...}
 *
 * `full` has 100, 20 and 30 texts an intent to train, validate and test, and 100, 100 and 1,000 out of scope.
 */
import { join } from 'node:path';
import { AftercareError } from '../schemas/errors.js';
import { readTexts, sharedFolder, type LabelledText } from './labelled-text.js';

export interface Clinc150 {
  train: LabelledText[];
  validation: LabelledText[];
  test: LabelledText[];
  outOfScope: Record<'train' | 'validation' | 'test', string[]>;
}

type Published = Record<'train' | 'val' | 'test' | 'oos_train' | 'oos_val' | 'oos_test', unknown>;

/** @returns undefined when it is not here  @throws AftercareError bad_file that names the list */
export function readClinc150(variant: 'full' | 'small' | 'imbalanced' | 'oos_plus' = 'full', folder = join(sharedFolder, 'clinc150')): Clinc150 | undefined {
  const name = `data_${variant}.json.gz`;
  const texts = readTexts(folder, [name]);
  if (texts === undefined) return undefined;
  const published = JSON.parse(texts[name]) as Published;
  const list = (key: keyof Published): LabelledText[] => pairs(published[key], `${join(folder, name)}: ${key}`);
  const outside = (key: keyof Published): string[] => list(key).map(({ text }) => text);
  return {
    train: list('train'),
    validation: list('val'),
    test: list('test'),
    outOfScope: { train: outside('oos_train'), validation: outside('oos_val'), test: outside('oos_test') },
  };
}

function pairs(list: unknown, where: string): LabelledText[] {
  if (!Array.isArray(list)) throw new AftercareError('bad_file', `${where} must be a list of [text, intent]`);
  return list.map((pair: unknown, i) => {
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every((part) => typeof part === 'string')) throw new AftercareError('bad_file', `${where}[${i}] must be [text, intent], got ${JSON.stringify(pair)}`);
    const [text, label] = pair as [string, string];
    return { text, label };
  });
}
