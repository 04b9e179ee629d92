import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loopback } from '../ports.js';
import { openSpool } from './body.js';
import { takeConfig } from './config.js';
import { openEngine } from './engine.js';
import { createPolicy } from './policy.js';
import { createFrontServer } from './server.js';

/** The child process: ClickHouse's engine on one directory, behind HTTP. Ends on SIGTERM when the running statements have ended. */
const config = takeConfig(process.env);
if (/[*?{}'\\]/.test(config.dataDir)) throw new Error(`the data directory ${config.dataDir} holds one of * ? { } ' \\, which ClickHouse reads as a pattern in a file's name: choose another`);

const options = { database: 'default', settings: {}, format: 'TabSeparated', sessionTimeoutMs: 0 };
const engine = openEngine(join(config.dataDir, 'store'), config.concurrency);
const spool = openSpool(join(config.dataDir, 'spool'), config.maxBodyBytes);
const ask = async (sql: string): Promise<string> => Buffer.from((await engine.run(sql, options)).bytes).toString('utf8').trim();
const version = await ask('SELECT version()');
await ask(`CREATE DATABASE IF NOT EXISTS \`${config.database}\` ENGINE = Atomic`);
const names = async (table: string): Promise<string[]> => (await ask(`SELECT name FROM system.${table}`)).split('\n');
const engines = [...await names('table_engines'), ...await names('database_engines')];
const policy = createPolicy({ tableFunctions: await names('table_functions'), engines });
const server = createFrontServer({ config, engine, policy, spool, version });
server.listen(config.port, loopback, () => { console.log(`ClickHouse ${version} on ${loopback}:${config.port}`); });
server.on('error', (error) => { console.error(error.message); process.exit(1); });

const drainPatienceMs = 8_000; // less than the parent's patience, which ends in SIGKILL
let stopping = false;
async function stop(): Promise<void> {
  if (stopping) return;
  stopping = true;
  server.close();
  server.closeIdleConnections();
  await Promise.race([engine.drain(), sleep(drainPatienceMs)]);
  process.exit(0); // acknowledged rows are in files already; there is nothing to flush
}
process.on('SIGTERM', () => { void stop(); });
process.on('SIGINT', () => undefined); // Ctrl-C is for the parent, which stops its servers in order
