/**
 * Steps of the ClickHouse schema, oldest first. A step that was released never changes; a new one is added below. A test
 * compares what they add up to with the tables of `schemas/tables.ts`.
 */
import { start } from './0001-start.js';
import { sessionChannel } from './0002-session-channel.js';
import { promotions } from './0003-promotions.js';
import { coupons } from './0004-coupons.js';
import { rankColumns } from './0005-ranks.js';
import { againChannel } from './0006-again-channel.js';
import { risk } from './0007-risk.js';
import { support } from './0008-support.js';
import { registry } from './0009-registry.js';
import { operations } from './0010-operations.js';
import { riskAnomaly } from './0011-risk-anomaly.js';
import { canary } from './0012-canary.js';
import { entityLabels } from './0013-entity-labels.js';
import { challengers } from './0014-challengers.js';
import { secondOpinions } from './0015-second-opinions.js';
import { recommendationHits } from './0016-recommendation-hits.js';

export interface Migration {
  version: number;
  name: string;
  /** each may be run twice: a crash between two of them repeats the step */
  statements: readonly string[];
}

export const migrations: readonly Migration[] = [
  { version: 1, name: 'start', statements: start },
  { version: 2, name: 'session channel', statements: sessionChannel },
  { version: 3, name: 'promotions', statements: promotions },
  { version: 4, name: 'coupons', statements: coupons },
  { version: 5, name: 'ranks', statements: rankColumns },
  { version: 6, name: 'again channel', statements: againChannel },
  { version: 7, name: 'risk', statements: risk },
  { version: 8, name: 'support', statements: support },
  { version: 9, name: 'registry', statements: registry },
  { version: 10, name: 'operations', statements: operations },
  { version: 11, name: 'risk anomaly', statements: riskAnomaly },
  { version: 12, name: 'canary', statements: canary },
  { version: 13, name: 'entity labels', statements: entityLabels },
  { version: 14, name: 'challengers', statements: challengers },
  { version: 15, name: 'second opinions', statements: secondOpinions },
  { version: 16, name: 'recommendation hits', statements: recommendationHits },
];
