/** Spans as one text, for columns and records that hold texts: `order:9:17,amount:26:37`. A kind has neither comma nor colon. */
import type { Span } from '../metrics/spans.js';

export const spanText = (spans: readonly Span[]): string => spans.map(({ kind, start, end }) => `${kind}:${start}:${end}`).join(',');

/** @throws RangeError when it is not what `spanText` gives */
export function readSpanText(text: string): Span[] {
  if (text === '') return [];
  return text.split(',').map((one) => {
    const [kind, start, end, ...more] = one.split(':');
    const span = { kind, start: Number(start), end: Number(end) };
    if (more.length > 0 || kind === '' || !(span.start >= 0 && span.end > span.start)) throw new RangeError(`spans: ${JSON.stringify(one)} is no kind:start:end`);
    return span;
  });
}
