/**
 * The similar items of every item, out of the shards' memories into the table `item_neighbours`, as a new version:
 *
 *   collect (shards -> artefact) -> write (artefact -> ClickHouse) -> check (rows there = rows of the artefact)
 */
import { ApplicationFailure, defineQuery, proxyActivities, setHandler, workflowInfo } from '@temporalio/workflow';
import type { ExportActivities, NeighboursRef } from '../activities/export-neighbours.js';
import { progressQueryName } from './names.js';
import { checking, collecting, writing } from './retry.js';

export interface ExportNeighboursInput {
  /** how many shards there are; each one is asked */
  shards: number;
  /** neighbours of an item at most; 50 when absent: a shard keeps 100, and the first half of its lists is right in 99 of 100 places */
  keep?: number;
}

export interface ExportNeighboursResult {
  version: number;
  /** items that have a neighbour */
  items: number;
  rows: number;
  /** of the artefact that the rows came from */
  sha256: string;
}

export interface ExportProgress {
  version: number;
  step: 'collect' | 'write' | 'check' | 'done';
  /** known after the first step */
  artefact?: NeighboursRef;
}

const keepDefault = 50;
const keepMax = 1000;
const shardsMax = 256;

export const progressQuery = defineQuery<ExportProgress>(progressQueryName);

const { collectNeighbours } = proxyActivities<ExportActivities>(collecting);
const { writeNeighbours } = proxyActivities<ExportActivities>(writing);
const { checkNeighbours } = proxyActivities<ExportActivities>(checking);

export async function exportNeighbours(input: ExportNeighboursInput): Promise<ExportNeighboursResult> {
  const { shards, keep } = checked(input);
  // The same in every retry and replay, so that a page that is written again has the token of the first time.
  const version = workflowInfo().startTime.getTime();
  let progress: ExportProgress = { version, step: 'collect' };
  setHandler(progressQuery, () => progress);

  const artefact = await collectNeighbours({ version, shards, keep });
  progress = { version, step: 'write', artefact };
  await writeNeighbours(artefact);
  progress = { version, step: 'check', artefact };
  await checkNeighbours(artefact);
  progress = { version, step: 'done', artefact };
  return { version, items: artefact.items, rows: artefact.rows, sha256: artefact.sha256 };
}

/** The input may come from any client of Temporal, so nothing about it is known. */
function checked(input: Partial<ExportNeighboursInput> | undefined): Required<ExportNeighboursInput> {
  const { shards, keep = keepDefault } = input ?? {};
  return { shards: whole('shards', shards, shardsMax), keep: whole('keep', keep, keepMax) };
}

function whole(field: string, value: unknown, maximum: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= maximum) return value;
  throw ApplicationFailure.nonRetryable(`exportNeighbours: ${field} must be a whole number from 1 to ${maximum}, got ${JSON.stringify(value)}`, 'bad_request');
}
