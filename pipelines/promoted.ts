/**
 * The models that workflows make, and which version of each decides. A promotion is an event on the stream, so every replay
 * switches at the same sequence:
 *
 *   control promote -> the artefact's parts (fetched by the loop) -> the model's reader -> live from here on
 *
 * What cannot go live changes nothing: the version before stays, the row in `promotions` says why, the next one comes.
 * A retirement takes a model away again: what decided before its first version decides as it did then.
 * The snapshot holds the parts themselves, so a restart asks no store for them.
 */
import { createHash } from 'node:crypto';
import { isPromotion, isRetirement } from '../schemas/decode.js';
import { messageOf } from '../schemas/errors.js';
import type { PromotionRow } from '../schemas/tables.js';
import { bundle, unbundle } from './bundle.js';
import type { Step, StoredEvent } from './step.js';

/**
 * Makes a model of an artefact's parts, each in an aligned buffer that nobody else changes; the model may lay typed arrays
 * over them. Deterministic, and it never changes them.
 * @throws RangeError that says what is wrong when they are not a model of this build
 */
export type ModelReader = (parts: readonly Uint8Array[]) => object;
export type ModelReaders = Readonly<Record<string, ModelReader>>;

/** Which version of a model is live. */
export interface LiveVersion {
  version: number;
  sha256: string;
  bytes: number;
  /** position of its promotion, see `positionOf` */
  seq: number;
  /** of a challenger: share of the customers for whom it decides (canary.ts) */
  percent?: number;
}

interface LiveModel extends LiveVersion {
  parts: readonly Uint8Array[];
  model: object;
}

/** Made once for a state, and changed by its step alone: a pipeline may keep it, and asks for its model when it decides. */
export interface LiveModels<Readers extends ModelReaders = ModelReaders> {
  /** @returns undefined before the first promotion */
  get<Name extends keyof Readers & string>(name: Name): ReturnType<Readers[Name]> | undefined;
  /** Of each model that is live. */
  readonly versions: ReadonlyMap<string, LiveVersion>;
}

/** `cosine-sessions-2+svd.17`: what decided, with the versions that took part. @param models  those that may take part */
export function decidedBy(base: string, versions: ReadonlyMap<string, LiveVersion>, models: readonly string[]): string {
  return [base, ...models.flatMap((name) => (versions.has(name) ? [`${name}.${versions.get(name)?.version}`] : []))].join('+');
}

/** Folds promotions and retirements, and nothing else. @param readers  of every model that this build knows */
export function promotedStep<Readers extends ModelReaders>(readers: Readers): Step<LiveModels<Readers>> {
  return {
    empty: () => liveModels<Readers>(new Map()),
    step({ versions }, stored, emit) {
      const { event, shard, position, receivedMs, artefactGone } = stored;
      if (isRetirement(event)) {
        const gone = versions.get(event.model);
        if (gone?.version !== event.version) return; // published again, or overtaken by a promotion
        (versions as Map<string, LiveModel>).delete(event.model);
        const row: PromotionRow = { model: event.model, version: gone.version, sha256: gone.sha256, bytes: gone.bytes, percent: gone.percent ?? 0, outcome: 'retired', detail: '', shard, seq: position, atMs: receivedMs };
        emit({ table: 'promotions', value: row });
        return;
      }
      if (!isPromotion(event)) return;
      const { model, version, sha256, bytes, percent } = event;
      const live = versions.get(model);
      // Published again, by a workflow that was not sure of it.
      if (live?.version === version && live.sha256 === sha256 && live.percent === percent) return;
      const { outcome, detail } = switchTo(versions as Map<string, LiveModel>, readers, stored);
      const row: PromotionRow = { model, version, sha256, bytes, percent: percent ?? 0, outcome, detail: detail ?? artefactGone ?? '', shard, seq: position, atMs: receivedMs };
      emit({ table: 'promotions', value: row });
    },
    snapshot: ({ versions }) => {
      const models = inOrder(versions);
      return bundle({ list: [listOf(models)], parts: models.flatMap(([, { parts }]) => [...parts]) });
    },
    restore(chunks) {
      const { list, parts } = unbundle(chunks, ['list', 'parts']);
      const read = reader(parts);
      const saved = JSON.parse(Buffer.concat(list).toString()) as Saved[];
      return liveModels<Readers>(new Map(saved.map(({ name, lengths, ...live }): [string, LiveModel] => {
        const own = lengths.map(read);
        return [name, { ...live, parts: own, model: readerOf(readers, name)(own) }];
      })));
    },
    // The hash of an artefact stands for its bytes.
    hash: ({ versions }) => createHash('sha256').update(listOf(inOrder(versions))).digest('hex'),
  };
}

const liveModels = <Readers extends ModelReaders>(versions: Map<string, LiveModel>): LiveModels<Readers> => ({
  get: (name) => versions.get(name)?.model as ReturnType<Readers[typeof name]> | undefined,
  versions,
});

function switchTo(versions: Map<string, LiveModel>, readers: ModelReaders, { event, position, artefact }: StoredEvent): Pick<PromotionRow, 'outcome'> & { detail?: string } {
  if (!isPromotion(event)) throw new RangeError(`promoted: a ${event.type} is no promotion`);
  const { model: name, version, sha256, bytes, percent } = event;
  if (!Object.hasOwn(readers, name)) return { outcome: 'unknown_model', detail: `this build knows ${Object.keys(readers).sort().join(', ') || 'no model'}` };
  if (artefact === undefined) return { outcome: 'missing' };
  try {
    versions.set(name, { version, sha256, bytes, seq: position, ...(percent !== undefined && { percent }), parts: artefact, model: readers[name](artefact) });
    return { outcome: 'live' };
  } catch (error) {
    // The same bytes fail again at every replay: a throw would stop the shard for ever.
    return { outcome: 'unreadable', detail: messageOf(error) };
  }
}

type Saved = LiveVersion & { name: string; lengths: number[] };

/** By name: a Map's own order is that of its history. */
const inOrder = (versions: ReadonlyMap<string, LiveVersion>): [string, LiveModel][] => ([...versions] as [string, LiveModel][]).sort(([a], [b]) => (a < b ? -1 : 1));

function listOf(models: [string, LiveModel][]): Buffer {
  const saved = models.map(([name, { version, sha256, bytes, seq, percent, parts }]): Saved => ({ name, version, sha256, bytes, seq, ...(percent !== undefined && { percent }), lengths: parts.map(({ byteLength }) => byteLength) }));
  return Buffer.from(JSON.stringify(saved));
}

function readerOf(readers: ModelReaders, name: string): ModelReader {
  if (!Object.hasOwn(readers, name)) throw new RangeError(`state: holds the model "${name}", which this build does not know; rebuild from the events`);
  return readers[name];
}

/** @returns gives the next bytes, in a buffer of their own */
function reader(chunks: Uint8Array[]): (length: number) => Uint8Array {
  let [chunk, at] = [0, 0];
  return (length) => {
    const bytes = new Uint8Array(length);
    for (let filled = 0; filled < length;) {
      if (chunk === chunks.length) throw new RangeError('state: a model has fewer bytes than its list says: truncated or corrupted');
      const piece = chunks[chunk].subarray(at, at + length - filled);
      bytes.set(piece, filled);
      filled += piece.byteLength;
      at += piece.byteLength;
      if (at === chunks[chunk].byteLength) [chunk, at] = [chunk + 1, 0];
    }
    return bytes;
  };
}
