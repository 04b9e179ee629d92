/** What the caller must do: `poison` sets the input aside, `retry` tries again later, `crash` restarts from the snapshot. */
export type Disposition = 'poison' | 'retry' | 'crash';

export type ErrorCode =
  | 'bad_request'
  | 'bad_config'
  | 'bad_file'
  | 'fenced'
  | 'lease_lost'
  | 'commit_unknown'
  | 'order_broken'
  | 'snapshot_damaged'
  | 'unavailable'
  | 'refused'
  | 'closed';

export const dispositionOf: Record<ErrorCode, Disposition> = {
  bad_request: 'poison',
  bad_config: 'crash',
  bad_file: 'poison',
  fenced: 'crash',
  lease_lost: 'crash',
  commit_unknown: 'crash',
  order_broken: 'crash',
  snapshot_damaged: 'crash',
  unavailable: 'retry',
  refused: 'poison',
  closed: 'crash',
};

/** The one error class: a code from a closed list, a message with field, value and remedy, and the cause. */
export class AftercareError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'AftercareError';
    this.code = code;
  }
  get disposition(): Disposition {
    return dispositionOf[this.code];
  }
}

/** The text of anything that was thrown, with its causes, for a log line. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${messageOf(error.cause)})`;
}
