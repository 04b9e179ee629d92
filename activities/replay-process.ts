/**
 * A replay in a process of its own: a state at its limit takes gigabytes, and folding it must neither hold up the worker's
 * heartbeats nor take the worker down with it. The request comes as one message, progress and the result go back as messages.
 * When whoever asked is gone, it ends.
 */
import { loadKernel } from '../models/recommend/load.js';
import { foldSettings, foldStep } from '../pipelines/fold.js';
import { clickHouseRows, connectClickHouse } from '../pipelines/runtime/clickhouse.js';
import { Folding } from '../pipelines/runtime/folding.js';
import { jetstreamArtefacts } from '../pipelines/runtime/jetstream/artefacts.js';
import { connectNats } from '../pipelines/runtime/jetstream/connect.js';
import { jetstreamEvents } from '../pipelines/runtime/jetstream/remains.js';
import { stderrLogger } from '../pipelines/runtime/log-line.js';
import { replay } from '../pipelines/runtime/replay.js';
import { partHashes } from '../pipelines/runtime/state-hashes.js';
import { AftercareError, messageOf } from '../schemas/errors.js';
import type { Decision } from '../pipelines/step.js';
import { createBackfill } from './backfill-run.js';
import type { ReplayAnswer, ReplayRequest, ReplayResult } from './replay-child.js';
import { replayStops } from './replay-stops.js';

/** No coupon of a replay is meant to be redeemed. */
const noSecret = 'of a replay';
const progressMs = 500;

const send = (answer: ReplayAnswer): Promise<void> => new Promise((resolve) => {
  if (process.send === undefined || !process.connected) process.exit(1);
  process.send(answer, () => resolve());
});

async function run(request: ReplayRequest): Promise<ReplayResult> {
  const { shard, shards, settings, to, eventsPerSecond, keepAs, stopsIn, backfill } = request;
  const nc = await connectNats(request.nats, `aftercare replay of shard ${shard}`, 10_000);
  const store = backfill === undefined ? undefined : connectClickHouse(backfill.clickhouse);
  try {
    const startMs = performance.now();
    const step = foldStep(foldSettings({ ...settings, AFTERCARE_COUPON_SECRET: noSecret }), loadKernel());
    const logger = stderrLogger('replay');
    const stops = stopsIn === undefined ? undefined : replayStops(stopsIn, shard, settings.AFTERCARE_SNAPSHOT_MS, step, logger);
    const found = await stops?.newest(to);
    const state = found?.state ?? step.empty();
    const artefacts = jetstreamArtefacts(nc);
    const shares = () => [...state.models.versions].flatMap(([name, { version, percent = 0 }]) => (percent > 0 ? [{ name, version }] : []));
    const filling = backfill === undefined || store === undefined ? undefined : createBackfill({ ...backfill, shard, shards, to, rows: clickHouseRows(store), artefacts, shares });
    const emit = (decision: Decision): void => filling?.emit(decision);
    const folding = new Folding({ shard, shards, step, state, seq: found?.seq ?? 0, artefacts, emit, logger });
    if (found !== undefined) {
      folding.events = found.events;
      folding.rejects = found.rejects;
      folding.gone.push(...found.gone);
    }
    filling?.start(folding);
    let saidMs = 0;
    const onProgress = (): void => {
      if (performance.now() - saidMs < progressMs) return;
      saidMs = performance.now();
      void send({ type: 'progress', progress: { seq: folding.seq, events: folding.events, ...(filling !== undefined && { done: filling.done }) } });
    };
    await replay(jetstreamEvents(nc), folding, { shard, to, eventsPerSecond, before: filling?.before ?? (() => stops?.before(folding, state)), skips: filling?.skips, onProgress });
    await filling?.end();
    const { events, rejects } = folding;
    const seconds = (performance.now() - startMs) / 1000;
    const gone = folding.gone.map(({ model, version }) => `${model} ${version}`);
    const common = { events, rejects, seconds, gone, resumedAt: found?.seq ?? 0 };
    if (filling !== undefined) return { ...common, seq: folding.seq, parts: {}, bytes: 0, rows: filling.rows };
    const chunks = step.snapshot(state);
    const hashes = await partHashes(folding.seq, chunks);
    const ref = keepAs === undefined ? undefined : await artefacts.put(keepAs.name, keepAs.version, chunks);
    return { ...hashes, ...common, ...(ref !== undefined && { ref }) };
  } finally {
    await store?.close();
    await nc.close();
  }
}

process.once('disconnect', () => process.exit(1));
process.once('message', (request) => {
  run(request as ReplayRequest)
    .then((result) => send({ type: 'done', result }))
    .catch((error: unknown) => send({ type: 'failed', code: error instanceof AftercareError ? error.code : 'unavailable', message: messageOf(error) }))
    .finally(() => process.exit(0));
});
