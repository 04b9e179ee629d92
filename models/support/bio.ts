/**
 * Spans as one tag for each piece of a text: O outside, B-kind where one begins, I-kind where it goes on.
 *
 *   cancel  order  so  -  123    ->   O  O  B-order  I-order  I-order
 *   tag numbers: O = 0, B-kind k = 1 + 2 k, I-kind k = 2 + 2 k        K kinds, C = 1 + 2 K tags
 */
import type { Span } from '../metrics/spans.js';

export const tagsOf = (K: number): number => 1 + 2 * K;
const OUTSIDE = 0;
const begins = (tag: number): boolean => tag % 2 === 1;

/** I-kind k goes on from B-kind k and I-kind k alone. */
function mayFollow(before: number, tag: number): boolean {
  return tag === OUTSIDE || begins(tag) || before === tag || before === tag - 1;
}

interface Place {
  start: number;
  end: number;
}

/**
 * @param pieces  in order, none overlapping
 * @param spans  a span counts for every piece that it touches; the first of two that touch the same one has it
 * @throws RangeError when a span is of an unknown kind
 */
export function encodeBio(pieces: readonly Place[], spans: readonly Span[], kinds: readonly string[]): Int32Array {
  const tags = new Int32Array(pieces.length);
  for (const { kind, start, end } of spans) {
    const k = kinds.indexOf(kind);
    if (k < 0) throw new RangeError(`entities: "${kind}" is none of ${kinds.join(', ')}`);
    let inside = false;
    for (let i = 0; i < pieces.length; i += 1) {
      if (pieces[i].end <= start || pieces[i].start >= end || tags[i] !== OUTSIDE) continue;
      tags[i] = (inside ? 2 : 1) + 2 * k;
      inside = true;
    }
  }
  return tags;
}

/** Whatever the tags: an I without its beginning begins a span, as the evaluation of CoNLL reads it. */
export function decodeBio(pieces: readonly Place[], tags: ArrayLike<number>, kinds: readonly string[]): Span[] {
  const spans: Span[] = [];
  let before = OUTSIDE;
  for (let i = 0; i < pieces.length; i += 1) {
    const tag = tags[i];
    if (tag !== OUTSIDE) {
      const { start, end } = pieces[i];
      if (begins(tag) || !mayFollow(before, tag)) spans.push({ kind: kinds[(tag - 1) >> 1], start, end });
      else spans[spans.length - 1].end = end;
    }
    before = tag;
  }
  return spans;
}

/**
 * The most likely tags of which each may follow the one before: what a network says of each piece alone can break a span.
 * @param scores  [T, C] natural logarithms of probabilities, or logits: a constant of each row does not count
 * Source: Viterbi 1967. Ties go to the lower tag.
 */
export function bestTags(scores: ArrayLike<number>, T: number, C: number): Int32Array {
  const tags = new Int32Array(T);
  if (T === 0) return tags;
  const from = new Int32Array(T * C);
  let best = Float64Array.from({ length: C }, (_, c) => (c === OUTSIDE || begins(c) ? scores[c] : -Infinity));
  for (let t = 1; t < T; t += 1) {
    let top = 0;
    for (let c = 1; c < C; c += 1) if (best[c] > best[top]) top = c;
    const next = new Float64Array(C);
    for (let c = 0; c < C; c += 1) {
      // O and B follow anything; I its own B or I.
      let source = top;
      if (c !== OUTSIDE && !begins(c)) source = best[c] > best[c - 1] ? c : c - 1;
      next[c] = best[source] + scores[t * C + c];
      from[t * C + c] = source;
    }
    best = next;
  }
  let tag = 0;
  for (let c = 1; c < C; c += 1) if (best[c] > best[tag]) tag = c;
  for (let t = T - 1; t >= 0; t -= 1) {
    tags[t] = tag;
    tag = from[t * C + tag];
  }
  return tags;
}
