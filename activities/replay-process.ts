/**
 * A replay in a process of its own: a state at its limit takes gigabytes, and folding it must neither hold up the worker's
 * heartbeats nor take the worker down with it. The request comes as one message, progress and the result go back as messages.
 * When whoever asked is gone, it ends.
 */
import { loadKernel } from '../models/recommend/load.js';
import { foldSettings, foldStep, type FoldState } from '../pipelines/fold.js';
import { Folding } from '../pipelines/runtime/folding.js';
import { jetstreamArtefacts } from '../pipelines/runtime/jetstream/artefacts.js';
import { connectNats } from '../pipelines/runtime/jetstream/connect.js';
import { jetstreamEvents } from '../pipelines/runtime/jetstream/remains.js';
import { stderrLogger } from '../pipelines/runtime/log-line.js';
import { replay } from '../pipelines/runtime/replay.js';
import { partHashes } from '../pipelines/runtime/state-hashes.js';
import { AftercareError, messageOf } from '../schemas/errors.js';
import type { ReplayAnswer, ReplayRequest, ReplayResult } from './replay-child.js';

/** No coupon of a replay is meant to be redeemed. */
const noSecret = 'of a replay';
const progressMs = 500;

const send = (answer: ReplayAnswer): Promise<void> => new Promise((resolve) => {
  if (process.send === undefined || !process.connected) process.exit(1);
  process.send(answer, () => resolve());
});

async function run(request: ReplayRequest): Promise<ReplayResult> {
  const { shard, shards, settings, to, eventsPerSecond } = request;
  const nc = await connectNats(request.nats, `aftercare replay of shard ${shard}`, 10_000);
  try {
    const startMs = performance.now();
    const step = foldStep(foldSettings({ ...settings, AFTERCARE_COUPON_SECRET: noSecret }), loadKernel());
    const state: FoldState = step.empty();
    const artefacts = jetstreamArtefacts(nc);
    const folding = new Folding({ shard, shards, step, state, seq: 0, artefacts, emit: () => undefined, logger: stderrLogger('replay') });
    let saidMs = 0;
    const onProgress = (): void => {
      if (performance.now() - saidMs < progressMs) return;
      saidMs = performance.now();
      void send({ type: 'progress', seq: folding.seq, events: folding.events });
    };
    await replay(jetstreamEvents(nc), folding, { shard, to, eventsPerSecond, onProgress });
    const chunks = step.snapshot(state);
    const hashes = await partHashes(folding.seq, chunks);
    const seconds = (performance.now() - startMs) / 1000;
    const gone = folding.gone.map(({ model, version }) => `${model} ${version}`);
    const ref = request.keepAs === undefined ? undefined : await artefacts.put(request.keepAs.name, request.keepAs.version, chunks);
    return { ...hashes, events: folding.events, rejects: folding.rejects, seconds, gone, ...(ref !== undefined && { ref }) };
  } finally {
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
