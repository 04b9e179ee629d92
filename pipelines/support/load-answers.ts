/** The approved answers that come with Aftercare, and the shop's own. Read once, when a process starts. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAnswers, readAnswerFile, type AnswerFile, type Answers } from '../../models/support/answers.js';
import { AftercareError, messageOf } from '../../schemas/errors.js';

/** Beside this file, or in the sources seen from dist/. */
const places = ['./answers/', '../../../pipelines/support/answers/'].map((place) => fileURLToPath(new URL(place, import.meta.url)));

function defaultFiles(): AnswerFile[] {
  const folder = places.find((place) => existsSync(place));
  if (folder === undefined) throw new AftercareError('bad_config', `the approved answers are missing: looked for ${places.join(' and ')}; check the installation out again`);
  const names = readdirSync(folder).filter((name) => name.endsWith('.json')).sort();
  return names.map((name) => readAnswerFile(name, readFileSync(join(folder, name), 'utf8')));
}

/**
 * @param path  a JSON file of the shop's, in place of those that come with Aftercare or, with `"extends": "default"`, on top of them; '' for none
 * @throws AftercareError bad_config that names the file, the field, the value and the remedy
 */
export function loadAnswers(path = ''): Answers {
  if (path === '') return createAnswers(defaultFiles());
  try {
    const own = readAnswerFile(path, readFileSync(path, 'utf8'));
    const slots = defaultFiles().filter((file) => file.slots !== undefined).map(({ v, slots }): AnswerFile => ({ v, ...(slots === undefined ? {} : { slots }) }));
    return createAnswers(own.extends === 'default' ? [...defaultFiles(), own] : [...slots, own]);
  } catch (cause) {
    throw new AftercareError('bad_config', `AFTERCARE_ANSWERS="${path}": ${messageOf(cause)}`, { cause });
  }
}
