/** Logistic regressions of risk as artefacts, trained on a small shop that the step itself has decided about. */
import { calibrateLogistic, saveLogistic, trainLogistic } from '../../models/linear/batch.js';
import { featuresOf } from '../../pipelines/risk/decision.js';
import { riskFeatures } from '../../pipelines/risk/features.js';
import { buy, hour, judge, riskShop, start } from './risk.js';

/** @param dear  what a fraud costs, minor units: another one makes another model */
export function riskLogisticArtefact(dear: number): Uint8Array[] {
  const shop = riskShop();
  const labels: number[] = [];
  for (let n = 0; n < 240; n += 1) {
    const fraud = n % 8 === 7;
    const event = buy(fraud ? `bad${n % 5}` : `c${n % 30}`, start + n * 3 * hour, { amountMinor: fraud ? dear + n * 100 : 1500 + (n % 7) * 300 });
    shop.give(event, judge(event.customer, start + n * 3 * hour + hour, event.order, fraud ? 'chargeback' : 'genuine'));
    labels.push(fraud ? 1 : 0);
  }
  const X = Float64Array.from(shop.decisions().flatMap(featuresOf));
  const model = trainLogistic(X, Uint8Array.from(labels), { features: riskFeatures, clip: 8, l2: 1 });
  calibrateLogistic(model, X, Uint8Array.from(labels));
  return saveLogistic(model);
}
