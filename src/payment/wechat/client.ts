import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { WalletAnswer } from '../../shared/evidence.ts';
import { httpPort, sendWithin } from '../../shared/http.ts';
import type { HttpAnswer, HttpSend } from '../../shared/http.ts';
import { platformKeyId } from './platform-key.ts';
import type { Clock, Random, Signer, Verifier } from '../../shared/ports.ts';
import { err, ok } from '../../shared/result.ts';
import type { Result } from '../../shared/result.ts';

/**
 * Everything that names the merchant at WeChat Pay. Key ids: hex serial of a platform certificate,
 * or `PUB_KEY_ID_…`.
 */
export interface WechatProviderConfig {
  /** `https://api.mch.weixin.qq.com` in production; a sandbox on loopback in the demo. */
  readonly baseUrl: string;
  readonly mchid: string;
  readonly appid: string;
  readonly merchantSerial: string;
  readonly merchantSigner: Signer;
  readonly platformKeys: ReadonlyMap<string, Verifier>;
  readonly notifyUrl: string;
  /** Opens callbacks; left out: none is taken. 32 bytes. */
  readonly apiV3Key?: Uint8Array;
  /**
   * Our own number of the store, told with every code payment (`scene_info.store_info.out_id`,
   * required there).
   */
  readonly storeOutId: string;
  /** Payments in WeChat's own browser; left out: there are none. */
  readonly browser?: WechatBrowserConfig;
}
/** What payments in WeChat's own browser need besides the merchant's keys. */
export interface WechatBrowserConfig {
  /** Of the official account that `appid` names; sent to {@link WechatBrowserConfig.apiUrl} only. */
  readonly appSecret: string;
  /** `https://open.weixin.qq.com` in production: where the customer's browser tells who he is. */
  readonly authorizeUrl: string;
  /** `https://api.weixin.qq.com` in production: what such a word is exchanged at. */
  readonly apiUrl: string;
}
export interface WechatPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly fetch?: typeof fetch;
  /** Instead of `fetch`: the same exchange without the platform's request and response objects. */
  readonly send?: HttpSend;
  readonly timeoutMs: number;
}

/**
 * One exchange. `answer` alone has a verified signature and may be believed. `untrusted` is an
 * answer whose signature, serial or time does not hold. `silent` is no answer at all. `busy` is a
 * 429 or 5xx: whoever sent it, it means "outcome unknown", so it needs no signature.
 */
export type Exchange =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly code: string;
      readonly message: string;
      readonly json: unknown;
      readonly empty: boolean;
      /** The answer as it proves itself to others. */
      readonly sealed: () => WalletAnswer;
    }
  | { readonly kind: 'untrusted' | 'silent' | 'busy'; readonly failure: Failure };

/** Authorization scheme of API v3 (pay.weixin.qq.com doc 4012365336: "WECHATPAY2-SHA256-RSA2048"). */
const SCHEME = 'WECHATPAY2-SHA256-RSA2048';
/** An answer older or newer than this is refused (official Go SDK, core/consts: five minutes). */
export const MAX_SKEW_S = 300;
/** No answer of the five calls is anywhere near this; more is not read into memory. */
const MAX_BODY_BYTES = 1 << 20;
/** A day of some hundred thousand payments. */
const MAX_BILL_BYTES = 64 << 20;

/** Signs requests, sends them, verifies answers. Knows nothing about orders. */
export interface WechatClient {
  readonly exchange: (
    method: 'GET' | 'POST',
    pathAndQuery: string,
    body: unknown,
  ) => Promise<Exchange>;
  /**
   * A bill's file: our request is signed, its answer is not; whoever asked compares the hash that a
   * signed answer gave.
   */
  readonly download: (
    url: string,
  ) => Promise<
    | { readonly kind: 'file'; readonly bytes: Buffer }
    | { readonly kind: 'silent' | 'busy'; readonly failure: Failure }
  >;
}

