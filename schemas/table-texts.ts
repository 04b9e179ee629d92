/** What the columns of several tables have in common: comments and codecs. */
/** Text of a schema's field; the comment of the column that holds it. */
export const said = (schema: { properties: object }, field: string): string => {
  const property = (schema.properties as Record<string, { description?: string } | undefined>)[field];
  if (property?.description === undefined) throw new RangeError(`schema has no described field "${field}"`);
  return property.description;
};

export const seqComment = 'Position of the event: stream sequence * 1024 + line inside the message; unique within a shard';
export const streamSeq = { name: 'stream_seq', type: 'UInt64', expression: 'intDiv(seq, 1024)', comment: 'Sequence of the message in the stream EVENTS' };
export const sorted = 'Delta, ZSTD(1)';
export const zstd = 'ZSTD(1)';
