/**
 * What tickets name: trained on the tickets whose true entities an agent has sent, from their masked texts. N = tickets.
 *
 *   row   at, text | true spans | spans that were read, and who found them   (models/support/span-text.ts; kind@finder for the latter)
 *
 * A version is judged by what would have been decided with it: the customer's own orders and items as they were recognised then, its
 * own spans, and the rules' where it sees nothing. The figure is F1 of exact spans over all tickets, and tickets are what is drawn
 * for its interval. Of the training rows the earlier five sixths train, the last sixth chooses the epoch and weighs the directions.
 *
 * A label speaks of the part of a text that a shard keeps, and so does everything here; a model reads on, as it does in the shard.
 */
import type { CreateEngine } from '../../models/lstm/engine.js';
import { createFastEngine } from '../../models/lstm/fast.js';
import type { Ratio } from '../../models/metrics/bootstrap.js';
import type { Span } from '../../models/metrics/spans.js';
import { entityDefaults, trainEntities, type EntityExample } from '../../models/support/entities-train.js';
import { readEntities, type EntityModel } from '../../models/support/entities.js';
import { readSpanText } from '../../models/support/span-text.js';
import { trainingSteps } from '../../models/support/training.js';
import type { Language } from '../../models/text/language.js';
import { tokenise, type Token } from '../../models/text/tokenise.js';
import { combineEntities, findEntities, type FoundEntity } from '../../pipelines/support/entity-rules.js';
import { entitiesByModel } from '../../pipelines/support/models.js';
import { READ_MAX } from '../../pipelines/support/reading.js';
import { KEPT_TEXT } from '../../pipelines/support/tickets.js';
import { entityKinds, type EntityKind } from '../../schemas/support-words.js';
import type { Cut } from '../arrow-cut.js';
import type { GateLimits } from '../gate.js';
import { latencyMsP99 } from './latency.js';
import { atColumn, type CutPlan, type Judged, type Range, type Recipe, type Slice, type Training, type WatchPlan } from './recipe.js';

export interface EntityData {
  /** masked, as much as a shard reads, and its tokens there */
  text: string[];
  tokens: Token[][];
  language: Language[];
  /** within the part that a label speaks of, as all that follows */
  truth: Span[][];
  /** as they were read when the ticket came */
  recorded: Span[][];
  /** those among them that are the customer's own orders and items */
  own: FoundEntity[][];
}

const plan: CutPlan = {
  // A later list that could not be taken (not_found, overlapping) leaves the one before.
  query: `
WITH truth AS (
  SELECT ticket_seq, argMax(tuple(entity_kinds, entity_starts, entity_ends), seq) AS entities FROM ticket_labels
  WHERE seq <= {seq:UInt64} AND entities_outcome IN ('right', 'wrong', 'repeated', 'contradicted') GROUP BY ticket_seq
)
SELECT toUnixTimestamp64Milli(at) AS ${atColumn}, toInt64(seq) AS seq, text, toString(language) AS language,
  arrayStringConcat(arrayMap((kind, start, end) -> concat(kind, ':', toString(start), ':', toString(end)), true_kinds, true_starts, true_ends), ',') AS truth,
  arrayStringConcat(arrayMap((kind, start, end, by) -> concat(kind, '@', by, ':', toString(start), ':', toString(end)), kinds, starts, ends, finders), ',') AS recorded
FROM (
  SELECT t.at AS at, t.seq AS seq, t.text AS text, t.language AS language, t.entity_kinds AS kinds, t.entity_starts AS starts, t.entity_ends AS ends, t.entity_by AS finders,
    truth.entities.1 AS true_kinds, truth.entities.2 AS true_starts, truth.entities.3 AS true_ends
  FROM tickets AS t INNER JOIN truth ON t.seq = truth.ticket_seq
  WHERE t.seq <= {seq:UInt64} AND t.language != '' AND t.at > fromUnixTimestamp64Milli(toInt64({asOf:Int64} - {days:Float64} * 86400000))
  ORDER BY at DESC, seq DESC LIMIT {most:UInt32}
)
ORDER BY at, seq`,
  columns: { [atColumn]: 'i64', seq: 'i64', text: 'text', language: 'text', truth: 'text', recorded: 'text' },
  // Twice as much to learn from each as for intents: every piece has a tag, and two networks read it.
  rowsMax: 50_000,
  settings: { days: 730 },
};

