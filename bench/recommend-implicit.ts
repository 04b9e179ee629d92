/** The peer: Python's `implicit` on the same data. Where it cannot be had the comparison is skipped and the reason printed. */
import type { SuiteOptions } from './main.js';
import { askPython } from './python.js';
import type { Split } from './recommend-ml100k.js';

const packages = ['implicit==0.7.2', 'numpy==1.26.4', 'scipy==1.11.4', 'threadpoolctl==3.8.0', 'tqdm==4.70.1'];

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
def answers(row):
    took = []
    for r in range(-1, job['rounds']):
        for u in job['ask']:
            t = time.perf_counter()
            ids, _ = model.recommend(u, row(u), N=job['k'])
            d = time.perf_counter() - t
            if len(ids) != job['k']: raise SystemExit('an answer of %d items' % len(ids))
            if r >= 0: took.append(d)
    took.sort()
    return {'perS': len(took) / sum(took), 'p50Ms': 1e3 * took[len(took) // 2], 'p99Ms': 1e3 * took[int(len(took) * .99)]}
print(json.dumps({**answers(lambda u: m[u]), 'prepared': answers(lambda u: rows[u]), 'buildS': built}))
`;

export interface Timing { perS: number; p50Ms: number; p99Ms: number }

/** A query takes the customer's row out of the matrix, as its documentation does; `prepared`: all rows were taken out before. */
export interface PeerTiming extends Timing { prepared: Timing; buildS: number }

/** undefined when it cannot be had here. */
export async function askImplicit({ train, test }: Split, k: number, rounds: number, say: SuiteOptions['say']): Promise<PeerTiming | undefined> {
  const ids = (names: Map<string, number>, name: string): number => names.get(name) ?? names.set(name, names.size).size - 1;
  const [users, items] = [new Map<string, number>(), new Map<string, number>()];
  const job = { users: train.map(({ customer }) => ids(users, customer)), items: train.map(({ item }) => ids(items, item)), ask: [...test.keys()].map((customer) => ids(users, customer)), k, rounds };
  const timing = await askPython<PeerTiming>({ name: 'implicit-0.7.2', packages }, program, job, 'recommend.vs_implicit', say);
  if (timing !== undefined) say(`implicit: built in ${timing.buildS.toFixed(2)} s, ${timing.perS.toFixed(0)} answers/s, p99 ${timing.p99Ms.toFixed(3)} ms; ${timing.prepared.perS.toFixed(0)} with every row at hand`);
  return timing;
}
