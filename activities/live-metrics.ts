/** How a version does since it went live, beside what decided before it: the figures of the watch. It only reads. */
import type { ClickHouseClient } from '@clickhouse/client';
import type { LiveVersions } from '../pipelines/runtime/live-versions.js';
import { positionOf } from '../schemas/decode.js';
import { limits } from '../schemas/limits.js';
import { asking } from './cut.js';
import { orNull } from './gate.js';
import { withPulse } from './pulse.js';
import { recipeOf } from './recipes/index.js';
import type { WatchRule } from './recipes/recipe.js';

export interface LiveMetricsInput {
  model: string;
  version: number;
  /** sequence of EVENTS of its promotion, the first of the shards' */
  sinceSeq: number;
  /** of the last one: what came before was decided by what was there before in every shard */
  untilSeq: number;
}

export interface LiveFigure {
  metric: string;
  value: number | null;
  before: number | null;
  rows: number;
  rowsBefore: number;
  limit: number | null;
  /** false: it has fallen beyond the limit. True also while there are too few rows to tell. */
  passed: boolean;
}

export interface LiveMetrics {
  /** another version is live, or none: nothing is left to watch */
  superseded: boolean;
  figures: LiveFigure[];
}

type Figures = ReadonlyMap<string, { value: number; rows: number }>;

export function createWatchActivities({ clickhouse, liveVersions }: { clickhouse: ClickHouseClient; liveVersions: LiveVersions }) {
  const read = (model: string, tag: string, since: number, from: number, to: number): Promise<Figures> => asking('live metrics', async () => {
    const { query, most } = recipeOf(model).watch;
    const result = await clickhouse.query({ query, query_params: { tag, since, from, to, most }, format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 0 } });
    const rows = await result.json<{ metric: string; value: number | null; rows: number }>();
    return new Map(rows.map(({ metric, value, rows: count }) => [metric, { value: value ?? NaN, rows: count }]));
  });
  return {
    liveMetrics({ model, version, sinceSeq, untilSeq }: LiveMetricsInput): Promise<LiveMetrics> {
      return withPulse({}, async () => {
        const { record, revision } = await liveVersions.read(model);
        if (revision > 0 && record.live?.version !== version) return { superseded: true, figures: [] };
        const [after, before] = await Promise.all([
          read(model, `${model}.${version}`, positionOf(sinceSeq, 0), positionOf(untilSeq, limits.envelopeEventsMax), Number.MAX_SAFE_INTEGER),
          read(model, '', 0, 0, positionOf(sinceSeq, 0)),
        ]);
        return { superseded: false, figures: recipeOf(model).watch.rules.map((rule) => figure(rule, after, before)) };
      });
    },
  };
}

export type WatchActivities = ReturnType<typeof createWatchActivities>;

const none = { value: NaN, rows: 0 };

/** A value that cannot be told although there are rows has fallen; one that cannot be compared has not. */
export function figure({ metric, worse, factor, by, rowsMin }: WatchRule, after: Figures, before: Figures): LiveFigure {
  const [now, then] = [after.get(metric) ?? none, before.get(metric) ?? none];
  const limit = worse === 'higher' ? then.value * factor + by : then.value / factor - by;
  const told = now.rows >= rowsMin && then.rows >= rowsMin && Number.isFinite(limit);
  const within = worse === 'higher' ? now.value <= limit : now.value >= limit;
  return { metric, value: orNull(now.value), before: orNull(then.value), rows: now.rows, rowsBefore: then.rows, limit: orNull(limit), passed: !told || within };
}
