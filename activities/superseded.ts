/**
 * Activities of earlier releases, in which refreshSvd and tuneBlend made their models by themselves. A run that began then asks for
 * them still; it ends at once and says what to do, instead of waiting an hour for a worker that knows them.
 */
import { ApplicationFailure } from '@temporalio/common';

const names = ['cutInteractions', 'factoriseInteractions', 'checkSvd', 'promoteSvd', 'cutDecisions', 'learnBlend', 'promoteBlend'] as const;

export type SupersededActivities = Readonly<Record<(typeof names)[number], (input?: unknown) => Promise<never>>>;

export const supersededActivities = Object.fromEntries(names.map((name) => [
  name, () => Promise.reject(ApplicationFailure.nonRetryable(`${name} is no activity of this release: the run began under an earlier one, and what was live stays; start it again`, 'refused')),
])) as unknown as SupersededActivities;
