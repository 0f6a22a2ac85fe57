import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { authority, serverCertificate } from './certificates.ts';

/** One mail as the server took it. */
export interface TakenMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and body as they came. */
  readonly source: string;
  readonly user: string | undefined;
  readonly secure: boolean;
}

/** A mail server that speaks SMTP over TCP, and may be told to refuse. */
export class MailServer {
  readonly mails: TakenMail[] = [];
  /** What it answers to the next mails; 250 when empty. */
  readonly refusals: number[] = [];
  readonly #server: SMTPServer;
  port = 0;
  /** Who certified it. */
  readonly caPem: string;
  constructor(options: { readonly login?: readonly [user: string, password: string] } = {}) {
    const { login } = options;
    const ca = authority('mail');
    this.caPem = ca.certPem;
    const { certPem, keyPem } = serverCertificate(ca, ['127.0.0.1']);
    this.#server = new SMTPServer({
      cert: certPem,
      key: keyPem,
      authOptional: login === undefined,
      disabledCommands: login === undefined ? ['AUTH'] : [],
      onAuth: ({ username, password }, _session, done) =>
        username === login?.[0] && password === login?.[1]
          ? done(null, { user: username })
          : done(new Error('no')),
      onData: (stream, session, done) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.on('end', () => {
          const responseCode = this.refusals.shift();
          if (responseCode !== undefined) {
            done(Object.assign(new Error('not now'), { responseCode }));
            return;
          }
          const { mailFrom, rcptTo } = session.envelope;
          this.mails.push({
            from: mailFrom === false ? '' : mailFrom.address,
            to: rcptTo.map(({ address }) => address),
            source: Buffer.concat(chunks).toString('utf8'),
            user: typeof session.user === 'string' ? session.user : undefined,
            secure: session.secure,
          });
          done();
        });
      },
    });
    // A client that does not trust its certificate hangs up: that is its own matter.
    this.#server.on('error', () => undefined);
  }
  async listen(): Promise<this> {
    await new Promise<void>((resolve) => void this.#server.listen(0, '127.0.0.1', resolve));
    this.port = (this.#server.server.address() as AddressInfo).port;
    return this;
  }
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}

/** The lines of a mail's text, decoded. */
export function textOfMail({ source }: TakenMail): string {
  const [head = '', ...rest] = source.split('\r\n\r\n');
  const body = rest.join('\r\n\r\n');
  return /content-transfer-encoding: base64/i.test(head)
    ? Buffer.from(body, 'base64').toString('utf8')
    : /quoted-printable/i.test(head)
      ? Buffer.from(
          body
            .replaceAll('=\r\n', '')
            .replaceAll(/=([0-9A-F]{2})/g, (_all, hex: string) =>
              String.fromCharCode(Number.parseInt(hex, 16)),
            ),
          'latin1',
        ).toString('utf8')
      : body;
}

/** One POST as the receiver took it. */
export interface TakenPost {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/** A receiver of webhooks over HTTP. */
export class Receiver {
  readonly posts: TakenPost[] = [];
  /** Statuses of the next answers; 204 when empty. */
  readonly statuses: number[] = [];
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const status = this.statuses.shift() ?? 204;
      if (status < 300)
        this.posts.push({
          headers: request.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        });
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {}).end();
    });
  });
  url = '';
  async listen(): Promise<this> {
    await new Promise<void>((resolve) => void this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook?x=1`;
    return this;
  }
  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => void this.#server.close(() => resolve()));
  }
}
