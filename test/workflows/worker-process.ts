/** A worker in a process of its own, so that a test can kill it: TEST_WORKER holds where everything is. */
import { runWorker } from '../../cli/parts/worker.js';
import { stderrLogger } from '../../pipelines/runtime/log-line.js';
import type { Endpoints } from '../../servers/endpoints.js';

const { endpoints, bundlePath, stops } = JSON.parse(process.env.TEST_WORKER ?? '') as { endpoints: Endpoints; bundlePath: string; stops: string };
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort());
await runWorker({ endpoints, bundlePath, stops, trainThreads: 2, signal: stop.signal, logger: stderrLogger('worker') });
