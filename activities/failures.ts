/** Errors on their way to Temporal: it retries what may pass, and gives up at once on what cannot succeed. */
import { ClickHouseError } from '@clickhouse/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { AftercareError, messageOf } from '../schemas/errors.js';

/**
 * What ClickHouse says when it is busy, starting or not yet migrated. Any other refusal is about the statement itself,
 * and the same statement would be refused again.
 * Source: ClickHouse, src/Common/ErrorCodes.cpp
 */
const passing: ReadonlySet<string> = new Set([
  'MEMORY_LIMIT_EXCEEDED', 'TOO_MANY_PARTS', 'TOO_MANY_SIMULTANEOUS_QUERIES', 'TIMEOUT_EXCEEDED', 'SOCKET_TIMEOUT', 'NETWORK_ERROR',
  'TABLE_IS_READ_ONLY', 'NOT_ENOUGH_SPACE', 'UNKNOWN_TABLE', 'UNKNOWN_DATABASE', 'ABORTED', 'QUERY_WAS_CANCELLED',
]);

/** @returns what to throw out of an activity: the message stays, and the type is the error's code */
export function toFailure(error: unknown): Error {
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  return ApplicationFailure.create({ message: messageOf(error), type: typeOf(error), nonRetryable: !mayPass(error) });
}

function typeOf(error: unknown): string {
  if (error instanceof AftercareError) return error.code;
  return error instanceof Error ? error.name : 'Error';
}

function mayPass(error: unknown): boolean {
  const refusal = error instanceof AftercareError ? error.cause : error;
  if (refusal instanceof ClickHouseError) return passing.has(refusal.type ?? '');
  return !(error instanceof AftercareError) || error.disposition !== 'poison';
}
