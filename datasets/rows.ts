/**
 * Files to rows of text: gz or plain, comma or tab separated, streamed with bounded memory.
 *
 *   InvoiceNo,StockCode,Description       line 1
 *   536365,22423,"REGENCY ""CAKESTAND"""   line 2   -> ['536365', '22423', 'REGENCY "CAKESTAND"']
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CsvError, parse, type Parser } from 'csv-parse';
import { AftercareError, messageOf } from '../schemas/errors.js';
import type { ReadOptions } from './dataset.js';

export interface Row {
  /** the line that the row starts on; a quoted field may span several */
  line: number;
  fields: string[];
  error?: string;
}

/** Enough that a batch costs one await, few enough that progress moves and memory stays small. */
export const rowsPerBatch = 1000;
/** A record beyond this is a quote that was never closed, not data; csv-parse would go on to buffer the whole file. */
const recordBytesMax = 1024 * 1024;
const chunkBytes = 256 * 1024;

export async function* readRows(file: string, delimiter: ',' | '\t', options: ReadOptions = {}): AsyncGenerator<Row[]> {
  const { gz, total } = await inspect(file);
  let unclosed = false;
  const parser = parse({
    delimiter,
    cast: false,
    bom: true,
    quote: delimiter === '\t' ? null : '"', // tab separated files of this kind do not quote
    relax_quotes: true,
    relax_column_count: true, // the caller knows the width and names the row
    max_record_size: recordBytesMax,
    skip_records_with_error: true,
    on_skip: (error) => {
      // csv-parse drops the rest of its buffer here, so going on would lose rows in silence.
      if (error?.code === 'CSV_MAX_RECORD_SIZE') throw error;
      unclosed = true;
    },
  });
  const source = createReadStream(file, { highWaterMark: chunkBytes });
  const settled = (): void => undefined; // the parser is destroyed with the same error, and its reader throws it
  if (gz) pipeline(source, createGunzip({ chunkSize: chunkBytes }), parser, settled);
  else pipeline(source, parser, settled);
  let line = 1;
  try {
    for await (const batch of batches(parser)) {
      const rows: Row[] = [];
      for (const fields of batch) {
        if (!isBlank(fields)) rows.push({ line, fields });
        line += 1 + newlinesIn(fields);
      }
      yield rows;
      options.onBytes?.(source.bytesRead, total);
    }
  } catch (error) {
    throw damaged(file, line, error);
  }
  if (unclosed) yield [{ line, fields: [], error: `line ${line}: a quote is opened here and never closed; close it` }];
  options.onBytes?.(total, total);
}

async function* batches(parser: Parser): AsyncGenerator<string[][]> {
  let batch: string[][] = [];
  for await (const record of parser as AsyncIterable<string[]>) {
    batch.push(record);
    if (batch.length < rowsPerBatch) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** gz is told by its magic bytes: names lie, and a browser may have unpacked a file without renaming it. */
async function inspect(file: string): Promise<{ gz: boolean; total: number }> {
  try {
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
      return { gz: bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b, total: size };
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new AftercareError('bad_file', `${file} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function damaged(file: string, line: number, error: unknown): unknown {
  const code = (error as { code?: unknown } | null)?.code;
  if (error instanceof CsvError) {
    return new AftercareError('bad_file', `${file}: a record after line ${line} is larger than ${recordBytesMax} bytes; is a quote left open?`, { cause: error });
  }
  if (typeof code === 'string' && code.startsWith('Z_')) {
    return new AftercareError('bad_file', `${file}: the gz data is damaged or cut short after line ${line}; fetch the file again`, { cause: error });
  }
  return error;
}

const isBlank = (fields: string[]): boolean => fields.length === 1 && fields[0] === '';

function newlinesIn(fields: string[]): number {
  let count = 0;
  for (const field of fields) {
    for (let at = field.indexOf('\n'); at !== -1; at = field.indexOf('\n', at + 1)) count += 1;
  }
  return count;
}
