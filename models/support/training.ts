/**
 * A training that is taken epoch by epoch: a thread reports between two of them, saves, stops, and goes on from the save bit for bit.
 * The best epoch on the validation part is kept, so that training too long does no harm.
 */
import { loadTraining, type Network } from '../lstm/network.js';
import type { CreateEngine } from '../lstm/engine.js';
import { pack, unpack, type Format, type Header } from '../snapshot.js';
import { concat } from './sections.js';
import { meanCrossEntropy, trainEpoch, type EpochSettings, type Sequence } from './epochs.js';

export interface EpochReport {
  /** from 1, over all networks of the model */
  epoch: number;
  epochs: number;
  /** mean loss of the epoch's steps, with dropout */
  loss: number;
  /** mean cross entropy on the validation part */
  validation: number;
  /** whether it is the best so far */
  best: boolean;
}

export interface EpochTraining<Result> {
  /** epochs taken */
  readonly epoch: number;
  readonly epochs: number;
  /** Takes the next one. @throws RangeError when there is none */
  next(): EpochReport;
  /** All that the next epochs depend on, beside the examples and the settings. */
  save(): Uint8Array[];
  /** What the best epoch is. Asked for when there is no next one. */
  finish(): Result;
}

/** Epoch by epoch with what a training goes on from after each; what is returned is the result. */
export function* trainingSteps<Result>(training: EpochTraining<Result>): Generator<EpochReport & { checkpoint: Uint8Array[] }, Result> {
  while (training.epoch < training.epochs) {
    const report = training.next();
    yield { ...report, checkpoint: training.save() };
  }
  return training.finish();
}

/** One network; its result is the parameters of the best epoch (`network.save()`). */
export interface NetworkJob {
  sequences: readonly Sequence[];
  validation: readonly Sequence[];
  settings: EpochSettings;
  create: () => Network;
  engine: CreateEngine;
}

const format: Format = { name: 'support training', magic: 'ASTR', version: 1 };

interface SavedHeader extends Header {
  epoch: number;
  /** Infinity is not JSON */
  least: number | null;
}

/** @param saved  what `save` gave, in any pieces  @throws RangeError when it is not of this kind */
export function trainNetwork({ sequences, validation, settings, create, engine }: NetworkJob, saved?: Uint8Array[]): EpochTraining<Uint8Array[]> {
  if (sequences.length === 0 || validation.length === 0) throw new RangeError(`training: needs examples to train and to validate, got ${sequences.length} and ${validation.length}`);
  const restored = saved === undefined ? undefined : restore(saved);
  const network = restored === undefined ? create() : loadTraining([restored.training], engine);
  let [epoch, least, best] = [restored?.epoch ?? 0, restored?.least ?? Infinity, restored?.best ?? new Uint8Array(0)];
  return {
    get epoch() { return epoch; },
    epochs: settings.epochs,
    next() {
      if (epoch >= settings.epochs) throw new RangeError(`training: all ${settings.epochs} epochs have been taken`);
      const loss = trainEpoch(network, sequences, settings, epoch);
      const entropy = meanCrossEntropy(network, validation);
      epoch += 1;
      const isBest = entropy < least;
      if (isBest) {
        least = entropy;
        best = concat(network.save());
      }
      return { epoch, epochs: settings.epochs, loss, validation: entropy, best: isBest };
    },
    save() {
      const training = concat(network.saveTraining());
      const header: SavedHeader = { settings: {}, sections: [training.length, best.length], epoch, least: Number.isFinite(least) ? least : null };
      return pack(header, [training, best], format);
    },
    finish() {
      if (epoch < settings.epochs) throw new RangeError(`training: ${epoch} of ${settings.epochs} epochs have been taken`);
      return [best];
    },
  };
}

function restore(saved: Uint8Array[]): { epoch: number; least: number; training: Uint8Array; best: Uint8Array } {
  const { header, next } = unpack<SavedHeader>(saved, {}, format);
  const take = (): Uint8Array => next((bytes) => new Uint8Array(bytes));
  return { epoch: header.epoch, least: header.least ?? Infinity, training: take(), best: take() };
}

const turnsFormat: Format = { name: 'support trainings', magic: 'ASTS', version: 1 };

interface TurnsHeader extends Header {
  /** trainings that are done */
  done: number;
}

/** Several networks, one after the other. @param saved  what `save` gave, in any pieces @returns the parameters of each one's best epoch */
export function trainInTurn(jobs: readonly NetworkJob[], saved?: Uint8Array[]): EpochTraining<Uint8Array[][]> {
  const before = jobs.map((_, i) => jobs.slice(0, i).reduce((sum, { settings }) => sum + settings.epochs, 0));
  const epochs = jobs.reduce((sum, { settings }) => sum + settings.epochs, 0);
  const { results, current: restored } = saved === undefined ? { results: [], current: undefined } : restoreTurns(saved);
  let current = trainNetwork(jobs[Math.min(results.length, jobs.length - 1)], restored === undefined ? undefined : [restored]);
  return {
    get epoch() { return results.length === jobs.length ? epochs : before[results.length] + current.epoch; },
    epochs,
    next() {
      if (results.length === jobs.length) throw new RangeError(`training: all ${epochs} epochs have been taken`);
      const report = current.next();
      const epoch = before[results.length] + report.epoch;
      if (current.epoch === current.epochs) {
        results.push(concat(current.finish()));
        if (results.length < jobs.length) current = trainNetwork(jobs[results.length]);
      }
      return { ...report, epoch, epochs };
    },
    save() {
      const sections = [...results, ...(results.length < jobs.length ? [concat(current.save())] : [])];
      const header: TurnsHeader = { settings: {}, sections: sections.map(({ length }) => length), done: results.length };
      return pack(header, sections, turnsFormat);
    },
    finish() {
      if (results.length < jobs.length) throw new RangeError(`training: ${results.length} of ${jobs.length} networks are done`);
      return results.map((parts) => [parts]);
    },
  };
}

function restoreTurns(saved: Uint8Array[]): { results: Uint8Array[]; current: Uint8Array | undefined } {
  const { header, next } = unpack<TurnsHeader>(saved, {}, turnsFormat);
  const sections = header.sections.map(() => next((bytes) => new Uint8Array(bytes)));
  return { results: sections.slice(0, header.done), current: sections[header.done] };
}
