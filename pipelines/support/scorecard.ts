/**
 * How good the reading of intents was, by day and model version: prequential, as each was read before its label came.
 *
 *   verdicts    labels that arrived on the day     accuracy, precision, coverage, macro_f1, brier, calibration_error, and a confusion
 *               of entities that a label brings: entity_precision, entity_recall, entity_f1, over the spans of all these tickets
 *   decisions   tickets that were decided on it    abstention_rate, reply_rate, out_of_scope_rate
 *
 * Counts only: a day of any length takes the same room.
 */
import { createHash } from 'node:crypto';

/** Bins of equal width for the calibration error, as usual for a few hundred rows. */
const BINS = 15;
/** Pairs of intents that are told apart for one version and day: verdicts are free text. 64 intents, each confused with all others. */
const PAIRS_MAX = 4096;
export const otherIntent = '(other)';

export interface Measured {
  metric: string;
  value: number;
  rows: number;
  positives: number;
}

export interface Confused {
  intent: string;
  predicted: string;
  tickets: number;
  confident: number;
}

/** Of one ticket or several: spans that were read, that are true, and that are both. */
export interface EntityCounts {
  found: number;
  true: number;
  right: number;
}

/** Of one version on the day that runs. */
interface Counts {
  labels: number;
  right: number;
  confident: number;
  confidentRight: number;
  squares: number;
  /** BINS x [rows, sum of confidences, right] */
  bins: number[];
  /** true intent, newline, predicted -> [tickets, confident] */
  pairs: Map<string, [number, number]>;
  decided: number;
  replied: number;
  abstained: number;
  outOfScope: number;
  /** of labels that bring entities */
  entities: { labels: number } & EntityCounts;
}

export interface Scorecard {
  /** A label came. @param predicted  '' where no intent was read */
  label(version: number, of: { intent: string; predicted: string; confidence: number; confident: boolean }): void;
  /** A label brought the true entities. @param version  of what read them */
  entities(version: number, of: EntityCounts): void;
  /** A ticket was decided. */
  decision(version: number, of: { replied: boolean; confident: boolean; outOfScope: boolean }): void;
  /** Everything since the last call, by version. */
  take(): { version: number; verdicts: Measured[]; decisions: Measured[]; confusion: Confused[] }[];
  snapshot(): Uint8Array[];
  hash(): string;
}

const empty = (): Counts => ({ labels: 0, right: 0, confident: 0, confidentRight: 0, squares: 0, bins: new Array<number>(BINS * 3).fill(0), pairs: new Map(), decided: 0, replied: 0, abstained: 0, outOfScope: 0, entities: { labels: 0, found: 0, true: 0, right: 0 } });
const format = 2;

/** @throws RangeError when the chunks are not what `snapshot` made */
export function createScorecard(chunks?: Uint8Array[]): Scorecard {
  const byVersion = chunks === undefined ? new Map<number, Counts>() : load(chunks);
  const countsOf = (version: number): Counts => {
    let counts = byVersion.get(version);
    if (counts === undefined) byVersion.set(version, (counts = empty()));
    return counts;
  };
  const bytes = (): Buffer => Buffer.from(JSON.stringify({ format, versions: inOrder(byVersion).map(([version, { pairs, ...counts }]) => [version, { ...counts, pairs: inOrder(pairs) }]) }));

  return {
    label(version, { intent, predicted, confidence, confident }) {
      const counts = countsOf(version);
      const right = intent === predicted ? 1 : 0;
      counts.labels += 1;
      counts.right += right;
      counts.squares += (confidence - right) ** 2;
      const bin = Math.min(BINS - 1, Math.floor(confidence * BINS)) * 3;
      counts.bins[bin] += 1;
      counts.bins[bin + 1] += confidence;
      counts.bins[bin + 2] += right;
      if (confident) {
        counts.confident += 1;
        counts.confidentRight += right;
      }
      confuse(counts.pairs, intent, predicted, confident);
    },
    entities(version, of) {
      const { entities } = countsOf(version);
      entities.labels += 1;
      for (const name of ['found', 'true', 'right'] as const) entities[name] += of[name];
    },
    decision(version, { replied, confident, outOfScope }) {
      const counts = countsOf(version);
      counts.decided += 1;
      if (replied) counts.replied += 1;
      if (!confident) counts.abstained += 1;
      if (outOfScope) counts.outOfScope += 1;
    },
    take() {
      const taken = inOrder(byVersion).map(([version, counts]) => ({
        version, verdicts: [...ofLabels(counts), ...ofEntities(counts)], decisions: ofDecisions(counts),
        confusion: inOrder(counts.pairs).map(([pair, [tickets, confident]]) => {
          const [intent, predicted] = pair.split('\n');
          return { intent, predicted, tickets, confident };
        }),
      }));
      byVersion.clear();
      return taken;
    },
    snapshot: () => [bytes()],
    hash: () => createHash('sha256').update(bytes()).digest('hex'),
  };
}

