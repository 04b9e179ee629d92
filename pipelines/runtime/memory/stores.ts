/** In-memory twins of the small stores: leases, cuts, snapshots, rows. */
import { AftercareError } from '../../../schemas/errors.js';
import type { KeptDecision } from '../../risk/late.js';
import type { CutRecord, CutStore, KeptDecisions, Lease, Leases, RowStore, Snapshot, Snapshots } from '../ports.js';

export function memoryLeases(ttlMs: number, now: () => number = () => performance.now()): Leases {
  const owners = new Map<string, { holder: string; epoch: number; renewedMs: number }>();
  let epochs = 0;
  return {
    ttlMs,
    acquire(name, holder) {
      const owner = owners.get(name);
      if (owner !== undefined && now() - owner.renewedMs < ttlMs) return Promise.resolve(undefined);
      const mine = { holder, epoch: ++epochs, renewedMs: now() };
      owners.set(name, mine);
      const renewal = setInterval(() => {
        if (owners.get(name) === mine) mine.renewedMs = now();
      }, ttlMs / 4);
      renewal.unref();
      const lease: Lease = {
        epoch: mine.epoch,
        held: () => owners.get(name) === mine && now() - mine.renewedMs < ttlMs * 0.7,
        release() {
          clearInterval(renewal);
          if (owners.get(name) === mine) owners.delete(name);
          return Promise.resolve();
        },
      };
      return Promise.resolve(lease);
    },
  };
}

export function memoryCuts(): CutStore {
  const records = new Map<string, { record: CutRecord; revision: number }>();
  return {
    read: (name) => Promise.resolve(structuredClone(records.get(name))),
    write(name, record, revision) {
      const newest = records.get(name)?.revision ?? 0;
      if (newest !== revision) return Promise.reject(new AftercareError('fenced', `cut ${name}: revision is ${newest}, not ${revision}; another sink is running`));
      records.set(name, { record: structuredClone(record), revision: revision + 1 });
      return Promise.resolve(revision + 1);
    },
  };
}

export function memorySnapshots(): Snapshots {
  const kept = new Map<number, Snapshot[]>();
  const save = (shard: number, snapshot: Snapshot, others: Snapshot[]): Promise<void> => {
    const copy = { seq: snapshot.seq, chunks: snapshot.chunks.map((chunk) => new Uint8Array(chunk)) };
    kept.set(shard, [...others, copy].sort((a, b) => a.seq - b.seq).slice(-2));
    return Promise.resolve();
  };
  return {
    newest: (shard, seqMax) => Promise.resolve(kept.get(shard)?.findLast((s) => s.seq <= seqMax)),
    save: (shard, snapshot) => save(shard, snapshot, kept.get(shard) ?? []),
    replace: (shard, snapshot) => save(shard, snapshot, []),
  };
}

/** @param decisions  read when they are asked for */
export function memoryKeptDecisions(decisions: readonly KeptDecision[]): KeptDecisions {
  return { find: (late) => Promise.resolve(decisions.filter(({ order }) => late.some((label) => label.order === order))) };
}

export interface MemoryRows extends RowStore {
  /** Arrow streams that were kept, in order, for each table */
  stored: Map<string, Uint8Array[]>;
}

export function memoryRows(): MemoryRows {
  const stored = new Map<string, Uint8Array[]>();
  const tokens = new Set<string>();
  return {
    stored,
    insert(table, _columns, arrow, token) {
      if (!tokens.has(token)) stored.set(table, [...(stored.get(table) ?? []), arrow.slice()]);
      tokens.add(token);
      return Promise.resolve();
    },
  };
}
