/** Rows of `model_metrics` and `intent_confusion` of a day that is over. */
import type { Emit } from '../step.js';
import type { IntentConfusion, SupportMetric } from './decision.js';
import type { SupportState } from './state.js';

const dayMs = 86_400_000;

/** @param day  the day that is over, counted since 1970 @param seq  of the event that began the next one */
export function measureDay({ scorecard, versions }: SupportState, day: number, seq: number, emit: Emit): void {
  for (const { version, verdicts, decisions, confusion } of scorecard.take()) {
    const head = { seq, dayMs: day * dayMs, model: versions.nameOf(version) };
    for (const [over, found] of [['verdicts', verdicts], ['decisions', decisions]] as const) {
      for (const of of found) {
        const value: SupportMetric = { pipeline: 'support', ...head, over, role: 'champion', ...of };
        emit({ table: 'model_metrics', value });
      }
    }
    for (const of of confusion) {
      const value: IntentConfusion = { ...head, ...of };
      emit({ table: 'intent_confusion', value });
    }
  }
}
