/** What the workflows are told of this system's settings; their schedules and `workflow run` say the same. */
import type { Config } from '../schemas/config.js';
import type { ExportNeighboursInput } from '../workflows/export-neighbours.js';
import type { RefreshSvdInput } from '../workflows/refresh-svd.js';
import type { RetrainInput, WatchPeriod } from '../workflows/retrain-types.js';
import type { TuneBlendInput } from '../workflows/tune-blend.js';

export const exportInput = (config: Config): ExportNeighboursInput => ({ shards: config.AFTERCARE_SHARDS });
export const refreshInput = (config: Config): RefreshSvdInput => ({ shards: config.AFTERCARE_SHARDS, halfLifeDays: config.AFTERCARE_HALF_LIFE_DAYS, history: config.AFTERCARE_HISTORY });
export const tuneInput = (config: Config): TuneBlendInput => ({ shards: config.AFTERCARE_SHARDS, days: config.AFTERCARE_BLEND_DAYS, windowHours: config.AFTERCARE_BLEND_WINDOW_HOURS });

export const watchPeriod = (config: Config): WatchPeriod => ({ hours: config.AFTERCARE_WATCH_HOURS, everyMinutes: config.AFTERCARE_WATCH_MINUTES });

/** What the cut of each model is told of the settings of its pipeline. */
const cutSettings: Readonly<Record<string, (config: Config) => Record<string, number>>> = {
  'risk-logistic': (config) => ({ maturityDays: config.AFTERCARE_RISK_MATURITY_DAYS }),
  'risk-svm': (config) => ({ maturityDays: config.AFTERCARE_RISK_MATURITY_DAYS }),
};

export function retrainInput(config: Config, model: string): RetrainInput {
  const approve = config.AFTERCARE_RETRAIN_APPROVE.split(',').map((name) => name.trim());
  return {
    model, shards: config.AFTERCARE_SHARDS, holdout: config.AFTERCARE_RETRAIN_HOLDOUT, approval: approve.includes(model), watch: watchPeriod(config),
    ...(Object.hasOwn(cutSettings, model) && { settings: cutSettings[model](config) }),
  };
}
