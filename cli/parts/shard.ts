/** A shard process: the loop and the services of the shards that it owns, until the signal. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setImmediate as yieldToIo } from 'node:timers/promises';
import { loadKernel } from '../../models/recommend/load.js';
import { foldSettings, foldStep, type FoldState } from '../../pipelines/fold.js';
import { jetstreamArtefacts } from '../../pipelines/runtime/jetstream/artefacts.js';
import { connectNats } from '../../pipelines/runtime/jetstream/connect.js';
import { jetstreamCommits } from '../../pipelines/runtime/jetstream/commits.js';
import { jetstreamLeases } from '../../pipelines/runtime/jetstream/leases.js';
import { jetstreamForgotten } from '../../pipelines/runtime/jetstream/forgotten.js';
import { jetstreamEvents } from '../../pipelines/runtime/jetstream/remains.js';
import { stderrLogger } from '../../pipelines/runtime/log-line.js';
import { serveShard } from '../../pipelines/runtime/serve.js';
import { defaultShardSettings, runShard, type ShardParts } from '../../pipelines/runtime/shard.js';
import { snapshotFiles } from '../../pipelines/runtime/snapshot-files.js';
import type { SupportSettings } from '../../pipelines/support/settings.js';
import { warmUpSupport } from '../../pipelines/support/starter.js';
import { messageOf } from '../../schemas/errors.js';
import { publicConfig } from '../../schemas/config.js';
import type { Endpoints } from '../../servers/endpoints.js';
import { collectSeldom } from '../collector.js';
import { partPatienceMs, type Context } from '../context.js';
import { couponSecret } from '../coupon-secret.js';
import { version } from '../version.js';

export async function runShardProcess(context: Context, endpoints: Endpoints, shardNumbers: readonly number[], signal: AbortSignal): Promise<void> {
  collectSeldom();
  const { config, dataDir } = context;
  const nc = await connectNats(endpoints.nats, `aftercare shard ${shardNumbers.join(',')}`, partPatienceMs);
  const logger = stderrLogger('shard');
  const shards = config.AFTERCARE_SHARDS;
  const artefacts = jetstreamArtefacts(nc);
  const forgotten = await jetstreamForgotten(nc, config.AFTERCARE_REPLICAS);
  const settings = foldSettings(config, couponSecret(context));
  const shared: Omit<ShardParts<FoldState>, 'shard'> = {
    shards,
    holder: `${hostname()}/${process.pid}`,
    events: jetstreamEvents(nc),
    commits: jetstreamCommits(nc),
    artefacts,
    leases: await jetstreamLeases(nc, config.AFTERCARE_LEASE_MS, config.AFTERCARE_REPLICAS),
    floorOf: (shard) => forgotten.floorOf(shard),
    snapshots: snapshotFiles(join(dataDir, 'snapshots'), logger),
    step: foldStep(settings, loadKernel()),
    settings: { ...defaultShardSettings, snapshotMessages: config.AFTERCARE_SNAPSHOT_MESSAGES, snapshotMs: config.AFTERCARE_SNAPSHOT_MS },
    logger,
    async onLive(live) {
      const stop = await serveShard(live, { nc, shards, version, settings: publicConfig(config), artefacts });
      void warmUp(settings.support).catch((error: unknown) => logger('warn', 'support could not be warmed up', { reason: messageOf(error) }));
      return stop;
    },
  };
  try {
    await Promise.all(shardNumbers.map((shard) => runShard({ ...shared, shard }, signal)));
  } finally {
    await nc.drain();
  }
}

/** What the first ticket would wait for, some half a second in all: after the shard is live, and in parts, so that the lease is renewed between them. */
async function warmUp(settings: SupportSettings): Promise<void> {
  for (const part of warmUpSupport(settings)) {
    await yieldToIo();
    part();
  }
}
