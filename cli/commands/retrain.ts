/** `retrain`, `approve`, `reject`: the life of a model up to its promotion. */
import { userInfo } from 'node:os';
import { Argument, type Command } from 'commander';
import type { Client } from '@temporalio/client';
import type { Check } from '../../activities/gate.js';
import { AftercareError } from '../../schemas/errors.js';
import type * as modelRunsModule from '../../workflows/model-runs.js';
import type { RetrainResult, RetrainState } from '../../workflows/retrain-types.js';
import type { RunOptions } from '../../workflows/runs.js';
import { readContext, runningEndpoints } from '../context.js';
import { dataDirOption, jsonOption, wholeNumber } from '../options.js';
import { columns, print } from '../print.js';
import { waitOption, withRun } from '../temporal.js';
import { retrainInput } from '../workflow-inputs.js';

interface CommonOptions {
  dataDir?: string;
  json?: boolean;
  wait?: boolean;
}

interface RetrainOptions extends CommonOptions {
  approveByHand?: boolean;
  state?: boolean;
  pause?: boolean;
  resume?: boolean;
  cancel?: boolean;
}

interface DecideOptions extends CommonOptions {
  by?: string;
  reason?: string;
  candidate?: number;
}

export const modelArgument = (): Argument => new Argument('<model>', 'such as risk-logistic; "aftercare schedule list" names them');

type ModelRuns = typeof modelRunsModule;

/** Temporal's packages take half a second to load. */
export async function withModelRuns<T>(dataDir: string | undefined, title: string, wait: boolean, work: (runs: ModelRuns, client: Client, options: RunOptions) => Promise<T>): Promise<T> {
  const runs = await import('../../workflows/model-runs.js');
  return withRun(runningEndpoints(readContext(dataDir)), { title, unit: 'epochs' }, wait, (client, _runs, options) => work(runs, client, options));
}

/** Who decides, where nobody says otherwise: the login name. */
export const whoAmI = (): string => userInfo().username;

