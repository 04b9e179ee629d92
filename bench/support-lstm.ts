/**
 * The LSTM engine: one training step, and one answer, beside the naive twin and PyTorch on one thread. All start from the same
 * numbers and take the same batches, full sentences of random words (the most work a batch of that size can be); the losses of
 * the first steps must agree before anything is timed.
 *
 * Steps are timed by processor time, so that other processes on the machine count against nobody; answers by the clock.
 */
import { createFastEngine } from '../models/lstm/fast.js';
import { createNaiveEngine } from '../models/lstm/naive.js';
import { createNetwork, type Network } from '../models/lstm/network.js';
import { lengthOf, parameterNames, type LstmShape } from '../models/lstm/shape.js';
import type { CreateEngine } from '../models/lstm/engine.js';
import { createUniform } from '../models/random.js';
import type { SuiteOptions } from './main.js';
import { askPython } from './python.js';
import { quantile, row, type Row } from './report.js';

const shape: LstmShape = { V: 8000, E: 64, H1: 64, H2: 32, C: 77, head: 'last' };
const [B, T] = [32, 20];
const [steps, naiveSteps, warmUp, checked] = [200, 20, 20, 5];
/** Steps between two looks at the processor's clock, as a look takes a fiftieth of a step. */
const atATime = 5;
const answers = 3000;
/** What float32 and another order of sums make of a loss of 4.3 within five steps. */
const tolerance = 1e-4;
const torch = { name: 'torch-2.15.0', packages: ['torch==2.15.0', 'numpy==2.4.6'] };

const program = `
import json, sys, time, resource
import numpy as np, torch
from torch import nn
torch.set_num_threads(1)
job = json.load(sys.stdin)
s = job['shape']
B, T = job['B'], job['T']
tokens = torch.tensor(job['tokens']).reshape(-1, B, T)
targets = torch.tensor(job['targets']).reshape(-1, B)
def build():
    m = nn.ModuleDict({'e': nn.Embedding(s['V'], s['E']), 'a': nn.LSTM(s['E'], s['H1'], batch_first=True), 'b': nn.LSTM(s['H1'], s['H2'], batch_first=True), 'd': nn.Linear(s['H2'], s['C'])})
    ps = [m['e'].weight, m['a'].weight_ih_l0, m['a'].weight_hh_l0, m['a'].bias_ih_l0, m['b'].weight_ih_l0, m['b'].weight_hh_l0, m['b'].bias_ih_l0, m['d'].weight, m['d'].bias]
    with torch.no_grad():
        for i, p in enumerate(ps):
            v = .2 * np.sin(.7 * np.arange(p.numel()) + i)
            turned = i in (1, 2, 4, 5, 7)
            p.copy_(torch.from_numpy((v.reshape(p.shape[::-1]).T if turned else v.reshape(p.shape)).astype(np.float32)))
        for l in 'ab':
            m[l].bias_hh_l0.requires_grad_(False).zero_()
    return m
def forward(m, x):
    x, _ = m['a'](m['e'](x))
    _, (h, _) = m['b'](x)
    return m['d'](h[0])
def train(fused):
    m = build()
    o = torch.optim.Adam([p for p in m.parameters() if p.requires_grad], lr=1e-3, eps=1e-7, fused=fused)
    took, losses, n = [], [], job['atATime']
    for i in range(0, len(tokens), n):
        t = time.process_time()
        for x, y in zip(tokens[i:i + n], targets[i:i + n]):
            o.zero_grad()
            loss = nn.functional.cross_entropy(forward(m, x), y)
            loss.backward()
            o.step()
            losses.append(loss.item())
        took.append((time.process_time() - t) / n * 1e3)
    return m, losses, float(np.median(took[job['warmUp'] // n:]))
m, losses, step = train(False)
_, _, fused = train(True)
took = []
with torch.inference_mode():
    for _ in range(job['answers']):
        t = time.perf_counter()
        forward(m, tokens[0, :1])
        took.append((time.perf_counter() - t) * 1e3)
took = sorted(took[job['answers'] // 10:])
print(json.dumps({'losses': losses[:job['checked']], 'stepMs': step, 'fusedMs': fused, 'inferMs': took[int(.99 * len(took))], 'rssMb': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
`;

