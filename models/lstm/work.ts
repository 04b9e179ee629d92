/**
 * A training step in tasks. What a task does depends on its number alone, and no two of a phase write to the same place: so the
 * bits are the same whichever thread takes it, and in whatever order.
 *
 *   pack    packed forms of the parameters, if they have changed      a parameter
 *   halves  forward and backward                                      half of the batch
 *   sum     the gradients of both halves, and of each piece the sum of its squares
 *   learn   Adam                                                      a piece
 */
import { layOut, learnHalf, type HalfSizes } from './half.js';
import type { AdamConstants, Views } from './memory.js';
import { parameterNames, type ParameterName } from './shape.js';
import { pack, packedNames, type Ground, type Training } from './store.js';

export const phases = { pack: 0, halves: 1, sum: 2, learn: 3 } as const;
export type Phase = (typeof phases)[keyof typeof phases];

/** Where a thread works. */
export interface Site {
  views: Views;
  ground: Ground;
  training: Training;
}

/** Numbers that both threads read, of one step. */
const names = [
  'at0', 'B0', 'N0', 'steps0', 'rows0', 'at1', 'B1', 'N1', 'steps1', 'rows1',
  'seed', 'step', 'dropEmbedding', 'dropBetween', 'dropOutput',
  /** the embedding's gradient: its address, and its rows */
  'embedding', 'unique',
  /** a bit for each parameter */
  'frozen', 'clip', 'beta1', 'beta2', 'rest1', 'rest2', 'rate', 'root', 'epsilon',
] as const;
type JobName = (typeof names)[number];
const place = Object.fromEntries(names.map((name, i) => [name, i])) as Record<JobName, number>;

export function tell({ views, training }: Site, part: Partial<Record<JobName, number>>): void {
  const job = views.f64(training.job, names.length);
  for (const [name, value] of Object.entries(part)) job[place[name as JobName]] = value;
}

export const sizesAs = (half: 0 | 1, { at, B, N, steps, rows }: HalfSizes): Partial<Record<JobName, number>> =>
  ({ [`at${half}`]: at, [`B${half}`]: B, [`N${half}`]: N, [`steps${half}`]: steps, [`rows${half}`]: rows });

function sizesIn(job: Float64Array, half: 0 | 1): HalfSizes {
  const [at, B, N, steps, rows] = job.subarray(place[`at${half}`]);
  return { at, B, N, steps, rows };
}

export const frozenBits = (frozen: ReadonlySet<ParameterName>): number => parameterNames.reduce((bits, name, i) => bits | (frozen.has(name) ? 1 << i : 0), 0);

export function perform(site: Site, phase: Phase, task: number): void {
  const { views, ground, training } = site;
  const job = views.f64(training.job, names.length);
  switch (phase) {
    case phases.pack:
      return pack(views.kernels, ground, training, packedNames[task]);
    case phases.halves: {
      const half = task === 0 ? 0 : 1;
      const dropout = { embedding: job[place.dropEmbedding], between: job[place.dropBetween], output: job[place.dropOutput] };
      return learnHalf(views, ground, training, half, sizesIn(job, half), { seed: job[place.seed], step: job[place.step], dropout });
    }
    case phases.sum:
      return sum(site, job, task);
    case phases.learn:
      return learn(site, job, task);
  }
}

function sum({ views: { kernels, f64 }, ground, training }: Site, job: Float64Array, task: number): void {
  const squares = f64(training.squares, training.sums.length);
  const { name, from, to } = training.sums[task];
  if (name === 'embedding') {
    const [rows, length] = [job[place.embedding], job[place.unique] * ground.E];
    kernels.zero(length, rows);
    for (const half of [0, 1] as const) {
      const sizes = sizesIn(job, half);
      const { dx, slots } = layOut(ground, sizes);
      kernels.scatterAdd(sizes.N, ground.E, dx, slots, rows);
    }
    squares[task] = kernels.sumOfSquares(length, rows);
    return;
  }
  const [first, second] = training.gradients;
  kernels.add(to - from, second[name] + 4 * from, first[name] + 4 * from);
  squares[task] = kernels.sumOfSquares(to - from, first[name] + 4 * from);
}

function learn({ views: { kernels }, ground: { E, value }, training: { steps, mean, square, slots, gradients } }: Site, job: Float64Array, task: number): void {
  const { name, from, to } = steps[task];
  if ((job[place.frozen] >> parameterNames.indexOf(name)) & 1) return;
  const constants = [...job.subarray(place.beta1, place.epsilon + 1)] as AdamConstants;
  const clip = job[place.clip];
  const at = 4 * from * (name === 'embedding' ? E : 1);
  const [p, m, s] = [value[name] + at, mean[name] + at, square[name] + at];
  if (name === 'embedding') kernels.adamRows(to - from, E, p, m, s, slots + 4 * from, job[place.embedding], clip, ...constants);
  else kernels.adam(to - from, p, m, s, gradients[0][name] + at, clip, ...constants);
}
