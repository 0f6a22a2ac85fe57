import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { Certified } from './certificates.ts';

/** A real TLS server before a door of plain HTTP. */
export interface TlsFront {
  readonly port: number;
  /** Requests that came through. */
  readonly asked: string[];
  readonly close: () => void;
}
export async function tlsFront(certified: Certified, toPort: number): Promise<TlsFront> {
  const asked: string[] = [];
  const server = createTlsServer(
    { cert: certified.certPem, key: certified.keyPem },
    (incoming, answer) => {
      asked.push(incoming.url ?? '');
      const { method, url, headers } = incoming;
      const onward = request(
        { host: '127.0.0.1', port: toPort, method, path: url, headers },
        (got) => {
          answer.writeHead(got.statusCode ?? 502, got.headers);
          got.pipe(answer);
        },
      );
      onward.on('error', () => answer.destroy());
      incoming.pipe(onward);
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** A proxy as a company has one: CONNECT, and nothing else. */
export interface ConnectProxy {
  readonly port: number;
  /** What it was asked for: `HOST:PORT`, with who asked. */
  readonly asked: { readonly to: string; readonly by: string | undefined }[];
  /** Where it connects in truth; null: where it was asked to. */
  divertTo: number | null;
  /** It answers 407. */
  refuses: boolean;
  readonly close: () => void;
}
export async function connectProxy(): Promise<ConnectProxy> {
  const open = new Set<Socket>();
  const asked: ConnectProxy['asked'][number][] = [];
  const server = createServer((_incoming, answer) => answer.writeHead(405).end());
  server.on('connect', (incoming, client) => {
    const to = incoming.url ?? '';
    asked.push({ to, by: incoming.headers['proxy-authorization'] });
    if (proxy.refuses) return void client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const port = proxy.divertTo ?? Number(to.split(':').at(-1));
    const onward = connect(port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(client);
      client.pipe(onward);
    });
    open.add(onward);
    onward.on('error', () => client.destroy());
    client.on('error', () => onward.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: ConnectProxy = {
    port: (server.address() as AddressInfo).port,
    asked,
    divertTo: null,
    refuses: false,
    close: () => {
      for (const socket of open) socket.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
  return proxy;
}
