import { defaultSettings, type RecommendSettings } from '../../models/recommend/recommender.js';
import type { Config } from '../../schemas/config.js';

const dayMs = 24 * 3600 * 1000;

/** The model's settings out of the environment's. */
export function recommendSettings(config: Config): RecommendSettings {
  return {
    ...defaultSettings,
    halfLifeMs: config.AFTERCARE_HALF_LIFE_DAYS * dayMs,
    limits: {
      ...defaultSettings.limits,
      customers: config.AFTERCARE_CUSTOMERS_MAX,
      items: config.AFTERCARE_ITEMS_MAX,
      pairs: config.AFTERCARE_PAIRS_MAX,
      history: config.AFTERCARE_HISTORY,
    },
  };
}
