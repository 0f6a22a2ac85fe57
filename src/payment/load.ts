import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { failure } from '../shared/errors.ts';
import type { Failure } from '../shared/errors.ts';
import type { HttpSend } from '../shared/http.ts';
import type { Verifier } from '../shared/ports.ts';
import { err, never, ok } from '../shared/result.ts';
import type { Result } from '../shared/result.ts';
import type { Keyring } from '../shared/signatures.ts';
import {
  ed25519Keyring,
  ed25519Signer,
  rsaSha256Signer,
  rsaSha256Verifier,
} from '../shared/signing.ts';
import type { TerminalConfig } from '../shared/config/terminal.ts';
import { createAlipayProvider } from './alipay/provider.ts';
import { createGatewayProvider } from './gateway/provider.ts';
import type { PaymentProvider } from './types.ts';
import { createUnionpayProvider } from './unionpay/provider.ts';
import { openBodySig } from './unionpay/sign.ts';
import { API_V3_KEY_BYTES } from './wechat/callback.ts';
import type { WechatPorts } from './wechat/client.ts';
import { platformKeyId, whyNotPlatforms } from './wechat/platform-key.ts';
import { createWechatProvider } from './wechat/provider.ts';

/** API v3 signs with RSA-2048 (scheme name WECHATPAY2-SHA256-RSA2048). */
const MIN_RSA_BITS = 2048;
const SHARED_KEY = /^[\x21-\x7e]{16,256}$/;
/** Unconfirmed (payments.md section C names get-qrcode, query, close-qrcode and a refund only). */
const REFUND_QUERY = '/v1/netpay/bills/refund-query';

/** What providers need of the world; `gatewaySend`: the line to the gateway, where it has its own. */
export interface PaymentPorts extends WechatPorts {
  readonly gatewaySend?: HttpSend | undefined;
}

/**
 * The configured providers, in order, with their keys read and checked. Every problem is named by
 * its key in terminal.json (CONF-0101). In production a private key that others may read, a
 * public key that others may change, and plain HTTP to anything but loopback, are refused.
 *
 * @param baseDir what relative key paths start from
 */
