/** A channel of its own for what the customer looks at now, where what was seen may be shown. */
export const againChannel: readonly string[] = [
  `ALTER TABLE recommendations
  ADD COLUMN IF NOT EXISTS rank_again UInt16 COMMENT 'Rank of the item among what again proposed, from 1; 0: it did not' AFTER rank_svd,
  COMMENT COLUMN IF EXISTS channel 'Which part of the model spoke most for it: session, item-item, user-user, svd, again (what is looked at now) or popular'`,
];
