/**
 * All that a shard folds: the steps of the pipelines, in the order in which one may rely on another, as one step with one
 * state and one snapshot.
 */
import type { Config } from '../schemas/config.js';
import { bundle, hashOfAll, unbundle } from './bundle.js';
import { couponSettings, type CouponSettings } from './coupons/settings.js';
import type { CouponState } from './coupons/state.js';
import { couponStep, type CouponStep } from './coupons/step.js';
import { promotedStep, type LiveModels, type ModelReaders } from './promoted.js';
import { readBlend } from './recommend/blend.js';
import { readSvd } from './recommend/svd.js';
import { recommendSettings } from './recommend/settings.js';
import type { RecommendState, RecommendStateSettings } from './recommend/state.js';
import { recommendStep } from './recommend/step.js';
import { riskReaders } from './risk/promoted.js';
import { riskSettings, type RiskSettings } from './risk/settings.js';
import type { RiskState } from './risk/state.js';
import { riskStep } from './risk/step.js';
import { supportReaders } from './support/models.js';
import { supportSettings, type SupportSettings } from './support/settings.js';
import type { SupportState } from './support/state.js';
import { supportStep } from './support/step.js';
import { createSignals, signalSettings, type Signals, type SignalSettings } from './signals.js';
import type { Step } from './step.js';

/** How each promoted model is read from its artefact; its name is the `model` of its promotions. */
export const modelReaders = { svd: readSvd, 'svd-shadow': readSvd, blend: readBlend, 'blend-shadow': readBlend, ...riskReaders, ...supportReaders } as const satisfies ModelReaders;

export interface FoldState {
  /** The promoted models. Its step is the first: a model decides from the event behind its promotion on. */
  models: LiveModels<typeof modelReaders>;
  /** Before risk, which reads the intents of tickets. */
  support: SupportState;
  /** Before recommendations and coupons: it says who gets none. */
  risk: RiskState;
  recommend: RecommendState;
  signals: Signals;
  /** absent when there are no coupons */
  coupons: CouponState | undefined;
}

export interface FoldSettings {
  recommend: RecommendStateSettings;
  signals: SignalSettings;
  support: SupportSettings;
  risk: RiskSettings;
  coupons: CouponSettings | undefined;
}

/**
 * @param secret  what coupon codes are made with, where the environment names none
 * @throws AftercareError bad_config
 */
export const foldSettings = (config: Config, secret = config.AFTERCARE_COUPON_SECRET): FoldSettings =>
  ({ recommend: recommendSettings(config), signals: signalSettings(config), support: supportSettings(config), risk: riskSettings(config), coupons: couponSettings(config, secret) });

const names = ['models', 'recommend', 'signals', 'support', 'risk', 'coupons'] as const;

/** @param kernel  of models/recommend */
export function foldStep(settings: FoldSettings, kernel: WebAssembly.Module): Step<FoldState> {
  const models = promotedStep(modelReaders);
  const support = supportStep(settings.support);
  const risk = riskStep(settings.risk);
  const recommend = recommendStep(settings.recommend, kernel);
  const coupons: CouponStep | undefined = settings.coupons === undefined ? undefined : couponStep(settings.coupons);
  return {
    empty: () => ({ models: models.empty(), support: support.empty(), risk: risk.empty(), recommend: recommend.empty(), signals: createSignals(settings.signals), coupons: coupons?.empty() }),
    step(state, stored, emit) {
      const { event, receivedMs } = stored;
      // A producer's clock that runs ahead moves nobody's time.
      const atMs = Math.min(event.atMs, receivedMs);
      models.step(state.models, stored, emit);
      const intent = support.step(state.support, state.models, stored, atMs, emit);
      // Before the signals take the event in: it is judged by what was known before it.
      risk.step(state.risk, state.models, state.signals, stored, atMs, emit);
      recommend.step(state.recommend, stored, emit);
      state.signals.observe(event, atMs);
      // Until its label says what it was.
      if (intent !== undefined && event.type === 'ticket') state.signals.setIntent(event.customer, event.ticket, intent);
      if (coupons !== undefined && state.coupons !== undefined) coupons.step(state.coupons, state.signals, stored, atMs, emit);
    },
    snapshot: (state) => bundle({
      models: models.snapshot(state.models),
      recommend: recommend.snapshot(state.recommend),
      signals: state.signals.snapshot(),
      support: support.snapshot(state.support),
      risk: risk.snapshot(state.risk),
      coupons: coupons === undefined || state.coupons === undefined ? [] : coupons.snapshot(state.coupons),
    }),
    restore(chunks) {
      const parts = unbundle(chunks, names);
      // The large part last: where another one does not fit, the snapshot is passed over before it is read.
      const beside = { coupons: coupons?.restore(parts.coupons), support: support.restore(parts.support), risk: risk.restore(parts.risk), signals: createSignals(settings.signals, parts.signals) };
      return { models: models.restore(parts.models), recommend: recommend.restore(parts.recommend), ...beside };
    },
    hash: (state) => hashOfAll([
      models.hash(state.models),
      recommend.hash(state.recommend),
      state.signals.hash(),
      support.hash(state.support),
      risk.hash(state.risk),
      ...(coupons === undefined || state.coupons === undefined ? [] : [coupons.hash(state.coupons)]),
    ]),
  };
}
