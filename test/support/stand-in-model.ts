/** A server that speaks OpenAI's chat completions and answers as a test says, on the loopback. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ModelRequest {
  headers: IncomingHttpHeaders;
  body: { model: string; stream: boolean; max_tokens: number; messages: { role: string; content: string }[] };
  /** between the lines */
  draft: string;
}

/** A text is what the model says; a function does whatever it wants. */
export type ModelAnswer = string | ((request: ModelRequest, response: ServerResponse) => string | undefined);

export async function startStandIn(): Promise<{ url: string; requests: ModelRequest[]; answerWith(answer: ModelAnswer): void; stop(): Promise<void> }> {
  const requests: ModelRequest[] = [];
  let answer: ModelAnswer = '';
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      if (request.url !== '/v1/chat/completions' || request.method !== 'POST') return void response.writeHead(404).end();
      const body = JSON.parse(Buffer.concat(parts).toString('utf8')) as ModelRequest['body'];
      const received = { headers: request.headers, body, draft: body.messages[1].content.split('----')[1].trim() };
      requests.push(received);
      const content = typeof answer === 'string' ? answer : answer(received, response);
      if (content !== undefined) response.setHeader('content-type', 'application/json').end(completion(content));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    answerWith(next) { answer = next; },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export const completion = (content: string, finish = 'stop'): string => JSON.stringify({ id: 'x', object: 'chat.completion', choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: finish }] });
