/**
 * A decision by what it is expected to cost, and not by a threshold of 0.5.  p = probability of fraud, a = amount; all costs
 * in minor units of the shop's own currency.
 *
 *   loss  = fraud + a                          what a fraud that gets through costs: the goods or the money, and the fee
 *   allow   p loss
 *   review  review + p (1 - caught) loss       a person looks, and finds the share `caught` of the frauds
 *   block   (1 - p) (falseAlarm + margin a)    a customer who is turned away: the margin of the sale, and the goodwill
 *
 * The cheapest one is taken. For one amount that is a pair of thresholds on p; for a dear order they lie lower.
 * Source: Elkan 2001, "The foundations of cost-sensitive learning" (IJCAI), with costs that depend on the example.
 * Worked, with the defaults and a = 10,000: loss 12,000; p = .01 -> allow 120, review 512, block 5,940: allow.
 *         p = .06 -> 720, 572, 5,640: review.  p = .9 -> 10,800, 1,580, 600: block.
 */
export const levels = ['allow', 'review', 'block'] as const;
export type Level = number;
export const level = { allow: 0, review: 1, block: 2 } as const;

export interface CostSettings {
  /** The fee of a chargeback and the work it makes, beside the amount. */
  fraudMinor: number;
  falseAlarmMinor: number;
  reviewMinor: number;
  /** Share of the amount that the shop would have earned, 0 to 1. */
  margin: number;
  /** Share of the frauds that a review finds, 0 to 1. */
  caught: number;
  /** A customer who is in review or blocked stays so until another decision is cheaper by this share, 0 to 1 (not included). */
  stick: number;
  /** ... or this many ms have gone by. */
  stickMs: number;
}

/** Expected costs of the three levels into `out`. @param amount  minor units of the shop's currency */
export function expectedCosts(settings: CostSettings, p: number, amount: number, out: Float64Array): void {
  const loss = settings.fraudMinor + amount;
  out[level.allow] = p * loss;
  out[level.review] = settings.reviewMinor + p * (1 - settings.caught) * loss;
  out[level.block] = (1 - p) * (settings.falseAlarmMinor + settings.margin * amount);
}

/**
 * The cheapest level. Whoever stood above `allow` a moment ago stays there until a lower level is cheaper by the margin: a score that swings
 * about a threshold does not toggle the customer. Upwards there is no margin: what has become dangerous is not waited for.
 * @param costs  of the three levels
 * @param last  the customer's last level by costs, `allow` where there is none or it is too long ago
 */
export function cheapest(costs: Float64Array, last: Level, stick: number): Level {
  let best: Level = level.block;
  for (let at = level.block as Level; at >= level.allow; at -= 1) if (costs[at] <= costs[best]) best = at;
  if (best >= last) return best;
  return costs[best] < costs[last] * (1 - stick) ? best : last;
}
