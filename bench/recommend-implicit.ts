/**
 * The peer: `implicit` in a virtual environment of its own under the cache directory, made at the first run. Where Python,
 * the registry or the import fails, the comparison is skipped and the reason printed.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SuiteOptions } from './main.js';
import type { Split } from './recommend-ml100k.js';

const run = promisify(execFile);
const packages = ['implicit==0.7.2', 'numpy==1.26.4', 'scipy==1.11.4', 'threadpoolctl==3.8.0', 'tqdm==4.70.1'];
const installMs = 180_000;

/** Reads `user item` lines, answers each user of the second block one by one, prints one JSON object. */
const program = `
import json, sys, time
import numpy as np
from scipy.sparse import csr_matrix
from implicit.nearest_neighbours import CosineRecommender
job = json.load(sys.stdin)
users, items = np.array(job['users']), np.array(job['items'])
m = csr_matrix((np.ones(len(users)), (users, items)))
model = CosineRecommender(K=50)
started = time.perf_counter()
model.fit(m, show_progress=False)
built = time.perf_counter() - started
rows = {u: m[u] for u in job['ask']}
took, hits, relevant = [], 0, 0
for r in range(-1, job['rounds']):
    for u in job['ask']:
        t = time.perf_counter()
        ids, _ = model.recommend(u, rows[u], N=job['k'])
        d = time.perf_counter() - t
        if len(ids) != job['k']: raise SystemExit('an answer of %d items' % len(ids))
        if r >= 0: took.append(d)
took.sort()
print(json.dumps({'perS': len(took) / sum(took), 'p50Ms': 1e3 * took[len(took) // 2], 'p99Ms': 1e3 * took[int(len(took) * .99)], 'buildS': built}))
`;

export interface PeerTiming { perS: number; p50Ms: number; p99Ms: number; buildS: number }

/** undefined when it cannot be had here. Building a row of its matrix for a query is not counted. */
export async function askImplicit({ train, test }: Split, k: number, rounds: number, say: SuiteOptions['say']): Promise<PeerTiming | undefined> {
  try {
    const python = await environment(say);
    const ids = (names: Map<string, number>, name: string): number => names.get(name) ?? names.set(name, names.size).size - 1;
    const [users, items] = [new Map<string, number>(), new Map<string, number>()];
    const job = { users: train.map(({ customer }) => ids(users, customer)), items: train.map(({ item }) => ids(items, item)), ask: [...test.keys()].map((customer) => ids(users, customer)), k, rounds };
    const started = run(python, ['-c', program], { timeout: 120_000, env: { ...process.env, OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1' } });
    started.child.stdin?.end(JSON.stringify(job));
    const timing = JSON.parse((await started).stdout) as PeerTiming;
    say(`implicit: built in ${timing.buildS.toFixed(2)} s, ${timing.perS.toFixed(0)} answers/s, p99 ${timing.p99Ms.toFixed(3)} ms`);
    return timing;
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    say(`recommend.vs_implicit is skipped: ${(stderr === undefined || stderr === '' ? message : stderr).trim().split('\n').slice(-1).join()}`);
    return undefined;
  }
}

/** Made aside and renamed: an install that broke off is never used. Python finds its packages by its own path, wherever the folder lies. */
async function environment(say: SuiteOptions['say']): Promise<string> {
  const base = process.env.XDG_CACHE_HOME;
  const root = join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'aftercare');
  const target = join(root, 'bench-implicit-0.7.2');
  const python = join(target, 'bin', 'python3');
  if (existsSync(python)) return python;
  say('installing implicit into a virtual environment, once');
  mkdirSync(root, { recursive: true });
  const aside = mkdtempSync(join(root, '.bench-implicit-'));
  try {
    await run('python3', ['-m', 'venv', aside], { timeout: installMs });
    await run(join(aside, 'bin', 'python3'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary=:all:', ...packages], { timeout: installMs });
    renameSync(aside, target);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  return python;
}
