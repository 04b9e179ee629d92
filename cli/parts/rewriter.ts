/** The rewriter process: replies in a large model's words, until the signal. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { Svcm } from '@nats-io/services';
import { connectNats } from '../../pipelines/runtime/jetstream/connect.js';
import { jetstreamCuts } from '../../pipelines/runtime/jetstream/cuts.js';
import { jetstreamLeases } from '../../pipelines/runtime/jetstream/leases.js';
import { jetstreamLog } from '../../pipelines/runtime/jetstream/log.js';
import { jetstreamMessages } from '../../pipelines/runtime/jetstream/messages.js';
import { stderrLogger } from '../../pipelines/runtime/log-line.js';
import { createRewriter, type RewriterSettings } from '../../pipelines/runtime/rewriter.js';
import { runRewriter, type RewriterProgress } from '../../pipelines/runtime/rewriter-loop.js';
import type { Config } from '../../schemas/config.js';
import { AftercareError, messageOf } from '../../schemas/errors.js';
import { streams } from '../../schemas/subjects.js';
import type { Endpoints } from '../../servers/endpoints.js';
import { partPatienceMs, type Context } from '../context.js';
import { version } from '../version.js';

export interface RewriterStatus extends RewriterProgress {
  part: 'rewriter';
  rssBytes: number;
}

/** Five in a row are no accident, and half a minute is what a model takes to be loaded again. */
const patience = { failuresMax: 5, restMs: 30_000 };
/** Beyond it nobody waits for better words. */
const freshMs = 10 * 60_000;

export async function runRewriterProcess({ config }: Context, endpoints: Endpoints, signal: AbortSignal): Promise<void> {
  const settings = rewriterSettings(config);
  const nc = await connectNats(endpoints.nats, 'aftercare rewriter', partPatienceMs);
  const progress: RewriterProgress = { seq: 0, rewritten: 0, kept: {}, owner: false };
  const status = (): RewriterStatus => ({ part: 'rewriter', ...progress, rssBytes: process.memoryUsage.rss() });
  const service = await new Svcm(nc).add({ name: 'aftercare-rewriter', version, description: 'Replies in a large model\'s words', statsHandler: () => Promise.resolve(status()) });
  service.addEndpoint('status', { subject: 'aftercare.rewriter.status', handler: (_error, message) => { message.respond(JSON.stringify(status())); } });
  try {
    await runRewriter({
      holder: `${hostname()}/${process.pid}`,
      log: jetstreamLog(nc, streams.decisions),
      leases: await jetstreamLeases(nc, config.AFTERCARE_LEASE_MS, config.AFTERCARE_REPLICAS),
      cuts: await jetstreamCuts(nc, config.AFTERCARE_REPLICAS),
      messages: jetstreamMessages(nc),
      rewriter: createRewriter(settings),
      model: settings.model,
      freshMs,
      logger: stderrLogger('rewriter'),
    }, progress, signal);
  } finally {
    await service.stop();
    await nc.drain();
  }
}

/** @throws AftercareError bad_config that names the setting, and never the key */
export function rewriterSettings(config: Config): RewriterSettings {
  const bad = (message: string, cause?: unknown): never => { throw new AftercareError('bad_config', message, { cause }); };
  const { AFTERCARE_LLM_URL: url, AFTERCARE_LLM_MODEL: model, AFTERCARE_LLM_KEY: given, AFTERCARE_LLM_KEY_FILE: path } = config;
  if (url === '') return bad('AFTERCARE_LLM_URL is empty, and the rewriter needs it; set it, or run none');
  if (model === '') return bad('AFTERCARE_LLM_MODEL is empty; name the model that AFTERCARE_LLM_URL serves');
  if (given !== '' && path !== '') return bad('AFTERCARE_LLM_KEY and AFTERCARE_LLM_KEY_FILE are both set; leave one out');
  const key = path === '' ? given : readKey(path, bad);
  // fetch would say no to it with the key in its message.
  if (/[^\x21-\x7e]/.test(key)) return bad(`${path === '' ? 'AFTERCARE_LLM_KEY' : `the key in ${path}`} has a character that no header can carry; give printable ASCII on one line`);
  return { url, model, key: key === '' ? undefined : key, timeoutMs: config.AFTERCARE_LLM_TIMEOUT_MS, ...patience };
}

function readKey(path: string, bad: (message: string, cause?: unknown) => never): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    return bad(`AFTERCARE_LLM_KEY_FILE="${path}" cannot be read: ${messageOf(cause)}`, cause);
  }
}
