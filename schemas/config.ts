/** Settings from the environment, read once at the edge. All bad ones are reported together. */
import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';
import { AftercareError } from './errors.js';

const whole = (fallback: number, minimum: number, maximum: number, description: string) => Type.Integer({ default: fallback, minimum, maximum, description });

export const Config = Type.Object(
  {
    AFTERCARE_DATA_DIR: Type.String({ default: '.aftercare', minLength: 1, description: 'Folder of the servers\' data, credentials and snapshots' }),
    AFTERCARE_SHARDS: whole(1, 1, 256, 'Partitions of EVENTS; fixed when the stream is made. One shard knows all customers, so its neighbours are exact; more scale further'),
    AFTERCARE_REPLICAS: whole(1, 1, 5, 'Copies of each stream and bucket: 1 on a single server, 3 on a cluster'),
    AFTERCARE_EVENTS_BYTES: whole(20 * 2 ** 30, 2 ** 20, 2 ** 50, 'Bytes of EVENTS; beyond it producers get an error and nothing is dropped'),
    AFTERCARE_ARTEFACTS_BYTES: whole(4 * 2 ** 30, 2 ** 20, 2 ** 50, 'Bytes of models, exports and data sets that workflows leave in NATS; a few versions of each are kept'),
    AFTERCARE_LEASE_MS: whole(4000, 1000, 60_000, 'Milliseconds until the lease of a dead owner is free: a takeover takes about as long'),
    AFTERCARE_SNAPSHOT_MESSAGES: whole(500_000, 1, 1e9, 'Messages between two snapshots: a restart folds at most as many, about three seconds'),
    AFTERCARE_SNAPSHOT_MS: whole(300_000, 100, 86_400_000, 'Milliseconds between two snapshots at most: answers wait while the state is copied, a fifth of a second for 50 MB, and a restart is bounded by the messages above'),
    AFTERCARE_SINK_ROWS: whole(65_536, 1, 1_000_000, 'Rows of one insert at most'),
    AFTERCARE_SINK_LINGER_MS: whole(2000, 1, 60_000, 'Milliseconds that a row waits at most before its insert begins: each insert costs ClickHouse about the same, however few rows it has, and on one machine that is time that answers wait. Messages do not wait for it'),
    AFTERCARE_HALF_LIFE_DAYS: Type.Number({ default: 90, minimum: 0.01, maximum: 36_500, description: 'Days after which what a customer did counts half: a season' }),
    AFTERCARE_CUSTOMERS_MAX: whole(1_000_000, 1, 16_000_000, 'Customers that a shard remembers; the least recently active makes room'),
    AFTERCARE_ITEMS_MAX: whole(200_000, 1, 16_000_000, 'Items that a shard remembers'),
    AFTERCARE_PAIRS_MAX: whole(50_000_000, 1, 150_000_000, 'Pairs of items that a shard remembers, about 24 bytes each'),
    AFTERCARE_WEIGHTING: Type.String({
      default: '{}', minLength: 2, maxLength: 2048,
      description: 'JSON, what differs from the measured defaults of models/recommend/weighting.ts, such as {"itemItem":{"alpha":0.5,"locality":1},"rarity":"bm25"}: how answers weigh rarity, popularity and support; no state depends on it',
    }),
    AFTERCARE_MEMORY_MIB: whole(3584, 64, 4000, 'MiB of a shard\'s model, names not counted; where it ends, the customers silent longest make room'),
    AFTERCARE_HISTORY: whole(500, 1, 10_000, 'Items of one customer\'s history: 100 costs a sixth of the quality, 500 nothing'),
    AFTERCARE_PRUNING_DELTA: Type.Number({ default: 0, minimum: 0, maximum: 0.999, description: 'Chance, by Hoeffding\'s bound, that a pair of items is given up though it belonged into a list; 0 gives none up. Whoever wants memory back sets AFTERCARE_PAIRS_MAX lower: it loses less (docs/decisions)' }),
    AFTERCARE_SESSIONS_MAX: whole(500_000, 1, 16_000_000, 'Browsing sessions that a shard remembers, about 200 bytes each'),
    AFTERCARE_BASKETS_MAX: whole(200_000, 1, 16_000_000, 'Baskets (orders and open carts) that a shard remembers, about 300 bytes each: a season of a large shop says what goes together now'),
    AFTERCARE_BASKET_SAMPLE: whole(512, 1, 1e9, 'Of the items that join a basket, every how many-th is predicted first, so that probabilities stay calibrated; a prediction costs some two hundred times as much as learning'),
    AFTERCARE_CART_GAP_HOURS: whole(24, 1, 8760, 'Hours without an event after which an open cart is over: a cart is often finished the next day'),
    AFTERCARE_BLEND_DAYS: whole(28, 1, 3650, 'Days of decisions that the weights of the channels are learnt from: four weeks hold every weekday alike'),
    AFTERCARE_BLEND_WINDOW_HOURS: whole(24, 1, 24, 'Hours after a recommendation within which what the customer does with an item is its success: the next visit, not the next month'),
    AFTERCARE_SESSION_GAP_MINUTES: whole(30, 1, 1440, 'Minutes without an event after which a session that the shop gives no id has ended, as web analytics count'),
    AFTERCARE_COUPON_BUDGET_MINOR: whole(0, 0, 1e12, 'What coupons may give away in a day (UTC), minor units, the most that each can be worth; every shard has its part. 0: no coupons, as a shop that has not asked for them gives nothing away'),
    AFTERCARE_COUPON_CURRENCY: Type.String({ default: 'EUR', pattern: '^[A-Z]{3}$', description: 'ISO 4217 code of the coupons and their budget' }),
    AFTERCARE_COUPON_RULES: Type.String({
      default: '{"resolved_complaint":{"amountMinor":500,"validDays":30},"abandoned_cart":{"percent":10,"maxMinor":1000,"validDays":7},"fading_customer":{"percent":15,"maxMinor":1500,"validDays":14}}',
      minLength: 2, maxLength: 4096, description: 'JSON, reason -> {amountMinor, validDays} or {percent, maxMinor, validDays}; a reason that is left out gives none',
    }),
    AFTERCARE_COUPON_CAP: whole(2, 1, 8, 'Coupons of one customer in AFTERCARE_COUPON_CAP_DAYS at most'),
    AFTERCARE_COUPON_CAP_DAYS: whole(90, 1, 3650, 'Days that the cap counts: a season'),
    AFTERCARE_COUPON_COOL_DOWN_DAYS: whole(14, 0, 3650, 'Days between two coupons of one customer at least: nobody should learn to wait for the next'),
    AFTERCARE_COUPON_CART_HOURS: whole(24, 1, 8760, 'Hours without a touch after which a filled cart is abandoned: who sleeps on it has not left'),
    AFTERCARE_COUPON_FADING_FACTOR: Type.Number({ default: 3, minimum: 1, maximum: 100, description: 'A customer fades when silent for this many times the usual interval between orders (median of the last five; three orders are needed)' }),
    AFTERCARE_COUPON_FADING_DAYS_MIN: whole(21, 1, 3650, 'Days of silence before which nobody fades, however often they bought'),
    AFTERCARE_COUPON_FADING_DAYS_MAX: whole(365, 1, 3650, 'Days beyond which a habit is too slow to tell that it ended'),
    AFTERCARE_COMPLAINT_INTENTS: Type.String({
      default: 'complaint,damaged_item,delivery_status,payment_issue,payment_problem',
      pattern: '^ *[a-z0-9_-]+ *(, *[a-z0-9_-]+ *)*$', maxLength: 4096, description: 'Intents of tickets that are complaints, separated by commas: those where something went wrong, not questions. What they are about is recommended less, and a resolved one may bring a coupon',
    }),
    AFTERCARE_COUPON_FRESH_HOURS: whole(24, 1, 876_000, 'Hours after which a reason is too old for a coupon, by the time its event was received: an import of old events gives none'),
    AFTERCARE_COUPON_SINCE: Type.String({ default: '', pattern: '^([0-9]{4}-[0-9]{2}-[0-9]{2})?$', description: 'Day (UTC) from which coupons are given, such as 2026-01-31: what was received before only teaches habits; empty: all days. Set it when coupons are switched on in a shop that has run without' }),
    AFTERCARE_COUPON_SECRET: Type.String({ default: '', maxLength: 1024, description: 'What coupon codes are made with; empty: a random one that is kept in the data directory' }),
    AFTERCARE_COUPON_REFUND_SHARE: Type.Number({ default: 0.5, minimum: 0, maximum: 1, description: 'Share of the money spent that went back, above which a customer gets no coupon' }),
    AFTERCARE_COUPON_REFUND_ORDERS: whole(3, 1, 1e6, 'Orders from which on that share is looked at'),
    AFTERCARE_RISK_RULES: Type.String({
      default: JSON.stringify([
        // Two share a device at home; three customers within a week are rarely a family.
        { name: 'shared_device', when: 'device_customers_7d >= 3', then: 'review' },
        { name: 'device_refunds_again', when: "event = 'refund' and device_customers_30d >= 2 and device_refunds_30d >= 1", then: 'review' },
        { name: 'many_cards', when: 'customer_cards_24h >= 4', then: 'review' },
        // A cent of rounding is no fraud.
        { name: 'more_than_was_paid', when: "event = 'refund' and order_refunded_with > 1.01", then: 'review' },
      ]),
      minLength: 2, maxLength: 100_000, description: 'The shop\'s own rules, JSON: [{"name":"...","when":"amount > 50000 and ...","then":"review"}, ...], then is review or block; or the path of a file that holds it',
    }),
    AFTERCARE_RISK_FRESH_HOURS: whole(24, 1, 876_000, 'Hours after which an order or refund is history when it arrives: it fills the windows and the rates of refunds, but nothing is decided about what was shipped long ago, and its verdict teaches nothing'),
    AFTERCARE_RISK_RATES: Type.String({ default: '{}', minLength: 2, maxLength: 4096, description: 'What one minor unit of each currency is worth in minor units of the shop\'s own, JSON such as {"EUR":1,"CNY":0.128}: a currency that is not in it is reviewed. Without any, the usual order of each currency is taken to be worth the same' }),
    AFTERCARE_RISK_CHAMPION: Type.String({ default: 'latest', pattern: '^(latest|risk-online|risk-logistic|risk-svm)$', description: 'Which model decides: the one promoted last (the regression that learns from each verdict, until there is one), or one of them; the others score in the shadow' }),
    AFTERCARE_RISK_PRIOR: Type.Number({ default: 0.001, minimum: 0.000001, maximum: 0.5, description: 'Share of orders that are fraud, while no verdict has told: one in a thousand is usual in retail' }),
    AFTERCARE_RISK_TRUST: whole(40, 1, 1e6, 'Frauds by whose verdicts the regression has half the say, against the share above; with 20 it ranks a little better while it is young, and reviews two thirds more honest refunds'),
    AFTERCARE_RISK_LEDGER: whole(100_000, 1, 16_000_000, 'Decisions that a shard keeps, with their features, until their verdict or their maturity, about 800 bytes each; a verdict that comes after is looked up in ClickHouse'),
    AFTERCARE_RISK_MATURITY_DAYS: Type.Number({ default: 60, minimum: 0.001, maximum: 3650, description: 'Days after which an order without a verdict was genuine: most chargebacks arrive within two months' }),
    AFTERCARE_RISK_CAPACITY: whole(50, 1, 1e6, 'Orders that the shop\'s people can look at in a day: where precision is measured'),
    AFTERCARE_RISK_ANOMALY_SHARE: Type.Number({ default: 0, minimum: 0, maximum: 0.1, description: 'Share of all decisions that go to review at most because nothing like them has been seen, whatever the score; 0: none does, and how unusual each is stands in its row all the same' }),
    AFTERCARE_RISK_FRAUD_MINOR: whole(2000, 0, 1e12, 'What a fraud costs beside its amount, minor units: the fee of the chargeback and the work'),
    AFTERCARE_RISK_FALSE_ALARM_MINOR: whole(3000, 0, 1e12, 'What an honest customer who is blocked costs beside the margin, minor units: goodwill'),
    AFTERCARE_RISK_REVIEW_MINOR: whole(500, 0, 1e12, 'What a review costs, minor units: some minutes of a person\'s time'),
    AFTERCARE_RISK_MARGIN: Type.Number({ default: 0.3, minimum: 0, maximum: 1, description: 'Share of the amount that an order earns, and a wrong block loses' }),
    AFTERCARE_RISK_CAUGHT: Type.Number({ default: 0.9, minimum: 0, maximum: 1, description: 'Share of the frauds that a review finds' }),
    AFTERCARE_RISK_STICK: Type.Number({ default: 0.2, minimum: 0, maximum: 0.99, description: 'A customer in review or blocked stays so until a lower level is cheaper by this share: a score about a threshold toggles nobody' }),
    AFTERCARE_RISK_STICK_HOURS: Type.Number({ default: 24, minimum: 0, maximum: 8760, description: 'Hours after which that is over' }),
    AFTERCARE_RETRAIN_APPROVE: Type.String({
      default: '', pattern: '^([a-z][a-z0-9_-]* *(, *[a-z][a-z0-9_-]* *)*)?$', maxLength: 1024,
      description: 'Models, separated by commas, of which a person must approve what has passed the gate (aftercare approve); empty: none, as the gate and the watch are there for it',
    }),
    AFTERCARE_RETRAIN_HOLDOUT: Type.Number({ default: 0.2, minimum: 0.01, maximum: 0.9, description: 'Share of the rows of a data set, the newest, that judge and train nothing' }),
    AFTERCARE_TRAIN_THREADS: whole(0, 0, 2, 'Threads that a network is trained on; the model is the same to the bit, and is done in about half the time on two. 0: two where the machine has four processors or more, otherwise one, as the shard and the servers need the others'),
    AFTERCARE_WATCH_HOURS: Type.Number({ default: 24, minimum: 0, maximum: 8760, description: 'Hours for which a version is watched after its promotion, and rolled back where it does worse: a day has every hour once; 0: not at all' }),
    AFTERCARE_WATCH_MINUTES: Type.Number({ default: 10, minimum: 0.001, maximum: 1440, description: 'Minutes between two looks of the watch' }),
    AFTERCARE_RISK_DAYS: whole(180, 1, 3650, 'Days after which a high risk that nobody confirmed has expired: chargebacks arrive within about four months'),
    AFTERCARE_SUPPORT_REPLY_INTENTS: Type.String({ default: 'all', pattern: '^(all|none| *[a-z0-9_-]+ *(, *[a-z0-9_-]+ *)*)$', maxLength: 4096, description: 'Intents that are answered without a person: all, none, or names separated by commas' }),
    AFTERCARE_SUPPORT_PRECISION: Type.Number({ default: 0.85, minimum: 0.5, maximum: 0.999, description: 'Share of the intents that must be right among those that the starter model does not abstain from, each example judged by the others. They differ on purpose and customers do not: with 0.85, 0.971 of what it did not abstain from, 38 % of all, was right on the validation part of bitext-support. A promoted model brings the threshold of its own evaluation' }),
    AFTERCARE_SUPPORT_CONFIDENCE_MIN: Type.Number({ default: 0, minimum: 0, maximum: 1, description: 'Calibrated confidence below which a person gets a ticket, whatever the model\'s own threshold; 0: that one alone' }),
    AFTERCARE_SUPPORT_PERPLEXITY_MAX: Type.Number({ default: 0, minimum: 0, maximum: 1e9, description: 'Perplexity above which a text is out of scope, where a language model is live (column perplexity of tickets says what is usual); 0: the intent model\'s own measure alone' }),
    AFTERCARE_SUPPORT_SENTIMENT_MIN: Type.Number({ default: -0.7, minimum: -1, maximum: 0, description: 'Sentiment, from -1 to 1, below which a person answers: an angry customer should not hear a machine; -1: never' }),
    AFTERCARE_SUPPORT_URGENT_WORDS: Type.String({
      default: '', maxLength: 4096, description: 'Words or phrases of the shop\'s own that make a ticket urgent, separated by commas, beside those of pipelines/support/urgency.ts: such a ticket always goes to a person',
    }),
    AFTERCARE_SUPPORT_AGAIN_HOURS: Type.Number({ default: 48, minimum: 0, maximum: 8760, description: 'Hours after an automatic answer within which the customer\'s next ticket with the same intent goes to a person: the answer did not help' }),
    AFTERCARE_SUPPORT_FRESH_HOURS: whole(24, 1, 876_000, 'Hours after which a ticket is history when it arrives: it is read and kept, and nobody is answered'),
    AFTERCARE_SUPPORT_TICKETS: whole(20_000, 1, 4_000_000, 'Tickets that a shard keeps until their label, with the first 500 characters of their masked text, about 1.5 kB each; what is dropped before teaches nothing'),
    AFTERCARE_SUPPORT_MEMORY: whole(10_000, 1, 1_000_000, 'Answers of agents that a shard remembers for similar tickets, about 1 kB each'),
    AFTERCARE_SUPPORT_MEMORY_CUSTOMERS: whole(3, 2, 1000, 'Different customers who must have had the very same answer of an agent before it may go to another without a person: what was written to one may be about one'),
    AFTERCARE_SUPPORT_MEMORY_SIMILARITY: Type.Number({ default: 0.3, minimum: 0, maximum: 1, description: 'Similarity of two questions below which an earlier answer is not even a draft' }),
    AFTERCARE_SUPPORT_ORDERS: whole(200_000, 1, 16_000_000, 'Orders that a shard keeps to fill answers from, about 150 bytes each'),
    AFTERCARE_SUPPORT_ORDER_DAYS: Type.Number({ default: 120, minimum: 1, maximum: 3650, description: 'Days after which an order is not the one that a ticket without an order id means' }),
    AFTERCARE_ANSWERS: Type.String({ default: '', maxLength: 4096, description: 'Path of a JSON file with the shop\'s own approved answers, in place of those that come with Aftercare or, with "extends":"default", on top of them; empty: those that come with it' }),
    AFTERCARE_LLM_URL: Type.String({ default: '', pattern: '^(https?://[^ ]+)?$', maxLength: 2048, description: 'Address of a large model that speaks OpenAI\'s API, up to /chat/completions, such as http://127.0.0.1:11434/v1: it says replies in other words, on rewrites.<customer>; empty: none' }),
    AFTERCARE_LLM_MODEL: Type.String({ default: '', maxLength: 256, description: 'Name of the model there; needed with AFTERCARE_LLM_URL' }),
    AFTERCARE_LLM_KEY: Type.String({ default: '', maxLength: 4096, description: 'Key for that address, or empty' }),
    AFTERCARE_LLM_KEY_FILE: Type.String({ default: '', maxLength: 4096, description: 'Path of a file with the key, in place of AFTERCARE_LLM_KEY' }),
    AFTERCARE_LLM_TIMEOUT_MS: whole(8000, 10, 120_000, 'Milliseconds after which a reply is passed on as it is: a customer who writes waits seconds, not minutes'),
  },
  { description: 'Environment of every Aftercare process' },
);
export type Config = Static<typeof Config>;

