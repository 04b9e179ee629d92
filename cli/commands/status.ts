/** `status`: what runs, how far it is, how much it holds. */
import { Svcm } from '@nats-io/services';
import type { NatsConnection } from '@nats-io/transport-node';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import type { Command } from 'commander';
import type { ShardStatus } from '../../pipelines/runtime/serve.js';
import { shardFilter, streams } from '../../schemas/subjects.js';
import { tables } from '../../schemas/tables.js';
import { readContext, runningEndpoints, withClickHouse, withNats } from '../context.js';
import { dataDirOption, jsonOption } from '../options.js';
import type { RewriterStatus } from '../parts/rewriter.js';
import type { SinkStatus } from '../parts/sink.js';
import type { WorkerStatus } from '../parts/worker.js';
import { columns, print } from '../print.js';

type PartStatus = ShardStatus | SinkStatus | WorkerStatus | RewriterStatus;

export interface Status {
  streams: { name: string; messages: number; bytes: number; lastSeq: number }[];
  tables: { name: string; rows: number; bytes: number }[];
  shards: (ShardStatus & { lag: number })[];
  sinks: (SinkStatus & { lag: number })[];
  workers: WorkerStatus[];
  /** none where no large model is set up */
  rewriters: RewriterStatus[];
}

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('Sequence, lag, rows and memory of each part')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .action(async (options: { dataDir?: string; json?: boolean }) => {
      const endpoints = runningEndpoints(readContext(options.dataDir));
      const status = await withNats(endpoints, 'status', (nc) => withClickHouse(endpoints, async (client) => {
        const rows = await client.query({
          query: `SELECT table AS name, toUInt64(sum(rows)) AS rows, toUInt64(sum(bytes_on_disk)) AS bytes FROM system.parts
                  WHERE active AND database = currentDatabase() AND table IN {tables:Array(String)} GROUP BY table ORDER BY table`,
          query_params: { tables: Object.keys(tables) },
          format: 'JSONEachRow',
          clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
        });
        return { ...(await natsStatus(nc)), tables: await rows.json<Status['tables'][number]>() };
      }));
      print(options, status, () => text(status));
    });
}

async function natsStatus(nc: NatsConnection): Promise<Omit<Status, 'tables'>> {
  const jsm = await jetstreamManager(nc);
  const found = await Promise.all(Object.values(streams).map(async (name) => {
    const { state } = await jsm.streams.info(name);
    return { name, messages: state.messages, bytes: state.bytes, lastSeq: state.last_seq };
  }));
  const parts = await partStatuses(nc);
  const lastSeq = found[0].lastSeq;
  const bySeq = <T extends PartStatus>(part: T['part']) => parts.filter((p): p is T => p.part === part);
  return {
    streams: found,
    shards: (await Promise.all(bySeq<ShardStatus>('shard').map(async (s) => ({ ...s, lag: Math.max(0, (await lastOfShard(jsm, s.shard)) - s.seq) })))).sort((a, b) => a.shard - b.shard),
    sinks: bySeq<SinkStatus>('sink').map((s) => ({ ...s, lag: Math.max(0, lastSeq - s.eventsSeq) })),
    workers: bySeq<WorkerStatus>('worker'),
    rewriters: bySeq<RewriterStatus>('rewriter'),
  };
}

/** The newest message that concerns a shard: those of other shards, and those of no shard, are no lag of its own. */
async function lastOfShard(jsm: JetStreamManager, shard: number): Promise<number> {
  const message = await jsm.streams.getMessage(streams.events, { last_by_subj: shardFilter(shard) }).catch(() => null);
  return message?.seq ?? 0;
}

/** Each process tells itself what it does, in the answer to the services protocol's STATS. */
async function partStatuses(nc: NatsConnection): Promise<PartStatus[]> {
  const client = new Svcm(nc).client({ maxWait: 1000, strategy: 'stall', stall: 200 } as never);
  const found: PartStatus[] = [];
  for await (const stats of await client.stats()) {
    const data = stats.endpoints?.[0]?.data as PartStatus | undefined;
    if (data !== undefined) found.push(data);
  }
  return found;
}

const liveVersions = ({ promoted }: ShardStatus): string => {
  const live = Object.entries(promoted).map(([model, version]) => `${model} ${version}`);
  return live.length === 0 ? '' : `, live: ${live.join(', ')}`;
};

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;

function text(status: Status): string {
  return [
    columns(['stream', 'messages', 'last', 'size'], status.streams.map((s) => [s.name, s.messages, s.lastSeq, mib(s.bytes)])),
    columns(['part', 'sequence', 'lag', 'memory', 'notes'], [
      ...status.shards.map((s) => [`shard ${s.shard}`, s.seq, s.lag, mib(s.rssBytes), `${s.model.customers} customers, ${s.model.items} items, ${s.model.pairs} pairs of ${s.model.pairBytes.toFixed(1)} bytes, epoch ${s.epoch}, snapshot at ${s.snapshotSeq}${liveVersions(s)}`]),
      ...status.sinks.map((s) => ['sink', s.eventsSeq, s.lag, mib(s.rssBytes), `${s.rows} rows since its start${s.owner ? '' : ', stand-by'}`]),
      ...status.workers.map((w) => ['worker', 0, 0, mib(w.rssBytes), `${w.runs} runs, ${w.failures} failed`]),
      ...status.rewriters.map((r) => ['rewriter', r.seq, 0, mib(r.rssBytes), `${r.rewritten} rewritten, ${Object.values(r.kept).reduce((sum, count) => sum + count, 0)} kept as they were${r.owner ? '' : ', stand-by'}`]),
    ]),
    columns(['table', 'rows', 'size'], status.tables.map((t) => [t.name, t.rows, mib(t.bytes)])),
  ].join('\n\n');
}
