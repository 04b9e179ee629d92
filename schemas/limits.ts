/** Every bound of the contract in one place, each with its reason. A value beyond one is a reject that names it. */
export const limits = {
  /** Bytes of one message. A thousand generous events fit; a larger body holds up the events behind it. */
  messageBytesMax: 1024 * 1024,
  /** Events of one envelope. Positions are `sequence * 1024 + index`, so it must stay below 1,024. */
  envelopeEventsMax: 1000,
  /** 1990-01-01: before any online shop's records; 0, and seconds instead of milliseconds, fall below it. */
  atMsMin: 631_152_000_000,
  /** How far an event's own time may lie after the broker received it: clocks differ, but not by more than a day. */
  aheadMsMax: 24 * 3600 * 1000,
  /** Characters of an identifier (event, customer, order, session, device). A UUID is 36. */
  idLengthMax: 64,
  /** Characters of an item: shops use long compound codes. */
  itemLengthMax: 128,
  /** Lines of one purchase or refund. */
  linesMax: 500,
  /** Units of one line. */
  quantityMax: 1_000_000,
  /** Minor units of one amount: ten billion in the major unit, far below 2^53, so that sums of a million stay exact. */
  amountMinorMax: 1_000_000_000_000,
  /** Characters of a ticket's text. */
  textLengthMax: 20_000,
  /** Characters of a ticket, masked, that wait for its label: what somebody wants is said at the start. */
  ticketKeptMax: 500,
  /** Entities that a label names: as many as a reading keeps. */
  entitiesMax: 32,
  /** Characters of one of them: the name of a product is the longest. */
  entityLengthMax: 200,
  /** Bytes of a model that is promoted: a shard holds it in memory and in each snapshot. A factorisation of 200,000 items of rank 100 has 80 MB. */
  modelBytesMax: 256 * 1024 * 1024,
  /** Characters of the names of all features of a decision: 152 of them have 3,400. */
  recallCharactersMax: 32_768,
  /** Items of a cart that is asked about: more than people fill, and the latest few decide. */
  cartItemsMax: 200,
  /** Items that one answer may hold. */
  answerItemsMax: 200,
} as const;
