import { z } from 'zod';
import { failure } from '../../shared/errors.ts';
import type { Failure } from '../../shared/errors.ts';
import type { WalletAnswer } from '../../shared/evidence.ts';
import { httpPort, sendWithin } from '../../shared/http.ts';
import type { HttpAnswer, HttpSend } from '../../shared/http.ts';
import type { Clock, Random, Signer, Verifier } from '../../shared/ports.ts';

/** Everything that names the merchant at Alipay. Signatures are RSA2: SHA256withRSA. */
export interface AlipayProviderConfig {
  /** `https://openapi.alipay.com` in production; a sandbox on loopback in the demo. */
  readonly baseUrl: string;
  readonly appId: string;
  readonly appSigner: Signer;
  /** Alipay's public key (not the application's). */
  readonly alipayKey: Verifier;
  /** v3 unless the account was never moved to it. */
  readonly protocol: 'v3' | 'v2';
  /** Our own number of the store, told with each code payment. */
  readonly storeId: string;
  /** Where the platform tells of payments; left out: it tells nobody. */
  readonly notifyUrl?: string;
}
export interface AlipayPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly fetch?: typeof fetch;
  readonly send?: HttpSend;
  readonly timeoutMs: number;
}

/** The calls this product makes, and their v3 paths (v2 names are the same words with dots). */
export const ALIPAY_API = {
  'alipay.trade.precreate': '/v3/alipay/trade/precreate',
  'alipay.trade.pay': '/v3/alipay/trade/pay',
  'alipay.trade.query': '/v3/alipay/trade/query',
  'alipay.trade.cancel': '/v3/alipay/trade/cancel',
  'alipay.trade.refund': '/v3/alipay/trade/refund',
  'alipay.trade.fastpay.refund.query': '/v3/alipay/trade/fastpay/refund/query',
  'alipay.data.dataservice.bill.downloadurl.query':
    '/v3/alipay/data/dataservice/bill/downloadurl/query',
} as const;
export type AlipayApi = keyof typeof ALIPAY_API;

/**
 * One exchange, the same for both protocols. `done`, `going-on` and `refused` have a verified
 * signature and may be believed: v2 10000, 10003 and 4000x, v3 200, 202 and 4xx. `untrusted` is an
 * answer whose signature or time does not hold. `silent` is no answer. `busy` means "outcome
 * unknown" whoever sent it: v2 20000 and ACQ.SYSTEM_ERROR, 429, 5xx.
 */
export type Exchange =
  | {
      readonly kind: 'done';
      readonly json: unknown;
      /** The answer as it proves itself to others. */
      readonly sealed: () => WalletAnswer;
    }
  | { readonly kind: 'going-on'; readonly json: unknown }
  | { readonly kind: 'refused'; readonly code: string; readonly said: string }
  | { readonly kind: 'untrusted' | 'silent' | 'busy'; readonly failure: Failure };

export interface AlipayClient {
  readonly call: (api: AlipayApi, biz: Readonly<Record<string, unknown>>) => Promise<Exchange>;
  /** A file by its link, unsigned. */
  readonly download: (
    url: string,
  ) => Promise<
    | { readonly kind: 'file'; readonly bytes: Buffer }
    | { readonly kind: 'silent' | 'busy'; readonly failure: Failure }
  >;
}

/**
 * The same window as WeChat's: the protocol names none for v3 answers, and v2 answers carry no
 * time.
 */
const MAX_SKEW_MS = 300_000;
const MAX_BODY_BYTES = 1 << 20;
const MAX_BILL_BYTES = 64 << 20;
/** Whatever the answer's number, these codes mean that nobody knows (payments.md section B). */
const UNKNOWN_CODES: ReadonlySet<string> = new Set([
  'ACQ.SYSTEM_ERROR',
  'SYSTEM_ERROR',
  'aop.ACQ.SYSTEM_ERROR',
  'isp.unknow-error',
  'aop.unknow-error',
]);

const v3ProblemSchema = z.object({ code: z.string(), message: z.string().optional() });
const v2SealSchema = z.object({ sign: z.string() });
const v2HeadSchema = z.object({
  code: z.string(),
  msg: z.string().optional(),
  sub_code: z.string().optional(),
  sub_msg: z.string().optional(),
});
const v2ErrorSchema = z.object({ error_response: v2HeadSchema });

