import { defaultSettings, type RecommendSettings } from '../../models/recommend/recommender.js';
import { checkSettings } from '../../models/recommend/settings.js';
import type { Config } from '../../schemas/config.js';
import { AftercareError, messageOf } from '../../schemas/errors.js';

const dayMs = 24 * 3600 * 1000;

/**
 * The model's settings out of the environment's.
 * @throws AftercareError bad_config when they cannot be held together: a restart would not help
 */
export function recommendSettings(config: Config): RecommendSettings {
  const settings: RecommendSettings = {
    ...defaultSettings,
    halfLifeMs: config.AFTERCARE_HALF_LIFE_DAYS * dayMs,
    limits: {
      ...defaultSettings.limits,
      customers: config.AFTERCARE_CUSTOMERS_MAX,
      items: config.AFTERCARE_ITEMS_MAX,
      pairs: config.AFTERCARE_PAIRS_MAX,
      history: config.AFTERCARE_HISTORY,
      memory: config.AFTERCARE_MEMORY_MIB * 2 ** 20,
    },
  };
  try {
    checkSettings(settings);
  } catch (error) {
    throw new AftercareError('bad_config', `${messageOf(error)} (AFTERCARE_CUSTOMERS_MAX, AFTERCARE_ITEMS_MAX, AFTERCARE_PAIRS_MAX, AFTERCARE_MEMORY_MIB)`, { cause: error });
  }
  return settings;
}
