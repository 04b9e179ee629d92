import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { refuse } from './exception.js';

export interface Spool {
  /** Writes the start and then the body into a file of its own. @returns its path and bytes; the caller removes it */
  write(start: Buffer, message: IncomingMessage): Promise<{ path: string; bytes: number }>;
  remove(path: string): void;
}

/** Data waits in files, not in memory, however large it is and however slowly it comes. Leftovers of a killed run are removed. */
export function openSpool(dir: string, maxBytes: number): Spool {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const remove = (path: string): void => { rmSync(path, { force: true }); };
  return {
    remove,
    write: async (start, message) => {
      const path = join(dir, randomUUID());
      const counter = limited(maxBytes, 'request body');
      const body = decoded(message);
      // opened before anything can fail: a stream that opens lazily makes its file after the failure has removed it
      const file = await open(path, 'wx', 0o600);
      if (start.length > 0) counter.write(start);
      try {
        await pipeline([...body, counter, file.createWriteStream({ highWaterMark: 1 << 20 })]);
      } catch (error) {
        remove(path);
        throw error;
      }
      return { path, bytes: counter.bytes };
    },
  };
}

/** The whole body in memory, for a statement. @throws ClickHouseException when it is larger than `maxBytes` */
export async function readWhole(message: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const counter = limited(maxBytes, 'statement');
  const chunks: Buffer[] = [];
  counter.on('data', (chunk: Buffer) => { chunks.push(chunk); });
  await pipeline([...decoded(message), counter]);
  return Buffer.concat(chunks);
}

/** Counted after decompression, so that a small body that unpacks to a huge one is stopped too. */
function limited(maxBytes: number, what: string): Transform & { bytes: number } {
  const counter = Object.assign(new Transform({
    transform(chunk: Buffer, _encoding, done) {
      counter.bytes += chunk.length;
      if (counter.bytes > maxBytes) done(refuse.tooLarge(`The ${what} is larger than ${maxBytes} bytes: send it in smaller pieces`));
      else done(null, chunk);
    },
  }), { bytes: 0 });
  return counter;
}

function decoded(message: IncomingMessage): [Readable, ...Transform[]] {
  const encoding = message.headers['content-encoding'] ?? 'identity';
  switch (encoding) {
    case 'identity': case '': return [message];
    case 'gzip': return [message, createGunzip()];
    case 'deflate': return [message, createInflate()];
    case 'br': return [message, createBrotliDecompress()];
    default: throw refuse.unsupported(`Content-Encoding ${encoding} is not served here: use gzip`);
  }
}
