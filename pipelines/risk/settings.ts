import type { Config } from '../../schemas/config.js';
import { AftercareError, messageOf } from '../../schemas/errors.js';
import type { CostSettings } from './costs.js';
import { riskFeatures, riskFeatureSettings, type RiskFeatureSettings } from './features.js';
import { readRules, type Rules } from './rules.js';

export interface RiskSettings {
  features: RiskFeatureSettings;
  costs: CostSettings;
  rules: Rules;
  /** What one minor unit of a currency is worth in the shop's own minor units; empty: see currencies.ts. */
  rates: ReadonlyMap<string, number>;
  /** Log-odds of fraud while nothing has been learned. */
  prior: number;
  /** Frauds with whose verdicts the regression has half the say. */
  trust: number;
  /** An order or refund that arrives later than this after it happened is history: it goes into the features, and nothing is decided about it. */
  freshMs: number;
  /** Who decides: the model promoted last (the regression until there is one), or one of them by name. */
  champion: string;
  /** Decisions that wait for their verdict. */
  ledger: number;
  /** Without a verdict for so long a decision was a genuine one. */
  maturityMs: number;
  /** Rows that the shop's people look at in a day. */
  capacity: number;
  /** Share of all decisions that may be raised to review because nothing like them was seen; 0: none. */
  anomalyShare: number;
  /** Customers whose raised level is remembered. */
  raised: number;
}

const dayMs = 86_400_000;

/** Fields of the event that a rule may name beside the features. */
export const ruleNames = {
  features: riskFeatures.map(({ name }) => name),
  numbers: ['amount'],
  texts: ['event', 'currency', 'payment', 'shipping_country', 'billing_country', 'refund_reason'],
} as const;

/** @throws AftercareError bad_config that names the setting */
export function riskSettings(config: Config): RiskSettings {
  const prior = config.AFTERCARE_RISK_PRIOR;
  return {
    features: riskFeatureSettings(config),
    costs: {
      fraudMinor: config.AFTERCARE_RISK_FRAUD_MINOR, falseAlarmMinor: config.AFTERCARE_RISK_FALSE_ALARM_MINOR, reviewMinor: config.AFTERCARE_RISK_REVIEW_MINOR,
      margin: config.AFTERCARE_RISK_MARGIN, caught: config.AFTERCARE_RISK_CAUGHT, stick: config.AFTERCARE_RISK_STICK, stickMs: config.AFTERCARE_RISK_STICK_HOURS * 3_600_000,
    },
    rules: named('AFTERCARE_RISK_RULES', () => readRules(config.AFTERCARE_RISK_RULES, ruleNames)),
    rates: named('AFTERCARE_RISK_RATES', () => readRates(config.AFTERCARE_RISK_RATES)),
    prior: Math.log(prior / (1 - prior)),
    trust: config.AFTERCARE_RISK_TRUST,
    freshMs: config.AFTERCARE_RISK_FRESH_HOURS * 3_600_000,
    champion: config.AFTERCARE_RISK_CHAMPION,
    ledger: config.AFTERCARE_RISK_LEDGER,
    maturityMs: config.AFTERCARE_RISK_MATURITY_DAYS * dayMs,
    capacity: config.AFTERCARE_RISK_CAPACITY,
    anomalyShare: config.AFTERCARE_RISK_ANOMALY_SHARE,
    raised: Math.min(100_000, config.AFTERCARE_CUSTOMERS_MAX),
  };
}

function named<T>(setting: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new AftercareError('bad_config', `${setting}: ${messageOf(cause)}`, { cause });
  }
}

/** @throws RangeError that names the currency and its value */
export function readRates(json: string): ReadonlyMap<string, number> {
  let given: unknown;
  try {
    given = JSON.parse(json);
  } catch (cause) {
    throw new RangeError(`not JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new RangeError('must be one JSON object, such as {"EUR":1,"CNY":0.128}');
  return new Map(Object.entries(given).map(([currency, rate]: [string, unknown]) => {
    if (!/^[A-Z]{3}$/.test(currency)) throw new RangeError(`"${currency}" is no ISO 4217 code; give three capital letters`);
    if (!(typeof rate === 'number' && rate > 0 && rate < 1e9)) throw new RangeError(`${currency} is worth ${JSON.stringify(rate)}; give a number above 0: minor units of the shop's own currency for one of it`);
    return [currency, rate];
  }));
}
