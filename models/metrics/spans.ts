/** Spans found in texts, against the true ones: a span counts when its kind, its start and its end are all right. */

export interface Span {
  kind: string;
  /** offsets into the text, end exclusive */
  start: number;
  end: number;
}

export interface SpanScore {
  found: number;
  true: number;
  right: number;
  /** NaN where nothing was found */
  precision: number;
  /** NaN where there is nothing to find */
  recall: number;
  /** 2 right / (found + true); NaN where both are 0 */
  f1: number;
}

export interface SpanScores extends SpanScore {
  kinds: Record<string, SpanScore>;
}

/**
 * Over all texts together (micro average), and for each kind.
 * @param found  of each text, without duplicates
 * @param truth  of each text
 * Source: Tjong Kim Sang and De Meulder 2003 (CoNLL), the shared task's own measure.
 */
export function spanScores(found: readonly (readonly Span[])[], truth: readonly (readonly Span[])[]): SpanScores {
  if (found.length !== truth.length) throw new RangeError(`spanScores: needs the spans of as many texts as truths, got ${found.length} and ${truth.length}`);
  const counts = new Map<string, { found: number; true: number; right: number }>();
  const of = (kind: string): { found: number; true: number; right: number } => {
    const count = counts.get(kind) ?? { found: 0, true: 0, right: 0 };
    counts.set(kind, count);
    return count;
  };
  truth.forEach((spans, i) => {
    const keys = new Set(spans.map(keyOf));
    for (const { kind } of spans) of(kind).true += 1;
    for (const span of found[i]) {
      of(span.kind).found += 1;
      if (keys.has(keyOf(span))) of(span.kind).right += 1;
    }
  });
  const all = { found: 0, true: 0, right: 0 };
  for (const count of counts.values()) {
    all.found += count.found;
    all.true += count.true;
    all.right += count.right;
  }
  const kinds = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => [kind, scored(count)] as const);
  return { ...scored(all), kinds: Object.fromEntries(kinds) };
}

const keyOf = ({ kind, start, end }: Span): string => `${kind} ${start} ${end}`;

const scored = (count: { found: number; true: number; right: number }): SpanScore => ({
  ...count,
  precision: count.right / count.found,
  recall: count.right / count.true,
  f1: (2 * count.right) / (count.found + count.true),
});
