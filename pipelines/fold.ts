/**
 * All that a shard folds: the steps of the pipelines, in the order in which one may rely on another, as one step with one
 * state and one snapshot.
 */
import type { Config } from '../schemas/config.js';
import { bundle, hashOfAll, unbundle } from './bundle.js';
import { promotedStep, type LiveModels, type ModelReaders } from './promoted.js';
import { recommendSettings } from './recommend/settings.js';
import type { RecommendState, RecommendStateSettings } from './recommend/state.js';
import { recommendStep } from './recommend/step.js';
import type { Step } from './step.js';

/** How each promoted model is read from its artefact; its name is the `model` of its promotions. */
export const modelReaders = {} as const satisfies ModelReaders;

export interface FoldState {
  /** The promoted models. Its step is the first: a model decides from the event behind its promotion on. */
  models: LiveModels<typeof modelReaders>;
  recommend: RecommendState;
}

export interface FoldSettings {
  recommend: RecommendStateSettings;
}

/** @throws AftercareError bad_config */
export const foldSettings = (config: Config): FoldSettings => ({ recommend: recommendSettings(config) });

/** @param kernel  of models/recommend */
export function foldStep(settings: FoldSettings, kernel: WebAssembly.Module): Step<FoldState> {
  const models = promotedStep(modelReaders);
  const recommend = recommendStep(settings.recommend, kernel);
  return {
    empty: () => ({ models: models.empty(), recommend: recommend.empty() }),
    step(state, event, emit) {
      models.step(state.models, event, emit);
      recommend.step(state.recommend, event, emit);
    },
    snapshot: (state) => bundle({ models: models.snapshot(state.models), recommend: recommend.snapshot(state.recommend) }),
    restore(chunks) {
      const parts = unbundle(chunks, ['models', 'recommend']);
      return { models: models.restore(parts.models), recommend: recommend.restore(parts.recommend) };
    },
    hash: (state) => hashOfAll([models.hash(state.models), recommend.hash(state.recommend)]),
  };
}
