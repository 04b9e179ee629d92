/** The `aftercare` command. */
import { Command } from 'commander';
import { AftercareError, messageOf } from '../schemas/errors.js';
import { addAsk } from './commands/ask.js';
import { addCanary } from './commands/canary.js';
import { addDemo } from './commands/demo.js';
import { addImport } from './commands/import.js';
import { addModels } from './commands/models.js';
import { addParts } from './commands/parts.js';
import { addPublish } from './commands/publish.js';
import { addBackfill } from './commands/backfill.js';
import { addForget } from './commands/forget.js';
import { addPromote } from './commands/promote.js';
import { addRebuild } from './commands/rebuild.js';
import { addRetrain } from './commands/retrain.js';
import { addRisk } from './commands/risk.js';
import { addReply } from './commands/reply.js';
import { addRejects } from './commands/rejects.js';
import { addSchedule } from './commands/schedule.js';
import { addSql } from './commands/sql.js';
import { addStatus } from './commands/status.js';
import { addUp } from './commands/up.js';
import { addWorkflow } from './commands/workflow.js';
import { version } from './version.js';

const program = new Command('aftercare')
  .description('After-sale intelligence for online shops: events in over NATS, live models, every decision in ClickHouse')
  .version(version)
  .showHelpAfterError('(add --help for how it is used)');

for (const add of [addUp, addDemo, addImport, addPublish, addAsk, addRisk, addSql, addRejects, addStatus, addWorkflow, addRetrain, addModels, addPromote, addSchedule, addRebuild, addForget, addBackfill, addCanary, addReply, addParts]) add(program);

// A reader that has seen enough (`| head`) closes the pipe: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`aftercare: ${messageOf(error)}\n`);
  // What is not ours is a defect: its stack helps whoever looks.
  if (!(error instanceof AftercareError) && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
  process.exitCode = 1;
}
