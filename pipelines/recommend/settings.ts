import { defaultBasketSettings } from '../../models/baskets/baskets.js';
import { defaultObjectionSettings } from '../../models/objections.js';
import { defaultSettings } from '../../models/recommend/recommender.js';
import { checkSettings, rememberedByDefault } from '../../models/recommend/settings.js';
import { readWeighting, type Weighting } from '../../models/recommend/weighting.js';
import { defaultSessionSettings } from '../../models/sessions/sessions.js';
import type { Config } from '../../schemas/config.js';
import { AftercareError, messageOf } from '../../schemas/errors.js';
import { complaintIntents } from '../signals.js';
import type { RecommendStateSettings } from './state.js';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

function weightingOf(config: Config): Weighting {
  try {
    return readWeighting(config.AFTERCARE_WEIGHTING);
  } catch (error) {
    throw new AftercareError('bad_config', `AFTERCARE_WEIGHTING: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * The models' settings out of the environment's.
 * @throws AftercareError bad_config when they cannot be held together: a restart would not help
 */
export function recommendSettings(config: Config): RecommendStateSettings {
  const recommender = {
    ...defaultSettings,
    weighting: weightingOf(config),
    halfLifeMs: config.AFTERCARE_HALF_LIFE_DAYS * dayMs,
    pruning: { delta: config.AFTERCARE_PRUNING_DELTA, remembered: rememberedByDefault },
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
    checkSettings(recommender);
  } catch (error) {
    throw new AftercareError('bad_config', `${messageOf(error)} (AFTERCARE_CUSTOMERS_MAX, AFTERCARE_ITEMS_MAX, AFTERCARE_PAIRS_MAX, AFTERCARE_MEMORY_MIB)`, { cause: error });
  }
  const sessions = {
    ...defaultSessionSettings,
    gapMs: config.AFTERCARE_SESSION_GAP_MINUTES * minuteMs,
    limits: { ...defaultSessionSettings.limits, sessions: config.AFTERCARE_SESSIONS_MAX, items: config.AFTERCARE_ITEMS_MAX },
  };
  const baskets = {
    ...defaultBasketSettings,
    gapMs: config.AFTERCARE_CART_GAP_HOURS * hourMs,
    sampleEvery: config.AFTERCARE_BASKET_SAMPLE,
    limits: { ...defaultBasketSettings.limits, baskets: config.AFTERCARE_BASKETS_MAX, items: config.AFTERCARE_ITEMS_MAX },
  };
  return { recommender, sessions, baskets, objections: defaultObjectionSettings, complaints: complaintIntents(config) };
}
