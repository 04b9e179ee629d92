/** The blend: its gradient, planted weights found again, the comparison, the artefact. */
import { describe, expect, it } from 'vitest';
import { decodeBlend, encodeBlend } from '../../models/blend/artefact.js';
import { compareBlends, ndcg } from '../../models/blend/evaluate.js';
import { fitBlend } from '../../models/blend/fit.js';
import { between, C, createImpressions, decisionsOf, type Impressions } from '../../models/blend/impressions.js';
import { objectiveOf, P, prior } from '../../models/blend/objective.js';
import { channels, equalBlend, equalWeights, fuse, worth, type Blend } from '../../models/recommend/fuse.js';
import { createUniform } from '../../models/random.js';

const planted: Blend = { weights: { ...equalWeights, session: 9, 'item-item': 2, 'user-user': 0.5, svd: 4, again: 0.02 }, constant: 10 };

interface Simulation {
  decisions: number;
  truth: Blend;
  positionBias: number;
  seed: number;
}

/** Each channel proposes 20 of 40 items; the ten best of equal channels are shown; one is taken by the planted weights and the place. */
function simulate({ decisions, truth, positionBias, seed }: Simulation): Impressions {
  const uniform = createUniform(seed);
  const log = createImpressions();
  const zero = { ...equalWeights, popular: 0 };
  for (let d = 0; d < decisions; d += 1) {
    const proposals = channels.slice(0, 5).map((channel) => ({ channel, items: Array.from({ length: 40 }, (_, item) => ({ item, key: uniform() })).sort((a, b) => a.key - b.key).slice(0, 20).map(({ item }) => item) }));
    const shown = fuse(proposals, { ...equalBlend, weights: zero }, 10).map(({ ranks }) => {
      const of = new Map(ranks);
      return channels.map((channel) => of.get(channel) ?? 0);
    });
    const shares = shown.map((ranks, at) => Math.exp(scoreOf(truth, ranks) - positionBias * Math.log(at + 1)));
    let draw = uniform() * shares.reduce((sum, share) => sum + share, 0);
    const taken = shares.findIndex((share) => (draw -= share) < 0);
    for (const [at, ranks] of shown.entries()) log.add(ranks, at + 1, at === taken);
    log.end();
  }
  return log.done();
}

const scoreOf = ({ weights, constant }: Blend, ranks: ArrayLike<number>): number =>
  channels.reduce((sum, channel, j) => sum + (ranks[j] > 0 ? weights[channel] * worth(channel, constant, ranks[j]) : 0), 0);

describe('the objective', () => {
  const log = simulate({ decisions: 40, truth: planted, positionBias: 0.7, seed: 3 });
  const at = Float64Array.from([2, 0.3, 1.5, 0.1, 0.9, 0.2, 0.6]);

  it('has the gradient and the Hessian of its central differences', () => {
    const objective = objectiveOf(log, 10, 0.5);
    const [gradient, hessian] = [new Float64Array(P), new Float64Array(P * P)];
    expect(objective.derive(at, gradient, hessian)).toBeCloseTo(objective.value(at), 12);
    const h = 1e-5;
    const moved = (j: number, by: number): Float64Array => at.map((value, k) => (k === j ? value + by : value));
    for (let j = 0; j < P; j += 1) {
      const slope = (objective.value(moved(j, h)) - objective.value(moved(j, -h))) / (2 * h);
      expect(Math.abs(gradient[j] - slope) <= 1e-6 * (1 + Math.abs(slope)), `df/dw ${j}: ${gradient[j]}, ${slope}`).toBe(true);
      const [above, below, unused] = [new Float64Array(P), new Float64Array(P), new Float64Array(P * P)];
      objective.derive(moved(j, h), above, unused);
      objective.derive(moved(j, -h), below, unused);
      for (let k = 0; k <= j; k += 1) {
        const curve = (above[k] - below[k]) / (2 * h);
        expect(Math.abs(hessian[j * P + k] - curve) <= 1e-6 * (1 + Math.abs(curve)), `d2f/dw ${j} ${k}`).toBe(true);
      }
    }
  });

  it('is a worked number: two items, one taken', () => {
    const log = createImpressions();
    log.add([1, 0, 0, 0, 0, 0], 1, false);
    log.add([0, 0, 0, 0, 2, 0], 2, true);
    log.end();
    // z of the first 1; of the second 1/4, its place not counted at b = 0
    expect(objectiveOf(log.done(), 60, 1).value(prior)).toBeCloseTo(Math.log(1 + Math.exp(0.75)), 12);
  });

  it('does not compare what was taken with what else was taken, and learns nothing from a decision of which all or nothing was', () => {
    const log = createImpressions();
    const rows: [number, boolean][] = [[1, true], [2, true], [3, false]];
    for (const [rank, taken] of rows) log.add([rank, 0, 0, 0, 0, 0], rank, taken);
    log.end();
    for (const taken of [true, false]) {
      log.add([1, 0, 0, 0, 0, 0], 1, taken);
      log.add([0, 1, 0, 0, 0, 0], 2, taken);
      log.end();
    }
    const [one, two, three] = rows.map(([rank]) => worth('session', 60, rank));
    const objective = objectiveOf(log.done(), 60, 1);
    expect(objective.taken).toBe(2);
    expect(objective.value(prior)).toBeCloseTo(Math.log(1 + Math.exp(three - one)) + Math.log(1 + Math.exp(three - two)), 12);
  });
});

