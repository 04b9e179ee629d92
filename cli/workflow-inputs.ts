/** What the workflows are told of this system's settings; their schedules and `workflow run` say the same. */
import type { Config } from '../schemas/config.js';
import type { ExportNeighboursInput } from '../workflows/export-neighbours.js';
import type { RefreshSvdInput } from '../workflows/refresh-svd.js';
import type { TuneBlendInput } from '../workflows/tune-blend.js';

export const exportInput = (config: Config): ExportNeighboursInput => ({ shards: config.AFTERCARE_SHARDS });
export const refreshInput = (config: Config): RefreshSvdInput => ({ shards: config.AFTERCARE_SHARDS, halfLifeDays: config.AFTERCARE_HALF_LIFE_DAYS, history: config.AFTERCARE_HISTORY });
export const tuneInput = (config: Config): TuneBlendInput => ({ shards: config.AFTERCARE_SHARDS, days: config.AFTERCARE_BLEND_DAYS, windowHours: config.AFTERCARE_BLEND_WINDOW_HOURS });
