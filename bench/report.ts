/** What every suite reports: rows with a baseline from the same run, as text or as one JSON object. */
import { execFileSync } from 'node:child_process';
import { cpus, totalmem } from 'node:os';

export interface Row {
  name: string;
  value: number;
  unit: string;
  /** the peer's or the naive way's value, in the same unit; null where there is none */
  baseline: number | null;
  /** value / baseline */
  ratio: number | null;
  /** what the baseline is, for people */
  note?: string;
}

export interface Report {
  machine: string;
  node: string;
  commit: string;
  rows: Row[];
}

export const row = (name: string, value: number, unit: string, baseline: number | null = null, note?: string): Row =>
  ({ name, value: rounded(value), unit, baseline: baseline === null ? null : rounded(baseline), ratio: baseline === null ? null : rounded(value / baseline), ...(note === undefined ? {} : { note }) });

/** Four digits: no figure here is repeatable to more. */
const rounded = (value: number): number => Number(value.toPrecision(4));

export function report(rows: Row[]): Report {
  const [cpu] = cpus();
  return {
    machine: `${cpus().length} x ${cpu.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}-${process.arch}`,
    node: process.version,
    commit: commit(),
    rows,
  };
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}

/** @param sorted  ascending  @param q  0 to 1 */
export const quantile = (sorted: Float64Array | readonly number[], q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
