/** `npm run bench -- <suite> [--json] [--only <rows>]` */
import { Argument, Command, Option } from 'commander';
import { columns } from '../cli/print.js';
import { messageOf } from '../schemas/errors.js';
import { report, type Row } from './report.js';

export interface SuiteOptions {
  /** parts of the suite to run; all when empty */
  only: string[];
  say: (line: string) => void;
}
type Suite = (options: SuiteOptions) => Promise<Row[]>;

/** Loaded when asked for: a suite brings its own dependencies. */
const suites: Record<string, () => Promise<Suite>> = {
  spine: async () => (await import('./spine.js')).spine,
  recommend: async () => (await import('./recommend.js')).recommend,
  risk: async () => (await import('./risk.js')).risk,
  support: async () => (await import('./support.js')).support,
  lifecycle: async () => (await import('./lifecycle.js')).lifecycle,
};

const program = new Command('npm run bench --')
  .description('Measures the system beside a peer or a naive way, in the same run. Figures of a shared machine wander; ratios hold.')
  .addArgument(new Argument('<suite>', 'what to measure').choices(Object.keys(suites)))
  .option('--json', 'print one JSON object: {machine, node, commit, rows}')
  .addOption(new Option('--only <parts>', 'parts of the suite, separated by commas (spine: single, envelope, latency, retail, zipf, fold; recommend: inprocess, serve, sessions, basket, svd, ml100k, blend, prequential, pruning, budget; risk: step, serve, ring, river, features, credit, batch, prequential; support: lstm, ticket, heads, bitext, entities, clinc150, reviews, transfer, jddc; lifecycle: cut, bitext)').default([]).argParser((text: string) => text.split(',')))
  .addHelpText('after', '\nExamples:\n  $ npm run bench -- spine\n  $ npm run bench -- spine --only latency --json\n  $ npm run bench -- recommend --only ml100k')
  .action(async (name: string, options: { json?: boolean; only: string[] }) => {
    const suite = await suites[name]();
    const done = report(await suite({ only: options.only, say: (line) => process.stderr.write(`${line}\n`) }));
    if (options.json === true) return void process.stdout.write(`${JSON.stringify(done)}\n`);
    const rows = done.rows.map((r) => [r.name, r.value, r.unit, r.baseline === null ? '' : String(r.baseline), r.ratio === null ? '' : String(r.ratio), r.note ?? '']);
    process.stdout.write(`${done.machine}, Node ${done.node}, commit ${done.commit}\n\n${columns(['row', 'value', 'unit', 'baseline', 'ratio', 'baseline is'], rows)}\n`);
  });

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`bench: ${messageOf(error)}\n${error instanceof Error ? (error.stack ?? '') : ''}\n`);
  process.exitCode = 1;
}
