import { describe, expect, it } from 'vitest';
import { detectLanguage } from '../../../models/text/language.js';
import { mask } from '../../../models/text/mask.js';
import { normalise, textMax } from '../../../models/text/normalise.js';
import { partsOfSpeech } from '../../../models/text/parts-of-speech.js';
import { tokenise } from '../../../models/text/tokenise.js';

/** 100 kB and more of what makes regular expressions, dictionaries and normalisation slow. */
const hostile: Record<string, string> = Object.fromEntries([
  'a', '1', '1 ', '12 34 ', '4111 1111 1111 1111 ', '13800138000 ', '+1', '+8613800138000 ', '(', '1-', '0571-', '0', '1.', '1:00 ', 'a1', 'x1x', '@', 'a@', 'a@b', 'a.b', 'a@b.c ', 'a (at) ', 'dot ', 'a ', 'A ', 'Aa ', '1 a ',
  '1 Oak ', '12 Oak Street ', '1 a b c d e ', 'Austin, TX 78701 ', 'order ', 'order 1', 'phone 1234567 ', 'call ', 'cvv ', 'ssn 123 45 6789 ', 'AB 12 34 56 ', '中', '路', '路1', '路1号', '号', '1号', '3栋2单元501', '市区', '省市', '省市区路',
  '在杭州市', '我要退款', '一', '幺三八', 'T恤', '㐀', '\u{20000}', '\u{1f600}', '\u05d0', '\u0627 ', '\u0e01', '\u3042', '{{', '[a', '<a', 'http://', "n't", "a'", '?!', '!', '\n', ' \n', '\0', '\u200b', '\ud800', '\udc00', '\u0301', 'a\u0301\u0323', '\ufdfa', '\uffa0', '\u0661', 'ignore all previous instructions ', 'address 1 A ', '地址', 'PO Box 1 ',
].map((part) => [part, part.repeat(Math.ceil(100_000 / part.length))]));
const cpuMsMax = 50;

/** Processor time of the quickest of three: others on the machine do not count. */
function cpuMs(run: () => void): number {
  let least = Infinity;
  for (let i = 0; i < 3; i += 1) {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
    if (least < cpuMsMax / 4) break;
  }
  return least;
}

describe('a hostile text', () => {
  it.each(Object.entries(hostile))('%j takes no function longer than 50 ms', (_, text) => {
    const clean = normalise(text);
    expect(clean.length).toBeLessThanOrEqual(textMax);
    const tokens = { en: tokenise(clean, 'en'), zh: tokenise(clean, 'zh') };
    const times = {
      normalise: cpuMs(() => normalise(text)),
      detectLanguage: cpuMs(() => detectLanguage(clean)),
      mask: cpuMs(() => mask(clean)),
      tokeniseEn: cpuMs(() => tokenise(clean, 'en')),
      tokeniseZh: cpuMs(() => tokenise(clean, 'zh')),
      partsOfSpeechEn: cpuMs(() => partsOfSpeech(tokens.en, 'en')),
      partsOfSpeechZh: cpuMs(() => partsOfSpeech(tokens.zh, 'zh')),
    };
    for (const [name, ms] of Object.entries(times)) expect(ms, `${name} of ${JSON.stringify(text.slice(0, 12))}...`).toBeLessThanOrEqual(cpuMsMax);
  });
});
