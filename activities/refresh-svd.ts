/**
 * The effects of the workflow `refreshSvd`. Each may be repeated after any crash: the cut only reads, factorising makes the
 * same bytes again, and a promotion that is repeated is dropped by the stream.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import type { NatsConnection } from '@nats-io/transport-node';
import { decodeFactors } from '../models/svd/factors.js';
import { defaultSvdSettings } from '../models/svd/settings.js';
import type { ArtefactRef, Artefacts } from '../pipelines/runtime/artefacts.js';
import { limits } from '../schemas/limits.js';
import { startFactorising, type FactorCounts } from './factorise-thread.js';
import type { Check } from './gate.js';
import { cutEvents, pagesOf, readPage, type EventCut } from './interactions.js';
import { promoter } from './promote.js';
import { withPulse } from './pulse.js';
import type { Verdict } from './train.js';

/** The model's name: of its artefacts and of its promotions. */
export const svdModel = 'svd';

export interface FactoriseInput {
  /** of the artefact: the start of the run, milliseconds since 1970 */
  version: number;
  cut: EventCut;
  halfLifeDays: number;
  history: number;
  /** components, and items at most; the model's defaults when absent */
  rank?: number;
  items?: number;
}

/** Without a reference where there was nothing to factorise. */
export interface Factorised extends FactorCounts {
  /** share of the customers that was taken: below 1 where there were more interactions than a worker holds */
  share: number;
  ref?: ArtefactRef;
}

export interface CheckSvdInput {
  ref: ArtefactRef;
  /** the live one */
  champion?: ArtefactRef;
}

export interface SvdDependencies {
  nc: NatsConnection;
  clickhouse: ClickHouseClient;
  artefacts: Artefacts;
}

/** Of 20 million that the thread holds: the last page may bring a million more. */
const entriesMost = 18_500_000;
const dayMs = 24 * 3_600_000;

export function createSvdActivities({ nc, clickhouse, artefacts }: SvdDependencies) {
  return {
    /** Up to which event the data set goes: recorded in the run, so that a second attempt reads the same. */
    cutInteractions(): Promise<EventCut> {
      return withPulse({}, () => cutEvents(clickhouse));
    },

    factoriseInteractions(input: FactoriseInput): Promise<Factorised> {
      return withPulse({ page: 0, entries: 0 }, async (pulse) => {
        const options = { ...input.cut, halfLifeMs: input.halfLifeDays * dayMs, history: input.history };
        const settings = { ...defaultSvdSettings, ...(input.rank !== undefined && { rank: input.rank }), ...(input.items !== undefined && { items: input.items }) };
        const pages = pagesOf(options);
        const thread = startFactorising();
        try {
          let [page, entries] = [0, 0];
          for (; page < pages && entries < entriesMost; page += 1) {
            for await (const bytes of await readPage(clickhouse, page, options)) await thread.rows(bytes as Uint8Array);
            entries = await thread.endPage();
            await pulse.tell({ page: page + 1, entries });
          }
          const { parts, customers, items, rank, entries: kept } = await thread.factorise(settings);
          const counts = { customers, entries: kept, items, rank, share: page / pages };
          return rank === 0 ? counts : { ...counts, ref: await artefacts.put(svdModel, input.version, parts) };
        } finally {
          await thread.close();
        }
      });
    },

    /**
     * Whether it is whole: of a store that lost rows, or a cut that met an outage, come factors of a few customers that a shard would
     * take for the shop. Half of what the live one knows is more than a season takes away.
     */
    checkSvd({ ref, champion }: CheckSvdInput): Promise<Verdict> {
      return withPulse({}, async () => {
        const [mine, live] = await Promise.all([ref, champion].map(async (one) => (one === undefined ? undefined : decodeFactors(await artefacts.load(one)))));
        if (mine === undefined) throw new RangeError('svd: nothing to check');
        const check = (name: string, relation: Check['relation'], value: number, limit: number): Check => ({ name, slice: '', value, low: null, high: null, relation, limit, passed: relation === '<=' ? value <= limit : value >= limit, rows: mine.customers });
        const keep = (count: number | undefined): number => Math.ceil((count ?? 0) / 2);
        return {
          champion: champion === undefined ? 'nothing' : `svd.${champion.version}`,
          checks: [
            check('rank', '>=', mine.rank, 1), check('least_singular_value', '>=', mine.singular[mine.rank - 1], 0), check('customers', '>=', mine.customers, keep(live?.customers)), check('items', '>=', mine.names.length, keep(live?.names.length)),
            check('bytes', '<=', ref.bytes, limits.modelBytesMax),
          ],
          metrics: (['rank', 'customers', 'entries'] as const).map((name) => ({ name, challenger: mine[name], champion: live?.[name] ?? null })),
          rows: mine.customers, fromMs: 0, toMs: 0,
        };
      });
    },

    promoteSvd: promoter({ nc, artefacts }),
  };
}

export type SvdActivities = ReturnType<typeof createSvdActivities>;
