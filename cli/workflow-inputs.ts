/** What the workflows are told of this system's settings; their schedules and `workflow run` say the same. */
import type { Config } from '../schemas/config.js';
import type { ExportNeighboursInput } from '../workflows/export-neighbours.js';
import type { RefreshSvdInput } from '../workflows/refresh-svd.js';
import type { RetrainInput, WatchPeriod } from '../workflows/retrain-types.js';
import type { TuneBlendInput } from '../workflows/tune-blend.js';

export const exportInput = (config: Config): ExportNeighboursInput => ({ shards: config.AFTERCARE_SHARDS });
export const refreshInput = (config: Config): RefreshSvdInput => ({ shards: config.AFTERCARE_SHARDS, halfLifeDays: config.AFTERCARE_HALF_LIFE_DAYS, history: config.AFTERCARE_HISTORY, ...lifeOf(config, 'svd') });
export const tuneInput = (config: Config): TuneBlendInput => ({ shards: config.AFTERCARE_SHARDS, days: config.AFTERCARE_BLEND_DAYS, windowHours: config.AFTERCARE_BLEND_WINDOW_HOURS, ...lifeOf(config, 'blend') });

export const watchPeriod = (config: Config): WatchPeriod => ({ hours: config.AFTERCARE_WATCH_HOURS, everyMinutes: config.AFTERCARE_WATCH_MINUTES });

/** What the cut of each model is told of the settings of its pipeline. */
const cutSettings: Readonly<Record<string, (config: Config) => Record<string, number>>> = {
  'risk-logistic': (config) => ({ maturityDays: config.AFTERCARE_RISK_MATURITY_DAYS }),
  'risk-svm': (config) => ({ maturityDays: config.AFTERCARE_RISK_MATURITY_DAYS }),
  svd: (config) => ({ halfLifeDays: config.AFTERCARE_HALF_LIFE_DAYS, history: config.AFTERCARE_HISTORY }),
  blend: (config) => ({ days: config.AFTERCARE_BLEND_DAYS, windowHours: config.AFTERCARE_BLEND_WINDOW_HOURS }),
};

/** An item that came within the part that judges has no factor, so that of the factorisation is short. */
const holdoutMax: Readonly<Record<string, number>> = { svd: 0.05 };

function lifeOf(config: Config, model: string): Required<Pick<RetrainInput, 'holdout' | 'approval' | 'watch'>> {
  const approve = config.AFTERCARE_RETRAIN_APPROVE.split(',').map((name) => name.trim());
  return { holdout: Math.min(config.AFTERCARE_RETRAIN_HOLDOUT, holdoutMax[model] ?? 1), approval: approve.includes(model), watch: watchPeriod(config) };
}

export function retrainInput(config: Config, model: string): RetrainInput {
  return {
    model, shards: config.AFTERCARE_SHARDS, ...lifeOf(config, model),
    ...(Object.hasOwn(cutSettings, model) && { settings: cutSettings[model](config) }),
  };
}
