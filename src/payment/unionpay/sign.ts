import { createHmac, createSecretKey, hash } from 'node:crypto';
import { equalBytes } from '../../shared/bytes.ts';
import type { HttpAnswer } from '../../shared/http.ts';

/**
 * How requests to the acquirer are signed and its answers verified: the one place to change where a
 * contract says otherwise (decision 0019).
 */
export interface UnionpayRule {
  /**
   * The `Authorization` header of a request.
   *
   * @param timestampMs now
   * @param nonce at most 32 characters
   */
  readonly authorization: (body: Uint8Array, timestampMs: number, nonce: string) => string;
  /** Why an answer must not be believed; null when it may be. */
  readonly whyNotTrusted: (
    header: HttpAnswer['header'],
    body: Uint8Array,
    nowMs: number,
  ) => string | null;
}

/** The same window as WeChat's. */
const MAX_SKEW_MS = 300_000;
const FORM =
  /^OPEN-BODY-SIG AppId="([^"]*)", ?Timestamp="(\d{14})", ?Nonce="([^"]*)", ?Signature="([^"]*)"$/;

/**
 * OPEN-BODY-SIG: base64 of HMAC-SHA256 by the application's key over `AppId ‖ Timestamp ‖ Nonce ‖
 * hex(SHA-256(body))`, the time as `yyyyMMddHHmmss` of China (payments.md section C names the
 * scheme; its rule is the same in several public clients of the acquirer). That answers carry the
 * same header is unconfirmed: with `tls` an answer is believed for the certificate that the line
 * ended at.
 */
export function openBodySig(
  appId: string,
  appKey: Uint8Array,
  answers: 'signed' | 'tls',
): UnionpayRule {
  const key = createSecretKey(appKey);
  const mac = (timestamp: string, nonce: string, body: Uint8Array): Buffer =>
    createHmac('sha256', key)
      .update(`${appId}${timestamp}${nonce}${hash('sha256', body, 'hex')}`, 'utf8')
      .digest();
  return {
    authorization: (body, timestampMs, nonce) => {
      const timestamp = chinaDigits(timestampMs);
      return `OPEN-BODY-SIG AppId="${appId}", Timestamp="${timestamp}", Nonce="${nonce}", Signature="${mac(timestamp, nonce, body).toString('base64')}"`;
    },
    whyNotTrusted: (header, body, nowMs) => {
      if (answers === 'tls') return null;
      const parts = FORM.exec(header('authorization') ?? '');
      if (parts === null) return 'signature header missing';
      const [, app, timestamp = '', nonce = '', signature = ''] = parts;
      if (app !== appId) return 'another application’s';
      const atMs = Date.parse(
        `${timestamp.slice(0, 4)}-${timestamp.slice(4, 6)}-${timestamp.slice(6, 8)}T${timestamp.slice(8, 10)}:${timestamp.slice(10, 12)}:${timestamp.slice(12)}+08:00`,
      );
      if (!(Math.abs(nowMs - atMs) <= MAX_SKEW_MS)) return `timestamp ${timestamp} is not of now`;
      const raw = Buffer.from(signature, 'base64');
      // One signature has one spelling: base64 with stray bits or characters is refused.
      return raw.toString('base64') === signature && equalBytes(raw, mac(timestamp, nonce, body))
        ? null
        : 'signature does not match';
    },
  };
}

/** `yyyyMMddHHmmss`, China's time. */
function chinaDigits(ms: number): string {
  return new Date(ms + 8 * 3_600_000).toISOString().slice(0, 19).replace(/\D/g, '');
}
