/** `canary`: a challenger beside the champion, in the shadow or for a share of the customers; `compare`: how both did. */
import type { Command } from 'commander';
import { jetstreamArtefacts } from '../../pipelines/runtime/jetstream/artefacts.js';
import { promote, type Promoted } from '../../pipelines/runtime/jetstream/promote.js';
import { AftercareError } from '../../schemas/errors.js';
import { readContext, runningEndpoints, withClickHouse, withNats } from '../context.js';
import { dataDirOption, jsonOption, wholeNumber } from '../options.js';
import { columns, print } from '../print.js';

interface CanaryOptions {
  dataDir?: string;
  json?: boolean;
  percent: number;
}

interface CompareOptions {
  dataDir?: string;
  json?: boolean;
  days: number;
}

interface Compared {
  decided_by: string;
  model: string;
  role: string;
  decisions: number;
  customers: number;
  raised: number;
  probability: number;
  verdicts: number;
  positives: number;
  brier: number | null;
}

/** Models that have a place for a challenger. */
const withChallengers = ['risk-logistic', 'risk-svm', 'intent'];
const challengerOf = (model: string): string => `${model}-shadow`;

export function addCanary(program: Command): void {
  program
    .command('canary')
    .summary('let a challenger decide for a share of the customers')
    .description('Makes a version of a model its challenger in every shard, from the same place of the stream in every replay. It scores beside the champion (risk: probabilities of both are in each row of risk_decisions), and decides for a share of the customers: always the same ones, and a larger share keeps those of a smaller one. `aftercare promote` makes it champion; with --percent 0 it only scores.')
    .argument('<model>', withChallengers.join(', '))
    .argument('<version>', 'as "aftercare models" lists it', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .requiredOption('--percent <n>', 'of the customers', wholeNumber(0, 100))
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', `
Examples:
  $ aftercare canary risk-logistic 1764000000000 --percent 0      # shadow
  $ aftercare canary risk-logistic 1764000000000 --percent 10
  $ aftercare compare risk`)
    .action(async (model: string, version: number, options: CanaryOptions) => {
      if (!withChallengers.includes(model)) throw new AftercareError('bad_request', `"${model}" has no place for a challenger; those that have: ${withChallengers.join(', ')}`);
      const context = readContext(options.dataDir);
      const promoted = await withNats(runningEndpoints(context), 'canary', async (nc): Promise<Promoted> => {
        const artefacts = jetstreamArtefacts(nc);
        const [found] = (await artefacts.list(model)).filter((ref) => ref.version === version);
        if (found === undefined) throw new AftercareError('bad_request', `${model} has no artefact of version ${version}; "aftercare models --model ${model}" lists those there are`);
        // The same bytes under the challenger's name: a promotion finds its artefact by the model's.
        const ref = await artefacts.put(challengerOf(model), version, await artefacts.load(found));
        return promote(nc, artefacts, context.config.AFTERCARE_SHARDS, { ref, atMs: Date.now(), percent: options.percent });
      });
      const result = { model: challengerOf(model), version, percent: options.percent, ...promoted };
      print(options, result, () => `${result.model} ${version} ${options.percent === 0 ? 'scores in the shadow' : `decides for ${options.percent} % of the customers`}, from sequence ${promoted.seqs.join(', ')}`);
    });
  program
    .command('compare')
    .summary('champion and challengers on the same events')
    .description('What each model decided and scored in the last days, and what verdicts say of it: the view canary_comparison over all days.')
    .argument('<pipeline>', 'risk or support')
    .option('--days <n>', 'how many days back', wholeNumber(1, 3650), 28)
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExamples:\n  $ aftercare compare risk\n  $ aftercare sql "SELECT day, decided_by, model, role, decisions, raised, brier FROM canary_comparison WHERE pipeline = \'risk\' ORDER BY day, decided_by, model"')
    .action(async (pipeline: string, options: CompareOptions) => {
      if (!['risk', 'support'].includes(pipeline)) throw new AftercareError('bad_request', `"${pipeline}" has no challengers; risk and support have`);
      const rows = await withClickHouse(runningEndpoints(readContext(options.dataDir)), async (client) => (await client.query({
        query: `SELECT decided_by, model, role, sum(c.decisions) AS decisions, sum(c.customers) AS customers, sum(c.raised) AS raised,
          sum(c.probability * c.decisions) / sum(c.decisions) AS probability, sum(c.verdicts) AS verdicts, sum(c.positives) AS positives,
          sumIf(c.brier * c.verdicts, c.verdicts > 0) / sum(c.verdicts) AS brier
          FROM canary_comparison AS c WHERE pipeline = {pipeline:String} AND day > today() - {days:UInt32} GROUP BY decided_by, model, role ORDER BY decided_by, role, model`,
        query_params: { pipeline, days: options.days },
        format: 'JSONEachRow',
        clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
      })).json<Compared>());
      print(options, rows, () => columns(
        ['decided by', 'model', 'role', 'decisions', 'raised', 'mean score', 'verdicts', pipeline === 'risk' ? 'frauds' : 'right', 'brier'],
        rows.map((r) => [r.decided_by, r.model, r.role, r.decisions, r.raised, r.probability, r.verdicts, r.positives, r.brier ?? '']),
      ));
    });
}
