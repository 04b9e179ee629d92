import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { readWhole, type Spool } from './body.js';
import type { FrontConfig } from './config.js';
import type { Answer, Engine } from './engine.js';
import { bodyOf, fromEngine, refuse, statusOf } from './exception.js';
import type { Policy } from './policy.js';
import { authenticate, readRequest, type Request } from './request.js';
import { readStatement, type Statement } from './statement.js';

export interface Front { config: FrontConfig; engine: Engine; policy: Policy; spool: Spool; version: string }

const compress = promisify(gzip);

/** The HTTP interface of ClickHouse, as far as the official client uses it. */
export function createFrontServer(front: Front): Server {
  const server = createServer({
    maxHeaderSize: 1 << 20, // a statement and its parameters stand in the address
    keepAliveTimeout: 30_000, // longer than any client's idle limit, so that no request meets a closing socket
  }, (message, response) => { void serve(front, message, response); });
  server.requestTimeout = 0; // a slow upload is bounded by its size; the client sets its own patience
  return server;
}

async function serve(front: Front, message: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const url = new URL(message.url ?? '/', 'http://front');
    if (url.pathname === '/ping' || url.pathname === '/replicas_status') return void response.end('Ok.\n');
    if (url.pathname !== '/') return void response.writeHead(404).end(`There is no handle ${url.pathname}\n`);
    authenticate(message, url, front.config);
    const request = readRequest(message, url, front.config);
    if (request.query === undefined && message.method === 'GET') return void response.end('Ok.\n');
    const { statement, answer } = await answerTo(front, request, message);
    await send(message, response, request, statement, answer);
  } catch (error) {
    sendError(front, message, response, error);
  }
}

async function answerTo(front: Front, request: Request, message: IncomingMessage): Promise<{ statement: Statement; answer: Answer }> {
  const fromBody = request.query === undefined;
  const text = fromBody ? await readWhole(message, front.config.maxQueryBytes) : Buffer.from(request.query ?? '', 'utf8');
  const statement = readStatement(text, front.policy, request.readonly);
  const options = {
    database: request.database,
    settings: request.settings,
    format: request.format,
    sessionTimeoutMs: request.sessionTimeoutMs,
    ...(request.sessionId !== undefined && { sessionId: request.sessionId }),
  };
  if (statement.kind === 'plain') {
    if (!fromBody && (await readWhole(message, front.config.maxQueryBytes)).length > 0) throw refuse.argument('The body is not empty, and the statement in the address takes no data');
    return { statement, answer: await front.engine.run(statement.sql, options) };
  }
  const { path } = await front.spool.write(statement.inline, message);
  try {
    return { statement, answer: await front.engine.run(statement.sqlFor(path), options) };
  } finally {
    front.spool.remove(path);
  }
}

async function send(message: IncomingMessage, response: ServerResponse, request: Request, statement: Statement, answer: Answer): Promise<void> {
  const zip = request.settings.enable_http_compression === '1' && /\bgzip\b/.test(message.headers['accept-encoding'] ?? '');
  const body = zip && answer.bytes.length > 0 ? await compress(answer.bytes, { level: 1 }) : answer.bytes;
  if (zip && answer.bytes.length > 0) response.setHeader('Content-Encoding', 'gzip');
  const written = statement.kind === 'insert' || statement.writes ? answer.rowsRead : 0;
  response.setHeader('X-ClickHouse-Query-Id', request.queryId ?? randomUUID());
  response.setHeader('X-ClickHouse-Summary', JSON.stringify({
    read_rows: String(answer.rowsRead),
    read_bytes: String(answer.bytesRead),
    written_rows: String(written),
    written_bytes: String(written > 0 ? answer.bytesRead : 0),
    total_rows_to_read: '0',
    result_rows: String(written),
    result_bytes: String(answer.bytes.length),
    elapsed_ns: String(Math.round(answer.elapsedMs * 1e6)),
  }));
  response.setHeader('Content-Type', 'text/plain; charset=UTF-8');
  response.end(body);
}

function sendError(front: Front, message: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const exception = fromEngine(error);
  response.writeHead(statusOf(exception), { 'X-ClickHouse-Exception-Code': String(exception.code), 'Content-Type': 'text/plain; charset=UTF-8', ...(!message.complete && { Connection: 'close' }) });
  response.end(bodyOf(exception, front.version));
  message.resume(); // a client that is still sending reads the answer only after it has sent everything
}
