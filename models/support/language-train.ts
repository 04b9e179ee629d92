/** A language model from texts of one language or several. */
import type { CreateEngine } from '../lstm/engine.js';
import { createNetwork } from '../lstm/network.js';
import type { Sequence } from './epochs.js';
import { BEGIN, END, saveLanguage } from './language.js';
import { trainNetwork, type EpochTraining } from './training.js';
import { numbersOf, vocabularyOf, wordOf } from './words.js';

export interface LanguageSettings {
  seed: number;
  epochs: number;
  batch: number;
  learningRate: number;
  wordDropout: number;
  dropout: { embedding: number; between: number; output: number };
  E: number;
  H1: number;
  H2: number;
  tokensMax: number;
  wordMin: number;
  /** each costs H2 numbers and as many products for each word that is read */
  wordsMax: number;
}

/** Chosen on the validation part of clinc150. */
export const languageDefaults: LanguageSettings = {
  seed: 1,
  epochs: 6,
  batch: 32,
  learningRate: 4e-3,
  wordDropout: 0,
  dropout: { embedding: 0.2, between: 0.2, output: 0.2 },
  E: 64,
  H1: 96,
  H2: 64,
  tokensMax: 64,
  wordMin: 2,
  wordsMax: 2000,
};

/**
 * @param examples  tokens of masked texts
 * @returns a training whose result is the artefact's parts
 */
export function trainLanguage({ train, validation }: Record<'train' | 'validation', readonly (readonly string[])[]>, settings: LanguageSettings, { engine, saved }: { engine: CreateEngine; saved?: Uint8Array[] | undefined }): EpochTraining<Uint8Array[]> {
  const texts = train.map((tokens) => tokens.map(wordOf));
  const words = vocabularyOf(texts, { min: settings.wordMin, max: settings.wordsMax, spelling: false }, [BEGIN, END]);
  const different = new Set(texts.flat()).size;
  const sequenceOf = (tokens: readonly string[]): Sequence => {
    const numbers = numbersOf(tokens.slice(0, settings.tokensMax), words);
    return { tokens: Int32Array.of(words.idOf(BEGIN), ...numbers), targets: Int32Array.of(...numbers, words.idOf(END)) };
  };
  const { E, H1, H2, dropout, seed } = settings;
  const training = trainNetwork({
    sequences: texts.map(sequenceOf),
    validation: validation.map((tokens) => sequenceOf(tokens.map(wordOf))),
    settings,
    engine,
    create: () => createNetwork({ V: words.size, E, H1, H2, C: words.size, head: 'each' }, seed, { engine, dropout }),
  }, saved);
  return {
    get epoch() { return training.epoch; },
    epochs: training.epochs,
    next: () => training.next(),
    save: () => training.save(),
    finish: () => saveLanguage({ tokensMax: settings.tokensMax, unlisted: different - (words.words.length - 2) }, words, training.finish()),
  };
}