interface Peer {
  losses: number[];
  stepMs: number;
  fusedMs: number;
  inferMs: number;
  rssMb: number;
}

interface Batches {
  tokens: Int32Array;
  targets: Int32Array;
}

function batches(): Batches {
  const uniform = createUniform(11);
  return {
    tokens: Int32Array.from({ length: steps * B * T }, () => 1 + Math.floor(uniform() * (shape.V - 1))),
    targets: Int32Array.from({ length: steps * B }, () => Math.floor(uniform() * shape.C)),
  };
}

function start(engine: CreateEngine): Network {
  const network = createNetwork(shape, 1, { engine, clipNorm: Infinity });
  parameterNames.forEach((name, i) => network.set(name, Float32Array.from({ length: lengthOf(shape, name) }, (_, at) => 0.2 * Math.sin(0.7 * at + i))));
  return network;
}

const processorMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const median = (values: readonly number[]): number => quantile(Float64Array.from(values).sort(), 0.5);

function train(network: Network, { tokens, targets }: Batches, count: number, warm: number): { losses: number[]; ms: number } {
  const [losses, took]: [number[], number[]] = [[], []];
  for (let step = 0; step < count; step += atATime) {
    const started = processorMs();
    for (let s = step; s < step + atATime; s += 1) losses.push(network.trainStep(tokens.subarray(s * B * T, (s + 1) * B * T), targets.subarray(s * B, (s + 1) * B), B, T));
    took.push((processorMs() - started) / atATime);
  }
  return { losses: losses.slice(0, checked), ms: median(took.slice(warm / atATime)) };
}

/** One sentence of T words, by the clock. */
function inferMs(network: Network, { tokens }: Batches): { p50: number; p99: number } {
  const took: number[] = [];
  for (let i = 0; i < answers; i += 1) {
    const started = performance.now();
    const logits = network.infer(tokens.subarray(0, T));
    took.push(performance.now() - started);
    if (logits.length !== shape.C || !Number.isFinite(logits[0])) throw new Error('bench: infer gave no logits');
  }
  const sorted = Float64Array.from(took.slice(answers / 10)).sort();
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
}

function agree(who: string, losses: readonly number[], ours: readonly number[]): void {
  const most = Math.max(...losses.map((loss, i) => Math.abs(loss - ours[i])));
  if (!(losses.length === checked && most <= tolerance)) throw new Error(`bench: the losses of ${who} are ${losses.join(', ')}, of the kernels ${ours.join(', ')}`);
}

export async function lstmRows(say: SuiteOptions['say']): Promise<Row[]> {
  const data = batches();
  const fast = start(createFastEngine);
  const ours = train(fast, data, steps, warmUp);
  const answer = inferMs(fast, data);
  const naive = train(start(createNaiveEngine), data, naiveSteps, atATime);
  agree('the naive twin', naive.losses, ours.losses);
  const job = { shape, B, T, tokens: [...data.tokens], targets: [...data.targets], warmUp, atATime, answers, checked };
  const peer = await askPython<Peer>(torch, program, job, 'support.lstm', say);
  if (peer !== undefined) agree('PyTorch', peer.losses, ours.losses);
  const told = peer === undefined ? 'PyTorch -' : `PyTorch ${peer.stepMs.toFixed(2)} (fused Adam ${peer.fusedMs.toFixed(2)}), ${peer.rssMb.toFixed(0)} MB`;
  say(`support.lstm: a step takes ${ours.ms.toFixed(2)} ms, naive ${naive.ms.toFixed(1)}, ${told}; an answer p50 ${answer.p50.toFixed(3)} ms, p99 ${answer.p99.toFixed(3)}`);
  return [
    row('support.lstm.step_ms', ours.ms, 'ms', peer?.stepMs ?? null, 'PyTorch, one thread, Adam'),
    ...(peer === undefined ? [] : [row('support.lstm.step_vs_fused', ours.ms, 'ms', peer.fusedMs, 'PyTorch, one thread, fused Adam')]),
    row('support.lstm.step_vs_naive', naive.ms / ours.ms, 'times'),
    row('support.lstm.infer_p99_ms', answer.p99, 'ms', peer?.inferMs ?? null, 'PyTorch, one thread'),
  ];
}
