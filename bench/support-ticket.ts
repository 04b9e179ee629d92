/**
 * A ticket, from its bytes to its decision: decoded, masked, read, decided and emitted, in a shop whose orders and tickets go on
 * beside it. With the three promoted heads, and beside the starter alone (TF-IDF), on the same stream in the same run. And `support`
 * asked through NATS while events are folded, beside `similar`, which reads no text.
 */
import { readBitext, type Bitext } from '../datasets/bitext.js';
import { promotedStep } from '../pipelines/promoted.js';
import { supportReaders } from '../pipelines/support/models.js';
import { supportSettings } from '../pipelines/support/settings.js';
import { supportStep } from '../pipelines/support/step.js';
import { readConfig } from '../schemas/config.js';
import { decode, positionOf } from '../schemas/decode.js';
import type { Event, Ticket } from '../schemas/events.js';
import type { SupportAnswer } from '../schemas/services.js';
import { createSimulator } from '../simulator/simulator.js';
import type { SuiteOptions } from './main.js';
import { quantile, row, type Row } from './report.js';
import { nth, servedBesideSimilar, servedRows } from './serving.js';
import { costlyHeads } from './support-heads.js';
import { absent } from './support-text.js';

const startMs = Date.UTC(2026, 0, 5);
/** Tickets whose time does not count: the compiler is not done, and the dictionaries are not loaded. */
const warmUp = 1000;

export function ticketRows(say: SuiteOptions['say']): Row[] {
  const set = readBitext();
  if (set === undefined) return absent('support.ticket', 'bitext-support', say);
  const messages = streamOf(set);
  const { parts } = costlyHeads(set, say);
  const starter = timesOf(messages, {});
  const promoted = timesOf(messages, parts);
  for (const [name, { times, decisions }] of Object.entries({ starter, promoted })) {
    say(`support.ticket with the ${name}: ${times.length} tickets, p50 ${quantile(times, 0.5).toFixed(3)} ms, p99 ${quantile(times, 0.99).toFixed(3)}, p99.9 ${quantile(times, 0.999).toFixed(3)}, slowest ${times[times.length - 1].toFixed(1)}; ${decisions} decisions`);
  }
  const note = 'the starter alone: TF-IDF';
  return [
    row('support.ticket.p50_ms', quantile(promoted.times, 0.5), 'ms', quantile(starter.times, 0.5), note),
    row('support.ticket.p99_ms', quantile(promoted.times, 0.99), 'ms', quantile(starter.times, 0.99), note),
    row('support.ticket.rss_mib', process.memoryUsage.rss() / 2 ** 20, 'MiB'),
  ];
}

/** A shop's weeks, its own tickets and those of bitext-support among them, as producers send them. */
function streamOf(set: Bitext): { subject: string; body: Uint8Array; isTicket: boolean }[] {
  const texts = [...set.test, ...set.dev, ...set.train];
  const events = [...createSimulator({ seed: 5, customers: 3000, items: 1000, startMs, hours: 24 * 14, events: 60_000, forgets: 0 }).events()];
  let next = 0;
  const all = events.flatMap((event): Event[] => {
    if (event.type !== 'purchase' || next >= texts.length) return [event];
    const ticket: Ticket = { v: 1, type: 'ticket', id: `b${next}`, customer: event.customer, atMs: event.atMs + 1000, ticket: `B-${next}`, text: texts[next].text };
    next += 1;
    return [event, ticket];
  });
  return all.map((event) => ({ subject: `ev.0.${event.type}`, body: Buffer.from(JSON.stringify(event)), isTicket: event.type === 'ticket' }));
}

/** @param parts  artefacts that are promoted before the first event @returns ms of each ticket, ascending */
function timesOf(messages: ReturnType<typeof streamOf>, parts: Partial<Record<keyof typeof supportReaders, Uint8Array[]>>): { times: Float64Array; decisions: number } {
  const step = supportStep(supportSettings(readConfig({})));
  const models = promotedStep(supportReaders);
  const [state, live] = [step.empty(), models.empty()];
  let [seq, decisions] = [0, 0];
  const emit = ({ table }: { table: string }): void => { decisions += table === 'tickets' ? 1 : 0; };
  for (const [model, artefact] of Object.entries(parts)) {
    const event = { v: 1, id: model, customer: '~0', atMs: startMs, type: 'control', command: 'promote', model, version: 1, sha256: '0'.repeat(64), bytes: 1 } as const;
    models.step(live, { event, shard: 0, position: positionOf(++seq, 0), receivedMs: startMs, artefact }, () => undefined);
  }
  if (live.versions.size !== Object.keys(parts).length) throw new Error(`support.ticket: of ${Object.keys(parts).join(', ')} only ${[...live.versions.keys()].join(', ')} went live`);
  const times: number[] = [];
  let tickets = 0;
  const target = {
    event(event: Event, position: number) { step.step(state, live, { event, shard: 0, position, receivedMs: event.atMs }, event.atMs, emit); },
    reject({ detail }: { detail: string }) { throw new Error(`support.ticket: a message of the stream was rejected: ${detail}`); },
  };
  for (const { subject, body, isTicket } of messages) {
    const beforeMs = performance.now();
    decode({ subject, seq: ++seq, receivedMs: startMs + 60 * 86_400_000, body }, 1, target);
    if (isTicket && (tickets += 1) > warmUp) times.push(performance.now() - beforeMs);
  }
  if (decisions !== tickets) throw new Error(`support.ticket: ${tickets} tickets had ${decisions} decisions`);
  return { times: Float64Array.from(times).sort(), decisions };
}

export async function supportServeRows(say: SuiteOptions['say']): Promise<Row[]> {
  const served = await servedBesideSimilar('support.serve', say, ({ tickets }) => {
    const requestOf = (n: number): object => {
      const { customer, text } = nth(tickets, n);
      return { customer, text };
    };
    return { own: { endpoint: 'support', requestOf, isAnswer: (answer) => (answer as SupportAnswer).because.length > 0 } };
  });
  return servedRows('support.serve', served, 'similar, which reads no text; with the starter model');
}
