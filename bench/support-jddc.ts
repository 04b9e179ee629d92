/**
 * JDDC: the agent's true answer among 100. The other 99 are drawn from the other test answers with a fixed seed, none of them in
 * the true one's words; R@5 is the share of contexts whose true answer is among the best five, ties counted against it.
 *
 * Beside it TF-IDF: the cosine of context and answer, with the same terms and weights. How the model is trained, and what share
 * TF-IDF has in the score, was chosen on the last tenth of the training pairs; the test pairs are read once, for the figure.
 */
import { readJddcPairs, type DialoguePair } from '../datasets/jddc.js';
import { answerVector, contextVector, defaultPairSettings, dotOfRows, trainPairs, type PairModel, type PairSettings, type PairTerms } from '../models/support/retrieval-pairs.js';
import { createUniform } from '../models/random.js';
import type { SuiteOptions } from './main.js';
import { row, type Row } from './report.js';

/** What was said last, in utterances: with one alone a question in two parts is lost. */
const END = 2;
/** Of the score; the rest is the dual encoder's. */
const TFIDF_SHARE = 0.3;
const CANDIDATES = 100;
const SEEDS = { choice: 1, test: 2 } as const;

export async function jddcRows(say: SuiteOptions['say']): Promise<Row[]> {
  const pairs = readJddcPairs();
  if (pairs === undefined) {
    say('support.jddc: the data set is not here, so it has no row');
    return [];
  }
  const { tuned, plain, seconds } = measure(pairs.train, pairs.test, defaultPairSettings, TFIDF_SHARE, SEEDS.test);
  say(`support.jddc: trained on ${pairs.train.length} pairs in ${seconds.toFixed(1)} s; R@1 ${tuned.at1.toFixed(3)}, R@5 ${tuned.at5.toFixed(3)} of ${pairs.test.length} test contexts`);
  return [row('support.jddc.r5', tuned.at5, 'share', plain.at5, 'TF-IDF cosine of context and answer')];
}

interface Recall {
  at1: number;
  at5: number;
}

/** Trains on some pairs and ranks for others. For choosing settings: give a cut of the training pairs as `judged`. */
export function measure(training: readonly DialoguePair[], judged: readonly DialoguePair[], settings: PairSettings, share: number, seed: number): { tuned: Recall; dual: Recall; plain: Recall; seconds: number } {
  const startMs = performance.now();
  const model = trainPairs(training.map(termsOfPair), settings);
  const seconds = (performance.now() - startMs) / 1000;
  const ranks = { tuned: [] as number[], dual: [] as number[], plain: [] as number[] };
  const rankOf = ranker(model, judged, share);
  candidatesOf(judged, seed).forEach((candidates, i) => {
    for (const [by, rank] of Object.entries(rankOf(i, candidates)) as [keyof typeof ranks, number][]) ranks[by].push(rank);
  });
  const recall = (of: number[]): Recall => ({ at1: of.filter((rank) => rank < 1).length / of.length, at5: of.filter((rank) => rank < 5).length / of.length });
  return { tuned: recall(ranks.tuned), dual: recall(ranks.dual), plain: recall(ranks.plain), seconds };
}

/** For each pair the numbers of those whose answers compete, its own first. */
function candidatesOf(pairs: readonly DialoguePair[], seed: number): number[][] {
  const random = createUniform(seed);
  return pairs.map(({ answer }, i) => {
    const drawn = new Map<string, number>([[answer, i]]);
    while (drawn.size < CANDIDATES) {
      const other = Math.floor(random() * pairs.length);
      if (!drawn.has(pairs[other].answer)) drawn.set(pairs[other].answer, other);
    }
    return [...drawn.values()];
  });
}

function ranker(model: PairModel, pairs: readonly DialoguePair[], share: number): (i: number, candidates: readonly number[]) => { tuned: number; dual: number; plain: number } {
  const terms = pairs.map(termsOfPair);
  const dual = { u: terms.map(({ context, end }) => contextVector(model, context, end)), v: terms.map(({ answer }) => answerVector(model, answer)) };
  const plain = { context: terms.map(({ context }) => model.weights.row(context)), answer: terms.map(({ answer }) => model.weights.row(answer)) };
  return (i, candidates) => {
    const cosine = candidates.map((j) => dual.u[i].reduce((sum, value, e) => sum + value * dual.v[j][e], 0));
    const tfidf = candidates.map((j) => dotOfRows(plain.context[i], plain.answer[j]));
    return { dual: rankOfFirst(cosine), plain: rankOfFirst(tfidf), tuned: rankOfFirst(cosine.map((value, c) => (1 - share) * value + share * tfidf[c])) };
  };
}

const rankOfFirst = ([own, ...others]: readonly number[]): number => others.filter((other) => !(other < own)).length;

const termsOfPair = ({ context, answer }: DialoguePair): PairTerms => ({ context: dialogueTerms(context), end: dialogueTerms(context.slice(-END)), answer: dialogueTerms([answer]), key: answer });

/** `[数字x]` and its kin stand for what was taken out, `#E-s[数字x]` for a smiley; each order id is one of a kind. */
const piece = /#E-s\[数字x\]|\[[^\]]+\]|[a-z]+|\p{Script=Han}+|[?]/gu;

/** Characters and pairs of characters: in short and careless chat they do better than words. */
function dialogueTerms(utterances: readonly string[]): string[] {
  const terms: string[] = [];
  for (const utterance of utterances) {
    for (const [found] of utterance.normalize('NFKC').toLowerCase().matchAll(piece)) {
      if (!/\p{Script=Han}/u.test(found[0])) terms.push(found.replace(/\d+/g, ''));
      else for (let i = 0; i < found.length; i += 1) terms.push(found[i], ...(i + 1 < found.length ? [found.slice(i, i + 2)] : []));
    }
  }
  return terms;
}
