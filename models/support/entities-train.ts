/** An entity model from texts whose spans are known: the network that reads forwards, then the one that reads backwards. */
import type { CreateEngine } from '../lstm/engine.js';
import { fitFactors } from '../linear/temperature.js';
import { createNetwork, loadNetwork, type Network } from '../lstm/network.js';
import type { Span } from '../metrics/spans.js';
import { encodeBio, tagsOf } from './bio.js';
import { saveEntities } from './entities.js';
import type { Sequence } from './epochs.js';
import { looks, looksOf, numberOfPiece, piecesOf, wordOfPiece } from './pieces.js';
import { trainInTurn, type EpochTraining, type NetworkJob } from './training.js';
import { vocabularyOf } from './words.js';

export interface EntityExample {
  /** masked */
  text: string;
  tokens: readonly { start: number; end: number }[];
  /** offsets into the text */
  entities: readonly Span[];
}

export interface EntitySettings {
  seed: number;
  /** of each direction */
  epochs: number;
  /** steps of each direction below which more epochs are taken, at most 60: a network learns by steps, and few examples are few steps an epoch */
  stepsMin: number;
  batch: number;
  learningRate: number;
  /** share of pieces that only show what they look like, so that what nobody has seen is found too */
  wordDropout: number;
  dropout: { embedding: number; between: number; output: number };
  E: number;
  H1: number;
  H2: number;
  wordMin: number;
  wordsMax: number;
}

/** Chosen on the validation part of bitext-support; stepsMin on drawn texts (docs/decisions/0026-entity-labels.md), and bitext takes more. */
export const entityDefaults: EntitySettings = {
  seed: 1,
  epochs: 6,
  stepsMin: 1000,
  batch: 16, // entities are rare: with fewer steps the kinds are not told apart
  learningRate: 1e-2,
  wordDropout: 0.1,
  dropout: { embedding: 0.2, between: 0.2, output: 0.2 },
  E: 48,
  H1: 64,
  H2: 48,
  wordMin: 2,
  wordsMax: 20_000,
};

/** More than that only learn the few examples by heart. */
const epochsMax = 60;

export interface EntityExamples {
  train: readonly EntityExample[];
  validation: readonly EntityExample[];
}

/** @returns a training whose result is the artefact's parts  @throws RangeError when the examples cannot make a model */
export function trainEntities({ train, validation }: EntityExamples, settings: EntitySettings, { engine, saved }: { engine: CreateEngine; saved?: Uint8Array[] | undefined }): EpochTraining<Uint8Array[]> {
  const kinds = [...new Set(train.flatMap(({ entities }) => entities.map(({ kind }) => kind)))].sort();
  if (kinds.length === 0) throw new RangeError(`entities: none of ${train.length} examples names anything`);
  const cut = train.map(({ text, tokens }) => piecesOf(text, tokens));
  // A name is no slip of another word.
  const words = vocabularyOf(cut.map((pieces) => pieces.map(wordOfPiece)), { min: settings.wordMin, max: settings.wordsMax, spelling: false }, looks);
  const sequenceOf = ({ text, tokens, entities }: EntityExample): Sequence => {
    const pieces = piecesOf(text, tokens);
    return {
      tokens: Int32Array.from(pieces, (piece) => numberOfPiece(piece, words)),
      targets: encodeBio(pieces, entities.filter(({ kind }) => kinds.includes(kind)), kinds),
      hidden: Int32Array.from(pieces, (piece) => words.idOf(looksOf(piece))),
    };
  };
  const forwards = { sequences: train.map(sequenceOf).filter(hasPieces), validation: validation.map(sequenceOf).filter(hasPieces) };
  const backwards = { sequences: forwards.sequences.map(reversed), validation: forwards.validation.map(reversed) };
  const { E, H1, H2, dropout, seed, batch, stepsMin } = settings;
  const epochs = Math.max(settings.epochs, Math.min(epochsMax, Math.ceil(stepsMin / Math.ceil(train.length / batch))));
  const jobs = [forwards, backwards].map((parts, i): NetworkJob => ({
    ...parts,
    settings: { ...settings, epochs, seed: seed + i },
    engine,
    create: () => createNetwork({ V: words.size, E, H1, H2, C: tagsOf(kinds.length), head: 'each' }, seed + i, { engine, dropout }),
  }));
  const turns = trainInTurn(jobs, saved);
  return {
    get epoch() { return turns.epoch; },
    epochs: turns.epochs,
    next: () => turns.next(),
    save: () => turns.save(),
    finish() {
      const networks = turns.finish();
      return saveEntities({ kinds, ...weigh(networks.map((parts) => loadNetwork(parts, { engine })), forwards.validation, tagsOf(kinds.length)) }, { words, networks });
    },
  };
}

/** How much each direction counts, and the prior that both know. @param validation  in the order of the text */
function weigh([forwards, backwards]: Network[], validation: readonly Sequence[], C: number): { factors: number[]; rarity: number[] } {
  const tags = Int32Array.from(validation.flatMap(({ targets }) => [...targets]));
  const counts = new Float64Array(C).fill(1); // as if each had been seen once more
  for (const tag of tags) counts[tag] += 1;
  const rarity = Array.from(counts, (count) => -Math.log(count / (tags.length + C)));
  const [ahead, back, prior] = [0, 1, 2].map(() => new Float64Array(tags.length * C));
  let at = 0;
  for (const { tokens } of validation) {
    const T = tokens.length;
    const reversed = backwards.infer(tokens.slice().reverse());
    ahead.set(forwards.infer(tokens), at * C);
    for (let t = 0; t < T; t += 1) back.set(reversed.subarray((T - 1 - t) * C, (T - t) * C), (at + t) * C);
    for (let t = 0; t < T; t += 1) prior.set(rarity, (at + t) * C);
    at += T;
  }
  return { factors: [...fitFactors([ahead, back, prior], tags, C)], rarity };
}

const hasPieces = ({ tokens }: Sequence): boolean => tokens.length > 0;

const reversed = ({ tokens, targets, hidden }: Sequence): Sequence => ({
  tokens: tokens.slice().reverse(),
  targets: targets.slice().reverse(),
  ...(hidden === undefined ? {} : { hidden: hidden.slice().reverse() }),
});
