/**
 * What a factorisation leaves for serving: the items' factors and the spectrum. No customer is in it: each is folded in from
 * the live history when there is a question (rank.ts), one who came later like any other.
 *
 *   n items, d components
 *   header {rank, items, customers, entries, powers} | names JSON | support u32 [n] | singular f64 [d] | v f32 [n, d]
 *
 * Packed as a snapshot is (../snapshot.ts): magic, version, lengths, checksum.
 */
import { pack, unpack, type Format, type Header } from '../snapshot.js';
import type { Cut } from './interactions.js';
import { svdPasses, type SvdPass, type SvdStart } from './randomised.js';
import type { SvdSettings } from './settings.js';

export interface SvdFactors {
  rank: number;
  /** [n] most supported first, each once */
  names: string[];
  /** [n] customers of each item */
  support: Uint32Array;
  /** [rank] descending */
  singular: Float64Array;
  /** [n, rank] row by row */
  v: Float32Array;
  /** as they were when the matrix was weighted, for serving weighs alike */
  itemPower: number;
  spectrumPower: number;
  /** of the matrix: for people */
  customers: number;
  entries: number;
}

/** Raise the version when the meaning of a section changes. */
const format: Format = { name: 'svd factors', magic: 'AFSV', version: 1 };

/** @throws RangeError when nothing is left to factorise, or it does not fit */
export function factorise(cut: Cut, settings: SvdSettings, wasm: WebAssembly.Module): SvdFactors {
  const steps = factorisePasses(cut, settings, wasm);
  for (;;) {
    const next = steps.next();
    if (next.done === true) return next.value;
  }
}

/** The same, pass by pass. @param start  see `svdPasses` */
export function* factorisePasses({ matrix, names, support }: Cut, { rank, seed, itemPower, spectrumPower }: SvdSettings, wasm: WebAssembly.Module, start?: SvdStart): Generator<SvdPass, SvdFactors> {
  if (matrix.items.length === 0) throw new RangeError('svd: no interactions with an item that enough customers have; there is nothing to factorise');
  const { rank: found, singular, v } = yield* svdPasses(matrix, { rank, seed }, wasm, start);
  return { rank: found, names, support, singular, v: Float32Array.from(v), itemPower, spectrumPower, customers: matrix.rows, entries: matrix.items.length };
}

/** Deterministic: the same factors give the same bytes. */
export function encodeFactors(factors: SvdFactors): Uint8Array[] {
  const { rank, names, support, singular, v, itemPower, spectrumPower, customers, entries } = factors;
  const sections = [Buffer.from(JSON.stringify(names)), ...[support, singular, v].map((array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength))];
  const header: Header = { settings: { rank, items: names.length, customers, entries, itemPower, spectrumPower }, sections: sections.map(({ length }) => length) };
  return pack(header, sections, format);
}

/**
 * @param chunks  the bytes, cut in any way
 * @throws RangeError when they are not whole factors of this version
 */
export function decodeFactors(chunks: Uint8Array[]): SvdFactors {
  const { header, next } = unpack<Header & { settings: Record<'rank' | 'items' | 'customers' | 'entries' | 'itemPower' | 'spectrumPower', number> }>(chunks, {}, format);
  const part = (): Uint8Array => next((bytes) => new Uint8Array(bytes));
  const { rank, items, customers, entries, itemPower, spectrumPower } = header.settings;
  const names = JSON.parse(Buffer.from(part()).toString('utf8')) as string[];
  const [support, singular, v] = [new Uint32Array(part().buffer), new Float64Array(part().buffer), new Float32Array(part().buffer)];
  const found = { names: names.length, support: support.length, singular: singular.length, v: v.length };
  const expected = { names: items, support: items, singular: rank, v: items * rank };
  for (const key of Object.keys(expected) as (keyof typeof expected)[]) {
    if (found[key] !== expected[key]) throw new RangeError(`svd factors: ${found[key]} ${key} instead of ${expected[key]}: not written by this build`);
  }
  return { rank, names, support, singular, v, itemPower, spectrumPower, customers, entries };
}
