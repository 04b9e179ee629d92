import { connect } from 'node:http2';

const patienceMs = 1_000;

/**
 * The standard gRPC health check, `grpc.health.v1.Health/Check`, in the two messages that it takes: a gRPC library
 * costs a second to load, which is twice the start of the server that is asked.
 * @param authority  `127.0.0.1:7233`
 * @param service  the service's full name; at most 127 bytes, so that its length is one byte
 */
export function isServing(authority: string, service: string): Promise<boolean> {
  return new Promise((resolve) => {
    const session = connect(`http://${authority}`);
    const answer = (serving: boolean): void => { session.destroy(); resolve(serving); };
    session.setTimeout(patienceMs, () => { answer(false); });
    session.once('error', () => { answer(false); });
    const stream = session.request({ ':method': 'POST', ':path': '/grpc.health.v1.Health/Check', 'content-type': 'application/grpc', te: 'trailers' });
    let body = Buffer.alloc(0);
    stream.on('data', (chunk: Buffer) => { body = Buffer.concat([body, chunk]); });
    stream.once('error', () => { answer(false); });
    stream.once('end', () => { answer(saysServing(body)); });
    stream.once('close', () => { answer(false); }); // after an end this is too late to matter
    stream.end(frame(Buffer.concat([Buffer.from([0x0a, service.length]), Buffer.from(service)])));
  });
}

/** `flag (1 byte, 0 = plain) | length (4 bytes, big-endian) | message`; the request's message is field 1, a string: `0a <length> <bytes>`. */
function frame(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** The response's message is field 1, an enumeration: `08 01` is SERVING. */
function saysServing(body: Buffer): boolean {
  return body.length >= 7 && body[5] === 0x08 && body[6] === 0x01;
}