export function createWechatClient(config: WechatProviderConfig, ports: WechatPorts): WechatClient {
  const send = httpPort(ports);
  const base = new URL(config.baseUrl);
  const prefix = base.pathname.replace(/\/+$/, '');
  const publicKeyId = [...config.platformKeys.keys()].find((id) => id.startsWith('PUB_KEY_ID_'));

  /** Signs, sends, waits at most its time. */
  async function sent(
    method: 'GET' | 'POST',
    origin: string,
    target: string,
    body: unknown,
    maxBytes: number,
  ): Promise<HttpAnswer | Failure> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const timestamp = String(Math.floor(ports.clock.nowMs() / 1000));
    const nonce = Buffer.from(ports.random.bytes(16)).toString('hex').toUpperCase();
    const signature = Buffer.from(
      config.merchantSigner.sign(
        Buffer.from(`${method}\n${target}\n${timestamp}\n${nonce}\n${text}\n`, 'utf8'),
      ),
    ).toString('base64');
    const headers: Record<string, string> = {
      Authorization: `${SCHEME} mchid="${config.mchid}",nonce_str="${nonce}",timestamp="${timestamp}",serial_no="${config.merchantSerial}",signature="${signature}"`,
      Accept: 'application/json',
      'User-Agent': 'Pilotlight',
    };
    if (body !== undefined) headers['Content-Type'] = 'application/json';
    // Asks for answers signed with the public key rather than the certificate (doc 4012154180);
    // both are accepted.
    if (publicKeyId !== undefined) headers['Wechatpay-Serial'] = publicKeyId;

    const answer = await sendWithin(
      send,
      {
        method,
        origin,
        target,
        headers,
        body: body === undefined ? null : Buffer.from(text, 'utf8'),
        maxBytes,
      },
      ports.clock,
      ports.timeoutMs,
    );
    return answer.ok ? answer.value : failure('PAY-0202', answer.error.said, answer.error.cause);
  }

  async function exchange(
    method: 'GET' | 'POST',
    pathAndQuery: string,
    body: unknown,
  ): Promise<Exchange> {
    const answer = await sent(
      method,
      base.origin,
      `${prefix}${pathAndQuery}`,
      body,
      MAX_BODY_BYTES,
    );
    if ('code' in answer) return { kind: 'silent', failure: answer };
    const { status } = answer;
    if (answer.body === null)
      return {
        kind: 'untrusted',
        failure: failure('PAY-0201', `HTTP ${status}: answer larger than ${MAX_BODY_BYTES} bytes`),
      };
    const bytes = Buffer.from(answer.body.buffer, answer.body.byteOffset, answer.body.length);

    const { code, message, json } = parseBody(bytes);
    const said = code === '' ? `HTTP ${status}` : `HTTP ${status} ${code}`;
    if (status === 429 || status >= 500)
      return {
        kind: 'busy',
        failure: failure('PAY-0203', `${said}${message === '' ? '' : `: ${message}`}`),
      };
    const doubt = whyNotTrusted(answer.header, bytes, config.platformKeys, ports.clock.nowMs());
    if (doubt !== null)
      return { kind: 'untrusted', failure: failure('PAY-0201', `${said} not believed: ${doubt}`) };
    const sealed = (): WalletAnswer => ({
      kind: 'wallet-answer',
      wallet: 'wechat',
      key: answer.header('wechatpay-serial') ?? '',
      covered: coveredText(answer.header, bytes).toString('utf8'),
      signature: answer.header('wechatpay-signature') ?? '',
    });
    return { kind: 'answer', status, code, message, json, empty: bytes.length === 0, sealed };
  }

  async function download(url: string): ReturnType<WechatClient['download']> {
    const at = URL.parse(url);
    // The link comes from a signed answer; all the same nothing is fetched from anywhere but the
    // platform.
    if (
      at === null ||
      (at.origin !== base.origin &&
        !(at.protocol === 'https:' && at.hostname.endsWith('.mch.weixin.qq.com')))
    )
      return { kind: 'silent', failure: failure('PAY-0201', 'the bill’s link leads elsewhere') };
    const answer = await sent(
      'GET',
      at.origin,
      `${at.pathname}${at.search}`,
      undefined,
      MAX_BILL_BYTES,
    );
    if ('code' in answer) return { kind: 'silent', failure: answer };
    if (answer.status !== 200)
      return { kind: 'busy', failure: failure('PAY-0203', `bill file: HTTP ${answer.status}`) };
    if (answer.body === null)
      return {
        kind: 'busy',
        failure: failure('PAY-0201', `bill file larger than ${MAX_BILL_BYTES} bytes`),
      };
    return {
      kind: 'file',
      bytes: Buffer.from(answer.body.buffer, answer.body.byteOffset, answer.body.length),
    };
  }

  return { exchange, download };
}

