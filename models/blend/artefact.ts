/** A blend as bytes: JSON, packed as a snapshot is (../snapshot.ts): magic, version, lengths, checksum. */
import { channels, type Blend } from '../recommend/fuse.js';
import { pack, unpack, type Format, type Header } from '../snapshot.js';

/** Raise the version when a weight means something else. */
const format: Format = { name: 'blend', magic: 'AFBL', version: 1 };
const most = 1e6;

/** Deterministic: the same blend gives the same bytes. */
export function encodeBlend({ weights, constant }: Blend): Uint8Array[] {
  const json = Buffer.from(JSON.stringify({ weights: Object.fromEntries(channels.map((channel) => [channel, weights[channel]])), constant }));
  return pack({ settings: {}, sections: [json.length] }, [json], format);
}

/**
 * @param chunks  the bytes, cut in any way
 * @throws RangeError that names what is wrong
 */
export function decodeBlend(chunks: Uint8Array[]): Blend {
  const { next } = unpack<Header>(chunks, {}, format);
  const { weights, constant } = JSON.parse(Buffer.from(next((bytes) => new Uint8Array(bytes))).toString('utf8')) as Partial<Blend>;
  const checked = (name: string, value: unknown): number => {
    if (typeof value === 'number' && value >= 0 && value <= most) return value;
    throw new RangeError(`blend: ${name} must be a number from 0 to ${most}, got ${JSON.stringify(value)}`);
  };
  return {
    weights: Object.fromEntries(channels.map((channel) => [channel, checked(`the weight of ${channel}`, weights?.[channel])])) as Blend['weights'],
    constant: checked('constant', constant),
  };
}