export function addRetrain(program: Command): void {
  program
    .command('retrain')
    .summary('train a model anew, and make it live where it is better')
    .description('Cuts a data set from ClickHouse, trains, judges the new version beside the live one on newer data, and makes it live where it passes every check; then it is watched, and rolled back where it does worse. Of a model one retraining runs at a time.')
    .addArgument(modelArgument())
    .option('--approve-by-hand', 'wait for "aftercare approve" before it goes live')
    .option('--state', 'show how far the running, or the last, retraining is')
    .option('--pause', 'pause the running one: its training stops at its last checkpoint')
    .option('--resume', 'let a paused one go on')
    .option('--cancel', 'end the running one; what is live stays')
    .addOption(waitOption())
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', `
Examples:
  $ aftercare retrain risk-logistic --wait
  $ aftercare retrain risk-svm --approve-by-hand && aftercare approve risk-svm --wait
  $ aftercare retrain risk-logistic --state --json
  $ aftercare sql "SELECT at, step, detail FROM training_runs WHERE model = 'risk-logistic' ORDER BY at DESC LIMIT 10"`)
    .action(async (model: string, options: RetrainOptions) => {
      const asked = (['state', 'pause', 'resume', 'cancel'] as const).filter((name) => options[name] === true);
      if (asked.length > 1) throw new AftercareError('bad_request', `--${asked.join(' and --')} exclude one another`);
      if (asked.length === 1) return control(model, asked[0], options);
      const context = readContext(options.dataDir);
      const input = retrainInput(context.config, model);
      const started = await withModelRuns(options.dataDir, `retrain ${model}`, options.wait === true, (runs, client, run) => runs.runRetrain(client, { ...input, approval: input.approval === true || options.approveByHand === true }, run));
      const { result } = started;
      print(options, started, () => (result === undefined ? `${started.workflowId} has started` : resultText(result)));
      if (result !== undefined && result.outcome !== 'promoted') process.exitCode = 2; // not an error, and not what was asked for
    });
  addDecision(program, 'approve', 'let the version that waits go live', true);
  addDecision(program, 'reject', 'end the retraining that waits; what is live stays', false);
}

async function control(model: string, what: 'state' | 'pause' | 'resume' | 'cancel', options: RetrainOptions): Promise<void> {
  const state = await withModelRuns(options.dataDir, model, false, async (runs, client) => {
    if (what === 'state') return runs.retrainState(client, model);
    await runs.signalRetrain(client, model, what);
    return undefined;
  });
  print(options, state ?? { model, asked: what }, () => (state === undefined ? `${model}: asked to ${what}` : stateText(state)));
}

function addDecision(program: Command, name: 'approve' | 'reject', summary: string, approved: boolean): void {
  program
    .command(name)
    .summary(summary)
    .description(approved
      ? 'Lets the version that waits for approval go live in every shard. Refused where none waits, where another one does than --candidate names, and where the live version has changed since it was judged.'
      : 'Ends the retraining that waits for approval; what is live stays.')
    .addArgument(modelArgument())
    .option('--by <name>', 'who decides (default: the login name)')
    .option('--reason <text>', 'why; it goes on record')
    .option('--candidate <version>', 'the version that was looked at: another one is refused', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .addOption(waitOption())
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', approved
      ? '\nExamples:\n  $ aftercare models card risk-svm\n  $ aftercare approve risk-svm --reason "looked at the card" --wait'
      : '\nExample:\n  $ aftercare reject risk-svm --reason "the holidays are in it"')
    .action(async (model: string, { by, reason, candidate, ...options }: DecideOptions) => {
      const decided = { by: by ?? whoAmI(), ...(reason !== undefined && { reason }), ...(candidate !== undefined && { version: candidate }) };
      const found = await withModelRuns(options.dataDir, `${name} ${model}`, options.wait === true, (runs, client, run) => runs.decideRetrain(client, model, approved, decided, run));
      print(options, found, () => ('outcome' in found ? resultText(found) : stateText(found)));
    });
}

const shown = (value: number | null): string => (value === null ? 'not told' : String(Number(value.toPrecision(4))));

function resultText({ model, version, outcome, reason, checks, champion, live }: RetrainResult): string {
  const head = outcome === 'promoted'
    ? `${model} ${version} is live from sequence ${live.join(', ')}, instead of ${champion ?? 'nothing'}`
    : `${model} ${version} did not go live (${outcome}): ${reason ?? ''}`;
  return checks.length === 0 ? head : `${head}\n\n${checksText(checks)}`;
}

export function checksText(checks: readonly Check[]): string {
  return columns(['check', 'value', '95 % interval', 'must be', 'rows', ''], checks.map(({ name, slice, value, low, high, relation, limit, rows, passed }) => [
    slice === '' ? name : `${name}: ${slice}`, shown(value), low === null ? '' : `${shown(low)} to ${shown(high)}`, `${relation} ${shown(limit)}`, rows, passed ? 'passed' : 'FAILED',
  ]));
}

function stateText({ model, version, phase, paused, data, trained, champion, checks, waitsFor, decision }: RetrainState): string {
  return [
    `${model} ${version}: ${phase}${paused ? ' (paused)' : ''}`,
    ...(data === undefined ? [] : [`data: ${data.rows} rows, sha256 ${data.ref.sha256}`]),
    ...(trained === undefined ? [] : [`trained: ${trained.rows} rows, ${trained.epochs} epochs, ${trained.seconds.toFixed(1)} s`]),
    ...(champion === undefined ? [] : [`beside: ${champion}`]),
    ...(waitsFor === undefined ? [] : [`waits for: aftercare approve ${model} --candidate ${waitsFor.version}`]),
    ...(decision === undefined ? [] : [`${decision.approved ? 'approved' : 'rejected'} by ${decision.by}${decision.reason === '' ? '' : `: ${decision.reason}`}`]),
    ...(checks === undefined ? [] : ['', checksText(checks)]),
  ].join('\n');
}
