/**
 * Bitext customer service: English utterances with their intent (27) and at most one entity (7 kinds), in a published split.
 *
 *   utterance,intent,entity_type,entity_value,start_offset,end_offset,category,tags
 *   how can I cancel purchase 113542617735902?,cancel_order,order_id,113542617735902,26,41,ORDER,BIL
 *
 * The offsets count UTF-16 units. The value is what the entity is called ("Platinum"), the span is what stands there ("platinum").
 */
import { join } from 'node:path';
import { AftercareError } from '../schemas/errors.js';
import { csvRows, readTexts, sharedFolder, type EntitySpan, type LabelledText } from './labelled-text.js';

export interface BitextUtterance extends LabelledText {
  entities: EntitySpan[];
}

export type Bitext = Record<'train' | 'dev' | 'test', BitextUtterance[]>;

const header = ['utterance', 'intent', 'entity_type', 'entity_value', 'start_offset', 'end_offset', 'category', 'tags'];
const files = { train: 'train.csv', dev: 'dev.csv', test: 'test.csv' } as const;

/** @returns undefined when it is not here  @throws AftercareError bad_file that names the row */
export function readBitext(folder = join(sharedFolder, 'bitext-support')): Bitext | undefined {
  const texts = readTexts(folder, Object.values(files));
  if (texts === undefined) return undefined;
  const rows = (name: keyof typeof texts): BitextUtterance[] => csvRows(join(folder, name), texts[name], header).map((fields, i) => utterance(fields, `${join(folder, name)}: row ${i + 1}`));
  return { train: rows(files.train), dev: rows(files.dev), test: rows(files.test) };
}

function utterance([text, label, kind, value, from, to]: string[], where: string): BitextUtterance {
  if (kind === '') return { text, label, entities: [] };
  const [start, end] = [Number(from), Number(to)];
  const span = text.slice(start, end);
  if (from === '' || span.toLowerCase() !== value.toLowerCase()) {
    throw new AftercareError('bad_file', `${where}: start_offset ${from} and end_offset ${to} cut out "${span}", but entity_value is "${value}"`);
  }
  return { text, label, entities: [{ kind, start, end }] };
}
