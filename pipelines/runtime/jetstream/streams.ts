/** The streams and buckets, made once and checked at every start. */
import { DiscardPolicy, JetStreamApiError, RetentionPolicy, StorageType, type JetStreamManager, type StreamConfig } from '@nats-io/jetstream';
import { AftercareError } from '../../../schemas/errors.js';
import { eventTransform, streams } from '../../../schemas/subjects.js';

export interface StreamOptions {
  shards: number;
  /** copies of each stream: 1 on a single server, 3 on a cluster */
  replicas: number;
  /** bytes of EVENTS; when they are used up producers get an error (10077), and nothing is dropped */
  eventsBytesMax: number;
  /** bytes of ARTEFACTS; when they are used up a workflow gets an error that says so */
  artefactsBytesMax: number;
}

const nanosPerSecond = 1_000_000_000;
const streamNotFound = 10059;

type Wanted = Partial<StreamConfig> & Pick<StreamConfig, 'name' | 'subjects'>;

export function wantedStreams(options: StreamOptions): Wanted[] {
  const common = { storage: StorageType.File, retention: RetentionPolicy.Limits, num_replicas: options.replicas } as const;
  return [
    {
      ...common,
      name: streams.events,
      // Everything below events., so that a subject of the wrong form becomes a reject that can be read.
      subjects: ['events.>'],
      subject_transform: eventTransform(options.shards),
      discard: DiscardPolicy.New,
      max_bytes: options.eventsBytesMax,
      duplicate_window: 120 * nanosPerSecond,
    },
    // No age and no size: the newest commit of a shard must never expire. The sink trims what it has stored.
    { ...common, name: streams.out, subjects: ['out.*'] },
    { ...common, name: streams.dlq, subjects: ['dlq.*'], duplicate_window: 600 * nanosPerSecond },
    // Services that were away for a week find what was decided meanwhile. The ids of an hour are remembered: a sink that
    // repeats its cut after a longer absence may send once more, with the same id.
    {
      ...common,
      name: streams.decisions,
      subjects: ['coupons.*', 'alerts.>', 'replies.*', 'rewrites.*'],
      max_age: 7 * 86_400 * nanosPerSecond,
      duplicate_window: 3600 * nanosPerSecond,
    },
    // The stored message that it stands for is gone, so it must not expire before EVENTS does.
    { ...common, name: streams.remains, subjects: ['remains.*.*'] },
    // No age: a version is dropped when newer ones have taken its place.
    { ...common, name: streams.artefacts, subjects: ['art.>'], discard: DiscardPolicy.New, max_bytes: options.artefactsBytesMax, allow_direct: true },
  ];
}

/** @throws AftercareError bad_config when EVENTS was made for another number of shards */
export async function ensureStreams(jsm: JetStreamManager, options: StreamOptions): Promise<void> {
  for (const wanted of wantedStreams(options)) {
    const found = await infoOf(jsm, wanted.name);
    if (found === undefined) await jsm.streams.add(wanted);
    else {
      const { dest } = found.subject_transform ?? {};
      if (wanted.subject_transform !== undefined && dest !== wanted.subject_transform.dest) {
        throw new AftercareError('bad_config', `stream ${wanted.name} partitions by "${dest ?? 'nothing'}", and ${options.shards} shards need "${wanted.subject_transform.dest}"; keep the number of shards, or start with a new data directory and import again`);
      }
      // Made by an earlier version, which had fewer kinds of messages.
      if (wanted.subjects.some((subject) => !found.subjects.includes(subject))) await jsm.streams.update(wanted.name, { subjects: wanted.subjects });
    }
  }
}

async function infoOf(jsm: JetStreamManager, name: string): Promise<StreamConfig | undefined> {
  try {
    return (await jsm.streams.info(name)).config;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === streamNotFound) return undefined;
    throw error;
  }
}
