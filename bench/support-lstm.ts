/**
 * The LSTM engine: one training step, on one thread and on two, and one answer, beside the naive twin and PyTorch on one thread.
 * All start from the same numbers and take the same batches, full sentences of random words (the most work a batch of that size
 * can be); the losses of the first steps must agree before anything is timed, and two threads must end with the bits of one.
 *
 * In rounds, ours and PyTorch by turns. One thread is timed by processor time, so that other processes on the machine count
 * against nobody. Two threads are timed by the clock, and so is PyTorch beside them: their gain is the time that somebody waits,
 * and it needs two cores that nobody else is at. Answers are timed by the clock.
 */
import { startPair } from '../models/lstm/crew.js';
import { createFastEngine, fastEngineOn } from '../models/lstm/fast.js';
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
const rounds = 4;
/** Steps between two looks at the processor's clock, as a look takes a fiftieth of a step. */
const atATime = 5;
const answers = 3000;
const begunMs = 10_000;
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
        t, w = time.process_time(), time.perf_counter()
        for x, y in zip(tokens[i:i + n], targets[i:i + n]):
            o.zero_grad()
            loss = nn.functional.cross_entropy(forward(m, x), y)
            loss.backward()
            o.step()
            losses.append(loss.item())
        took.append([(time.process_time() - t) / n * 1e3, (time.perf_counter() - w) / n * 1e3])
    cpu, wall = np.array(took[job['warmUp'] // n:]).T
    return m, losses, {'cpu': cpu.tolist(), 'wall': wall.tolist()}
m, losses, step = train(False)
_, _, fused = train(True)
took = []
with torch.inference_mode():
    for _ in range(job['answers']):
        t = time.perf_counter()
        forward(m, tokens[0, :1])
        took.append((time.perf_counter() - t) * 1e3)
took = sorted(took[job['answers'] // 10:])
print(json.dumps({'losses': losses[:job['checked']], 'step': step, 'fused': fused, 'inferMs': took[int(.99 * len(took))], 'rssMb': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
`;

/** Milliseconds of a step, each of them over a few. */
interface Timed {
  cpu: number[];
  wall: number[];
}

interface Peer {
  losses: number[];
  step: Timed;
  fused: Timed;
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

function train(network: Network, { tokens, targets }: Batches, count: number, warm: number): Timed & { losses: number[] } {
  const [losses, cpu, wall]: [number[], number[], number[]] = [[], [], []];
  for (let step = 0; step < count; step += atATime) {
    const [started, startedCpu] = [performance.now(), processorMs()];
    for (let s = step; s < step + atATime; s += 1) losses.push(network.trainStep(tokens.subarray(s * B * T, (s + 1) * B * T), targets.subarray(s * B, (s + 1) * B), B, T));
    cpu.push((processorMs() - startedCpu) / atATime);
    wall.push((performance.now() - started) / atATime);
  }
  const first = warm / atATime;
  return { losses: losses.slice(0, checked), cpu: cpu.slice(first), wall: wall.slice(first) };
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

/** Over all rounds: the usual one, and the best, which others on the machine spoil least. */
function over(timed: readonly Timed[], clock: keyof Timed): { ms: number; best: number } {
  const all = timed.flatMap((one) => one[clock]);
  return { ms: median(all), best: Math.min(...all) };
}

const told = ({ ms, best }: { ms: number; best: number }): string => `${ms.toFixed(2)} (best ${best.toFixed(2)})`;

interface Rounds {
  one: Timed[];
  two: Timed[];
  peers: Peer[];
  /** it was there, and took tasks */
  helped: boolean;
}

async function takeRounds(data: Batches, say: SuiteOptions['say']): Promise<Rounds> {
  const pair = startPair();
  const [one, two, peers]: [Timed[], Timed[], Peer[]] = [[], [], []];
  const job = { shape, B, T, tokens: [...data.tokens], targets: [...data.targets], warmUp, atATime, answers: answers / rounds, checked };
  try {
    const begun = pair.begun(begunMs);
    for (let round = 0; round < rounds; round += 1) {
      const [alone, both] = [start(createFastEngine), start(fastEngineOn(pair))];
      const [first, second] = [train(alone, data, steps, warmUp), train(both, data, steps, warmUp)];
      if (!Buffer.concat(both.saveTraining()).equals(Buffer.concat(alone.saveTraining()))) throw new Error('bench: two threads have learnt something else than one');
      one.push(first);
      two.push(second);
      const peer = round > peers.length ? undefined : await askPython<Peer>(torch, program, job, 'support.lstm', say);
      if (peer === undefined) continue;
      agree('PyTorch', peer.losses, first.losses);
      peers.push(peer);
    }
    return { one, two, peers, helped: begun && pair.helped() > 0 };
  } finally {
    await pair.close();
  }
}

export async function lstmRows(say: SuiteOptions['say']): Promise<Row[]> {
  const data = batches();
  const { one, two, peers, helped } = await takeRounds(data, say);
  const fast = start(createFastEngine);
  const ours = train(fast, data, checked, 0);
  const answer = inferMs(fast, data);
  const naive = train(start(createNaiveEngine), data, naiveSteps, atATime);
  agree('the naive twin', naive.losses, ours.losses);
  const [oneCpu, twoWall, twoCpu, naiveMs] = [over(one, 'cpu'), over(two, 'wall'), over(two, 'cpu'), median(naive.cpu)];
  const peer = peers.length === 0 ? undefined : {
    cpu: over(peers.map(({ step }) => step), 'cpu'), wall: over(peers.map(({ step }) => step), 'wall'),
    fusedCpu: over(peers.map(({ fused }) => fused), 'cpu'), fusedWall: over(peers.map(({ fused }) => fused), 'wall'),
    inferMs: median(peers.map(({ inferMs: ms }) => ms)), rssMb: peers[0].rssMb,
  };
  const theirs = peer === undefined ? 'PyTorch -' : `PyTorch ${told(peer.cpu)}, with its fused Adam ${told(peer.fusedCpu)}, ${peer.rssMb.toFixed(0)} MB; by the clock ${told(peer.wall)}, fused ${told(peer.fusedWall)}`;
  say(`support.lstm: a step takes ${told(oneCpu)} ms of a processor, naive ${naiveMs.toFixed(1)}, ${theirs}; two threads by the clock ${told(twoWall)}, of both processors ${told(twoCpu)}${helped ? '' : ', but the second never came'}; an answer p50 ${answer.p50.toFixed(3)} ms, p99 ${answer.p99.toFixed(3)}`);
  const twoRows = !helped ? [] : [
    row('support.lstm.step_two_threads_ms', twoWall.ms, 'ms', peer?.wall.ms ?? null, 'PyTorch, one thread, Adam; both by the clock'),
    ...(peer === undefined ? [] : [row('support.lstm.step_two_threads_vs_fused', twoWall.ms, 'ms', peer.fusedWall.ms, 'PyTorch, one thread, fused Adam; both by the clock')]),
  ];
  return [
    row('support.lstm.step_ms', oneCpu.ms, 'ms', peer?.cpu.ms ?? null, 'PyTorch, one thread, Adam; both by processor time'),
    ...(peer === undefined ? [] : [row('support.lstm.step_vs_fused', oneCpu.ms, 'ms', peer.fusedCpu.ms, 'PyTorch, one thread, fused Adam; both by processor time')]),
    ...twoRows,
    row('support.lstm.step_vs_naive', naiveMs / oneCpu.ms, 'times'),
    row('support.lstm.infer_p99_ms', answer.p99, 'ms', peer?.inferMs ?? null, 'PyTorch, one thread'),
  ];
}
