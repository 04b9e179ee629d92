import { expect, it } from 'vitest';
import { detectLanguage } from '../../../models/text/language.js';
import { loadText } from '../../../models/text/load.js';
import { mask } from '../../../models/text/mask.js';
import { normalise } from '../../../models/text/normalise.js';
import { partsOfSpeech } from '../../../models/text/parts-of-speech.js';
import { tokenise } from '../../../models/text/tokenise.js';

// In a file of its own, so in a process that has read no text yet.
it('leaves nothing to load for the first ticket', () => {
  loadText();
  const before = process.cpuUsage();
  for (const text of ['快递三天没更新了，电话13800138000', "my parcel hasn't arrived, +44 20 7946 0958"]) {
    const { text: masked } = mask(normalise(text));
    const language = detectLanguage(masked) ?? 'en';
    expect(partsOfSpeech(tokenise(masked, language), language)).toContain('NOUN');
  }
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThanOrEqual(50); // the dictionary alone takes three times as long
});
