/**
 * Why a decision is what it is: the features that moved the score most, each with its value and its usual one, as columns
 * and as sentences.
 *
 *   log-odds = rest + sum of the terms of all features; the columns hold the largest few, and the rest without the others
 */
import type { Active } from '../../models/linear/online.js';
import type { Level } from './costs.js';
import { levels } from './costs.js';

/** Reasons of one decision: what a person reads. */
export const REASONS = 6;
/** Of those, said in the sentence. */
const SAID = 3;
/** Below it a term moves a probability by less than a twentieth of itself. */
const TERM_MIN = 0.05;

export interface Reasons {
  features: readonly string[];
  /** null where the value is missing */
  values: readonly (number | null)[];
  usual: readonly (number | null)[];
  terms: readonly number[];
  /** log-odds less the terms above */
  rest: number;
}

const chosen = new Int32Array(REASONS);

/** @param names, x, usual, terms  D of each @param reads  which of them say anything */
export function largest(names: readonly string[], x: Float64Array, usual: Float64Array, terms: Float64Array, reads: Active, logOdds: number): Reasons {
  let [held, least] = [0, TERM_MIN];
  for (let i = 0; i < reads.count; i += 1) {
    const j = reads.features[i];
    const size = Math.abs(terms[j]);
    // Of two of the same size the first stays.
    if (!(size >= least) || (held === REASONS && size === least)) continue;
    if (held < REASONS) held += 1;
    let at = held - 1;
    for (; at > 0 && Math.abs(terms[chosen[at - 1]]) < size; at -= 1) chosen[at] = chosen[at - 1];
    chosen[at] = j;
    if (held === REASONS) least = Math.abs(terms[chosen[REASONS - 1]]);
  }
  if (held === 0) return { features: noTexts, values: noNumbers, usual: noNumbers, terms: noNumbers, rest: logOdds };
  const found = { features: new Array<string>(held), values: new Array<number | null>(held), usual: new Array<number | null>(held), terms: new Array<number>(held), rest: logOdds };
  for (let i = 0; i < held; i += 1) {
    const j = chosen[i];
    found.features[i] = names[j];
    found.values[i] = shown(x[j]);
    found.usual[i] = shown(usual[j]);
    found.terms[i] = terms[j];
    found.rest -= terms[j];
  }
  return found;
}
/** Of most decisions while nothing has been learned: nothing is made for each of them. */
const [noTexts, noNumbers]: [readonly string[], readonly number[]] = [[], []];

const shown = (value: number): number | null => (Number.isNaN(value) ? null : value);

/** The feature that speaks most for fraud; '' where none does. */
export function strongest({ features, terms }: Reasons): string {
  let best = -1;
  for (let i = 0; i < terms.length; i += 1) if (terms[i] > 0 && (best < 0 || terms[i] > terms[best])) best = i;
  return best < 0 ? '' : features[best];
}

export interface Told {
  level: Level;
  p: number;
  fired: readonly { name: string; when: string }[];
  reasons: Reasons;
  /** whose usual values they are */
  usualOf: 'customer' | 'shop';
  /** beyond costs and rules */
  note?: string | undefined;
}

/** Sentences for whoever has to act on it: the decision first, then the rules, then what moved the score. Of what is let through, the first alone. */
export function sentences({ level, p, fired, reasons, usualOf, note }: Told): readonly string[] {
  if (level === 0 && note === undefined && fired.length === 0) return letThrough(p);
  const said = [first(level, p)];
  if (note !== undefined) said.push(note);
  for (const { name, when } of fired) said.push(`rule ${name}: ${when}`);
  if (level === 0) return said;
  const whose = usualOf === 'customer' ? 'usual for this customer' : 'usual in this shop';
  let told = 0;
  for (let i = 0; i < reasons.terms.length && told < SAID; i += 1) {
    if (reasons.terms[i] < 0) continue; // what speaks against it does not explain a warning
    told += 1;
    said.push(`${reasons.features[i]} is ${number(reasons.values[i])}, ${number(reasons.usual[i])} is ${whose} (+${reasons.terms[i].toFixed(2)})`);
  }
  return said;
}

const first = (level: Level, p: number): string => `${levels[level]}: fraud with a probability of ${percent(p)}`;
/** Most decisions; while nothing is known they all say the same, and writing a number is slow. */
let [lastP, lastSaid]: [number, readonly string[]] = [NaN, []];
function letThrough(p: number): readonly string[] {
  if (p !== lastP) [lastP, lastSaid] = [p, [first(0, p)]];
  return lastSaid;
}

const percent = (p: number): string => `${p >= 0.0995 ? (p * 100).toFixed(0) : (p * 100).toPrecision(2)} %`;
const number = (value: number | null): string => (value === null ? 'missing' : String(Number(value.toPrecision(3))));
