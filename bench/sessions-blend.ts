/**
 * All channels as one ranking, on the clicks that the session channel alone is asked for, and in the same way: what was seen may
 * come again. The weights are learnt from the last tenth of the training part, each click asked with equal channels before it is
 * learnt, as `tuneBlend` learns from decisions on record; of the test part they know nothing.
 */
import { fitBlend } from '../models/blend/fit.js';
import { createImpressions } from '../models/blend/impressions.js';
import { channels, DEPTH, equalBlend, type Blend } from '../models/recommend/fuse.js';
import { loadKernel } from '../models/recommend/load.js';
import { createRecommender, defaultSettings, type Recommendation, type Recommender } from '../models/recommend/recommender.js';
import { createSessions, defaultSessionSettings, type Sessions } from '../models/sessions/sessions.js';
import { factorise } from '../models/svd/factors.js';
import { createInteractions } from '../models/svd/interactions.js';
import { loadKernel as loadSvdKernel } from '../models/svd/load.js';
import { createSvd, type Svd } from '../models/svd/rank.js';
import { defaultSvdSettings } from '../models/svd/settings.js';
import { againChannel } from '../pipelines/recommend/serve.js';
import { svdChannel } from '../pipelines/recommend/svd.js';
import { row, type Row } from './report.js';
import { createCut, createScore, K, type Click, type Quality, type Split } from './sessions.js';

/** Of the training part, the latest: what the weights are learnt from. */
const validationShare = 0.1;
/** Items of a question that the weights are learnt from: as deep as two channels go. */
const logged = 2 * DEPTH;

interface Models {
  sessions: Sessions;
  recommender: Recommender;
  svd: Svd | undefined;
}

export function blendRows(name: string, { train, test }: Split, alone: Quality, say: (line: string) => void): Row[] {
  const models: Models = {
    sessions: createSessions(defaultSessionSettings),
    recommender: createRecommender({ ...defaultSettings, limits: { ...defaultSettings.limits, customers: 200_000, items: 50_000, pairs: 5_000_000 } }, loadKernel()),
    svd: undefined,
  };
  const goesOn = createCut();
  const play = (clicks: Click[], ask?: (click: Click) => void): void => {
    for (const click of clicks) {
      const within = goesOn(click);
      if (ask !== undefined && (within || (click.session !== undefined && models.sessions.current(click.customer).length > 0))) ask(click);
      models.sessions.observe(click.customer, click.session, click.item, click.atMs);
      models.recommender.observe(click.customer, click.item, click.strength, click.atMs);
    }
  };
  const from = Math.floor(train.length * (1 - validationShare));
  play(train.slice(0, from));
  models.svd = factors(train.slice(0, from));
  const log = createImpressions();
  play(train.slice(from), (click) => {
    for (const { item, ranks } of answer(models, click, logged, equalBlend)) log.add(channels.map((channel) => ranks[channel] ?? 0), 1, item === click.item);
    log.end();
  });
  const { blend, taken } = fitBlend(log.done());
  models.svd = factors(train);
  const [learnt, equal] = [createScore(), createScore()];
  const [hits, reciprocals]: [number[], number[]] = [[], []];
  play(test, (click) => {
    const isNew = !models.sessions.current(click.customer).includes(click.item);
    const found = answer(models, click, K, blend);
    learnt.add(found, click.item, isNew);
    const [mine, others] = [found, models.sessions.recommend(click.customer, K, 'with own')].map((list) => list.findIndex(({ item }) => item === click.item) + 1);
    hits.push(Math.sign(mine) - Math.sign(others));
    reciprocals.push((mine > 0 ? 1 / mine : 0) - (others > 0 ? 1 / others : 0));
    equal.add(answer(models, click, K, equalBlend), click.item, isNew);
  });
  const [found, before] = [learnt.done(), equal.done()];
  if (found.asked !== alone.asked) throw new Error(`bench: the blend was asked ${found.asked} times, the session channel ${alone.asked} times`);
  say(`${name}: weights of ${taken} clicks of the training part: ${channels.map((channel) => `${channel} ${blend.weights[channel].toFixed(2)}`).join(', ')}, constant ${blend.constant}; equal weights give HR@20 ${before.hr20.toFixed(4)}, MRR@20 ${before.mrr20.toFixed(4)}`);
  say(`${name}: blend less the session channel, click by click: HR@20 ${withError(hits)}, MRR@20 ${withError(reciprocals)} (95%)`);
  const note = 'the session channel alone, kept live, on the same clicks';
  return [
    row(`recommend.${name}.blend.hr20`, found.hr20, 'share', alone.hr20, note),
    row(`recommend.${name}.blend.mrr20`, found.mrr20, 'share', alone.mrr20, note),
    row(`recommend.${name}.blend.new_hr20`, found.newHr20, 'share', alone.newHr20, `${note}; clicks on items that are new to the session`),
  ];
}

/** The mean of paired differences and how far it may be off by chance. */
function withError(differences: number[]): string {
  const mean = differences.reduce((sum, x) => sum + x, 0) / differences.length;
  const variance = differences.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (differences.length - 1);
  return `${mean.toFixed(4)} +- ${(1.96 * Math.sqrt(variance / differences.length)).toFixed(4)}`;
}

/** A session that the shop names goes on after any pause, so the channels of the session are asked whatever the time. */
function answer({ sessions, recommender, svd }: Models, { customer, atMs }: Click, k: number, blend: Blend): Recommendation[] {
  const depth = Math.max(k, DEPTH);
  const others = [{ channel: 'session' as const, ranked: sessions.recommend(customer, depth, 'with own') }, againChannel(sessions, customer), ...svdChannel(svd, recommender, customer, depth, true)];
  return recommender.recommend(customer, k, atMs, { seen: true, others, blend });
}

/** Nothing where no item has two customers. */
function factors(clicks: Click[]): Svd | undefined {
  const wasm = loadSvdKernel();
  const strongest = new Map<string, Map<string, number>>();
  for (const { customer, item, strength } of clicks) {
    const mine = strongest.get(customer) ?? new Map<string, number>();
    strongest.set(customer, mine.set(item, Math.max(strength, mine.get(item) ?? 0)));
  }
  const interactions = createInteractions();
  for (const mine of strongest.values()) {
    for (const [item, strength] of mine) interactions.add(item, strength);
    interactions.endCustomer();
  }
  const cut = interactions.cut(defaultSvdSettings);
  return cut.matrix.items.length === 0 ? undefined : createSvd(factorise(cut, defaultSvdSettings, wasm), wasm);
}
