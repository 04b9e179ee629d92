/** What the front is told at its start, in one environment variable: a command line can be read by every user, an environment only by its owner. */
export interface FrontConfig {
  /** Absolute; the engine allows one process a directory. */
  dataDir: string;
  port: number;
  username: string;
  password: string;
  /** Made at the start when it is missing, as Atomic: refreshable views and EXCHANGE need that engine. */
  database: string;
  /** Bytes of one request's body after decompression; a batch of a million rows is about a tenth of this. */
  maxBodyBytes: number;
  /** Bytes of a statement that comes in a body, with its inline data: it is held in memory. */
  maxQueryBytes: number;
  /** Bytes of one answer; it is held in memory, since the engine's streaming cuts most formats into broken pieces. */
  maxResultBytes: number;
  /** Seconds; an abandoned request cannot be cancelled, so every one must end by itself. */
  maxExecutionTimeS: number;
  /** Statements that run at one time; the others wait in order. */
  concurrency: number;
}

export const configVariable = 'AFTERCARE_CLICKHOUSE_FRONT';

/** Takes the configuration out of the environment, so that nothing that is started from here inherits the password. */
export function takeConfig(env: NodeJS.ProcessEnv): FrontConfig {
  const text = env[configVariable];
  if (text === undefined) throw new Error(`${configVariable} is not set: this program is started by startClickHouse, not by hand`);
  Reflect.deleteProperty(env, configVariable);
  return JSON.parse(text) as FrontConfig;
}
