import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Answers with JSON. */
export function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/**
 * Another company's system on loopback, a process of its own. It prints the port it listens on;
 * what it cannot read is a 400, and ends nothing.
 *
 * @param answer with the request's whole body
 */
export function serveJson(
  port: number,
  answer: (request: IncomingMessage, text: string, response: ServerResponse) => void,
  listening: (port: number) => void = () => undefined,
): void {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      try {
        answer(request, Buffer.concat(chunks).toString('utf8'), response);
      } catch {
        reply(response, 400, { error: 'not understood' });
      }
    });
  });
  server.listen(port, '127.0.0.1', () => {
    const address = server.address();
    const own = typeof address === 'object' ? (address?.port ?? 0) : 0;
    listening(own);
    process.stdout.write(`${own}\n`);
  });
}
