import { generateKeyPairSync, randomBytes } from 'node:crypto';

/** Fresh keys for one demo or test: both sides of a merchant's contract with the sandbox. */
export interface SandboxKeys {
  readonly merchantSerial: string;
  readonly merchantPrivateKeyPem: string;
  readonly merchantPublicKeyPem: string;
  readonly platformSerial: string;
  readonly platformPrivateKeyPem: string;
  readonly platformPublicKeyPem: string;
}

/** @param platformSerial `hex` gives a certificate-like serial, `public-key` a `PUB_KEY_ID_…` */
export function generateSandboxKeys(
  platformSerial: 'hex' | 'public-key' = 'public-key',
): SandboxKeys {
  const pair = (): { privateKey: string; publicKey: string } =>
    generateKeyPairSync('rsa', {
      modulusLength: 2048,
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
  const merchant = pair();
  const platform = pair();
  const hex = (): string => randomBytes(20).toString('hex').toUpperCase();
  return {
    merchantSerial: hex(),
    merchantPrivateKeyPem: merchant.privateKey,
    merchantPublicKeyPem: merchant.publicKey,
    platformSerial: platformSerial === 'hex' ? hex() : `PUB_KEY_ID_01${hex().slice(0, 26)}`,
    platformPrivateKeyPem: platform.privateKey,
    platformPublicKeyPem: platform.publicKey,
  };
}
