import { JetStreamApiError } from '@nats-io/jetstream';

/** The server's answer to a write that expected another newest message: somebody else has written meanwhile. */
const wrongLastSequence = 10071;

export const isOvertaken = (error: unknown): error is JetStreamApiError => error instanceof JetStreamApiError && error.code === wrongLastSequence;

/** No message with that sequence or subject. */
export const noMessageFound = 10037;

/** A cluster is still storing a message with this id: what becomes of it, another try will tell. */
const idInProcess = 10158;

export const isInProcess = (error: unknown): boolean => error instanceof JetStreamApiError && error.code === idInProcess;
