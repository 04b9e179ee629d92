/**
 * A network as bytes (../snapshot.ts): magic, version, header with the shape, the parameters in their order, crc32. A file of
 * a training in progress holds Adam's two means of each parameter behind its values, and in the header all that the next
 * step depends on.
 */
import { pack, unpack, type Format, type Header } from '../snapshot.js';
import type { Engine, Quantity } from './engine.js';
import type { TrainingOptions } from './options.js';
import { checkShape, lengthOf, parameterNames, type LstmShape, type ParameterName } from './shape.js';

const networkFormat: Format = { name: 'lstm', magic: 'ALSM', version: 1 };
const trainingFormat: Format = { name: 'lstm training', magic: 'ALST', version: 1 };

/** Besides the numbers, what training goes on from. */
export interface TrainingState {
  seed: number;
  /** steps taken */
  step: number;
  options: TrainingOptions;
  frozen: ParameterName[];
}

interface NetworkHeader extends Header {
  shape: LstmShape;
}

interface TrainingHeader extends NetworkHeader {
  training: TrainingState;
}

const all: readonly Quantity[] = ['value', 'mean', 'square'];

/** The same network gives the same bytes. @throws RangeError when a parameter is not finite: training has diverged */
export function saveNetwork(shape: LstmShape, engine: Engine): Uint8Array[] {
  const sections = sectionsOf(engine, ['value']);
  const header: NetworkHeader = { settings: {}, sections: sections.map(({ length }) => length), shape };
  return pack(header, sections, networkFormat);
}

export function saveTrainingState(shape: LstmShape, engine: Engine, training: TrainingState): Uint8Array[] {
  const sections = sectionsOf(engine, all);
  const { clipNorm } = training.options;
  // JSON has no Infinity.
  const options = { ...training.options, clipNorm: clipNorm === Infinity ? 'never' : clipNorm };
  const header = { settings: {}, sections: sections.map(({ length }) => length), shape, training: { ...training, options } };
  return pack(header, sections, trainingFormat);
}

/** @throws RangeError that names what is wrong: cut short, damaged, of another kind or version, of other shapes */
export function readNetwork(parts: readonly Uint8Array[], create: (shape: LstmShape) => Engine): { shape: LstmShape; engine: Engine } {
  const { header, next } = unpack<NetworkHeader>([...parts], {}, networkFormat);
  return { shape: header.shape, engine: fill(networkFormat.name, header, next, ['value'], create) };
}

/** @throws RangeError as `readNetwork` does */
export function readTrainingState(parts: readonly Uint8Array[], create: (shape: LstmShape) => Engine): { shape: LstmShape; engine: Engine; training: TrainingState } {
  const { header, next } = unpack<TrainingHeader>([...parts], {}, trainingFormat);
  const engine = fill(trainingFormat.name, header, next, all, create);
  const { options } = header.training;
  const clipNorm = (options.clipNorm as number | 'never') === 'never' ? Infinity : options.clipNorm;
  return { shape: header.shape, engine, training: { ...header.training, options: { ...options, clipNorm } } };
}

function sectionsOf(engine: Engine, quantities: readonly Quantity[]): Uint8Array[] {
  return quantities.flatMap((quantity) => parameterNames.map((name) => {
    const values = engine.read(quantity, name);
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw new RangeError(`lstm: ${name}[${bad}] is ${values[bad]}: training has diverged, lower learningRate or clipNorm`);
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }));
}

type Next = (into: (bytes: number) => Uint8Array) => Uint8Array;

function fill(kind: string, { shape, sections }: NetworkHeader, next: Next, quantities: readonly Quantity[], create: (shape: LstmShape) => Engine): Engine {
  checkShape(shape);
  const expected = quantities.flatMap(() => parameterNames.map((name) => 4 * lengthOf(shape, name)));
  if (expected.join() !== sections.join()) throw new RangeError(`${kind} snapshot: sections of ${sections.join()} bytes do not fit the shape ${JSON.stringify(shape)}`);
  const engine = create(shape);
  for (const quantity of quantities) {
    for (const name of parameterNames) {
      const bytes = next((length) => new Uint8Array(length));
      engine.write(quantity, name, new Float32Array(bytes.buffer));
    }
  }
  return engine;
}
