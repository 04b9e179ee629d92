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
    AFTERCARE_SNAPSHOT_MS: whole(60_000, 100, 86_400_000, 'Milliseconds between two snapshots at most'),
    AFTERCARE_SINK_ROWS: whole(65_536, 1, 1_000_000, 'Rows of one insert at most'),
    AFTERCARE_SINK_LINGER_MS: whole(200, 1, 60_000, 'Milliseconds that a row waits at most before its insert begins'),
    AFTERCARE_HALF_LIFE_DAYS: Type.Number({ default: 90, minimum: 0.01, maximum: 36_500, description: 'Days after which what a customer did counts half: a season' }),
    AFTERCARE_CUSTOMERS_MAX: whole(1_000_000, 1, 16_000_000, 'Customers that a shard remembers; the least recently active makes room'),
    AFTERCARE_ITEMS_MAX: whole(200_000, 1, 16_000_000, 'Items that a shard remembers'),
    AFTERCARE_PAIRS_MAX: whole(50_000_000, 1, 150_000_000, 'Pairs of items that a shard remembers, about 24 bytes each'),
    AFTERCARE_MEMORY_MIB: whole(3584, 64, 4000, 'MiB of a shard\'s model, names not counted; where it ends, the customers silent longest make room'),
    AFTERCARE_HISTORY: whole(500, 1, 10_000, 'Items of one customer\'s history: 100 costs a sixth of the quality, 500 nothing'),
    AFTERCARE_PRUNING_DELTA: Type.Number({ default: 0, minimum: 0, maximum: 0.999, description: 'Chance, by Hoeffding\'s bound, that a pair of items is given up though it belonged into a list; 0 gives none up: that keeps every dot exact, and giving up gains little (docs/decisions)' }),
    AFTERCARE_SESSIONS_MAX: whole(500_000, 1, 16_000_000, 'Browsing sessions that a shard remembers, about 200 bytes each'),
    AFTERCARE_SESSION_GAP_MINUTES: whole(30, 1, 1440, 'Minutes without an event after which a session that the shop gives no id has ended, as web analytics count'),
  },
  { description: 'Environment of every Aftercare process' },
);
export type Config = Static<typeof Config>;

/** @throws AftercareError bad_config that names every bad variable */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const given: Record<string, unknown> = {};
  const bad: string[] = [];
  for (const [name, schema] of Object.entries(Config.properties)) {
    const text = env[name];
    if (text === undefined || text === '') continue;
    const value = schema.type === 'string' ? text : Number(text);
    if (Value.Check(schema, value)) given[name] = value;
    else bad.push(`${name}="${text}" must be ${describe(schema)}`);
  }
  const unknown = Object.keys(env).filter((name) => name.startsWith('AFTERCARE_') && !Object.hasOwn(Config.properties, name));
  bad.push(...unknown.map((name) => `${name} is not a setting; correct its name or remove it`));
  if (bad.length > 0) throw new AftercareError('bad_config', bad.join('; '));
  return Value.Default(Config, given) as Config;
}

function describe(schema: { type: string; minimum?: number; maximum?: number }): string {
  if (schema.type === 'string') return 'a text';
  return `${schema.type === 'integer' ? 'a whole number' : 'a number'} from ${schema.minimum ?? '-'} to ${schema.maximum ?? '-'}`;
}