/** What parts may tell each other. */
export type PublicConfig = Omit<Config, 'AFTERCARE_COUPON_SECRET'>;
export function publicConfig({ AFTERCARE_COUPON_SECRET: _secret, ...rest }: Config): PublicConfig {
  // Whoever folds needs the secret and brings it along; nobody but the rewriter needs the key.
  return { ...rest, AFTERCARE_LLM_KEY: '' };
}

/** @throws AftercareError bad_config that names every bad variable */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const given: Record<string, unknown> = {};
  const bad: string[] = [];
  for (const [name, schema] of Object.entries(Config.properties)) {
    const text = env[name];
    if (text === undefined || text === '') continue;
    const value = schema.type === 'string' ? text : Number(text);
    if (Value.Check(schema, value)) given[name] = value;
    else bad.push(`${name}="${name === 'AFTERCARE_LLM_KEY' || name === 'AFTERCARE_COUPON_SECRET' ? '...' : text}" must be ${describe(schema)}`);
  }
  const unknown = Object.keys(env).filter((name) => name.startsWith('AFTERCARE_') && !Object.hasOwn(Config.properties, name));
  bad.push(...unknown.map((name) => `${name} is not a setting; correct its name or remove it`));
  if (bad.length > 0) throw new AftercareError('bad_config', bad.join('; '));
  return Value.Default(Config, given) as Config;
}

function describe(schema: { type: string; minimum?: number; maximum?: number; pattern?: string }): string {
  if (schema.type === 'string') return schema.pattern === undefined ? 'a text' : `a text of the form ${schema.pattern}`;
  return `${schema.type === 'integer' ? 'a whole number' : 'a number'} from ${schema.minimum ?? '-'} to ${schema.maximum ?? '-'}`;
}