function confuse(pairs: Counts['pairs'], intent: string, predicted: string, confident: boolean): void {
  let key = `${intent}\n${predicted}`;
  // What is read is one of a model's few labels; the truth is anybody's word.
  if (!pairs.has(key) && pairs.size >= PAIRS_MAX) key = `${otherIntent}\n${predicted}`;
  const [tickets, sure] = pairs.get(key) ?? [0, 0];
  pairs.set(key, [tickets + 1, sure + (confident ? 1 : 0)]);
}

/** Metrics that the labels can tell; one without rows is not among them. */
function ofLabels({ labels, right, confident, confidentRight, squares, bins, pairs }: Counts): Measured[] {
  if (labels === 0) return [];
  let error = 0;
  for (let i = 0; i < bins.length; i += 3) error += Math.abs(bins[i + 1] - bins[i + 2]) / labels;
  const all = { rows: labels, positives: right };
  return [
    { metric: 'accuracy', value: right / labels, ...all },
    ...(confident > 0 ? [{ metric: 'precision', value: confidentRight / confident, rows: confident, positives: confidentRight }] : []),
    { metric: 'coverage', value: confident / labels, rows: labels, positives: confident },
    { metric: 'macro_f1', value: macroF1(pairs), ...all },
    { metric: 'brier', value: squares / labels, ...all },
    { metric: 'calibration_error', value: error, ...all },
  ];
}

/** One that has nothing to divide by is not among them: nothing was found, or nothing was there to find. */
function ofEntities({ entities: { labels, found, true: known, right } }: Counts): Measured[] {
  const shares: [string, number, number][] = [['entity_precision', right, found], ['entity_recall', right, known], ['entity_f1', 2 * right, found + known]];
  return shares.filter(([, , of]) => of > 0).map(([metric, share, of]) => ({ metric, value: share / of, rows: labels, positives: right }));
}

function ofDecisions({ decided, replied, abstained, outOfScope }: Counts): Measured[] {
  if (decided === 0) return [];
  const rates = { abstention_rate: abstained, reply_rate: replied, out_of_scope_rate: outOfScope };
  return Object.entries(rates).map(([metric, positives]) => ({ metric, value: positives / decided, rows: decided, positives }));
}

/**
 * Mean over the true intents of 2 TP / (2 TP + FP + FN): a rare intent counts as much as a frequent one.
 * Worked: a read as a, a read as b, b read as b -> F1 of a 2/3, of b 2/3 -> 2/3
 */
function macroF1(pairs: Counts['pairs']): number {
  const sums = new Map<string, { right: number; predicted: number; truth: number }>();
  const of = (intent: string) => {
    let sum = sums.get(intent);
    if (sum === undefined) sums.set(intent, (sum = { right: 0, predicted: 0, truth: 0 }));
    return sum;
  };
  for (const [pair, [tickets]] of pairs) {
    const [intent, predicted] = pair.split('\n');
    of(intent).truth += tickets;
    of(predicted).predicted += tickets;
    if (intent === predicted) of(intent).right += tickets;
  }
  const scores = [...sums.values()].filter(({ truth }) => truth > 0).map(({ right, predicted, truth }) => (2 * right) / (predicted + truth));
  return scores.reduce((sum, score) => sum + score, 0) / scores.length;
}

/** By key: a Map's own order is that of its history. */
function inOrder<K extends string | number, V>(map: ReadonlyMap<K, V>): [K, V][] {
  return [...map].sort(([a], [b]) => (a < b ? -1 : 1));
}

function load(chunks: Uint8Array[]): Map<number, Counts> {
  let saved: { format: number; versions: [number, Omit<Counts, 'pairs'> & { pairs: [string, [number, number]][] }][] };
  try {
    saved = JSON.parse(Buffer.concat(chunks).toString('utf8')) as typeof saved;
  } catch (cause) {
    throw new RangeError('support scorecard: truncated or corrupted', { cause });
  }
  if (saved.format !== format) throw new RangeError(`support scorecard: format ${saved.format}, this build reads ${format}; rebuild from the events`);
  return new Map(saved.versions.map(([version, { pairs, ...counts }]) => [version, { ...counts, pairs: new Map(pairs) }]));
}
