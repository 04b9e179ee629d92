/** A new channel, told in its column's comment. */
export const sessionChannel: readonly string[] = [
  `ALTER TABLE recommendations COMMENT COLUMN IF EXISTS channel 'Which part of the model proposed it: session, item-item, user-user or popular'`,
];
