import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { request as plainRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { Agent, request as tlsRequest } from 'node:https';
import { failure } from '../../shared/errors.ts';
import type { ErrorText, Failure } from '../../shared/errors.ts';
import type { HttpAnswer, HttpSend } from '../../shared/http.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';
import { writableByOthers } from '../config.ts';
import type { LoadedConfig } from '../config.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * How this machine reaches central and the gateway, where terminal.json says something of it:
 * `central.caFile` names the authorities that are believed, instead of the public ones, and
 * `central.proxy` is gone through (CONNECT, so the proxy sees names and sizes and no content).
 * Undefined: the platform's fetch, which knows neither. CONF-0101: the file.
 */
export function loadCentralLine({
  config,
  path,
}: Pick<LoadedConfig, 'config' | 'path'>): Result<HttpSend | undefined, Failure> {
  const { caFile, proxy } = config.central;
  if (caFile === undefined && proxy === undefined) return ok(undefined);
  let ca: readonly string[] | undefined;
  if (caFile !== undefined) {
    const read = authorities(path(caFile), config.mode === 'production');
    if (!read.ok) return read;
    ca = read.value;
  }
  return ok(
    agentSend(
      new Agent({
        keepAlive: true,
        ...(ca === undefined ? {} : { ca: [...ca] }),
        ...(proxy === undefined ? {} : { proxyEnv: { HTTPS_PROXY: proxy } }),
      }),
    ),
  );
}

/** The certificates in a PEM file, each looked at: a wrong file is found here, not at night. */
function authorities(file: string, production: boolean): Result<readonly string[], Failure> {
  const bad = (why: string, cause?: unknown): Result<never, Failure> =>
    err(failure('CONF-0101', `central.caFile: ${file}: ${why}`, cause));
  try {
    const pem = readFileSync(file, 'utf8');
    const open = production ? writableByOthers(file) : null;
    if (open !== null) return bad(open);
    if (pem.includes('PRIVATE KEY')) return bad('it holds a private key; certificates belong here');
    const found = pem.match(CERTIFICATE) ?? [];
    if (found.length === 0) return bad('no certificate in it (PEM)');
    return found.every((one) => new X509Certificate(one).ca)
      ? ok(found)
      : bad('it holds a certificate that is no authority’s: the one that signed it belongs here');
  } catch (cause) {
    return bad(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** {@link HttpSend} through an agent. Redirects are answers; plain HTTP goes past the agent. */
function agentSend(agent: Agent): HttpSend {
  return ({ method, origin, target, headers, body, maxBytes, signal }) =>
    new Promise((resolve, reject) => {
      const url = `${origin}${target}`;
      const asked = url.startsWith('https:')
        ? tlsRequest(url, { method, headers, signal, agent })
        : plainRequest(url, { method, headers, signal });
      asked.on('error', reject);
      asked.on('response', (response) => {
        response.on('error', reject);
        collect(response, maxBytes, resolve);
      });
      asked.end(body ?? undefined);
    });
}

function collect(
  response: IncomingMessage,
  maxBytes: number,
  done: (answer: HttpAnswer) => void,
): void {
  const status = response.statusCode ?? 0;
  const header = (name: string): string | null => {
    const value = response.headers[name];
    return value === undefined ? null : String(value);
  };
  const chunks: Uint8Array[] = [];
  let length = 0;
  response.on('data', (chunk: Uint8Array) => {
    length += chunk.length;
    if (length <= maxBytes) chunks.push(chunk);
    else {
      // An answer without an end would fill the memory.
      done({ status, header, body: null });
      response.destroy();
    }
  });
  response.on('end', () => done({ status, header, body: new Uint8Array(Buffer.concat(chunks)) }));
}

/**
 * What a person does about a line that does not come up, by what the network said. Null: nothing
 * that could be told from it.
 */
export function lineAdvice(cause: unknown): ErrorText | null {
  const code = codeOf(cause);
  if (code === null) return null;
  if (UNKNOWN_AUTHORITY.has(code))
    return {
      zh: '它的证书由本机不认识的机构签发：专网里把那个机构的证书（PEM）放进 central.caFile；否则就是有人夹在中间',
      en: 'its certificate is by an authority that is not known here: on a private network put that authority’s certificate (PEM) as central.caFile; else somebody stands between',
    };
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return {
      zh: '它的证书是另一个名字的：central.baseUrl 要用证书里的名字',
      en: 'its certificate is for another name: central.baseUrl must have the name in the certificate',
    };
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return {
      zh: '它的证书今天无效：换新证书，或校准本机时钟',
      en: 'its certificate is not valid today: renew it, or set this machine’s clock',
    };
  if (code === 'ERR_PROXY_TUNNEL')
    return {
      zh: '代理（central.proxy）不放行：在代理上允许对中心主机和端口的 CONNECT，并检查用户名和密码',
      en: 'the proxy (central.proxy) does not let this through: allow CONNECT to central’s host and port there, and check its user and password',
    };
  if (code === 'ERR_PROXY_INVALID_CONFIG')
    return { zh: 'central.proxy：http://主机:端口', en: 'central.proxy: http://HOST:PORT' };
  return null;
}
/** OpenSSL's words for a chain that ends nowhere. */
const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
]);

/** The network's own code; fetch keeps it one level down. */
function codeOf(cause: unknown): string | null {
  if (!(cause instanceof Error)) return null;
  if ('code' in cause && typeof cause.code === 'string') return cause.code;
  return codeOf(cause.cause);
}
