import { JetStreamApiError } from '@nats-io/jetstream';

/** The server's answer to a write that expected another newest message: somebody else has written meanwhile. */
const wrongLastSequence = 10071;

export const isOvertaken = (error: unknown): error is JetStreamApiError => error instanceof JetStreamApiError && error.code === wrongLastSequence;

/** No message with that sequence or subject. */
export const noMessageFound = 10037;
