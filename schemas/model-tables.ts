/** The registry: which versions were made, of what, how they were judged, and what became of each run. */
import { column, type Table } from './columns.js';
import { Promote } from './events.js';
import { said, sorted, zstd } from './table-texts.js';

/** What a version was made of, and how it was made. */
export interface ModelRow {
  model: string;
  version: number;
  atMs: number;
  sha256: string;
  bytes: number;
  run: string;
  /** the data set as an artefact; '' and 0 where it was read without one */
  dataSha256: string;
  dataBytes: number;
  dataRows: number;
  dataFromMs: number;
  dataToMs: number;
  dataSeq: number;
  trainedRows: number;
  trainedToMs: number;
  epochs: number;
  seconds: number;
  /** the card, Markdown */
  card: string;
}

/** The steps of a run, in the order in which it may take them. */
export const runSteps = ['started', 'cut', 'trained', 'evaluated', 'waiting', 'approved', 'rejected', 'refused', 'promoted', 'challenged', 'rolled_back', 'watched', 'cancelled', 'failed'] as const;

export interface TrainingRunRow {
  run: string;
  workflow: string;
  model: string;
  version: number;
  atMs: number;
  step: (typeof runSteps)[number];
  detail: string;
}

/** What a check asks of its value. */
export const relations = ['>', '>=', '<='] as const;

export interface EvaluationRow {
  model: string;
  version: number;
  atMs: number;
  run: string;
  champion: string;
  kind: 'metric' | 'check';
  name: string;
  slice: string;
  /** NaN: could not be told */
  value: number;
  championValue: number;
  low: number;
  high: number;
  relation: (typeof relations)[number] | '';
  limit: number;
  passed: boolean;
  rows: number;
}

const model = said(Promote, 'model');
const version = said(Promote, 'version');
const runComment = 'The run of the workflow that made it; empty where a person registered it';

export const modelsTable: Table<ModelRow> = {
  name: 'models',
  comment: 'Every version of every model that was made, of what data, with its card',
  columns: [
    column('model', 'label', model, (r) => r.model),
    column('version', 'u64', `${version}: the start of its run, milliseconds since 1970`, (r) => r.version),
    column('at', 'time', 'When it was registered', (r) => r.atMs, sorted),
    column('sha256', 'text', said(Promote, 'sha256'), (r) => r.sha256, zstd),
    column('bytes', 'u64', said(Promote, 'bytes'), (r) => r.bytes, zstd),
    column('run', 'text', runComment, (r) => r.run, zstd),
    column('data_sha256', 'text', 'sha256 of the data set, hexadecimal; empty where it was not kept as an artefact', (r) => r.dataSha256, zstd),
    column('data_bytes', 'u64', 'Size of the data set', (r) => r.dataBytes, zstd),
    column('data_rows', 'u64', 'Rows of the data set', (r) => r.dataRows, zstd),
    column('data_from', 'time', 'Time of its first row', (r) => r.dataFromMs, sorted),
    column('data_to', 'time', 'Time of its last row', (r) => r.dataToMs, sorted),
    column('data_seq', 'u64', 'Position of the last event that it may know: the same cut again gives the same bytes', (r) => r.dataSeq, sorted),
    column('trained_rows', 'u64', 'Rows that it was trained on; the later ones judged it', (r) => r.trainedRows, zstd),
    column('trained_to', 'time', 'Time of the last row that it was trained on', (r) => r.trainedToMs, sorted),
    column('epochs', 'u32', 'Epochs of its training', (r) => r.epochs),
    column('seconds', 'f64', 'Seconds that its training took, from its last start on', (r) => r.seconds, zstd),
    column('card', 'text', 'The model card, Markdown', (r) => r.card, zstd),
  ],
  partitionBy: 'toYYYYMM(at)',
  orderBy: ['model', 'version'],
};

export const trainingRunsTable: Table<TrainingRunRow> = {
  name: 'training_runs',
  comment: 'What every run of a model\'s life did, step by step',
  columns: [
    column('run', 'text', 'The run of the workflow', (r) => r.run, zstd),
    column('workflow', 'text', 'The workflow\'s id', (r) => r.workflow, zstd),
    column('model', 'label', model, (r) => r.model),
    column('version', 'u64', version, (r) => r.version),
    column('at', 'time', 'When, by the workflow\'s clock', (r) => r.atMs, sorted),
    column('step', 'label', `What it did: ${runSteps.join(', ')}`, (r) => r.step),
    column('detail', 'text', 'As a sentence: what came of it, or why not', (r) => r.detail, zstd),
  ],
  partitionBy: 'toYYYYMM(at)',
  orderBy: ['model', 'at', 'run', 'step'],
};

export const evaluationsTable: Table<EvaluationRow> = {
  name: 'evaluations',
  comment: 'How every challenger was judged beside the champion, and each check of the gate',
  columns: [
    column('model', 'label', model, (r) => r.model),
    column('version', 'u64', version, (r) => r.version),
    column('at', 'time', 'When, by the workflow\'s clock', (r) => r.atMs, sorted),
    column('run', 'text', runComment, (r) => r.run, zstd),
    column('champion', 'label', 'What it was compared with: model and version, recorded (what decided then), or nothing', (r) => r.champion),
    column('kind', 'label', 'metric: measured only; check: the gate asked for it', (r) => r.kind),
    column('name', 'label', 'Metric or check', (r) => r.name),
    column('slice', 'label', 'Part of the rows; empty: all of them', (r) => r.slice),
    column('value', 'f64', 'Of the challenger; NaN: could not be told', (r) => r.value, zstd),
    column('champion_value', 'f64', 'Of the champion; NaN: there is none', (r) => r.championValue, zstd),
    column('low', 'f64', 'Lower end of the 95 % interval of value; NaN: none was made', (r) => r.low, zstd),
    column('high', 'f64', 'Upper end of it', (r) => r.high, zstd),
    column('relation', 'label', 'What the check asks of the value, or of the end of its interval: >, >= or <= the limit; empty for a metric', (r) => r.relation),
    column('limit', 'f64', 'The limit', (r) => r.limit, zstd),
    column('passed', 'u16', '1: it did; a metric has 1', (r) => (r.passed ? 1 : 0)),
    column('rows', 'u32', 'Rows that it is made of', (r) => r.rows),
  ],
  partitionBy: 'toYYYYMM(at)',
  orderBy: ['model', 'version', 'kind', 'name', 'slice'],
};