describe('the fit', () => {
  it('finds planted weights and the bias of the place again', () => {
    const log = simulate({ decisions: 20_000, truth: planted, positionBias: 0.8, seed: 1 });
    const { blend, positionBias, taken } = fitBlend(log);
    expect(taken).toBe(20_000);
    expect(blend.constant).toBe(planted.constant);
    for (const channel of channels) expect(Math.abs(blend.weights[channel] - planted.weights[channel]) <= 0.25, `${channel}: ${blend.weights[channel]}, planted ${planted.weights[channel]}`).toBe(true);
    expect(Math.abs(positionBias - 0.8) <= 0.05, `bias ${positionBias}`).toBe(true);
  });

  it('takes the place for no merit: where only the place decides, weights stay far from what the places would say', () => {
    const indifferent: Blend = { weights: { session: 0, 'item-item': 0, 'user-user': 0, svd: 0, again: 0, popular: 0 }, constant: 60 };
    const { blend, positionBias } = fitBlend(simulate({ decisions: 20_000, truth: indifferent, positionBias: 1, seed: 5 }));
    expect(Math.abs(positionBias - 1) <= 0.1, `bias ${positionBias}`).toBe(true);
    for (const channel of channels) expect(blend.weights[channel], channel).toBeLessThan(0.3);
  });

  it('changes little on little, and nothing on nothing', () => {
    const nothing = fitBlend(createImpressions().done());
    expect(nothing.blend).toEqual({ weights: { ...equalWeights, popular: 0 }, constant: 60 });
    const { blend } = fitBlend(simulate({ decisions: 5, truth: planted, positionBias: 0, seed: 2 }));
    for (const channel of channels) expect(Math.abs(blend.weights[channel] - equalWeights[channel])).toBeLessThan(0.6);
  });

  it('gives the same bits each time, keeps each channel asked, and refuses an l2 of 0', () => {
    const log = simulate({ decisions: 500, truth: planted, positionBias: 0.5, seed: 9 });
    expect(fitBlend(log)).toEqual(fitBlend(log));
    for (const channel of channels.filter((one) => one !== 'popular')) expect(fitBlend(log).blend.weights[channel]).toBeGreaterThan(0);
    expect(() => fitBlend(log, { l2: 0 })).toThrow('l2 must be above 0');
  });
});

describe('the comparison', () => {
  const log = simulate({ decisions: 3000, truth: planted, positionBias: 0.5, seed: 7 });

  it('puts the weights that were planted above equal ones, with an interval that holds the difference', () => {
    const better = compareBlends(log, equalBlend, planted, 0.5);
    expect(better.decisions).toBe(3000);
    expect(better.low).toBeGreaterThan(0);
    expect(better.low <= better.difference && better.difference <= better.high).toBe(true);
    const worse = compareBlends(log, planted, equalBlend, 0.5);
    expect(worse.difference).toBeCloseTo(-better.difference, 12);
    expect(worse.high).toBeLessThan(0);
    const same = compareBlends(log, planted, planted, 0.5);
    expect([same.low, same.difference, same.high]).toEqual([0, 0, 0]);
  });

  it('is a worked number', () => {
    const log = createImpressions();
    for (const [rank, taken] of [[3, false], [2, true], [1, true]] as const) log.add([rank, 0, 0, 0, 0, 0], 4 - rank, taken);
    log.end();
    expect(ndcg(log.done(), 0, equalBlend)).toBe(1);
    const reverse = { ...equalBlend, weights: { ...equalWeights, session: 0 } };
    expect(ndcg(log.done(), 0, reverse), 'as shown').toBeCloseTo((1 / Math.log2(3) + 0.5) / (1 + 1 / Math.log2(3)), 12);
  });

  it('says that nothing can be said of nothing', () => {
    const { decisions, low, difference } = compareBlends(createImpressions().done(), equalBlend, planted, 0);
    expect({ decisions, low, difference }).toEqual({ decisions: 0, low: Number.NaN, difference: Number.NaN });
  });
});

describe('impressions', () => {
  it('are cut by time into parts that hold what the whole held', () => {
    const whole = simulate({ decisions: 2000, truth: planted, positionBias: 0, seed: 4 });
    const [early, late] = [between(whole, 0, 1600), between(whole, 1600, 2000)];
    expect([decisionsOf(early), decisionsOf(late)]).toEqual([1600, 400]);
    expect([...late.starts.slice(0, 2)]).toEqual([0, 10]);
    expect([...late.ranks.subarray(0, C)]).toEqual([...whole.ranks.subarray(16_000 * C, 16_000 * C + C)]);
    expect(late.taken.reduce((sum, was) => sum + was, 0)).toBe(400);
  });
});

describe('the artefact', () => {
  const bytes = encodeBlend(planted);

  it('is the blend again', () => {
    expect(decodeBlend(bytes)).toEqual(planted);
    expect(Buffer.concat(encodeBlend(planted))).toEqual(Buffer.concat(bytes));
  });

  it('is refused by name when a byte is wrong, missing, or a weight is not one', () => {
    const whole = Buffer.concat(bytes);
    for (const at of [0, 4, 9, 40, whole.length - 1]) {
      const damaged = Buffer.from(whole);
      damaged[at] ^= 1;
      expect(() => decodeBlend([damaged]), `byte ${at}`).toThrow(/^blend snapshot: /);
    }
    expect(() => decodeBlend([whole.subarray(0, -1)])).toThrow(/^blend snapshot: checksum/);
    expect(() => decodeBlend(encodeBlend({ ...planted, weights: { ...planted.weights, svd: -1 } }))).toThrow('blend: the weight of svd must be a number from 0 to 1000000, got -1');
    expect(() => decodeBlend(encodeBlend({ ...planted, constant: Number.NaN }))).toThrow('blend: constant must be a number');
  });
});
