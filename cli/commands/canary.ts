/** `canary`: a challenger beside the champion, in the shadow or for a share of the customers; `compare`: how both did. */
import { Argument, type Command } from 'commander';
import type { WentLive } from '../../activities/registry.js';
import { challengerOf } from '../../pipelines/canary.js';
import { AftercareError } from '../../schemas/errors.js';
import { readContext, runningEndpoints, withClickHouse } from '../context.js';
import { dataDirOption, jsonOption, wholeNumber } from '../options.js';
import { columns, print } from '../print.js';
import { decidedEverywhere, withDecision, type DecisionOptions } from './promote.js';
import { whoAmI, withModelRuns } from './retrain.js';

interface CanaryOptions extends DecisionOptions {
  percent?: number;
  end?: boolean;
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
  /** share of the decisions that would have been the same; null where what scores in the shadow decides nothing */
  agreement: number | null;
}

/** Models that have a place for a challenger. */
const withChallengers = ['risk-logistic', 'risk-svm', 'intent', 'entities', 'svd', 'blend'];
/** A second ranking of every answer would cost as much as the first: these are compared by the customers for whom they decide. */
const withoutShadow = ['svd', 'blend'];

export function addCanary(program: Command): void {
  const canary = program
    .command('canary')
    .summary('let a challenger decide for a share of the customers')
    .description('Makes a version of the registry the challenger of its model in every shard, from the same place of the stream in every replay. It scores beside the champion (the rows of risk_decisions and tickets hold what both say), and decides for a share of the customers: always the same ones, and a larger share keeps those of a smaller one; with --percent 0 it only scores (svd and blend: not, their rankings are compared by what customers did with them). `aftercare promote` makes it champion, --end takes it away. It goes on the same record as a promotion: a retraining that was judged before is refused.')
    .argument('<model>', withChallengers.join(', '))
    .addArgument(new Argument('[version]', 'as "aftercare models" lists it').argParser(wholeNumber(1, Number.MAX_SAFE_INTEGER)))
    .option('--percent <n>', 'of the customers', wholeNumber(0, 100))
    .option('--end', 'the challenger steps aside');
  withDecision(canary, `
Examples:
  $ aftercare canary risk-logistic 1764000000000 --percent 0      # shadow
  $ aftercare canary risk-logistic 1764000000000 --percent 10 --wait
  $ aftercare compare risk
  $ aftercare canary risk-logistic --end --reason "no better"`)
    .action(challenge);
  program
    .command('compare')
    .summary('champion and challengers on the same events')
    .description('What each model decided and scored in the last days, and what verdicts say of it: the view canary_comparison over all days. Of recommendations what customers did next: the view recommendation_hits.')
    .argument('<pipeline>', 'risk, support or recommend')
    .option('--days <n>', 'how many days back', wholeNumber(1, 3650), 28)
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExamples:\n  $ aftercare compare risk\n  $ aftercare compare recommend --days 7\n  $ aftercare sql "SELECT day, decided_by, model, role, decisions, raised, brier FROM canary_comparison WHERE pipeline = \'risk\' ORDER BY day, decided_by, model"')
    .action(async (pipeline: string, options: CompareOptions) => {
      if (pipeline === 'recommend') return compareRecommendations(options);
      if (!['risk', 'support'].includes(pipeline)) throw new AftercareError('bad_request', `"${pipeline}" has no challengers; risk, support and recommend have`);
      const rows = await withClickHouse(runningEndpoints(readContext(options.dataDir)), async (client) => (await client.query({
        query: `SELECT decided_by, model, role, sum(c.decisions) AS decisions, sum(c.customers) AS customers, sum(c.raised) AS raised,
          sum(c.probability * c.decisions) / sum(c.decisions) AS probability, sum(c.verdicts) AS verdicts, sum(c.positives) AS positives,
          sumIf(c.brier * c.verdicts, c.verdicts > 0) / sum(c.verdicts) AS brier, sum(c.agreement * c.decisions) / sum(c.decisions) AS agreement
          FROM canary_comparison AS c WHERE pipeline = {pipeline:String} AND day > today() - {days:UInt32} GROUP BY decided_by, model, role ORDER BY decided_by, role, model`,
        query_params: { pipeline, days: options.days },
        format: 'JSONEachRow',
        clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
      })).json<Compared>());
      print(options, rows, () => columns(
        ['decided by', 'model', 'role', 'decisions', 'raised', 'mean score', 'verdicts', pipeline === 'risk' ? 'frauds' : 'right', 'brier', 'agreement'],
        rows.map((r) => [r.decided_by, r.model, r.role, r.decisions, r.raised, r.probability, r.verdicts, r.positives, r.brier ?? '', r.agreement ?? '']),
      ));
    });
}

