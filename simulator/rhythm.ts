/** When a shop is busy: few at night, a rise at noon, most in the evening. */
import type { Random } from './random.js';

const hourMs = 3_600_000;
/** Relative visits in each hour of the day (UTC), in the shape that shops' own logs show; they sum to 24. */
const byHour = [0.5, 0.3, 0.2, 0.15, 0.15, 0.25, 0.45, 0.7, 0.9, 1.05, 1.15, 1.25, 1.4, 1.3, 1.2, 1.15, 1.2, 1.3, 1.45, 1.75, 2, 1.9, 1.4, 0.85];

/** Starts of sessions in order of time: a Poisson process whose rate follows the day. */
export function* sessionStarts(random: Random, startMs: number, endMs: number, sessions: number): Generator<number> {
  const perMs = sessions / meanWeight(startMs, endMs) / (endMs - startMs);
  for (let atMs = startMs; ; ) {
    atMs += random.exponential(1 / (perMs * weightAt(atMs)));
    if (!(atMs < endMs)) return;
    yield Math.floor(atMs);
  }
}

/** Straight lines between the middles of the hours: no jump that a model could mistake for news. */
function weightAt(atMs: number): number {
  const hour = (atMs / hourMs + 23.5) % 24;
  const before = Math.floor(hour);
  const share = hour - before;
  return byHour[before] * (1 - share) + byHour[(before + 1) % 24] * share;
}

function meanWeight(startMs: number, endMs: number): number {
  const steps = 96;
  let sum = 0;
  for (let i = 0; i < steps; i++) sum += weightAt(startMs + ((i + 0.5) / steps) * (endMs - startMs));
  return sum / steps;
}
