/** Shards of the toy step in a process of their own, so that a test can kill it: TEST_SHARDS holds where everything is. */
import { connectNats, type NatsEndpoint } from '../../pipelines/runtime/jetstream/connect.js';
import { jetstreamArtefacts } from '../../pipelines/runtime/jetstream/artefacts.js';
import { jetstreamCommits } from '../../pipelines/runtime/jetstream/commits.js';
import { jetstreamLeases } from '../../pipelines/runtime/jetstream/leases.js';
import { jetstreamLog } from '../../pipelines/runtime/jetstream/log.js';
import { stderrLogger } from '../../pipelines/runtime/log-line.js';
import { defaultShardSettings, runShard } from '../../pipelines/runtime/shard.js';
import { snapshotFiles } from '../../pipelines/runtime/snapshot-files.js';
import { streams } from '../../schemas/subjects.js';
import { toyStep } from '../support/toy-step.js';

const { nats, snapshots, shards } = JSON.parse(process.env.TEST_SHARDS ?? '') as { nats: NatsEndpoint; snapshots: string; shards: number };
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
const nc = await connectNats(nats, 'test shards', 10_000);
const logger = stderrLogger('shard');
const shared = {
  shards, holder: String(process.pid), events: jetstreamLog(nc, streams.events), commits: jetstreamCommits(nc), artefacts: jetstreamArtefacts(nc),
  leases: await jetstreamLeases(nc, 1000, 1), snapshots: snapshotFiles(snapshots, logger), step: toyStep,
  settings: { ...defaultShardSettings, snapshotMessages: 300, snapshotMs: 200 }, logger,
};
await Promise.all(Array.from({ length: shards }, (_, shard) => runShard({ ...shared, shard }, stop.signal)));
await nc.drain();
