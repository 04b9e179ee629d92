/**
 * JDDC: dialogues between customers of a Chinese shop and its agents. Chen et al. 2020 (LREC).
 *
 * Pairs, line by line: `.enc` what was said so far, each utterance ended by a comma (so a comma inside one cannot be told from
 * it), `.dec` what the agent answered. Chats, tab separated, a line an utterance:
 *
 *   session  customer  0 or 1: the agent speaks  0 or 1: handed over  0 or 1: repeated  article or nan  text
 */
import { join } from 'node:path';
import { AftercareError } from '../schemas/errors.js';
import { linesOf, readTexts, sharedFolder } from './labelled-text.js';

export interface DialoguePair {
  /** oldest first, at least one */
  context: string[];
  answer: string;
}

export type JddcPairs = Record<'train' | 'test', DialoguePair[]>;

/** @returns undefined when it is not here  @throws AftercareError bad_file when contexts and answers do not match */
export function readJddcPairs(folder = join(sharedFolder, 'jddc-baseline-pairs')): JddcPairs | undefined {
  const names = ['train.enc.gz', 'train.dec', 'test.enc', 'test.dec'] as const;
  const texts = readTexts(folder, names);
  if (texts === undefined) return undefined;
  const pairs = (enc: (typeof names)[number], dec: (typeof names)[number]): DialoguePair[] => {
    const [contexts, answers] = [linesOf(texts[enc]), linesOf(texts[dec])];
    if (contexts.length !== answers.length) throw new AftercareError('bad_file', `${join(folder, enc)} has ${contexts.length} lines and ${dec} has ${answers.length}; they must be of one split`);
    return contexts
      .map((line, i) => ({ context: line.split(',').filter((utterance) => utterance.trim() !== ''), answer: answers[i].replace(/,$/, '') }))
      .filter(({ context, answer }) => context.length > 0 && answer.trim() !== '');
  };
  return { train: pairs('train.enc.gz', 'train.dec'), test: pairs('test.enc', 'test.dec') };
}

export interface ChatUtterance {
  speaker: 'customer' | 'agent';
  text: string;
}

/** Utterances of each session, in the file's order. @returns undefined when it is not here  @throws AftercareError bad_file with the line */
export function readJddcChats(folder = join(sharedFolder, 'jddc-chat-sample')): Map<string, ChatUtterance[]> | undefined {
  const name = 'chat_0.1per.txt.gz';
  const texts = readTexts(folder, [name]);
  if (texts === undefined) return undefined;
  const sessions = new Map<string, ChatUtterance[]>();
  linesOf(texts[name]).forEach((line, i) => {
    const fields = line.split('\t');
    const [session, , agent] = fields;
    if (fields.length < 7 || (agent !== '0' && agent !== '1')) throw new AftercareError('bad_file', `${join(folder, name)}: line ${i + 1} must be seven fields with 0 or 1 in the third, got "${line.slice(0, 80)}"`);
    const utterances = sessions.get(session) ?? [];
    // A tab inside the text stays in it.
    utterances.push({ speaker: agent === '1' ? 'agent' : 'customer', text: fields.slice(6).join('\t') });
    sessions.set(session, utterances);
  });
  return sessions;
}
