/** `models`: the registry. */
import { Argument, type Command } from 'commander';
import { challengerOf } from '../../pipelines/canary.js';
import { AftercareError } from '../../schemas/errors.js';
import { readContext, runningEndpoints, withClickHouse } from '../context.js';
import { dataDirOption, jsonOption, wholeNumber } from '../options.js';
import { columns, print } from '../print.js';
import { modelArgument } from './retrain.js';

interface ModelsOptions {
  dataDir?: string;
  json?: boolean;
  model?: string;
}

interface Version {
  model: string;
  version: number;
  made: string;
  rows: number;
  trained_to: string;
  bytes: number;
  sha256: string;
  champion: string;
  checks: number;
  passed: number;
  /** shards */
  live: number[];
  /** shards in which it is the challenger, and for how many of the customers it decides */
  challenges: number[];
  percent: number;
}

/** Versions that were made, and those that are live without having been registered. */
const query = `
WITH
  now AS (SELECT model, shard, argMax(version, seq) AS version, argMax(percent, seq) AS percent FROM promotions WHERE outcome IN ('live', 'retired') GROUP BY model, shard HAVING argMax(outcome, seq) = 'live'),
  live AS (
    SELECT if(challenger, substring(name, 1, -length('${challengerOf('')}')), name) AS model, version, groupArrayIf(shard, NOT challenger) AS shards, groupArrayIf(shard, challenger) AS challenges, maxIf(percent, challenger) AS percent
    FROM (SELECT model AS name, shard, version, percent, endsWith(model, '${challengerOf('')}') AS challenger FROM now) GROUP BY model, version
  ),
  judged AS (SELECT model, version, any(champion) AS champion, count() AS checks, sum(passed) AS passed FROM evaluations WHERE kind = 'check' GROUP BY model, version),
  made AS (SELECT model, version, toString(at) AS made, data_rows AS rows, toString(trained_to) AS trained_to, bytes, sha256 FROM models)
SELECT if(made.model = '', live.model, made.model) AS model, if(made.model = '', live.version, made.version) AS version, made.made AS made, made.rows AS rows, made.trained_to AS trained_to,
  made.bytes AS bytes, made.sha256 AS sha256, judged.champion AS champion, judged.checks AS checks, judged.passed AS passed, arraySort(live.shards) AS live, arraySort(live.challenges) AS challenges, live.percent AS percent
FROM made FULL JOIN live ON made.model = live.model AND made.version = live.version
LEFT JOIN judged ON made.model = judged.model AND made.version = judged.version
WHERE {model:String} = '' OR model = {model:String}
ORDER BY model, version DESC
SETTINGS join_use_nulls = 0`;

export function addModels(program: Command): void {
  const models = program
    .command('models')
    .summary('versions of the models, and which are live')
    .description('Lists the versions of the registry, how each was judged, and in which shards it is live or challenges what is.')
    .option('--model <name>', 'of this model only')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExamples:\n  $ aftercare models\n  $ aftercare models --model risk-logistic --json\n  $ aftercare models card risk-logistic')
    .action(async (options: ModelsOptions) => {
      const found = await read<Version>(options, query, { model: options.model ?? '' });
      print(options, found, () => (found.length === 0 ? 'no version has been made yet; "aftercare retrain risk-logistic --wait" makes one' : table(found)));
    });
  models
    .command('card')
    .description('Prints the model card of a version: its data, how it was judged, its limits. Without a version, of the newest one.')
    .addArgument(modelArgument())
    .addArgument(new Argument('[version]', 'as "aftercare models" lists it').argParser(wholeNumber(1, Number.MAX_SAFE_INTEGER)))
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExamples:\n  $ aftercare models card risk-logistic\n  $ aftercare models card risk-logistic 1764000000000 --json')
    .action(async (model: string, version: number | undefined, _own: ModelsOptions, command: Command) => {
      // Options that the command above has too are its own, wherever they stand.
      const options = command.optsWithGlobals<ModelsOptions>();
      const [found] = await read<{ model: string; version: number; card: string }>(options, 'SELECT model, version, card FROM models WHERE model = {model:String} AND ({version:UInt64} = 0 OR version = {version:UInt64}) ORDER BY version DESC LIMIT 1', { model, version: version ?? 0 });
      if (found === undefined) throw new AftercareError('bad_request', `${model} has no version${version === undefined ? '' : ` ${version}`} in the registry; "aftercare models" lists them`);
      print(options, found, () => found.card);
    });
}

async function read<Row>({ dataDir }: ModelsOptions, text: string, parameters: Record<string, unknown>): Promise<Row[]> {
  return withClickHouse(runningEndpoints(readContext(dataDir)), async (client) => {
    const result = await client.query({ query: text, query_params: parameters, format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } });
    return result.json<Row>();
  });
}

function table(versions: readonly Version[]): string {
  return columns(['model', 'version', 'made', 'rows', 'trained to', 'bytes', 'beside', 'checks', 'live in shard', 'challenges'], versions.map(({ model, version, made, rows, trained_to, bytes, champion, checks, passed, live, challenges, percent }) => [
    model, String(version), made.slice(0, 16), rows, rows === 0 ? '' : trained_to.slice(0, 16), bytes, champion, checks === 0 ? '' : `${passed} of ${checks}`, live.join(', '), challenges.length === 0 ? '' : percent === 0 ? 'in the shadow' : `for ${percent} %`,
  ]));
}