async function challenge(model: string, version: number | undefined, { percent, end = false, by, reason, instead, ...options }: CanaryOptions): Promise<void> {
  if (!withChallengers.includes(model)) throw new AftercareError('bad_request', `"${model}" has no place for a challenger; those that have: ${withChallengers.join(', ')}`);
  if (end ? version !== undefined || percent !== undefined : version === undefined || percent === undefined) throw new AftercareError('bad_request', `canary ${model} takes a version and its --percent, or --end alone`);
  if (!end && percent === 0 && withoutShadow.includes(model)) throw new AftercareError('bad_request', `${model} has no shadow: its challenger is compared by the customers for whom it decides (--percent from 1), and --end takes it away`);
  const context = readContext(options.dataDir);
  const input = { model, shards: context.config.AFTERCARE_SHARDS, to: version ?? ('none' as const), challenger: { percent: percent ?? 0 }, by: by ?? whoAmI(), ...(reason !== undefined && { reason }), ...(instead !== undefined && { instead }) };
  const went = await withModelRuns(options.dataDir, `canary ${model}`, true, (runs, client, run) => runs.runSetLive(client, input, run.onProgress));
  const name = challengerOf(model);
  if (options.wait === true) await decidedEverywhere(context, name, went);
  print(options, { model: name, ...(percent !== undefined && { percent }), ...went }, () => textOf(name, percent, went));
}

const textOf = (name: string, percent: number | undefined, { live, instead, seqs }: WentLive): string => {
  const what = live === undefined ? `${name} ${instead?.version ?? ''} has ended` : `${name} ${live.version} ${percent === 0 ? 'scores in the shadow' : `decides for ${percent} % of the customers`}`;
  return `${what}, from sequence ${seqs.join(', ')}`;
};

interface Followed {
  model: string;
  answers: number;
  /** of the most on one day */
  customers: number;
  followed: number;
  hits: number;
  hit_share: number | null;
  low: number | null;
  high: number | null;
}

/** Of the share the 95 % interval of Wilson 1927. */
async function compareRecommendations(options: CompareOptions): Promise<void> {
  const rows = await withClickHouse(runningEndpoints(readContext(options.dataDir)), async (client) => (await client.query({
    query: `WITH 1.96 AS z
      SELECT model, sum(h.answers) AS answers, max(h.customers) AS customers, sum(h.followed) AS followed, sum(h.hits) AS hits, hits / followed AS hit_share,
        (hit_share + z * z / (2 * followed) - z * sqrt(hit_share * (1 - hit_share) / followed + z * z / (4 * followed * followed))) / (1 + z * z / followed) AS low,
        (hit_share + z * z / (2 * followed) + z * sqrt(hit_share * (1 - hit_share) / followed + z * z / (4 * followed * followed))) / (1 + z * z / followed) AS high
      FROM recommendation_hits(days = {days:UInt32}) AS h GROUP BY model ORDER BY model`,
    query_params: { days: options.days },
    format: 'JSONEachRow',
    clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
  })).json<Followed>());
  print(options, rows, () => columns(
    ['decided by', 'answers', 'customers a day', 'followed', 'hits', 'share', '95 % interval'],
    rows.map((r) => [r.model, r.answers, r.customers, r.followed, r.hits, r.hit_share ?? '', r.low === null ? '' : `${r.low.toFixed(3)} to ${(r.high ?? NaN).toFixed(3)}`]),
  ));
}
