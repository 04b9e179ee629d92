/** What the cards say of models whose own workflows make and judge them: refreshSvd, tuneBlend. */
import type { Recipe } from './recipe.js';

export const cards: Readonly<Record<string, Recipe['card']>> = {
  svd: {
    purpose: 'Factors of the items, from what customers did: a customer\'s place among them is computed when they are asked for.',
    score: 'none: it is checked for size and coverage',
    limits: [
      'Its checks say that it is whole, and not that its recommendations are better: how much it counts is the blend\'s to learn, from what customers took.',
      'Items that came after it are not in it, until the next one.',
    ],
  },
  blend: {
    purpose: 'How much each channel of a recommendation counts.',
    score: 'nDCG of what was taken among what was shown, each decision weighed by the chance that it was looked at',
    limits: ['It is judged by what was shown: an item that no channel put forward is in no comparison.', 'What the live blend put higher was looked at more; the correction for it is a model too.'],
  },
};
