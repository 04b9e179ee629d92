/** `rejects list` and `rejects replay`: what did not decode, and back with it once it is repaired. */
import { readFileSync } from 'node:fs';
import { DeliverPolicy, jetstream, type JsMsg } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Command } from 'commander';
import { createPublisher } from '../../pipelines/runtime/jetstream/publisher.js';
import { checkEvent } from '../../schemas/decode.js';
import { AftercareError } from '../../schemas/errors.js';
import { dlqSubject, eventSubject, streams } from '../../schemas/subjects.js';
import { readContext, runningEndpoints, withClickHouse, withNats } from '../context.js';
import { dataDirOption, jsonOption, wholeNumber } from '../options.js';
import { columns, print } from '../print.js';

interface RejectOptions {
  dataDir?: string;
  json?: boolean;
  reason?: string;
  limit: number;
  dryRun?: boolean;
  repaired?: string;
  original?: boolean;
}

interface RejectRow {
  received_at: string;
  seq: string;
  reason: string;
  subject: string;
  detail: string;
  body: string;
}

export function addRejects(program: Command): void {
  const rejects = program.command('rejects').description('What did not decode');
  rejects
    .command('list')
    .description('Lists rejects, newest first. Personal data in them is masked; the dead letters in NATS, which --original reads, have the bytes as they came')
    .option('--reason <reason>', 'only this reason')
    .option('--limit <rows>', 'rows at most', wholeNumber(1, 10_000), 20)
    .option('--original', 'the bodies as they came, from the dead letters: to be repaired, with the personal data that they hold')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', '\nExamples:\n  $ aftercare rejects list --reason bad_event\n  $ aftercare rejects list --original --json | jq -c \'.[]\' > repaired.ndjson')
    .action(async (options: RejectOptions) => {
      const endpoints = runningEndpoints(readContext(options.dataDir));
      const rows = await withClickHouse(endpoints, async (client) => {
        const result = await client.query({
          query: `SELECT toString(received_at) AS received_at, toString(seq) AS seq, reason, subject, detail, body FROM rejects
                  WHERE {reason:String} = '' OR reason = {reason:String} ORDER BY rejects.received_at DESC, rejects.seq DESC LIMIT {limit:UInt32}`,
          query_params: { reason: options.reason ?? '', limit: options.limit },
          format: 'JSONEachRow',
        });
        return result.json<RejectRow>();
      });
      if (options.original === true) await withNats(endpoints, 'rejects', (nc) => putOriginals(nc, rows));
      print(options, rows, () => columns(['received', 'seq', 'reason', 'detail', 'body'], rows.map((r) => [r.received_at, r.seq, r.reason, r.detail.slice(0, 80), r.body.slice(0, 40).replaceAll(/\s+/g, ' ')])));
    });
  rejects
    .command('replay')
    .summary('publish dead letters again, repaired')
    .description('Publishes dead letters again: the repaired body where --repaired has one, else its own where it fits the contract by now. What was published again is removed from the dead letters; the row in `rejects` stays.')
    .option('--reason <reason>', 'only this reason')
    .option('--repaired <file>', 'NDJSON of {"seq", "body"}, as `rejects list --json` prints it, with the bodies repaired')
    .option('--dry-run', 'only say what would be done')
    .addOption(jsonOption())
    .addOption(dataDirOption())
    .addHelpText('after', `
Example:
  $ aftercare rejects list --original --json | jq -c '.[]' > repaired.ndjson     # then repair the bodies in it
  $ aftercare rejects replay --repaired repaired.ndjson`)
    .action(async (options: RejectOptions) => {
      const repaired = options.repaired === undefined ? new Map<number, string>() : readRepaired(options.repaired);
      const result = await withNats(runningEndpoints(readContext(options.dataDir)), 'replay', (nc) => replay(nc, repaired, options));
      for (const { seq, error } of result.left) process.stderr.write(`seq ${seq}: ${error}\n`);
      print(options, result, () => `${result.replayed} published again, ${result.left.length} left`);
    });
}

/** Bodies of the dead letters that are still there, in place of the masked ones. */
async function putOriginals(nc: NatsConnection, rows: RejectRow[]): Promise<void> {
  const bySeq = new Map(rows.map((row) => [Number(row.seq), row]));
  const consumer = await jetstream(nc).consumers.get(streams.dlq, { deliver_policy: DeliverPolicy.All });
  let pending = (await consumer.info()).num_pending;
  if (pending === 0) return;
  for await (const message of await consumer.consume()) {
    const row = bySeq.get(positionOfLetter(message));
    if (row !== undefined) row.body = message.string();
    if (--pending === 0) break;
  }
}

/** @throws AftercareError bad_file that names the line */
function readRepaired(file: string): Map<number, string> {
  const lines = readFileSync(file, 'utf8').split('\n').map((text, i) => ({ text, number: i + 1 })).filter(({ text }) => text.trim() !== '');
  return new Map(lines.map(({ text, number }) => {
    try {
      const { seq, body } = JSON.parse(text) as { seq: unknown; body: unknown };
      if (Number.isInteger(Number(seq)) && typeof body === 'string') return [Number(seq), body] as const;
    } catch (error) {
      throw new AftercareError('bad_file', `${file} line ${number}: ${(error as Error).message}`, { cause: error });
    }
    throw new AftercareError('bad_file', `${file} line ${number}: needs "seq" (a whole number) and "body" (a text)`);
  }));
}

interface Replayed {
  replayed: number;
  left: { seq: number; error: string }[];
}

async function replay(nc: NatsConnection, repaired: ReadonlyMap<number, string>, options: RejectOptions): Promise<Replayed> {
  const js = jetstream(nc);
  const jsm = await js.jetstreamManager();
  const filter = options.reason === undefined ? {} : { filter_subjects: [dlqSubject(options.reason)] };
  const consumer = await js.consumers.get(streams.dlq, { deliver_policy: DeliverPolicy.All, ...filter });
  let pending = (await consumer.info()).num_pending;
  const result: Replayed = { replayed: 0, left: [] };
  if (pending === 0) return result;
  const publisher = createPublisher(nc);
  for await (const message of await consumer.consume()) {
    const seq = positionOfLetter(message);
    const checked = check(repaired.get(seq) ?? message.string());
    if ('error' in checked) result.left.push({ seq, error: checked.error });
    else {
      result.replayed += 1;
      if (options.dryRun !== true) {
        const { type, customer } = checked.event;
        // An id of its own: the producer's may be that of the message that was rejected a minute ago.
        await publisher.publish(eventSubject(type, customer), Buffer.from(JSON.stringify(checked.event)), `replay:${seq}`);
        await publisher.flush();
        await jsm.streams.deleteMessage(streams.dlq, message.seq);
      }
    }
    if (--pending === 0) break;
  }
  publisher.close();
  return result;
}

/** The id that the sink gave the letter: reject:<position>. */
const positionOfLetter = (message: JsMsg): number => Number(message.headers?.get('Nats-Msg-Id').split(':')[1] ?? Number.NaN);

function check(body: string): ReturnType<typeof checkEvent> {
  try {
    return checkEvent(JSON.parse(body));
  } catch (error) {
    return { error: `not JSON: ${(error as Error).message}` };
  }
}