/**
 * Why an answer must not be believed; null when its signature holds. The signature covers
 * `TIMESTAMP\nNONCE\nBODY\n` over the body's raw bytes, an empty body (204) included (doc
 * 4012365345).
 */
export function whyNotTrusted(
  header: HttpAnswer['header'],
  body: Uint8Array,
  keys: ReadonlyMap<string, Verifier>,
  nowMs: number,
): string | null {
  const timestamp = header('wechatpay-timestamp');
  const nonce = header('wechatpay-nonce');
  const signature = header('wechatpay-signature');
  const serial = header('wechatpay-serial');
  if (timestamp === null || nonce === null || signature === null || serial === null)
    return 'signature headers missing';
  if (!/^\d{1,12}$/.test(timestamp)) return 'timestamp is not a number';
  const skew = Math.abs(nowMs / 1000 - Number(timestamp));
  if (skew > MAX_SKEW_S) return `timestamp ${Math.round(skew)} s away from this clock`;
  const key = keys.get(platformKeyId(serial));
  if (key === undefined) return `unknown serial ${serial.slice(0, 64)}`;
  const raw = Buffer.from(signature, 'base64');
  // One signature has one spelling: base64 with stray bits or characters is refused.
  if (raw.toString('base64') !== signature) return 'signature is not base64';
  return key.verify(coveredText(header, body), raw) ? null : 'signature does not match';
}

/** What an answer's signature covers. */
const coveredText = (header: HttpAnswer['header'], body: Uint8Array): Buffer =>
  Buffer.concat([
    Buffer.from(
      `${header('wechatpay-timestamp') ?? ''}\n${header('wechatpay-nonce') ?? ''}\n`,
      'utf8',
    ),
    body,
    Buffer.from('\n', 'utf8'),
  ]);

/**
 * The body of an answer that was kept, once its signature holds: whenever it is looked at, since
 * what was paid stays paid.
 */
export function keptBody(
  { key, covered, signature }: WalletAnswer,
  keys: ReadonlyMap<string, Verifier>,
): Result<string, 'unknown-key' | 'not-proven'> {
  const verifier = keys.get(platformKeyId(key));
  if (verifier === undefined) return err('unknown-key');
  const raw = Buffer.from(signature, 'base64');
  const body = /^\d{1,12}\n[^\n]*\n([\s\S]*)\n$/.exec(covered)?.[1];
  return body !== undefined &&
    raw.toString('base64') === signature &&
    verifier.verify(Buffer.from(covered, 'utf8'), raw)
    ? ok(body)
    : err('not-proven');
}

function parseBody(bytes: Buffer): { code: string; message: string; json: unknown } {
  if (bytes.length === 0) return { code: '', message: '', json: undefined };
  try {
    const json: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    const field = (name: 'code' | 'message'): string => {
      const value =
        typeof json === 'object' && json !== null
          ? (json as Record<string, unknown>)[name]
          : undefined;
      return typeof value === 'string' ? value.slice(0, 200) : '';
    };
    return { code: field('code'), message: field('message'), json };
  } catch {
    return { code: '', message: '', json: undefined };
  }
}
