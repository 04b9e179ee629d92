/**
 * Logistic regression by plain stochastic gradient descent: one step a row, the same step for every weight, as `river` has it.
 * It is what the adaptive one (ftrl.ts) is held against.
 *
 *   w  Float64Array(W + 1), the intercept last      dz = sigmoid(w . x + w_W) - y
 *   w_j <- w_j - rate (dz x_j + l2 w_j)             w_W <- w_W - rate dz
 *
 * Source: river.linear_model.LogisticRegression with optim.SGD(rate), intercept_lr = rate.
 */
import { linear, sigmoid } from './logistic.js';

/** One step for the row at x[at], in place. @param label  0 or 1 */
export function stepSgd(w: Float64Array, x: Float64Array, at: number, label: number, rate = 0.01, l2 = 0): void {
  const W = w.length - 1;
  const dz = sigmoid(linear(w, x, at, W)) - label;
  for (let j = 0; j < W; j += 1) w[j] -= rate * (dz * x[at + j] + l2 * w[j]);
  w[W] -= rate * dz;
}
