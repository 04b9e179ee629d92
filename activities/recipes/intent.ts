/**
 * What tickets are about: trained on the tickets whose true intent has arrived, from their masked texts. N = tickets.
 *
 * Of the training rows the earlier five sixths train, the last sixth chooses the epoch and calibrates (models/support). Scores are
 * 1 where the intent is right and 0 where it is not.
 */
import type { CreateEngine } from '../../models/lstm/engine.js';
import { createFastEngine } from '../../models/lstm/fast.js';
import { expectedCalibrationError } from '../../models/metrics/calibration.js';
import { intentDefaults, trainIntent, type IntentExample } from '../../models/support/intent-train.js';
import { readIntent } from '../../models/support/intent.js';
import { trainingSteps } from '../../models/support/training.js';
import { tokenise, type Token } from '../../models/text/tokenise.js';
import { READ_MAX } from '../../pipelines/support/reading.js';
import type { Cut } from '../arrow-cut.js';
import type { GateLimits } from '../gate.js';
import { latencyMsP99 } from './latency.js';
import { atColumn, type CutPlan, type Judged, type Range, type Recipe, type Slice, type Training, type WatchPlan } from './recipe.js';

interface IntentData {
  /** of the masked text, as the shards tokenise it */
  tokens: Token[][];
  language: string[];
  intent: string[];
  /** as it was read when the ticket came; '' where nothing was */
  predicted: string[];
  confidence: Float64Array;
}

const plan: CutPlan = {
  query: `
WITH truth AS (SELECT customer, ticket, argMax(intent, seq) AS intent FROM ticket_labels WHERE seq <= {seq:UInt64} GROUP BY customer, ticket)
SELECT toUnixTimestamp64Milli(at) AS ${atColumn}, toInt64(seq) AS seq, text, toString(language) AS language, toString(intent) AS intent, toString(predicted) AS predicted, confidence
FROM (
  SELECT t.at AS at, t.seq AS seq, t.text AS text, t.language AS language, truth.intent AS intent, t.intent AS predicted, t.confidence AS confidence
  FROM tickets AS t INNER JOIN truth ON t.customer = truth.customer AND t.ticket = truth.ticket
  WHERE t.seq <= {seq:UInt64} AND t.language != '' AND t.at > fromUnixTimestamp64Milli(toInt64({asOf:Int64} - {days:Float64} * 86400000))
  ORDER BY at DESC, seq DESC LIMIT {most:UInt32}
)
ORDER BY at, seq`,
  columns: { [atColumn]: 'i64', seq: 'i64', text: 'text', language: 'text', intent: 'text', predicted: 'text', confidence: 'f64' },
  // Some 50 million words are 200 MB of tokens, and a night of training.
  rowsMax: 100_000,
  settings: { days: 730 },
};

const read = (cut: Cut): IntentData => {
  const language = cut.texts('language');
  return {
    tokens: cut.texts('text').map((text, i) => tokenise(text.slice(0, READ_MAX), language[i] === 'zh' ? 'zh' : 'en')),
    language, intent: cut.texts('intent'), predicted: cut.texts('predicted'), confidence: cut.numbers('confidence'),
  };
};

const rowsMin = 200;
/** With one example of an intent nothing of it is left to choose by. */
const eachMin = 5;

function tooFew({ intent }: IntentData, { from, to }: Range): string | undefined {
  const counts = new Map<string, number>();
  for (const label of intent.slice(from, to)) counts.set(label, (counts.get(label) ?? 0) + 1);
  const known = [...counts.values()].filter((count) => count >= eachMin).length;
  if (to - from >= rowsMin && known >= 2) return undefined;
  return `too few tickets whose true intent has arrived: ${to - from}, and ${known} intents with ${eachMin} of them; ${rowsMin} and two are needed`;
}

function train({ tokens, intent }: IntentData, { from, to }: Range, checkpoint?: readonly Uint8Array[], engine: CreateEngine = createFastEngine): Training {
  const middle = from + Math.floor((5 * (to - from)) / 6);
  const examples = (first: number, end: number): IntentExample[] => tokens.slice(first, end).map((own, i) => ({ tokens: own.map(({ text }) => text), intent: intent[first + i] }));
  const training = trainIntent({ train: examples(from, middle), validation: examples(middle, to) }, intentDefaults, { engine, ...(checkpoint !== undefined && { saved: [...checkpoint] }) });
  return trainingSteps(training);
}

