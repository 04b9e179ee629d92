/**
 * All that a shard folds: the steps of the pipelines, in the order in which one may rely on another, as one step with one
 * state and one snapshot.
 */
import type { Config } from '../schemas/config.js';
import { bundle, hashOfAll, unbundle } from './bundle.js';
import { recommendSettings } from './recommend/settings.js';
import type { RecommendState, RecommendStateSettings } from './recommend/state.js';
import { recommendStep } from './recommend/step.js';
import type { Step } from './step.js';

export interface FoldState {
  recommend: RecommendState;
}

export interface FoldSettings {
  recommend: RecommendStateSettings;
}

/** @throws AftercareError bad_config */
export const foldSettings = (config: Config): FoldSettings => ({ recommend: recommendSettings(config) });

/** @param kernel  of models/recommend */
export function foldStep(settings: FoldSettings, kernel: WebAssembly.Module): Step<FoldState> {
  const recommend = recommendStep(settings.recommend, kernel);
  return {
    empty: () => ({ recommend: recommend.empty() }),
    step(state, event, emit) {
      recommend.step(state.recommend, event, emit);
    },
    snapshot: (state) => bundle({ recommend: recommend.snapshot(state.recommend) }),
    restore(chunks) {
      const parts = unbundle(chunks, ['recommend']);
      return { recommend: recommend.restore(parts.recommend) };
    },
    hash: (state) => hashOfAll([recommend.hash(state.recommend)]),
  };
}
