/**
 * The effects of the workflow `exportNeighbours`. Each may be repeated after any crash: collecting makes another
 * artefact, writing sends tokens that ClickHouse has seen, checking only reads.
 */
import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { ClickHouseError, type ClickHouseClient } from '@clickhouse/client';
import type { NatsConnection } from '@nats-io/transport-node';
import { clickHouseRows } from '../pipelines/runtime/clickhouse.js';
import { AftercareError, messageOf } from '../schemas/errors.js';
import { itemNeighboursTable } from '../schemas/tables.js';
import { artefactLabel, type ArtefactRef, type Artefacts } from '../pipelines/runtime/artefacts.js';
import { neighbourPages, type PageCounts } from './neighbour-pages.js';
import { withPulse } from './pulse.js';
import { askShards, type Collected } from './shard-neighbours.js';

export interface CollectInput {
  /** the export's name for ever: its start, milliseconds since 1970 */
  version: number;
  shards: number;
  /** neighbours of an item at most */
  keep: number;
}

export type NeighboursRef = ArtefactRef & PageCounts;

export interface ExportDependencies {
  nc: NatsConnection;
  clickhouse: ClickHouseClient;
  artefacts: Artefacts;
}

/** Where a writer is; what it tells by its heartbeats. */
interface Written {
  nextPage: number;
}

const table = itemNeighboursTable;
const columns = table.columns.map((column) => column.name);

export function createExportActivities({ nc, clickhouse, artefacts }: ExportDependencies) {
  const rows = clickHouseRows(clickhouse);
  return {
    /** Asks every shard for its lists, makes one list of them and leaves the rows as an artefact. */
    collectNeighbours({ version, shards, keep }: CollectInput): Promise<NeighboursRef> {
      return withPulse<Collected, NeighboursRef>({ shards: 0, items: 0 }, async (pulse) => {
        const lists = await askShards(nc, shards, pulse.tell);
        const counts: PageCounts = { items: 0, rows: 0, pages: 0 };
        const ref = await artefacts.put(table.name, version, neighbourPages(lists.merged(keep), version, counts));
        return { ...ref, ...counts };
      });
    },

    /** Inserts the pages that an earlier attempt has not; a page that it has is dropped by its token. */
    writeNeighbours(ref: NeighboursRef): Promise<void> {
      const { nextPage = 0 } = (activityInfo().heartbeatDetails ?? {}) as Partial<Written>;
      return withPulse<Written, void>({ nextPage }, async (pulse) => {
        const artefact = await artefacts.get(ref);
        try {
          for (let page = nextPage; page < artefact.parts; page++) {
            await rows.insert(table.name, columns, await artefact.part(page), `${table.name}:${ref.version}:${page}`);
            await pulse.tell({ nextPage: page + 1 });
          }
        } finally {
          await artefact.close();
        }
      });
    },

    /** Counts what ClickHouse holds of the version. Items too: a page written twice could stand in for one that is missing. */
    checkNeighbours(ref: NeighboursRef): Promise<void> {
      return withPulse<Record<string, never>, void>({}, async () => {
        const found = await countStored(clickhouse, ref.version);
        if (found.rows === ref.rows && found.items === ref.items) return;
        const message = `${table.name} holds ${found.rows} rows of ${found.items} items of version ${ref.version}, and ${artefactLabel(ref)} has ${ref.rows} of ${ref.items}; start the workflow again, which writes a new version`;
        throw ApplicationFailure.nonRetryable(message, 'rows_differ');
      });
    },
  };
}

export type ExportActivities = ReturnType<typeof createExportActivities>;

async function countStored(clickhouse: ClickHouseClient, version: number): Promise<{ rows: number; items: number }> {
  const result = await clickhouse.query({
    query: `SELECT count() AS rows, uniqExact(item) AS items FROM ${table.name} WHERE version = {version:UInt64}`,
    query_params: { version },
    format: 'JSONEachRow',
    clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
  }).catch((error: unknown) => {
    const code = error instanceof ClickHouseError ? 'refused' : 'unavailable';
    throw new AftercareError(code, `ClickHouse: counting ${table.name}: ${messageOf(error)}`, { cause: error });
  });
  const [counts] = await result.json<{ rows: number; items: number }>();
  return counts;
}
