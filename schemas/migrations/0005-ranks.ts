/** What a recommendation was made of: its rank in every channel, and what spoke against it. */
const ranks = ['session', 'item-item', 'user-user', 'svd', 'popular'].map((channel, i, all) => (
  `  ADD COLUMN IF NOT EXISTS rank_${channel.replace('-', '_')} UInt16 COMMENT 'Rank of the item among what ${channel} proposed, from 1; 0: it did not' AFTER ${i === 0 ? 'against' : `rank_${all[i - 1].replace('-', '_')}`},`
));

export const rankColumns: readonly string[] = [
  `ALTER TABLE recommendations
  ADD COLUMN IF NOT EXISTS against Array(String) COMMENT 'What the customer sent back or complained about, when it resembles that: it stands further down for it' CODEC(ZSTD(1)) AFTER because,
${ranks.join('\n')}
  COMMENT COLUMN IF EXISTS channel 'Which part of the model spoke most for it: session, item-item, user-user, svd or popular'`,
];
