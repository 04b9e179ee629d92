/**
 * A stream's features as a table: what the pipeline makes of each purchase before it is taken into the windows, and what the
 * file knows beside that.  N = purchases, D = columns.
 */
import type { Feature } from '../models/linear/scaler.js';
import { createRiskFeatures, defaultRiskFeatureSettings } from '../models/risk/features.js';
import { riskFeatures } from '../pipelines/risk/features.js';
import type { Judged } from './risk-delayed.js';
import type { Stream } from './risk-streams.js';

export interface FeatureColumn {
  name: string;
  /** how it is scaled */
  feature: Feature;
  family: string;
  /** made from earlier events: what a model without windows has not */
  memory: boolean;
  /** beside the contract */
  extra: boolean;
  /** missing in some row */
  gaps: boolean;
  /** not the same in all rows; what never varies is a field that the record does not have */
  varies: boolean;
}

export interface Table {
  columns: FeatureColumn[];
  judged: Judged;
}

/** A feature belongs to the first family whose pattern its name matches; `memory`: it is made from earlier events. */
const families: { family: string; pattern: RegExp; memory: boolean }[] = [
  { family: 'customer windows', pattern: /^customer_/, memory: true },
  { family: 'device windows', pattern: /^device_/, memory: true },
  { family: 'card windows', pattern: /^card_/, memory: true },
  { family: 'address windows', pattern: /^address_/, memory: true },
  { family: 'own history', pattern: /^(amount_z|amount_over_mean|amount_over_max|orders|refund_rate|refunded_share|order_)/, memory: true },
  { family: 'recency', pattern: /^since_/, memory: true },
  { family: 'usual price', pattern: /^price_/, memory: true },
  { family: 'tickets', pattern: /^ticket_/, memory: true },
  { family: 'hour', pattern: /^(hour_|is_night)/, memory: false },
  { family: 'basket', pattern: /^(amount_log|lines|quantity|coupon_used|is_refund|country_differs|payment_)/, memory: false },
];

const noTickets = { ticketOf: () => undefined };

function columnOf(feature: Feature): FeatureColumn {
  const { name } = feature;
  const found = families.find(({ pattern }) => pattern.test(name));
  if (found === undefined) throw new Error(`bench: feature "${name}" belongs to no family; add it to families in bench/risk-table.ts`);
  return { name, feature, family: found.family, memory: found.memory, extra: false, gaps: false, varies: false };
}

export function tableOf({ events, y, extra, E }: Stream): Table {
  const [P, e] = [riskFeatures.length, extra.length];
  const D = P + e;
  const [X, out, atMs] = [new Float64Array(y.length * D), new Float64Array(P), new Float64Array(y.length)];
  const features = createRiskFeatures(defaultRiskFeatureSettings);
  events.forEach((event, i) => {
    features.extract(event, event.atMs, noTickets, out);
    features.observe(event, event.atMs);
    X.set(out, i * D);
    X.set(E.subarray(i * e, (i + 1) * e), i * D + P);
    atMs[i] = event.atMs;
  });
  const columns = [...riskFeatures.map(columnOf), ...extra.map(({ name, family }): FeatureColumn => ({ name, feature: { name, scale: 'z', missing: 'mean' }, family, memory: false, extra: true, gaps: false, varies: false }))];
  columns.forEach((column, j) => {
    for (let at = j; at < X.length; at += D) {
      column.gaps ||= Number.isNaN(X[at]);
      column.varies ||= !Object.is(X[at], X[j]);
    }
  });
  return { columns, judged: { X, D, atMs, y } };
}

/** Some of the columns. @throws Error where none is kept */
export function pick({ columns, judged: { X, D, atMs, y } }: Table, keep: (column: FeatureColumn) => boolean): { features: Feature[]; judged: Judged } {
  const kept = columns.map((_, j) => j).filter((j) => keep(columns[j]));
  if (kept.length === 0) throw new Error('bench: no column is kept');
  const picked = new Float64Array(y.length * kept.length);
  for (let i = 0; i < y.length; i += 1) for (let k = 0; k < kept.length; k += 1) picked[i * kept.length + k] = X[i * D + kept[k]];
  return { features: kept.map((j) => columns[j].feature), judged: { X: picked, D: kept.length, atMs, y } };
}
