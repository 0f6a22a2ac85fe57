import { createPublicKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/**
 * A platform key's id as it is compared. Serials of certificates are hex numbers that people write
 * in either case, with or without colons (openssl prints both); ids of the public-key mode
 * (`PUB_KEY_ID_…`, doc 4012154180) are names and stay as they are.
 */
export function platformKeyId(written: string): string {
  return written.startsWith('PUB_KEY_ID_')
    ? written
    : written.replaceAll(':', '').replaceAll(' ', '').toUpperCase();
}

/** What in a merchant's own set of keys is easily taken for the platform's. */
export interface MerchantKeys {
  readonly mchid: string;
  /** Serial of the merchant's own certificate. */
  readonly serial: string;
  readonly privateKey: KeyObject;
}

/**
 * Why a file cannot hold the platform's key of this id; null: nothing speaks against it. The
 * merchant's own certificate (apiclient_cert.pem) has the same issuer as the platform's and is
 * confused with it: it is known by its key, its serial, and its holder's name, which is the
 * merchant's number.
 */
export function whyNotPlatforms(id: string, pem: string, merchant: MerchantKeys): string | null {
  const own =
    'this is the merchant’s own certificate or key; the platform’s belongs here (商户平台 > API安全 > 平台证书 or 微信支付公钥)';
  const written = platformKeyId(id);
  if (written === platformKeyId(merchant.serial)) return own;
  const spki = (key: KeyObject): string =>
    key.export({ type: 'spki', format: 'der' }).toString('base64');
  if (spki(createPublicKey(pem)) === spki(createPublicKey(merchant.privateKey))) return own;
  if (!pem.includes('BEGIN CERTIFICATE')) return null;
  const cert = new X509Certificate(pem);
  const bare = (serial: string): string => platformKeyId(serial).replace(/^0+/, '');
  if (
    bare(cert.serialNumber) === bare(merchant.serial) ||
    cert.subject.split('\n').includes(`CN=${merchant.mchid}`)
  )
    return own;
  return written.startsWith('PUB_KEY_ID_') || bare(cert.serialNumber) === bare(written)
    ? null
    : `the certificate’s serial is ${cert.serialNumber}`;
}