export function loadPayments(
  config: Pick<TerminalConfig, 'mode' | 'payments' | 'terminalId' | 'central'>,
  baseDir: string,
  ports: PaymentPorts,
): Result<readonly PaymentProvider[], Failure> {
  const problems: string[] = [];
  const causes: unknown[] = [];
  const problem = (key: string, text: string, cause?: unknown): void => {
    problems.push(`${key}: ${text}`);
    if (cause !== undefined) causes.push(cause);
  };

  const fileOf = (path: string): string => (isAbsolute(path) ? path : join(baseDir, path));
  // Windows has no such mode bits; there the folder's access list is the operator's to set.
  const modeBits = (file: string): number =>
    config.mode === 'production' && process.platform !== 'win32' ? statSync(file).mode : 0;
  const tooOpen = (file: string): boolean => (modeBits(file) & 0o077) !== 0;
  /** Who may change a wallet's public key says himself what is paid. */
  const changeable = (key: string, file: string): boolean => {
    if ((modeBits(file) & 0o022) === 0) return false;
    problem(key, `the public key file can be changed by others; chmod go-w it`);
    return true;
  };
  const readKey = (
    key: string,
    path: string,
    secret: boolean,
    type: 'rsa' | 'ed25519' = 'rsa',
  ): KeyObject | null => {
    const file = fileOf(path);
    try {
      if (secret && tooOpen(file)) {
        problem(key, 'the private key file is readable by group or others; chmod 600 it');
        return null;
      }
      if (!secret && changeable(key, file)) return null;
      const pem = readFileSync(file, 'utf8');
      const object = secret ? createPrivateKey(pem) : createPublicKey(pem);
      if (!secret && pem.includes('PRIVATE KEY')) {
        problem(
          key,
          'this is a private key; the platform’s public key or certificate belongs here',
        );
        return null;
      }
      if (
        object.asymmetricKeyType !== type ||
        (type === 'rsa' && (object.asymmetricKeyDetails?.modulusLength ?? 0) < MIN_RSA_BITS)
      ) {
        problem(
          key,
          type === 'rsa' ? `not an RSA key of at least ${MIN_RSA_BITS} bits` : 'not an Ed25519 key',
        );
        return null;
      }
      return object;
    } catch (cause) {
      problem(key, cause instanceof Error ? cause.message : String(cause), cause);
      return null;
    }
  };

  /** The gateway's public keys: the current one, and while it is being changed the next. */
  const readRing = (key: string, path: string): Keyring | null => {
    const file = fileOf(path);
    try {
      if (changeable(key, file)) return null;
      const pem = readFileSync(file, 'utf8');
      if (!pem.includes('PRIVATE KEY')) return ed25519Keyring(pem);
      problem(key, 'this is a private key; the gateway’s public key belongs here');
    } catch (cause) {
      problem(key, cause instanceof Error ? cause.message : String(cause), cause);
    }
    return null;
  };

  /** A key that both sides have, alone in its file. */
  const readShared = (key: string, path: string): Uint8Array | null => {
    const file = fileOf(path);
    try {
      if (tooOpen(file)) {
        problem(key, 'the key file is readable by group or others; chmod 600 it');
        return null;
      }
      const text = readFileSync(file, 'utf8').trim();
      if (SHARED_KEY.test(text)) return Buffer.from(text, 'utf8');
      problem(key, 'not one line of 16 to 256 visible characters');
      return null;
    } catch (cause) {
      problem(key, cause instanceof Error ? cause.message : String(cause), cause);
      return null;
    }
  };

  /** Whoever is on the line would read secrets, or say himself what a wallet says. */
  const refusePlain = (key: string, address: string): void => {
    const { protocol, hostname } = new URL(address);
    if (
      config.mode === 'production' &&
      protocol !== 'https:' &&
      !['127.0.0.1', '[::1]', 'localhost'].includes(hostname)
    )
      problem(key, 'production needs https');
  };

  const providers: PaymentProvider[] = [];
  for (const [index, payment] of config.payments.entries()) {
    const at = `payments[${index}]`;
    const base = new URL(payment.baseUrl ?? config.central.baseUrl);
    refusePlain(`${at}.baseUrl`, base.href);
    switch (payment.kind) {
      case 'wechat': {
        const merchantKey = readKey(`${at}.merchantKeyFile`, payment.merchantKeyFile, true);
        const platformKeys = new Map<string, Verifier>();
        for (const [serial, path] of Object.entries(payment.platformKeys)) {
          const name = `${at}.platformKeys.${serial}`;
          const key = readKey(name, path, false);
          if (key === null || merchantKey === null) continue;
          const why = whyNotPlatforms(serial, readFileSync(fileOf(path), 'utf8'), {
            mchid: payment.mchid,
            serial: payment.merchantSerial,
            privateKey: merchantKey,
          });
          const id = platformKeyId(serial);
          if (why !== null) problem(name, why);
          else if (platformKeys.has(id)) problem(name, 'written twice, in different spellings');
          else platformKeys.set(id, rsaSha256Verifier(key));
        }
        if (merchantKey === null) break;
        const apiV3Key =
          payment.apiV3KeyFile === undefined
            ? undefined
            : readShared(`${at}.apiV3KeyFile`, payment.apiV3KeyFile);
        if (apiV3Key === null) break;
        if (apiV3Key !== undefined && apiV3Key.length !== API_V3_KEY_BYTES)
          problem(`${at}.apiV3KeyFile`, `not ${API_V3_KEY_BYTES} characters`);
        const { baseUrl, mchid, appid, merchantSerial, notifyUrl, browser } = payment;
        const appSecret =
          browser === undefined
            ? undefined
            : readShared(`${at}.browser.appSecretFile`, browser.appSecretFile);
        if (appSecret === null) break;
        for (const name of ['authorizeUrl', 'apiUrl'] as const)
          if (browser?.[name] !== undefined) refusePlain(`${at}.browser.${name}`, browser[name]);
        providers.push(
          createWechatProvider(
            {
              ...(apiV3Key === undefined ? {} : { apiV3Key }),
              ...(browser === undefined || appSecret === undefined
                ? {}
                : {
                    browser: {
                      appSecret: Buffer.from(appSecret).toString('utf8'),
                      authorizeUrl: browser.authorizeUrl ?? 'https://open.weixin.qq.com',
                      apiUrl: browser.apiUrl ?? 'https://api.weixin.qq.com',
                    },
                  }),
              baseUrl,
              mchid,
              appid,
              merchantSerial,
              merchantSigner: rsaSha256Signer(merchantKey),
              platformKeys,
              notifyUrl,
              storeOutId: payment.storeOutId ?? config.terminalId,
            },
            ports,
          ),
        );
        break;
      }
      case 'alipay': {
        const appKey = readKey(`${at}.appKeyFile`, payment.appKeyFile, true);
        const alipayKey = readKey(`${at}.alipayKeyFile`, payment.alipayKeyFile, false);
        if (appKey === null || alipayKey === null) break;
        const { baseUrl, appId, notifyUrl } = payment;
        providers.push(
          createAlipayProvider(
            {
              ...(notifyUrl === undefined ? {} : { notifyUrl }),
              baseUrl,
              appId,
              appSigner: rsaSha256Signer(appKey),
              alipayKey: rsaSha256Verifier(alipayKey),
              protocol: payment.protocol ?? 'v3',
              storeId: payment.storeId ?? config.terminalId,
            },
            ports,
          ),
        );
        break;
      }
      case 'unionpay': {
        const appKey = readShared(`${at}.appKeyFile`, payment.appKeyFile);
        const answers = payment.answers ?? 'signed';
        if (answers === 'tls' && base.protocol !== 'https:')
          problem(`${at}.answers`, 'without signatures answers are believed over https only');
        if (appKey === null) break;
        const { baseUrl, appId, mid, tid, msgSrcId, notifyUrl, refundQueryPath } = payment;
        providers.push(
          createUnionpayProvider(
            {
              baseUrl,
              rule: openBodySig(appId, appKey, answers),
              mid,
              tid,
              msgSrcId,
              notifyUrl,
              refundQueryPath: refundQueryPath ?? REFUND_QUERY,
            },
            ports,
          ),
        );
        break;
      }
      case 'gateway': {
        const own = readKey('central.keyFile', config.central.keyFile, true, 'ed25519');
        const theirs = readRing(
          payment.answerKeyFile === undefined ? 'central.gatewayKeyFile' : `${at}.answerKeyFile`,
          payment.answerKeyFile ?? config.central.gatewayKeyFile,
        );
        if (own === null || theirs === null) break;
        providers.push(
          createGatewayProvider(
            {
              baseUrl: base.href,
              terminalId: config.terminalId,
              signer: ed25519Signer(own),
              answerKeys: theirs,
            },
            ports.gatewaySend === undefined ? ports : { ...ports, send: ports.gatewaySend },
          ),
        );
        break;
      }
      default:
        never(payment);
    }
  }
  if (problems.length > 0)
    return err(
      failure('CONF-0101', problems.join('; '), causes.length > 0 ? causes[0] : undefined),
    );
  return ok(providers);
}
