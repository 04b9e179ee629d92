/** The sink process: both logs into ClickHouse, until the signal. */
import { hostname } from 'node:os';
import { Svcm } from '@nats-io/services';
import { clickHouseRows, connectClickHouse } from '../../pipelines/runtime/clickhouse.js';
import { connectNats } from '../../pipelines/runtime/jetstream/connect.js';
import { jetstreamCommits } from '../../pipelines/runtime/jetstream/commits.js';
import { jetstreamCuts } from '../../pipelines/runtime/jetstream/cuts.js';
import { jetstreamLeases } from '../../pipelines/runtime/jetstream/leases.js';
import { jetstreamEvents } from '../../pipelines/runtime/jetstream/remains.js';
import { jetstreamLog } from '../../pipelines/runtime/jetstream/log.js';
import { jetstreamMessages } from '../../pipelines/runtime/jetstream/messages.js';
import { stderrLogger } from '../../pipelines/runtime/log-line.js';
import { clickHouseKeptDecisions } from '../../pipelines/runtime/recalls.js';
import { cutBytesMax } from '../../pipelines/runtime/sink.js';
import { runSinks, type SinkProgress } from '../../pipelines/runtime/sinks.js';
import { streams } from '../../schemas/subjects.js';
import type { Endpoints } from '../../servers/endpoints.js';
import { collectSeldom } from '../collector.js';
import { partPatienceMs, type Context } from '../context.js';
import { version } from '../version.js';

export interface SinkStatus extends SinkProgress {
  part: 'sink';
  rssBytes: number;
}

/**
 * The logs are read in portions, and small ones: with 200 ms of events at once nats-server and the sink each took a core for as long as
 * answers may take. Whoever waits for a reply or a warning waits for a portion of OUT.
 */
const portionMs = { events: 50, out: 20 };

export async function runSinkProcess({ config }: Context, endpoints: Endpoints, signal: AbortSignal): Promise<void> {
  collectSeldom();
  const nc = await connectNats(endpoints.nats, 'aftercare sink', partPatienceMs);
  const client = connectClickHouse(endpoints.clickhouse);
  const progress: SinkProgress = { eventsSeq: 0, outSeq: 0, rows: 0, owner: false };
  const status = (): SinkStatus => ({ part: 'sink', ...progress, rssBytes: process.memoryUsage.rss() });
  const service = await new Svcm(nc).add({ name: 'aftercare-sink', version, description: 'Events and decisions into ClickHouse', statsHandler: () => Promise.resolve(status()) });
  service.addEndpoint('status', { subject: 'aftercare.sink.status', handler: (_error, message) => { message.respond(JSON.stringify(status())); } });
  try {
    await runSinks({
      shards: config.AFTERCARE_SHARDS,
      holder: `${hostname()}/${process.pid}`,
      events: jetstreamEvents(nc, portionMs.events),
      out: jetstreamLog(nc, streams.out, portionMs.out),
      commits: jetstreamCommits(nc),
      leases: await jetstreamLeases(nc, config.AFTERCARE_LEASE_MS, config.AFTERCARE_REPLICAS),
      cuts: await jetstreamCuts(nc, config.AFTERCARE_REPLICAS),
      rows: clickHouseRows(client),
      kept: clickHouseKeptDecisions(client),
      messages: jetstreamMessages(nc),
      settings: { rowsMax: config.AFTERCARE_SINK_ROWS, bytesMax: cutBytesMax, lingerMs: config.AFTERCARE_SINK_LINGER_MS },
      logger: stderrLogger('sink'),
    }, progress, signal);
  } finally {
    await service.stop();
    await client.close();
    await nc.drain();
  }
}