const withinLabel = ({ end }: Span): boolean => end <= KEPT_TEXT;

export function readEntityData(cut: Cut): EntityData {
  const language = cut.texts('language').map((of): Language => (of === 'zh' ? 'zh' : 'en'));
  const text = cut.texts('text').map((of) => of.slice(0, READ_MAX));
  const recorded = cut.texts('recorded').map((of) => readSpanText(of).map(({ kind, start, end }) => {
    const [name, by] = kind.split('@');
    return { kind: name, by, start, end };
  }));
  return {
    text, language, tokens: text.map((of, i) => tokenise(of, language[i])), truth: cut.texts('truth').map(readSpanText),
    recorded: recorded.map((spans) => spans.filter(withinLabel).map(({ kind, start, end }) => ({ kind, start, end }))),
    own: recorded.map((spans, i) => spans.filter(({ by }) => by === 'own').map(({ kind, start, end }) => ({ kind: kind as EntityKind, value: text[i].slice(start, end), start, end }))),
  };
}

const rowsMin = 200;
/** Tickets that name something: with fewer a network learns that nothing is ever named. */
const namingMin = 50;

const naming = ({ truth }: EntityData, { from, to }: Range): number => truth.slice(from, to).filter((spans) => spans.length > 0).length;

function tooFew(data: EntityData, rows: Range): string | undefined {
  const [count, named] = [rows.to - rows.from, naming(data, rows)];
  if (count >= rowsMin && named >= namingMin) return undefined;
  return `too few tickets whose true entities have arrived: ${count}, and ${named} of them name something; ${rowsMin} and ${namingMin} are needed`;
}

function train({ text, language, truth }: EntityData, { from, to }: Range, checkpoint?: readonly Uint8Array[], engine: CreateEngine = createFastEngine): Training {
  const middle = from + Math.floor((5 * (to - from)) / 6);
  const examples = (first: number, end: number): EntityExample[] => text.slice(first, end).map((of, i) => {
    const labelled = of.slice(0, KEPT_TEXT);
    return { text: labelled, tokens: tokenise(labelled, language[first + i]), entities: truth[first + i] };
  });
  return trainingSteps(trainEntities({ train: examples(from, middle), validation: examples(middle, to) }, entityDefaults, { engine, saved: checkpoint === undefined ? undefined : [...checkpoint] }));
}

/** As the shard does: pipelines/support/decide.ts. */
const decidedWith = (model: EntityModel, { text, tokens, own }: EntityData, i: number): Span[] =>
  combineEntities({ own: own[i], model: entitiesByModel(model, text[i], tokens[i]), rule: findEntities(text[i], { orders: [], items: [] }) });

function judge(data: EntityData, { from, to }: Range, version: { parts: readonly Uint8Array[] } | undefined): Judged {
  const model = version === undefined ? undefined : readEntities(version.parts);
  const truth = data.truth.slice(from, to);
  const found = truth.map((_, i) => (model === undefined ? data.recorded[from + i] : decidedWith(model, data, from + i).filter(withinLabel)));
  const all = ratioOf(found, truth);
  const parts = Object.fromEntries(entityKinds.map((of) => {
    const only = (spans: readonly Span[]): Span[] => spans.filter(({ kind }) => kind === of);
    return [of, ratioOf(found.map(only), truth.map(only))];
  }));
  const count = (spans: readonly (readonly Span[])[]): number => spans.reduce((sum, { length }) => sum + length, 0);
  const right = sum(all.scores) / 2;
  return {
    ...all, parts,
    metrics: {
      f1: figureOf(all), precision: right / count(found), recall: right / count(truth),
      ...Object.fromEntries(Object.entries(parts).map(([kind, part]) => [`f1_${kind}`, figureOf(part)])),
    },
    calibrationError: NaN,
    latencyMsP99: model === undefined ? NaN : latencyMsP99(to - from, (i) => { decidedWith(model, data, from + i); }),
  };
}

