/**
 * Answers through NATS while events are folded: nats-server, ClickHouse, a shard and the sink as processes, this process
 * as the shop. A recommendation is on record before it is answered; `similar` is not put there, and takes the same way: it is the
 * baseline, asked at the same rate beside the same events.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withNats, type Context } from '../cli/context.js';
import { startSystem } from '../cli/system.js';
import { readConfig } from '../schemas/config.js';
import type { RecommendAnswer } from '../schemas/services.js';
import { serviceSubject } from '../schemas/subjects.js';
import type { SuiteOptions } from './main.js';
import { quantile, row, type Row } from './report.js';
import { eventsPerS, foldedUpTo, load, playedAtOnce, preload, preloaded, requestsPerS, seconds, simulated } from './serving.js';

const hasItems = (answer: unknown): boolean => (answer as RecommendAnswer).items.length > 0;

export async function serveRows(say: SuiteOptions['say']): Promise<Row[]> {
  const events = simulated(preloaded + 2 * playedAtOnce);
  const dataDir = mkdtempSync(join(tmpdir(), 'aftercare-bench-'));
  const context: Context = { dataDir, config: readConfig({}) };
  const system = await startSystem(context, { onProgress: () => undefined, servers: ['nats', 'clickhouse'], worker: false });
  try {
    return await withNats(system.endpoints, 'bench', async (nc) => {
      say(`serve: ${preloaded} events of the simulator first`);
      const last = await preload(nc, events.slice(0, preloaded));
      const { model } = await foldedUpTo(nc, last);
      say(`serve: ${model.customers} customers, ${model.items} items, ${model.pairs} pairs; ${requestsPerS} requests/s for ${seconds} s while ${eventsPerS} events/s are folded`);
      const known = events.slice(0, preloaded);
      const customers = [...new Set(known.map(({ customer }) => customer))];
      const items = [...new Set(known.flatMap((event) => (event.type === 'click' ? [event.item] : [])))];
      const half = preloaded + playedAtOnce;
      const similar = await load(nc, events.slice(preloaded, half), serviceSubject('similar'), (n) => ({ item: items[(n * 7919) % items.length], k: 10 }), hasItems);
      const recommend = await load(nc, events.slice(half), serviceSubject('recommend'), (n) => ({ customer: customers[(n * 7919) % customers.length], k: 10 }), hasItems);
      for (const [name, { took, lateMsMax, foldedBehind }] of Object.entries({ similar, recommend })) {
        say(`serve ${name}: p50 ${quantile(took, 0.5).toFixed(2)} ms, p90 ${quantile(took, 0.9).toFixed(2)}, p99 ${quantile(took, 0.99).toFixed(2)}, p99.9 ${quantile(took, 0.999).toFixed(2)}; sent at most ${lateMsMax.toFixed(0)} ms late, ${foldedBehind} events behind at the end`);
      }
      return [['p50', 0.5], ['p99', 0.99]].map(([label, q]) =>
        row(`recommend.serve.${label}_ms`, quantile(recommend.took, Number(q)), 'ms', quantile(similar.took, Number(q)), 'similar, which is not put on record'));
    });
  } finally {
    await system.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
