/** `up`: the whole system, until SIGINT or SIGTERM. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { AftercareError } from '../../schemas/errors.js';
import { readContext, stopSignal, type Context } from '../context.js';
import { dataDirOption, jsonOption } from '../options.js';
import { columns, print } from '../print.js';
import { startSystem, type System } from '../system.js';

export function addUp(program: Command): void {
  program
    .command('up')
    .description('Starts the servers and every part on this machine, prints the addresses, and stays up until SIGINT or SIGTERM. NATS_URL, CLICKHOUSE_URL and TEMPORAL_ADDRESS name servers that run already.')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExamples:\n  $ aftercare up\n  $ AFTERCARE_SHARDS=2 aftercare up --data-dir /var/lib/aftercare')
    .action(async (options: { dataDir?: string; json?: boolean }) => {
      const signal = stopSignal();
      const context = readContext(options.dataDir);
      const system = await startSystem(context, { onProgress: progressLine });
      print(options, { dataDir: context.dataDir, endpoints: publicEndpoints(system), processes: system.processes() }, () => addresses(context, system));
      await runUntil(system, signal);
    });
}

export const progressLine = (line: string): void => { process.stderr.write(`  ${line}\n`); };

/** Waits for the signal, then stops everything in order. @throws AftercareError unavailable, when a process died by itself, with its last lines */
export async function runUntil(system: System, signal: AbortSignal): Promise<void> {
  const stopped = delay(2 ** 31 - 1, undefined, { signal, ref: false }).catch(() => undefined);
  const failure = await Promise.race([system.failed, stopped]);
  if (failure === undefined) process.stderr.write('  stopping\n');
  await system.stop();
  if (failure !== undefined) {
    throw new AftercareError('unavailable', `${failure.name} ${failure.reason}, so everything was stopped; its last lines:\n${failure.lastLines.slice(-20).map((line) => `    ${line}`).join('\n')}`);
  }
}

/** Addresses without what it takes to enter: that stands in endpoints.json, mode 0600. */
const publicEndpoints = ({ endpoints: { nats, clickhouse, temporal } }: System) => ({ nats: nats.url, clickhouse: clickhouse.url, temporal: temporal.address, temporalUi: temporal.uiUrl });

function addresses({ dataDir }: Context, system: System): string {
  const { nats, clickhouse, temporal } = system.endpoints;
  return [
    columns(['server', 'address'], [['NATS', nats.url], ['ClickHouse', clickhouse.url], ['Temporal', temporal.address], ...(temporal.uiUrl === undefined ? [] : [['Temporal\'s page', temporal.uiUrl]])]),
    columns(['process', 'pid'], system.processes().map(({ name, pid }) => [name, String(pid)])),
    `Credentials: ${dataDir}/endpoints.json (mode 0600). Try "npx aftercare status" in another terminal; Ctrl-C stops everything.`,
  ].join('\n\n');
}
