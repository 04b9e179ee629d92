/**
 * The peers: scikit-learn and river in a virtual environment of their own under the cache directory, made at the first run.
 * Where Python, the registry or the import fails, the comparison is skipped and the reason printed.
 *
 * A matrix goes to them as a file of little-endian doubles:  N | D | X, N * D, row-major | y, N
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SuiteOptions } from './main.js';
import type { Matrix } from './risk-credit.js';

const run = promisify(execFile);
const packages = ['scikit-learn==1.9.1', 'numpy==2.4.6', 'scipy==1.17.1', 'joblib==1.6.0', 'threadpoolctl==3.8.0', 'narwhals==2.29.0', 'river==0.26.1'];
const installMs = 240_000;
const answerMs = 400_000;

const load = `
import json, sys, time
import numpy as np
def matrix(path):
    raw = np.fromfile(path, dtype='<f8')
    n, d = int(raw[0]), int(raw[1])
    return raw[2:2 + n * d].reshape(n, d), raw[2 + n * d:].astype(int)
job = json.loads(sys.argv[1])
X, y = matrix(job['file'])
`;

/** Scales by the training rows, fits both models, prints their AUC on the test rows and the processor time of the best round. */
const sklearn = `${load}
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
cut, rows = job['cut'], job['svmRows']
s = StandardScaler().fit(X[:cut])
X = s.transform(X)
def timed(model, a, b):
    times = []
    for _ in range(job['rounds']):
        t = time.process_time()
        model.fit(X[a:b], y[a:b])
        times.append(time.process_time() - t)
    return {'auc': roc_auc_score(y[cut:], model.decision_function(X[cut:])), 's': min(times)}
print(json.dumps({
    'logistic': timed(LogisticRegression(C=1 / job['l2'], tol=1e-6, max_iter=5000), 0, cut),
    'svm': timed(SVC(C=job['C'], gamma=job['gamma'], class_weight='balanced'), cut - rows, cut),
}))
`;

/** StandardScaler and LogisticRegression, predict then learn, over all rows; making the dicts is not counted. Processor time, the best of the rounds. */
const river = `${load}
from river import linear_model, optim, preprocessing
rows = [dict(zip(job['names'], row)) for row in X.tolist()]
labels = [bool(v) for v in y]
took = []
for _ in range(job['rounds']):
    model = preprocessing.StandardScaler() | linear_model.LogisticRegression(optim.SGD(job['rate']))
    scores = []
    t = time.process_time()
    for x, label in zip(rows, labels):
        scores.append(model.predict_proba_one(x).get(True, .5))
        model.learn_one(x, label)
    took.append(time.process_time() - t)
print(json.dumps({'perS': len(rows) / min(took), 'scores': scores}))
`;

/** The same with late verdicts: the last column is the time; a row is learned as it was, when its delay is over. */
const riverDelayed = `${load}
from collections import deque
from river import linear_model, optim, preprocessing
model = preprocessing.StandardScaler() | linear_model.LogisticRegression(optim.SGD(job['rate']))
waiting, scores = deque(), []
for values, label in zip(X.tolist(), y):
    at = values.pop()
    while waiting and waiting[0][0] + job['delayMs'] <= at:
        _, before, truth = waiting.popleft()
        model.learn_one(before, truth)
    x = dict(zip(job['names'], values))
    scores.append(model.predict_proba_one(x).get(True, .5))
    waiting.append((at, x, bool(label)))
print(json.dumps({'scores': scores}))
`;

export interface SklearnJob { cut: number; svmRows: number; l2: number; C: number; gamma: number; rounds: number }
export interface SklearnAnswer { logistic: { auc: number; s: number }; svm: { auc: number; s: number } }
export interface RiverAnswer { perS: number; scores: number[] }

export const askSklearn = (matrix: Matrix, job: SklearnJob, say: SuiteOptions['say']): Promise<SklearnAnswer | undefined> => ask('scikit-learn', sklearn, matrix, job, say);
export const askRiver = (matrix: Matrix, job: { rate: number; names: string[]; rounds: number }, say: SuiteOptions['say']): Promise<RiverAnswer | undefined> => ask('river', river, matrix, job, say);

/** @param rows  D columns of X, their names, and the time of each row, ascending */
export function askRiverDelayed({ names, X, y, atMs }: Matrix & { atMs: Float64Array }, job: { rate: number; delayMs: number }, say: SuiteOptions['say']): Promise<{ scores: number[] } | undefined> {
  const D = names.length;
  const timed = new Float64Array(y.length * (D + 1));
  for (let i = 0; i < y.length; i += 1) {
    timed.set(X.subarray(i * D, (i + 1) * D), i * (D + 1));
    timed[i * (D + 1) + D] = atMs[i];
  }
  return ask('river', riverDelayed, { names: [...names, 'at'], X: timed, y }, { ...job, names }, say);
}

async function ask<T>(peer: string, program: string, matrix: Matrix, job: object, say: SuiteOptions['say']): Promise<T | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'aftercare-bench-'));
  try {
    const python = await environment(say);
    const file = join(folder, 'matrix.bin');
    writeMatrix(file, matrix);
    // One thread, as ours.
    const env = { ...process.env, OPENBLAS_NUM_THREADS: '1', OMP_NUM_THREADS: '1' };
    const { stdout } = await run(python, ['-c', program, JSON.stringify({ ...job, file })], { timeout: answerMs, maxBuffer: 1 << 26, env });
    return JSON.parse(stdout) as T;
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    say(`the comparison with ${peer} is skipped: ${(stderr === undefined || stderr === '' ? message : stderr).trim().split('\n').slice(-1).join()}`);
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function writeMatrix(file: string, { X, y, names }: Matrix): void {
  writeFileSync(file, new Uint8Array(Float64Array.of(y.length, names.length).buffer));
  writeFileSync(file, new Uint8Array(X.buffer, X.byteOffset, X.byteLength), { flag: 'a' });
  writeFileSync(file, new Uint8Array(Float64Array.from(y).buffer), { flag: 'a' });
}

/** Made aside and renamed: an install that broke off is never used. Python finds its packages by its own path, wherever the folder lies. */
async function environment(say: SuiteOptions['say']): Promise<string> {
  const base = process.env.XDG_CACHE_HOME;
  const root = join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'aftercare');
  const target = join(root, 'bench-risk-sklearn-1.9.1-river-0.26.1');
  const python = join(target, 'bin', 'python3');
  if (existsSync(python)) return python;
  say('installing scikit-learn and river into a virtual environment, once');
  mkdirSync(root, { recursive: true });
  const aside = mkdtempSync(join(root, '.bench-risk-'));
  try {
    await run('python3', ['-m', 'venv', aside], { timeout: installMs });
    await run(join(aside, 'bin', 'python3'), ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary=:all:', ...packages], { timeout: installMs });
    renameSync(aside, target);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
  return python;
}
