/**
 * Texts as sparse rows: how often each word (run of words, run of letters) occurs, times how rare it is.
 *
 *   tf  = 1 + ln(count), or count            idf = ln((1 + N) / (1 + df)) + 1
 *   each block (words, letters) divided by its own length, so that neither drowns the other
 *
 * Letters are taken within a token, with a space before and after it: " ca", "can", "an " (scikit-learn's char_wb). They are what
 * still matches when a customer mistypes.
 * Source: Salton and Buckley 1988; scikit-learn's TfidfVectorizer (smooth_idf, sublinear_tf, norm l2), one for each block.
 *
 * File (models/snapshot.ts): header {tfidf: settings, wordColumns} | terms of both blocks as JSON | idf, doubles
 */
import { stack, type SparseRow, type SparseRows } from '../linear/sparse.js';
import { pack, unpack, type Format, type Header } from '../snapshot.js';

export interface Block {
  /** lengths of the runs: [1, 2] is single words and pairs */
  runs: readonly [number, number];
  /** texts that a run must occur in */
  dfMin: number;
  /** runs at most, those of most texts */
  max: number;
}

export interface TfidfSettings {
  words?: Block;
  /** runs of letters within a token */
  letters?: Block;
  sublinear: boolean;
}

export interface Tfidf {
  readonly settings: TfidfSettings;
  /** columns: the words' first */
  readonly F: number;
  /** the runs by column */
  readonly terms: readonly string[];
  /** how many of the columns are of words */
  readonly wordColumns: number;
  readonly idf: Float64Array;
  row(tokens: readonly { text: string }[]): SparseRow;
  rows(texts: readonly (readonly { text: string }[])[]): SparseRows;
}

/** What stands between the words of a run: no token holds it. */
const BETWEEN = '\u0001';

function wordRuns(tokens: readonly { text: string }[], [from, to]: Block['runs'], add: (run: string) => void): void {
  for (let i = 0; i < tokens.length; i += 1) {
    let run = '';
    for (let n = 1; n <= to && i + n <= tokens.length; n += 1) {
      run = n === 1 ? tokens[i].text : run + BETWEEN + tokens[i + n - 1].text;
      if (n >= from) add(run);
    }
  }
}

/** As char_wb: a token shorter than the run counts once, as it is. */
function letterRuns(tokens: readonly { text: string }[], [from, to]: Block['runs'], add: (run: string) => void): void {
  for (const { text } of tokens) {
    const padded = ` ${text} `;
    for (let n = from; n <= to; n += 1) {
      add(padded.slice(0, n));
      let at = 0;
      while (at + n < padded.length) {
        at += 1;
        add(padded.slice(at, at + n));
      }
      if (at === 0) break;
    }
  }
}

const blocks = [
  ['words', wordRuns],
  ['letters', letterRuns],
] as const;

const format: Format = { name: 'tfidf', magic: 'ATFI', version: 1 };

/** @throws RangeError when neither block is wanted, or a setting is out of range */
export function fitTfidf(texts: readonly (readonly { text: string }[])[], settings: TfidfSettings): Tfidf {
  if (settings.words === undefined && settings.letters === undefined) throw new RangeError('tfidf: needs words, letters or both');
  const terms: string[] = [];
  const idf: number[] = [];
  let wordColumns = 0;
  for (const [name, runsOf] of blocks) {
    const block = settings[name];
    if (block === undefined) continue;
    checkBlock(name, block);
    const df = new Map<string, number>();
    for (const tokens of texts) {
      const seen = new Set<string>();
      runsOf(tokens, block.runs, (run) => { seen.add(run); });
      for (const run of seen) df.set(run, (df.get(run) ?? 0) + 1);
    }
    const chosen = [...df].filter(([, count]) => count >= block.dfMin).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1)).slice(0, block.max);
    for (const [run, count] of chosen) {
      terms.push(run);
      idf.push(Math.log((1 + texts.length) / (1 + count)) + 1);
    }
    if (name === 'words') wordColumns = chosen.length;
  }
  return tfidfOf(settings, terms, wordColumns, Float64Array.from(idf));
}

function checkBlock(name: string, { runs: [from, to], dfMin, max }: Block): void {
  if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 1 && to >= from && to <= 8)) throw new RangeError(`tfidf: ${name}.runs must be two whole numbers, 1 to 8, the larger last, got ${from}, ${to}`);
  if (!(Number.isInteger(dfMin) && dfMin >= 1)) throw new RangeError(`tfidf: ${name}.dfMin must be a whole number >= 1, got ${dfMin}`);
  if (!(Number.isInteger(max) && max >= 1)) throw new RangeError(`tfidf: ${name}.max must be a whole number >= 1, got ${max}`);
}

function tfidfOf(settings: TfidfSettings, terms: readonly string[], wordColumns: number, idf: Float64Array): Tfidf {
  const columns = {
    words: new Map(terms.slice(0, wordColumns).map((term, j) => [term, j])),
    letters: new Map(terms.slice(wordColumns).map((term, j) => [term, wordColumns + j])),
  };
  const row = (tokens: readonly { text: string }[]): SparseRow => {
    const parts: [number, number][] = [];
    for (const [name, runsOf] of blocks) {
      const block = settings[name];
      if (block === undefined) continue;
      const counts = new Map<number, number>();
      runsOf(tokens, block.runs, (run) => {
        const column = columns[name].get(run);
        if (column !== undefined) counts.set(column, (counts.get(column) ?? 0) + 1);
      });
      const weighed = [...counts].sort(([a], [b]) => a - b).map(([column, count]): [number, number] => [column, (settings.sublinear ? 1 + Math.log(count) : count) * idf[column]]);
      const length = Math.sqrt(weighed.reduce((sum, [, weight]) => sum + weight * weight, 0));
      for (const [column, weight] of weighed) parts.push([column, weight / length]);
    }
    return { indices: Int32Array.from(parts, ([column]) => column), values: Float64Array.from(parts, ([, weight]) => weight) };
  };
  return { settings, F: terms.length, terms, wordColumns, idf, row, rows: (texts) => stack(terms.length, texts.map(row)) };
}

interface FileHeader extends Header {
  tfidf: TfidfSettings;
  wordColumns: number;
}

/** The same weights give the same bytes. */
export function saveTfidf({ settings, terms, wordColumns, idf }: Tfidf): Uint8Array[] {
  const text = Buffer.from(JSON.stringify(terms), 'utf8');
  const numbers = Buffer.from(idf.slice().buffer);
  const header: FileHeader = { settings: {}, sections: [text.length, numbers.length], tfidf: inOrder(settings), wordColumns };
  return pack(header, [text, numbers], format);
}

/** The keys in one order, as the bytes tell it. */
function inOrder({ words, letters, sublinear }: TfidfSettings): TfidfSettings {
  const block = ({ runs, dfMin, max }: Block): Block => ({ runs, dfMin, max });
  return { ...(words && { words: block(words) }), ...(letters && { letters: block(letters) }), sublinear };
}

/** @throws RangeError that names what is wrong: truncated, of another kind, of another version */
export function loadTfidf(chunks: Uint8Array[]): Tfidf {
  const { header, next } = unpack<FileHeader>(chunks, {}, format);
  const terms = JSON.parse(Buffer.from(next((bytes) => new Uint8Array(bytes))).toString('utf8')) as string[];
  const idf = new Float64Array(next((bytes) => new Uint8Array(bytes)).buffer);
  if (idf.length !== terms.length) throw new RangeError(`tfidf: ${terms.length} terms but ${idf.length} weights: corrupted`);
  return tfidfOf(header.tfidf, terms, header.wordColumns, idf);
}
