/**
 * movielens-100k, all channels as one ranking beside the best single one. The weights are learnt from the validation cut (a
 * fifth of each customer's training items, proposed by models of the rest) and from equal channels' answers to it; the test
 * part is asked once, of models of the whole training part.
 */
import { fitBlend } from '../models/blend/fit.js';
import { createImpressions } from '../models/blend/impressions.js';
import type { equalWeights} from '../models/recommend/fuse.js';
import { channels, DEPTH, equalBlend, type Blend, type Channel } from '../models/recommend/fuse.js';
import { loadKernel } from '../models/recommend/load.js';
import { createRecommender, type Recommendation, type Recommender } from '../models/recommend/recommender.js';
import type { Svd } from '../models/svd/rank.js';
import { defaultSvdSettings } from '../models/svd/settings.js';
import { svdChannel } from '../pipelines/recommend/svd.js';
import type { SuiteOptions } from './main.js';
import { cutoff, quality, readSplit, untimed, type Ask, type Split } from './recommend-ml100k.js';
import { historiesOf, learnt, validationCut } from './recommend-svd.js';
import { row, type Row } from './report.js';

/** Items of an answer that the weights are learnt from: of 10, 20, 30, 50 and 100 the best on the validation cut, by little. */
const logged = 30;
const atMs = 0;

interface Models { recommender: Recommender; svd: Svd }

export function ml100kBlendRows(say: SuiteOptions['say']): Row[] {
  const split = readSplit();
  if (split === undefined) {
    say('recommend.ml100k.blend is skipped: the split is not here');
    return [];
  }
  const blend = tuned(split, say);
  const models = modelsOf(split.train);
  const of = (given: Blend): ReturnType<typeof quality> => quality(split.test, askOf(models, given));
  const alone = (['item-item', 'user-user', 'svd'] as const).map((channel) => ({ channel, ...of(single(channel)) }));
  const [found, equal] = [of(blend), of(equalBlend)];
  for (const [name, { precision, recall }] of [...alone.map((one) => [one.channel, one] as const), ['equal weights', equal] as const, ['learnt weights', found] as const]) {
    say(`ml100k ${name}: precision ${precision.toFixed(4)}, recall ${recall.toFixed(4)}`);
  }
  const note = 'the best single channel of item-item, user-user and SVD';
  return [
    row('recommend.ml100k.blend.precision10', found.precision, '', Math.max(...alone.map(({ precision }) => precision)), note),
    row('recommend.ml100k.blend.recall10', found.recall, '', Math.max(...alone.map(({ recall }) => recall)), note),
  ];
}

function tuned(split: Split, say: SuiteOptions['say']): Blend {
  const { held } = validationCut(split);
  const models = modelsOf(split.train.filter(({ customer, item }) => held.get(customer)?.has(item) !== true));
  const log = createImpressions();
  for (const [customer, relevant] of held) {
    for (const { item, ranks } of answer(models, customer, logged, equalBlend)) log.add(channels.map((channel) => ranks[channel] ?? 0), 1, relevant.has(item));
    log.end();
  }
  const { blend, taken } = fitBlend(log.done());
  say(`ml100k: weights of ${taken} items held out of the training part: ${channels.map((channel) => `${channel} ${blend.weights[channel].toFixed(2)}`).join(', ')}, constant ${blend.constant}`);
  return blend;
}

/** In the order of the file, as the single channels' rows: lists that are kept live depend on it a little. */
function modelsOf(train: Split['train']): Models {
  const recommender = createRecommender(untimed, loadKernel());
  for (const { customer, item } of train) recommender.observe(customer, item, 1, atMs);
  return { recommender, svd: learnt(historiesOf(train), defaultSvdSettings) };
}

const single = (channel: Channel): Blend => ({ ...equalBlend, weights: { ...(Object.fromEntries(channels.map((one) => [one, 0])) as typeof equalWeights), [channel]: 1 } });

const answer = ({ recommender, svd }: Models, customer: string, k: number, blend: Blend): Recommendation[] =>
  recommender.recommend(customer, k, atMs, { others: svdChannel(svd, recommender, customer, Math.max(k, DEPTH), false), blend });

const askOf = (models: Models, blend: Blend): Ask => (customer) => answer(models, customer, cutoff, blend).map(({ item }) => item);
