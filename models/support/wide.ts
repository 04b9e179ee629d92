/**
 * The wide half of the intent model: which words, pairs of words and letter groups stand in a text, weighed linearly.
 *
 *   F = features, C = classes
 *
 *   "where's it"  ->  where 's it | where's 's_it | _w wh he er re e_ _wh whe ... _whe wher here ere_ ...
 *
 * A misspelt word keeps most of its letter groups, which no list of words can say, and rare words speak at once, which a
 * network learns late. Values are (1 + ln count) * idf, words and pairs scaled to length 1 together, and letter groups likewise.
 * Source: Salton and Buckley 1988 (weights); Joulin et al. 2017 and Cheng et al. 2016 ("wide and deep": both halves together).
 */

/** By the feature's number. */
export interface WideFeatures {
  readonly names: readonly string[];
  /** F */
  readonly idf: Float32Array;
  /** Appends the row of a text: columns ascending are not promised, each stands once. */
  row(words: readonly string[], columns: number[], values: number[]): void;
}

export interface WideSettings {
  /** texts that a feature must stand in */
  textsMin: number;
  /** features at most, those in most texts first */
  featuresMax: number;
}

/** Lengths of letter groups; longer ones say little more and are many (chosen on the validation part of clinc150). */
const [gramMin, gramMax] = [2, 4];
/** Of one text: a pasted page must not take longer than a letter. */
export const wordsMax = 256;
/** Of a word that enters letter groups. */
const lettersMax = 32;

/** Calls back for each feature of a text, repeated ones too. @param grams  whether it is a letter group */
function eachFeature(words: readonly string[], found: (name: string, grams: boolean) => void): void {
  const N = Math.min(words.length, wordsMax);
  for (let i = 0; i < N; i += 1) {
    found(words[i], false);
    if (i + 1 < N) found(`${words[i]}\u0001${words[i + 1]}`, false);
    const padded = `\u0002${words[i].slice(0, lettersMax)}\u0002`;
    for (let n = gramMin; n <= gramMax; n += 1) {
      for (let at = 0; at + n <= padded.length; at += 1) found(`\u0003${padded.slice(at, at + n)}`, true);
    }
  }
}

/** @param texts  words of each */
export function collectFeatures(texts: readonly (readonly string[])[], { textsMin, featuresMax }: WideSettings): { names: string[]; idf: Float32Array } {
  const counts = new Map<string, number>();
  const seen = new Set<string>();
  for (const words of texts) {
    seen.clear();
    eachFeature(words, (name) => seen.add(name));
    for (const name of seen) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const kept = [...counts].filter(([, count]) => count >= textsMin).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, featuresMax);
  // Smoothed as scikit-learn does: as if one more text had every feature.
  const idf = Float32Array.from(kept, ([, count]) => Math.log((1 + texts.length) / (1 + count)) + 1);
  return { names: kept.map(([name]) => name), idf };
}

/** @param names  F @param idf  F */
export function wideFeatures(names: readonly string[], idf: Float32Array): WideFeatures {
  if (names.length !== idf.length) throw new RangeError(`wide: ${names.length} features and ${idf.length} weights are of two models`);
  const columnOf = new Map(names.map((name, i) => [name, i]));
  const counts = new Map<number, number>();
  return {
    names,
    idf,
    row(words, columns, values) {
      counts.clear();
      const isGram = new Map<number, boolean>();
      eachFeature(words, (name, grams) => {
        const column = columnOf.get(name);
        if (column === undefined) return;
        counts.set(column, (counts.get(column) ?? 0) + 1);
        isGram.set(column, grams);
      });
      const from = values.length;
      const squares = [0, 0];
      for (const [column, count] of counts) {
        const value = (1 + Math.log(count)) * idf[column];
        squares[isGram.get(column) === true ? 1 : 0] += value * value;
        columns.push(column);
        values.push(value);
      }
      const scales = squares.map((square) => (square > 0 ? 1 / Math.sqrt(square) : 0));
      for (let i = from; i < values.length; i += 1) values[i] *= scales[isGram.get(columns[i]) === true ? 1 : 0];
    },
  };
}

/** Rows of few numbers among many columns. */
export interface SparseRows {
  /** rows + 1 */
  starts: Uint32Array;
  columns: Uint32Array;
  values: Float32Array;
}

export function sparseRows(features: WideFeatures, texts: readonly (readonly string[])[]): SparseRows {
  const [columns, values]: [number[], number[]] = [[], []];
  const starts = new Uint32Array(texts.length + 1);
  texts.forEach((words, i) => {
    features.row(words, columns, values);
    starts[i + 1] = values.length;
  });
  return { starts, columns: Uint32Array.from(columns), values: Float32Array.from(values) };
}
