/**
 * The documents that share the rarest words with a question.  N = documents, df = documents with the word.
 *
 *   score(d, q) = sum over the words w of q:  idf(w) tf (k1 + 1) / (tf + k1 (1 - b + b length / average length))
 *   idf(w)      = ln(1 + (N - df + 0.5) / (df + 0.5)), which is never negative
 *
 * Source: Robertson and Zaragoza 2009, section 3; the idf as in Lucene. Documents come and go one by one; the index is exact
 * after each, and holds so many at most: the one that was added first makes room.
 *
 * An inverted index: for each word the documents with it, as (slot, tf). Slots are handed out in order and not again, so a document
 * that is removed may leave its entries behind; when twice as many slots as documents have been handed out, all are numbered
 * anew without those. Removing costs what adding did.
 */
export interface Bm25Settings {
  /** documents at most */
  documentsMax: number;
  /** how soon more of the same word stops counting. Default 1.2 */
  k1?: number;
  /** how much a long document's words count less, 0 to 1. Default 0.75 */
  b?: number;
}

export interface Hit {
  key: string;
  score: number;
}

export interface Bm25 {
  readonly size: number;
  /** A document under a key that is there already takes its place, as the newest. @returns the key that had to go */
  add(key: string, words: readonly string[]): string | undefined;
  /** @returns false where there is none */
  remove(key: string): boolean;
  /** The K best, ties by the earlier added; only documents with a word of the question. A word that the question has twice counts twice. */
  search(words: readonly string[], K: number): Hit[];
  /** What a document of just these words would score for them, were it added without being counted: a score divided by it is a share. A word that no document has counts as the rarest. */
  ofItself(words: readonly string[]): number;
  /** In the order they were added, as their words with counts: to save it, or to add them elsewhere. */
  documents(): IterableIterator<[key: string, counts: readonly [word: string, count: number][]]>;
}

interface Document {
  key: string;
  slot: number;
  length: number;
  counts: [string, number][];
}

interface Postings {
  /** slots, ascending, of documents that may be gone */
  slots: number[];
  tf: number[];
  /** of them that are there */
  df: number;
}

/** @throws RangeError for a setting out of range */
export function createBm25({ documentsMax, k1 = 1.2, b = 0.75 }: Bm25Settings): Bm25 {
  if (!(Number.isInteger(documentsMax) && documentsMax >= 1)) throw new RangeError(`bm25: documentsMax must be a whole number >= 1, got ${documentsMax}`);
  if (!(k1 >= 0 && Number.isFinite(k1))) throw new RangeError(`bm25: k1 must be a number >= 0, got ${k1}`);
  if (!(b >= 0 && b <= 1)) throw new RangeError(`bm25: b must be 0 to 1, got ${b}`);
  const slotsMax = 2 * documentsMax;
  const byKey = new Map<string, Document>(); // in the order they were added, so their slots ascend
  const bySlot: (Document | undefined)[] = [];
  const index = new Map<string, Postings>();
  const scores = new Float64Array(slotsMax); // all zero between questions
  let totalLength = 0;

  function remove(key: string): boolean {
    const document = byKey.get(key);
    if (document === undefined) return false;
    byKey.delete(key);
    bySlot[document.slot] = undefined;
    totalLength -= document.length;
    for (const [word] of document.counts) {
      const postings = index.get(word) as Postings;
      postings.df -= 1;
      if (postings.df === 0) index.delete(word);
    }
    return true;
  }

  function place(document: Document): void {
    document.slot = bySlot.length;
    bySlot.push(document);
    for (const [word, tf] of document.counts) {
      const postings = index.get(word) ?? { slots: [], tf: [], df: 0 };
      index.set(word, postings);
      postings.slots.push(document.slot);
      postings.tf.push(tf);
      postings.df += 1;
    }
  }

  function add(key: string, words: readonly string[]): string | undefined {
    remove(key);
    const oldest = byKey.size >= documentsMax ? (byKey.keys().next().value as string) : undefined;
    if (oldest !== undefined) remove(oldest);
    if (bySlot.length === slotsMax) {
      bySlot.length = 0;
      index.clear();
      for (const document of byKey.values()) place(document);
    }
    const document: Document = { key, slot: -1, length: words.length, counts: [...count(words)] };
    byKey.set(key, document);
    totalLength += document.length;
    place(document);
    return oldest;
  }

  function search(words: readonly string[], K: number): Hit[] {
    const touched: number[] = [];
    const average = totalLength / byKey.size;
    for (const [word, times] of count(words)) {
      const postings = index.get(word);
      if (postings === undefined) continue;
      const idf = times * (k1 + 1) * Math.log(1 + (byKey.size - postings.df + 0.5) / (postings.df + 0.5));
      for (let i = 0; i < postings.slots.length; i += 1) {
        const slot = postings.slots[i];
        const document = bySlot[slot];
        if (document === undefined) continue;
        const tf = postings.tf[i];
        if (scores[slot] === 0) touched.push(slot);
        scores[slot] += (idf * tf) / (tf + k1 * (1 - b + (b * document.length) / average));
      }
    }
    const hits = best(scores, touched, K).map((slot) => ({ key: (bySlot[slot] as Document).key, score: scores[slot] }));
    for (const slot of touched) scores[slot] = 0;
    return hits;
  }

  function ofItself(words: readonly string[]): number {
    if (byKey.size === 0) return 0;
    let score = 0;
    for (const [word, times] of count(words)) {
      const df = index.get(word)?.df ?? 0;
      score += (times * Math.log(1 + (byKey.size - df + 0.5) / (df + 0.5)) * times * (k1 + 1)) / (times + k1 * (1 - b + (b * words.length * byKey.size) / totalLength));
    }
    return score;
  }

  return {
    get size() { return byKey.size; },
    add, remove, search, ofItself,
    *documents() { for (const { key, counts } of byKey.values()) yield [key, counts]; },
  };
}

function count(words: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}

/** The slots of the K highest scores, ties by the smaller slot: a sorted list of K, as K is small beside the scores. */
function best(scores: Float64Array, slots: readonly number[], K: number): number[] {
  const top: number[] = [];
  const isBetter = (slot: number, than: number): boolean => scores[slot] > scores[than] || (scores[slot] === scores[than] && slot < than);
  for (const slot of slots) {
    if (top.length >= K && (K < 1 || !isBetter(slot, top[top.length - 1]))) continue;
    let at = top.length;
    while (at > 0 && isBetter(slot, top[at - 1])) at -= 1;
    top.splice(at, 0, slot);
    if (top.length > K) top.pop();
  }
  return top;
}
