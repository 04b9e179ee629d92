/** The model card: what a version was made of, how it did, and where it must not be relied upon. Pure; every figure in it was measured. */
import type { DataSet } from './cut.js';
import type { Check } from './gate.js';
import type { Recipe } from './recipes/recipe.js';
import type { TrainedModel, Verdict } from './train.js';

const time = (ms: number): string => (ms === 0 ? '-' : new Date(ms).toISOString().replace('T', ' ').slice(0, 16));
const shown = (value: number | null): string => (value === null ? 'not told' : String(Number(value.toPrecision(4))));
const count = (n: number): string => n.toLocaleString('en');

/** @param data  absent where the rows were read without a data set of their own */
export function cardOf({ model, card }: Pick<Recipe, 'model' | 'card'>, version: number, made: { data?: DataSet; trained: TrainedModel; verdict?: Verdict }): string {
  const { data, trained, verdict } = made;
  return [
    `# ${model} ${version}`,
    card.purpose,
    '## Data',
    ...(data === undefined ? [] : [
      `- ${count(data.rows)} rows from ${time(data.fromMs)} to ${time(data.toMs)} (UTC), of events up to position ${data.seq}`,
      `- sha256 ${data.ref.sha256}, ${count(data.ref.bytes)} bytes of Arrow`,
    ]),
    `- trained on the first ${count(trained.rows)} rows, up to ${time(trained.toMs)}, in ${trained.epochs} epochs`,
    ...(verdict === undefined ? [] : judgedText(card.score, verdict)),
    '## Limits',
    ...card.limits.map((limit) => `- ${limit}`),
    '',
  ].join('\n');
}

function judgedText(score: string, { champion, metrics, checks, rows, fromMs, toMs }: Verdict): string[] {
  return [
    '## Judged',
    `On ${count(rows)} rows from ${time(fromMs)} to ${time(toMs)} (UTC) that neither had seen, beside ${champion === 'recorded' ? 'what decided then, as recorded' : champion}. Score: ${score}.`,
    '',
    '| metric | this version | champion |',
    '|---|---|---|',
    ...metrics.map(({ name, challenger, champion: other }) => `| ${name} | ${shown(challenger)} | ${shown(other)} |`),
    '',
    '| check | value | 95 % interval | must be | passed | rows |',
    '|---|---|---|---|---|---|',
    ...checks.map(checkText),
  ];
}

const checkText = ({ name, slice, value, low, high, relation, limit, passed, rows }: Check): string =>
  `| ${name}${slice === '' ? '' : ` of ${slice}`} | ${shown(value)} | ${low === null ? '' : `${shown(low)} to ${shown(high)}`} | ${relation} ${shown(limit)} | ${passed ? 'yes' : '**no**'} | ${count(rows)} |`;