export function createAlipayClient(config: AlipayProviderConfig, ports: AlipayPorts): AlipayClient {
  const send = httpPort(ports);
  const base = new URL(config.baseUrl);
  const prefix = base.pathname.replace(/\/+$/, '');
  const nonce = (): string => Buffer.from(ports.random.bytes(16)).toString('hex');
  const signed = (text: string): string =>
    Buffer.from(config.appSigner.sign(Buffer.from(text, 'utf8'))).toString('base64');

  /** The whole of one request on the wire; a failure is "no answer". */
  async function sent(
    method: 'GET' | 'POST',
    origin: string,
    target: string,
    headers: Readonly<Record<string, string>>,
    body: string | null,
    maxBytes: number,
  ): Promise<HttpAnswer | Failure> {
    const answer = await sendWithin(
      send,
      {
        method,
        origin,
        target,
        headers,
        body: body === null ? null : Buffer.from(body, 'utf8'),
        maxBytes,
      },
      ports.clock,
      ports.timeoutMs,
    );
    return answer.ok ? answer.value : failure('PAY-0202', answer.error.said, answer.error.cause);
  }

  /**
   * The address is a common parameter of v2, and a member of the body of v3 [unconfirmed: where it
   * is not taken, callbacks stay out, and the customer waits for the next question].
   */
  const notifiedOf = (api: AlipayApi): string | null =>
    api === 'alipay.trade.precreate' ? (config.notifyUrl ?? null) : null;

  function judged(code: string, said: string): Exchange {
    return UNKNOWN_CODES.has(code)
      ? { kind: 'busy', failure: failure('PAY-0203', said) }
      : { kind: 'refused', code, said };
  }

  /**
   * `authString\nMETHOD\nPATH?QUERY\nBODY\n`, answered with `timestamp\nnonce\nBODY\n` under a
   * signature (payments.md section B).
   */
  async function v3(api: AlipayApi, biz: Readonly<Record<string, unknown>>): Promise<Exchange> {
    const asksByQuery = api === 'alipay.data.dataservice.bill.downloadurl.query';
    const query = asksByQuery
      ? `?${new URLSearchParams(biz as Record<string, string>).toString()}`
      : '';
    const target = `${prefix}${ALIPAY_API[api]}${query}`;
    const method = asksByQuery ? 'GET' : 'POST';
    const told = notifiedOf(api);
    const body = asksByQuery
      ? ''
      : JSON.stringify(told === null ? biz : { ...biz, notify_url: told });
    const auth = `app_id=${config.appId},nonce=${nonce()},timestamp=${ports.clock.nowMs()}`;
    const answer = await sent(
      method,
      base.origin,
      target,
      {
        Authorization: `ALIPAY-SHA256withRSA ${auth},sign=${signed(`${auth}\n${method}\n${target}\n${body}\n`)}`,
        Accept: 'application/json',
        'User-Agent': 'Pilotlight',
        ...(asksByQuery ? {} : { 'Content-Type': 'application/json' }),
      },
      asksByQuery ? null : body,
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
    if (status === 429 || status >= 500)
      return { kind: 'busy', failure: failure('PAY-0203', `HTTP ${status}`) };
    const doubt = whyNotTrusted(answer.header, bytes, config.alipayKey, ports.clock.nowMs());
    const json = parse(bytes.toString('utf8'));
    if (doubt !== null) {
      // The platform signs no answer to an application that it does not know; what a trade's own
      // answer says without a signature is nothing.
      const said =
        answer.header('alipay-signature') === null ? v3ProblemSchema.safeParse(json) : null;
      return said?.success === true && status >= 400 && !said.data.code.startsWith('ACQ.')
        ? {
            kind: 'busy',
            failure: failure('PAY-0204', `HTTP ${status} ${problemText(said.data)}, unsigned`),
          }
        : {
            kind: 'untrusted',
            failure: failure('PAY-0201', `HTTP ${status} not believed: ${doubt}`),
          };
    }
    if (status === 200) {
      const covered = coveredText(answer.header, bytes);
      const signature = answer.header('alipay-signature') ?? '';
      return { kind: 'done', json, sealed: () => sealedBy(covered.toString('utf8'), signature) };
    }
    // The v3 pages name 202 for a business that is not over; v2's 10003.
    if (status === 202) return { kind: 'going-on', json };
    const parsed = v3ProblemSchema.safeParse(json);
    if (status < 400 || !parsed.success)
      return {
        kind: 'untrusted',
        failure: failure('PAY-0201', `HTTP ${status}: signed, but not the promised form`),
      };
    return judged(parsed.data.code, `HTTP ${status} ${problemText(parsed.data)}`);
  }

  /**
   * Common parameters in the address, `biz_content` in the body, one signature over all of them
   * sorted; the answer's covers its inner object, byte by byte.
   */
  async function v2(api: AlipayApi, biz: Readonly<Record<string, unknown>>): Promise<Exchange> {
    const told = notifiedOf(api);
    const common: Record<string, string> = {
      app_id: config.appId,
      method: api,
      format: 'JSON',
      charset: 'utf-8',
      sign_type: 'RSA2',
      timestamp: beijing(ports.clock.nowMs()),
      version: '1.0',
      ...(told === null ? {} : { notify_url: told }),
    };
    const all: Record<string, string> = { ...common, biz_content: JSON.stringify(biz) };
    const sign = signed(
      Object.keys(all)
        .toSorted()
        .map((k) => `${k}=${all[k] ?? ''}`)
        .join('&'),
    );
    const target = `${prefix}/gateway.do?${new URLSearchParams({ ...common, sign }).toString()}`;
    const answer = await sent(
      'POST',
      base.origin,
      target,
      {
        'Content-Type': 'application/x-www-form-urlencoded;charset=utf-8',
        Accept: 'application/json',
        'User-Agent': 'Pilotlight',
      },
      new URLSearchParams({ biz_content: all['biz_content'] ?? '' }).toString(),
      MAX_BODY_BYTES,
    );
    if ('code' in answer) return { kind: 'silent', failure: answer };
    const { status } = answer;
    if (status === 429 || status >= 500)
      return { kind: 'busy', failure: failure('PAY-0203', `HTTP ${status}`) };
    if (answer.body === null)
      return {
        kind: 'untrusted',
        failure: failure('PAY-0201', `HTTP ${status}: answer larger than ${MAX_BODY_BYTES} bytes`),
      };
    const text = Buffer.from(
      answer.body.buffer,
      answer.body.byteOffset,
      answer.body.length,
    ).toString('utf8');
    const outer = parse(text);
    const sealed = v2SealSchema.safeParse(outer);
    const inner = innerText(text, `${api.replaceAll('.', '_')}_response`);
    if (inner === null) {
      const platform = platformError(outer);
      if (platform !== null)
        return { kind: 'busy', failure: failure('PAY-0204', `HTTP ${status} ${platform}`) };
    }
    if (
      status !== 200 ||
      !sealed.success ||
      inner === null ||
      !verifies(config.alipayKey, inner, sealed.data.sign)
    )
      return {
        kind: 'untrusted',
        failure: failure(
          'PAY-0201',
          `HTTP ${status} not believed: ${inner === null ? 'no such answer' : 'signature does not match'}`,
        ),
      };
    const json = parse(inner);
    const parsed = v2HeadSchema.safeParse(json);
    if (!parsed.success)
      return {
        kind: 'untrusted',
        failure: failure('PAY-0201', 'signed, but not the promised form', parsed.error),
      };
    const { code, msg, sub_code: sub, sub_msg: subMsg } = parsed.data;
    if (code === '10000')
      return { kind: 'done', json, sealed: () => sealedBy(inner, sealed.data.sign) };
    if (code === '10003') return { kind: 'going-on', json };
    const said = `${code} ${sub ?? ''} ${(subMsg ?? msg ?? '').slice(0, 200)}`;
    return code === '20000'
      ? { kind: 'busy', failure: failure('PAY-0203', said) }
      : judged(sub ?? code, said);
  }

  async function download(url: string): ReturnType<AlipayClient['download']> {
    const at = URL.parse(url);
    if (
      at === null ||
      (at.origin !== base.origin &&
        !(
          at.protocol === 'https:' &&
          /\.(alipay\.com|alipaydev\.com|alipayobjects\.com)$/.test(at.hostname)
        ))
    )
      return { kind: 'silent', failure: failure('PAY-0201', 'the bill’s link leads elsewhere') };
    const answer = await sent(
      'GET',
      at.origin,
      `${at.pathname}${at.search}`,
      { 'User-Agent': 'Pilotlight' },
      null,
      MAX_BILL_BYTES,
    );
    if ('code' in answer) return { kind: 'silent', failure: answer };
    if (answer.status !== 200 || answer.body === null)
      return { kind: 'busy', failure: failure('PAY-0203', `bill file: HTTP ${answer.status}`) };
    return {
      kind: 'file',
      bytes: Buffer.from(answer.body.buffer, answer.body.byteOffset, answer.body.length),
    };
  }

  return { call: config.protocol === 'v2' ? v2 : v3, download };
}

const problemText = ({ code, message }: z.infer<typeof v3ProblemSchema>): string =>
  `${code.slice(0, 100)}${message === undefined ? '' : `: ${message.slice(0, 200)}`}`;

/**
 * What the platform itself says in the place of the call's own answer (`error_response`:
 * `isv.invalid-app-id`, `isv.invalid-signature` and their like), for a technician. It says nothing
 * of the trade, and is often unsigned: nothing is built on it. Null: there is none.
 */
function platformError(outer: unknown): string | null {
  const read = v2ErrorSchema.safeParse(outer);
  if (!read.success) return null;
  const { code, msg, sub_code: sub, sub_msg: subMsg } = read.data.error_response;
  return ['error_response', code, sub, (subMsg ?? msg)?.slice(0, 200)]
    .filter((t) => t !== undefined)
    .join(' ');
}

/** One of the platform's signatures, over exactly this text. */
export function verifies(key: Verifier, text: string | Uint8Array, signature: string): boolean {
  const raw = Buffer.from(signature, 'base64');
  // One signature has one spelling: base64 with stray bits or characters is refused.
  return (
    raw.toString('base64') === signature &&
    key.verify(typeof text === 'string' ? Buffer.from(text, 'utf8') : text, raw)
  );
}

/** Why a v3 answer must not be believed; null when its signature holds. */
export function whyNotTrusted(
  header: HttpAnswer['header'],
  body: Uint8Array,
  key: Verifier,
  nowMs: number,
): string | null {
  const timestamp = header('alipay-timestamp');
  const nonce = header('alipay-nonce');
  const signature = header('alipay-signature');
  if (timestamp === null || nonce === null || signature === null)
    return 'signature headers missing';
  if (!/^\d{1,16}$/.test(timestamp)) return 'timestamp is not a number';
  if (Math.abs(nowMs - Number(timestamp)) > MAX_SKEW_MS)
    return `timestamp ${Math.round(Math.abs(nowMs - Number(timestamp)) / 1000)} s away from this clock`;
  return verifies(key, coveredText(header, body), signature) ? null : 'signature does not match';
}

/** What a v3 answer's signature covers. */
const coveredText = (header: HttpAnswer['header'], body: Uint8Array): Buffer =>
  Buffer.concat([
    Buffer.from(`${header('alipay-timestamp') ?? ''}\n${header('alipay-nonce') ?? ''}\n`, 'utf8'),
    body,
    Buffer.from('\n', 'utf8'),
  ]);

const sealedBy = (covered: string, signature: string): WalletAnswer => ({
  kind: 'wallet-answer',
  wallet: 'alipay',
  key: '',
  covered,
  signature,
});

/**
 * What an answer that was kept says, of either protocol, once its signature holds: whenever it is
 * looked at, since what was paid stays paid. Undefined: it does not.
 */
export function keptAnswer(
  { covered, signature }: WalletAnswer,
  protocol: AlipayProviderConfig['protocol'],
  key: Verifier,
): unknown {
  if (!verifies(key, covered, signature)) return undefined;
  if (protocol === 'v3') return parse(/^\d{1,16}\n[^\n]*\n([\s\S]*)\n$/.exec(covered)?.[1] ?? '');
  const json = parse(covered);
  const head = v2HeadSchema.safeParse(json);
  return head.success && head.data.code === '10000' ? json : undefined;
}

/**
 * The exact text of one member of an outer JSON object: what a v2 signature covers. Null: not
 * there, or not JSON.
 */
export function innerText(text: string, name: string): string | null {
  const key = `"${name}":`;
  const at = text.indexOf(key);
  // The member is the first of the object but for the seal, which quotes nothing: base64 and hex.
  const before = /^\s*\{\s*("(sign|alipay_cert_sn)"\s*:\s*"[0-9A-Za-z+/=]*"\s*,\s*)*$/;
  if (at < 0 || !before.test(text.slice(0, at))) return null;
  const from = at + key.length;
  let depth = 0;
  let quoted = false;
  for (let i = from; i < text.length; i++) {
    const c = text[i];
    if (quoted) {
      if (c === '\\') i++;
      else if (c === '"') quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === '{') depth++;
    else if (c === '}' && --depth === 0) return text.slice(from, i + 1).trim();
  }
  return null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** `yyyy-MM-dd HH:mm:ss`, China's time, as v2 wants it. */
export function beijing(ms: number): string {
  return new Date(ms + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
}
