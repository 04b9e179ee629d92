/** Looks for the decisions of late verdicts in ClickHouse, and makes the messages that bring them back (pipelines/risk/late.ts). */
import type { ClickHouseClient } from '@clickhouse/client';
import { AftercareError, messageOf } from '../../schemas/errors.js';
import { eventSubject } from '../../schemas/subjects.js';
import { recallOf, type KeptDecision, type LateLabel } from '../risk/late.js';
import type { KeptDecisions, Message } from './ports.js';

/** Verdicts of one query: it reads their rows' features, a kilobyte each. */
const LABELS_MAX = 256;
/** Decisions about one order that a verdict reaches, as in the ledger. */
const ORDER_MAX = 64;

const keyOf = ({ kind, customer, order }: { kind: string; customer: string; order: string }): string => `${kind}\n${customer}\n${order}`;

/** @throws AftercareError unavailable when the store does not answer */
export async function recallMessages(kept: KeptDecisions, late: readonly LateLabel[]): Promise<Message[]> {
  const messages: Message[] = [];
  for (let from = 0; from < late.length; from += LABELS_MAX) {
    const some = late.slice(from, from + LABELS_MAX);
    const decisions = grouped(await kept.find(some));
    for (const label of some) {
      for (const decision of (decisions.get(keyOf(label)) ?? []).slice(-ORDER_MAX)) {
        const recall = recallOf(label, decision);
        if (recall === undefined) continue;
        messages.push({ subject: eventSubject('control', label.customer), id: `${recall.id}-${label.shard}`, headers: {}, body: Buffer.from(JSON.stringify(recall)) });
      }
    }
  }
  return messages;
}

function grouped(decisions: readonly KeptDecision[]): Map<string, KeptDecision[]> {
  const groups = new Map<string, KeptDecision[]>();
  for (const decision of decisions) {
    const group = groups.get(keyOf(decision));
    if (group === undefined) groups.set(keyOf(decision), [decision]);
    else group.push(decision);
  }
  return groups;
}

const query = `SELECT seq, toUnixTimestamp64Milli(at) AS atMs, type AS kind, customer, order_id AS order, decision, probability, model, feature_names AS featureNames, features
FROM risk_decisions
WHERE order_id IN {orders: Array(String)} AND customer IN {customers: Array(String)}
ORDER BY seq LIMIT 64 BY type, customer, order_id`;

type Row = Omit<KeptDecision, 'seq' | 'atMs'> & { seq: string | number; atMs: string | number };

export function clickHouseKeptDecisions(client: ClickHouseClient): KeptDecisions {
  return {
    async find(late) {
      try {
        const result = await client.query({
          query, format: 'JSONEachRow', query_params: { orders: [...new Set(late.map(({ order }) => order))], customers: [...new Set(late.map(({ customer }) => customer))] },
        });
        const rows = await result.json<Row>();
        return rows.map((row) => ({ ...row, seq: Number(row.seq), atMs: Number(row.atMs) }));
      } catch (cause) {
        throw new AftercareError('unavailable', `ClickHouse: decisions of ${late.length} late verdicts: ${messageOf(cause)}`, { cause });
      }
    },
  };
}
