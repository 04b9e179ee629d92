/**
 * An SVM as a file (models/snapshot.ts): header {D, M, calibrated} | supports | coefficients | gamma (0: linear), b, a, b'
 *
 *   rbf     supports M * D doubles, coefficients M       linear  supports D, coefficients 1
 */
import { joined, split } from '../linear/scaler.js';
import { pack, unpack, type Format } from '../snapshot.js';
import { modelOf, type Svm } from './svm.js';

const format: Format = { name: 'svm', magic: 'ASVM', version: 1 };

interface FileHeader {
  settings: Record<string, number | string>;
  sections: number[];
  D: number;
  /** rows of the supports */
  M: number;
  calibrated: boolean;
}

/** The same model gives the same bytes. */
export function saveSvm({ kernel, D, supports, coefficients, b, platt }: Svm): Uint8Array[] {
  const gamma = kernel.kind === 'rbf' ? kernel.gamma : 0;
  const section = joined([supports, coefficients, Float64Array.of(gamma, b, platt?.a ?? 0, platt?.b ?? 0)]);
  const header: FileHeader = { settings: {}, sections: [section.length], D, M: coefficients.length, calibrated: platt !== undefined };
  return pack(header, [section], format);
}

/** @throws RangeError that names what is wrong: truncated, of another kind, of another version */
export function loadSvm(chunks: Uint8Array[]): Svm {
  const { header, next } = unpack<FileHeader>(chunks, {}, format);
  const { D, M, calibrated } = header;
  const [supports, coefficients, rest] = [new Float64Array(M * D), new Float64Array(M), new Float64Array(4)];
  split(format.name, next((bytes) => new Uint8Array(bytes)), [supports, coefficients, rest]);
  const [gamma, b, slope, shift] = rest;
  return modelOf(gamma > 0 ? { kind: 'rbf', gamma } : { kind: 'linear' }, D, supports, coefficients, b, calibrated ? { a: slope, b: shift } : undefined);
}
