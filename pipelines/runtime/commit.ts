/**
 * A commit: one message on out.<shard> that says "everything up to `to` is folded, and these decisions came of it".
 *
 *   {"v":1,"shard":0,"epoch":7,"from":101,"to":164,"events":64,"atMs":1764000000000,"decisions":[{"table":...,"value":...}]}
 *
 * `from` and `to` are sequences of EVENTS; a commit with `from` = `to` + 1 folds nothing: an epoch marker, or answers alone.
 */
import { AftercareError } from '../../schemas/errors.js';
import type { Decision } from '../step.js';

export interface Commit {
  v: 1;
  shard: number;
  epoch: number;
  from: number;
  to: number;
  /** events folded, rejects not counted */
  events: number;
  /** the owner's clock: for people, never for the fold */
  atMs: number;
  decisions: Decision[];
}

const decoder = new TextDecoder();

export const encodeCommit = (commit: Commit): Uint8Array => Buffer.from(JSON.stringify(commit));

/** @throws AftercareError order_broken for anything that a shard did not write */
export function decodeCommit(body: Uint8Array): Commit {
  let commit: Partial<Commit>;
  try {
    commit = JSON.parse(decoder.decode(body)) as Partial<Commit>;
  } catch (error) {
    throw new AftercareError('order_broken', 'a commit is not JSON; something else writes to OUT', { cause: error });
  }
  if (commit.v !== 1 || !Number.isInteger(commit.to) || !Array.isArray(commit.decisions)) {
    throw new AftercareError('order_broken', `a commit has version ${String(commit.v)}; this program reads version 1`);
  }
  return commit as Commit;
}