const sum = (of: Float64Array): number => of.reduce((total, value) => total + value, 0);
const figureOf = ({ scores, wholes }: Ratio): number => sum(scores) / sum(wholes);

/** F1 = 2 right / (found + true), over all tickets. */
function ratioOf(found: readonly (readonly Span[])[], truth: readonly (readonly Span[])[]): Ratio {
  const keys = truth.map((spans) => new Set(spans.map(keyOf)));
  return {
    scores: Float64Array.from(found, (spans, i) => 2 * spans.filter((span) => keys[i].has(keyOf(span))).length),
    wholes: Float64Array.from(found, (spans, i) => spans.length + truth[i].length),
  };
}

const keyOf = ({ kind, start, end }: Span): string => `${kind} ${start} ${end}`;

function slices({ language }: EntityData, { from, to }: Range): Slice[] {
  const all = Uint32Array.from({ length: to - from }, (_, i) => i);
  return [
    ...(['en', 'zh'] as const).map((of) => ({ name: `language ${of}`, rows: all.filter((i) => language[from + i] === of) })).filter(({ rows }) => rows.length > 0),
    ...entityKinds.map((kind) => ({ name: `kind ${kind}`, rows: all, part: kind })),
  ];
}

const gate: GateLimits = {
  rowsMin: 100, positivesMin: 30,
  margin: 0, sliceFall: 0.1, sliceRows: 30,
  // A span is there or not: the model tells no probability of it.
  calibrationMax: 1,
  // A ticket waits for it within the fold: at 10 ms a shard reads a hundred a second.
  latencyMsMax: 10,
  bytesMax: 64 * 2 ** 20,
};

/** naming: tells at once; entity_f1: of the labels that have come. A first label of a ticket counts, as in model_metrics. */
const watch: WatchPlan = {
  query: `
WITH
  decided AS (SELECT length(entity_kinds) > 0 AS names FROM tickets WHERE seq > {from:UInt64} AND seq <= {to:UInt64} AND language != '' AND ({tag:String} = '' OR has(splitByChar('+', toString(model)), {tag:String})) ORDER BY seq DESC LIMIT {most:UInt32}),
  judged AS (SELECT entities_right, entities_found, length(entity_kinds) AS entities_true FROM ticket_labels WHERE seq > {from:UInt64} AND seq <= {to:UInt64} AND entities_outcome IN ('right', 'wrong') AND ({tag:String} = '' OR entities_model = {tag:String}) ORDER BY seq DESC LIMIT {most:UInt32})
SELECT 'naming' AS metric, avg(names) AS value, count() AS rows FROM decided
UNION ALL
SELECT 'entity_f1', 2 * sum(entities_right) / (sum(entities_found) + sum(entities_true)), countIf(entities_found + entities_true > 0) FROM judged`,
  most: 5000,
  rules: [
    // A model that finds what rules do not names more; one that is blind names nothing.
    { metric: 'naming', worse: 'lower', factor: 2, by: 0, rowsMin: 100 },
    { metric: 'entity_f1', worse: 'lower', factor: 1, by: 0.1, rowsMin: 50 },
  ],
};

export const entitiesRecipe: Recipe<EntityData> = {
  model: 'entities', rivals: ['entities'], plan, gate, watch, read: readEntityData, tooFew, train, judge, slices, positives: naming,
  card: {
    purpose: 'What a ticket names: orders, products, amounts, dates, tracking numbers, as places in its masked text. Answers are filled with them.',
    score: 'F1 of exact spans (kind, start and end) of what is decided with it: the customer\'s own orders and items, then the model, then the rules',
    limits: [
      `It is trained and judged on the first ${KEPT_TEXT} characters of a ticket, as labels speak of no more; it reads the first 256 words and signs.`,
      'Tickets whose entities nobody has sent are not in it: where agents correct only what was wrong, it is judged by hard ones.',
      'A kind that its training tickets do not name is never found by it. What is masked in a text is no entity.',
    ],
  },
};