function judge(data: IntentData, { from, to }: Range, version: { parts: readonly Uint8Array[] } | undefined): Judged | undefined {
  if (version === undefined && data.predicted.slice(from, to).every((predicted) => predicted === '')) return undefined;
  const model = version === undefined ? undefined : readIntent(version.parts);
  const found = Array.from({ length: to - from }, (_, i) => {
    if (model === undefined) return { intent: data.predicted[from + i], confidence: data.confidence[from + i], answered: true };
    const { intent, confidence, abstain } = model.predict(data.tokens[from + i]);
    return { intent, confidence, answered: abstain === undefined };
  });
  const right = Uint8Array.from(found, ({ intent }, i) => (intent === data.intent[from + i] ? 1 : 0));
  const answered = found.flatMap((one, i) => (one.answered ? [right[i]] : []));
  const mean = (of: ArrayLike<number>): number => Array.from(of).reduce((sum, value) => sum + value, 0) / of.length;
  return {
    scores: Float64Array.from(right),
    metrics: { accuracy: mean(right), ...(model !== undefined && { coverage: answered.length / found.length, precision: mean(answered) }) },
    calibrationError: found.length === 0 ? NaN : expectedCalibrationError(found.map(({ confidence }) => confidence), right),
    latencyMsP99: model === undefined ? NaN : latencyMsP99(to - from, (i) => { model.predict(data.tokens[from + i]); }),
  };
}

/** Intents with fewer tickets among those that judge say nothing each for itself. */
const sliceRows = 30;

function slices({ language, intent }: IntentData, { from, to }: Range): Slice[] {
  const by = (prefix: string, of: readonly string[]): Slice[] => {
    const rows = new Map<string, number[]>();
    for (let i = from; i < to; i += 1) rows.set(of[i], [...(rows.get(of[i]) ?? []), i - from]);
    return [...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, own]) => ({ name: `${prefix} ${name}`, rows: Uint32Array.from(own) }));
  };
  return [...by('language', language), ...by('intent', intent).filter(({ rows }) => rows.length >= sliceRows)];
}

const gate: GateLimits = {
  rowsMin: 100, positivesMin: 0,
  margin: 0, sliceFall: 0.1, sliceRows,
  calibrationMax: 0.15,
  // A ticket waits for it within the fold: at 10 ms a shard reads a hundred a second.
  latencyMsMax: 10,
  bytesMax: 64 * 2 ** 20,
};

/** handed_over, confidence: tell at once; accuracy: of the labels that have come. */
const watch: WatchPlan = {
  query: `
WITH
  decided AS (SELECT decision, confidence FROM tickets WHERE seq > {from:UInt64} AND seq <= {to:UInt64} AND decision != 'none' AND ({tag:String} = '' OR model = {tag:String} OR startsWith(model, {tag:String} || '+')) ORDER BY seq DESC LIMIT {most:UInt32}),
  judged AS (SELECT outcome FROM ticket_labels WHERE seq > {from:UInt64} AND seq <= {to:UInt64} AND outcome IN ('right', 'wrong') AND ({tag:String} = '' OR model = {tag:String}) ORDER BY seq DESC LIMIT {most:UInt32})
SELECT 'handed_over' AS metric, avg(decision = 'hand_over') AS value, count() AS rows FROM decided
UNION ALL
SELECT 'confidence', avg(confidence), count() FROM decided
UNION ALL
SELECT 'accuracy', avg(outcome = 'right'), count() FROM judged`,
  most: 5000,
  rules: [
    { metric: 'handed_over', worse: 'higher', factor: 1.5, by: 0.1, rowsMin: 100 },
    { metric: 'confidence', worse: 'lower', factor: 1, by: 0.3, rowsMin: 100 },
    { metric: 'accuracy', worse: 'lower', factor: 1, by: 0.1, rowsMin: 50 },
  ],
};

export const intentRecipe: Recipe<IntentData> = {
  model: 'intent', rivals: ['intent'], plan, gate, watch, read, tooFew, train, judge, slices,
  positives: () => NaN,
  card: {
    purpose: 'What a customer wants, one of a closed set of intents, with a calibrated confidence below which a person reads the ticket.',
    score: '1 where the intent is right, 0 where it is not',
    limits: [
      'It knows the intents of its training tickets alone: what is asked for the first time is taken for one of them, or out of scope.',
      'Tickets without a label are not in it: where only hard ones are labelled, it is judged by hard ones.',
      'English and Chinese; the first 4,000 characters of a text.',
    ],
  },
};
