/**
 * BM25 over texts that come and go: which of those held say what this one says.
 *
 *   score(q, d) = sum over the terms t of q:  idf(t) * tf (k1 + 1) / (tf + k1 (1 - b + b |d| / mean |d|))
 *   idf(t) = ln(1 + (N - df + 1/2) / (df + 1/2))
 *
 *   similarity(q, d) = score(q, d) / score(q, q)      1 for the same text; a term that no text has counts below the line
 *
 * Source: Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework", with the idf of Lucene, which is never negative.
 * The postings are made from the texts again after a restart: they are no state of their own.
 */
export const bm25 = { k1: 1.2, b: 0.75 } as const;

export interface LiveIndex {
  /** @param n  number of the text, larger than every one before */
  add(n: number, terms: readonly string[]): void;
  /** @param terms  as they were added */
  remove(n: number, terms: readonly string[]): void;
  /** The texts most similar, the best first and of equal ones the newest; only those that share a term. Never writes. */
  nearest(terms: readonly string[], most: number): Near[];
}

export interface Near {
  n: number;
  similarity: number;
}

interface Posting {
  /** ascending */
  texts: number[];
  counts: number[];
}

export function createLiveIndex(): LiveIndex {
  const postings = new Map<string, Posting>();
  const lengths = new Map<number, number>();
  let total = 0;

  const idf = (df: number): number => Math.log(1 + (lengths.size - df + 0.5) / (df + 0.5));
  const weight = (count: number, length: number): number => (count * (bm25.k1 + 1)) / (count + bm25.k1 * (1 - bm25.b + (bm25.b * length * lengths.size) / total));

  return {
    add(n, terms) {
      lengths.set(n, terms.length);
      total += terms.length;
      for (const [term, count] of countsOf(terms)) {
        let of = postings.get(term);
        if (of === undefined) postings.set(term, (of = { texts: [], counts: [] }));
        of.texts.push(n);
        of.counts.push(count);
      }
    },
    remove(n, terms) {
      if (!lengths.delete(n)) return;
      total -= terms.length;
      for (const term of new Set(terms)) {
        const of = postings.get(term);
        const at = of === undefined ? -1 : placeOf(of.texts, n);
        if (of === undefined || at < 0) continue;
        of.texts.splice(at, 1);
        of.counts.splice(at, 1);
        if (of.texts.length === 0) postings.delete(term);
      }
    },
    nearest(terms, most) {
      if (total === 0) return [];
      const scores = new Map<number, number>();
      let self = 0;
      for (const [term, count] of countsOf(terms)) {
        const of = postings.get(term);
        const rarity = idf(of?.texts.length ?? 0);
        self += rarity * weight(count, terms.length);
        if (of === undefined) continue;
        for (let i = 0; i < of.texts.length; i += 1) {
          const n = of.texts[i];
          scores.set(n, (scores.get(n) ?? 0) + rarity * weight(of.counts[i], lengths.get(n) as number));
        }
      }
      const near = [...scores].map(([n, score]): Near => ({ n, similarity: Math.min(1, score / self) }));
      return near.sort((a, b) => b.similarity - a.similarity || b.n - a.n).slice(0, most);
    },
  };
}

function countsOf(terms: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
  return counts;
}

/** Binary search; -1: not there. */
function placeOf(sorted: readonly number[], n: number): number {
  let [low, high] = [0, sorted.length - 1];
  while (low <= high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] === n) return middle;
    if (sorted[middle] < n) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
