/**
 * What the first text would wait for: jieba's dictionary (some 170 ms and 40 MB), the patterns of phone numbers, the lexicon of
 * English. A process that answers calls this before it goes live, so that no ticket pays for it.
 */
import { detectLanguage } from './language.js';
import { mask } from './mask.js';
import { normalise } from './normalise.js';
import { partsOfSpeech } from './parts-of-speech.js';
import { tokenise } from './tokenise.js';

export function loadText(): void {
  for (const [text, language] of [['Could you call 020 7946 0958 or write to ann@example.com?', 'en'], ['请打电话010-62551234，寄到文三路478号', 'zh']] as const) {
    const { text: masked } = mask(normalise(text));
    detectLanguage(masked);
    partsOfSpeech(tokenise(masked, language), language);
  }
}
