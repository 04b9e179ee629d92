/** `schedule`: what runs by itself, and when. */
import { InvalidArgumentError, type Command } from 'commander';
import type { Client } from '@temporalio/client';
import { AftercareError } from '../../schemas/errors.js';
import type * as controlModule from '../../workflows/schedule-control.js';
import type { ScheduleState } from '../../workflows/schedule-control.js';
import { readContext, runningEndpoints } from '../context.js';
import { dataDirOption, jsonOption } from '../options.js';
import { columns, print } from '../print.js';

interface ScheduleOptions {
  dataDir?: string;
  json?: boolean;
  every?: number;
  cron?: string;
  reason?: string;
}

export function addSchedule(program: Command): void {
  const schedule = program.command('schedule').description('What runs by itself: retrainings and exports. What is set here is kept over restarts; of one that still runs the next start is skipped');
  const command = (name: string, description: string, examples: string): Command => schedule.command(name).description(description).addOption(jsonOption()).addOption(dataDirOption()).addHelpText('after', `\nExamples:\n${examples}`);
  command('list', 'Lists what runs by itself, when, and when next', '  $ aftercare schedule list\n  $ aftercare schedule list --json')
    .action(async (options: ScheduleOptions) => {
      const found = await withSchedules(options, (control, client) => control.listSchedules(client));
      print(options, found, () => table(found));
    });
  command('set <id>', 'Says when it runs: every so long, or by a cron expression (UTC)', '  $ aftercare schedule set scheduled-risk-logistic --every 12h\n  $ aftercare schedule set scheduled-risk-svm --cron "30 3 * * 0"')
    .option('--every <duration>', 'such as 90m, 12h or 7d', duration)
    .option('--cron <expression>', 'minute hour day month weekday, UTC')
    .action((id: string, { every, cron, ...options }: ScheduleOptions) => {
      if ((every === undefined) === (cron === undefined)) throw new AftercareError('bad_request', 'give either --every or --cron');
      return change(options, (control, client) => control.setSchedule(client, id, cron === undefined ? { everyMs: every ?? 0 } : { cron: checkedCron(cron) }));
    });
  command('pause <id>', 'Stops it from starting by itself; one that runs goes on', '  $ aftercare schedule pause scheduled-risk-logistic --reason "holidays"')
    .option('--reason <text>', 'why; the list shows it', 'paused from the command line')
    .action((id: string, options: ScheduleOptions) => change(options, (control, client) => control.pauseSchedule(client, id, true, options.reason ?? '')));
  command('resume <id>', 'Lets it start by itself again', '  $ aftercare schedule resume scheduled-risk-logistic')
    .option('--reason <text>', 'why; the list shows it', 'resumed from the command line')
    .action((id: string, options: ScheduleOptions) => change(options, (control, client) => control.pauseSchedule(client, id, false, options.reason ?? '')));
}

type Control = typeof controlModule;

async function withSchedules<T>({ dataDir }: ScheduleOptions, work: (control: Control, client: Client) => Promise<T>): Promise<T> {
  const [{ connectTemporal }, control] = await Promise.all([import('../../workflows/client.js'), import('../../workflows/schedule-control.js')]);
  const client = await connectTemporal(runningEndpoints(readContext(dataDir)).temporal);
  try {
    return await work(control, client);
  } finally {
    await client.connection.close();
  }
}

async function change(options: ScheduleOptions, work: (control: Control, client: Client) => Promise<ScheduleState>): Promise<void> {
  const found = await withSchedules(options, work);
  print(options, found, () => table([found]));
}

const time = (iso: string | undefined): string => (iso === undefined ? '' : iso.slice(0, 16).replace('T', ' '));

const table = (found: readonly ScheduleState[]): string => columns(['schedule', 'workflow', 'when', 'next (UTC)', 'last (UTC)', 'running', ''], found.map(({ id, workflow, when, paused, note, next, last, running }) =>
  [id, workflow, when, time(next), time(last), running, paused ? `paused${note === '' ? '' : `: ${note}`}` : '']));

const unitMs: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };
const everyMsMax = 366 * 86_400_000;

/** Worked: 90m -> 5,400,000 */
function duration(text: string): number {
  const found = /^([0-9]{1,6})([mhd])$/.exec(text);
  const ms = found === null ? 0 : Number(found[1]) * unitMs[found[2]];
  if (ms >= 60_000 && ms <= everyMsMax) return ms;
  throw new InvalidArgumentError('must be a whole number of minutes, hours or days, such as 90m, 12h or 7d, from 1m to 366d');
}

/** The server would take six and seven fields too, and a name with an @: five is what everyone knows. */
function checkedCron(text: string): string {
  if (text.trim().split(/\s+/).length === 5 && /^[0-9A-Za-z*,/ -]+$/.test(text)) return text.trim();
  throw new AftercareError('bad_request', `--cron "${text}" must have five fields: minute hour day month weekday, such as "30 3 * * 0"`);
}
