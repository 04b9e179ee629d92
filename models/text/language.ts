/**
 * Chinese, English, or neither.
 *
 * Scripts are counted first, in characters of Han and in words of Latin letters, as one of either carries about as much:
 * "我的iPhone 13 Pro Max到了吗" (5 to 3) is Chinese, "please send it to 北京" (2 to 4) English. Kana make Han Japanese; a text
 * that is mostly in another script is neither.
 *
 * Latin text is English unless `eld` (n-grams, 60 languages) is sure of another: short requests ("roll die", "dial sarah")
 * look like anything to it, and refusing a customer's English costs more than reading a short foreign word as English.
 */
import { eld } from 'eld/extrasmall';

export type Language = 'en' | 'zh';

/** Latin letters below which another language is not believed: with 16, 0.2% of bitext's and 0.01% of clinc150's training texts were refused. */
const lettersMin = 16;
/** The same for a text with letters that English has not. */
const lettersMinAccented = 6;
/** How much better than English another language must score, of 1. */
const marginMin = 0.1;
/** Kana of kana and Han above which a text is Japanese; Chinese texts borrow a の. */
const kanaShareMax = 0.2;

/** What says nothing of the language: placeholders, what was masked, addresses, codes, numbers. "改<address><phone>" is Chinese. */
const noise = /\{\{[^{}]{0,64}\}\}|<[^<>\s]{0,64}>|https?:\/\/[!-~]{1,200}|[a-z0-9._-]{1,64}@[a-z0-9._-]{1,64}|[a-z_/-]{0,32}\d[a-z0-9_/-]{0,32}/gi;

/** @param text  normalised; only its first 1,000 characters decide between Latin languages */
export function detectLanguage(text: string): Language | undefined {
  const said = /[\d<{@:]/.test(text) ? text.replace(noise, ' ') : text;
  const { han, kana, latin, accented, words, other } = countScripts(said);
  if (other > latin + 2 * han) return undefined;
  if (kana > kanaShareMax * (kana + han) && kana + han >= words) return undefined;
  if (han > 0 && han >= words) return 'zh';
  if (words === 0) return undefined;
  return latin >= (accented > 0 ? lettersMinAccented : lettersMin) && isForeign(said) ? undefined : 'en';
}

function isForeign(text: string): boolean {
  const scores = eld.detect(text.slice(0, 1000)).getScores();
  let best = 0;
  for (const language in scores) best = Math.max(best, scores[language]);
  return best - (scores.en ?? 0) >= marginMin;
}

interface Scripts {
  han: number;
  kana: number;
  /** letters */
  latin: number;
  /** letters beyond a to z */
  accented: number;
  /** runs of Latin letters */
  words: number;
  /** letters of any other script */
  other: number;
}

const letter = /\p{L}/u;

function countScripts(text: string): Scripts {
  const count: Scripts = { han: 0, kana: 0, latin: 0, accented: 0, words: 0, other: 0 };
  let inWord = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const wasInWord = inWord;
    inWord = false;
    if (code < 0x80) {
      const lower = code | 0x20;
      if (lower < 0x61 || lower > 0x7a) continue;
      inWord = true;
      count.latin += 1;
    } else if ((code >= 0xc0 && code <= 0x24f && code !== 0xd7 && code !== 0xf7) || (code >= 0x1e00 && code <= 0x1eff)) {
      inWord = true;
      count.latin += 1;
      count.accented += 1;
    } else if ((code >= 0x4e00 && code <= 0x9fff) || (code >= 0x3400 && code <= 0x4dbf)) {
      count.han += 1;
    } else if ((code >= 0xd840 && code <= 0xd888)) { // the high half of the supplementary ideographs
      count.han += 1;
      at += 1;
    } else if (code >= 0x3041 && code <= 0x30fa) {
      count.kana += 1;
    } else if (letter.test(text[at])) {
      count.other += 1;
    }
    if (inWord && !wasInWord) count.words += 1;
  }
  return count;
}
