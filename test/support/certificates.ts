import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

/**
 * Certificates made on the spot (RFC 5280, ECDSA over P-256), so that no key lies in the
 * repository. Only what a TLS test needs.
 */
const der = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  const { length } = body;
  const head =
    length < 0x80
      ? [tag, length]
      : length < 0x100
        ? [tag, 0x81, length]
        : [tag, 0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from(head), body]);
};
/** A number's bytes: with a zero in front where its first bit would be a sign. */
const positive = (hex: string): Buffer =>
  Buffer.from(Number.parseInt(hex.slice(0, 2), 16) < 0x80 ? hex : `00${hex}`, 'hex');
const sequence = (...parts: readonly Uint8Array[]): Buffer => der(0x30, ...parts);
const oid = (...bytes: readonly number[]): Buffer => der(0x06, Buffer.from(bytes));
const bits = (bytes: Uint8Array): Buffer => der(0x03, Buffer.of(0), bytes);
const utcTime = (ms: number): Buffer =>
  der(0x17, Buffer.from(`${new Date(ms).toISOString().slice(2, 19).replace(/[-:T]/g, '')}Z`));
const commonName = (name: string): Buffer =>
  sequence(der(0x31, sequence(oid(0x55, 0x04, 0x03), der(0x0c, Buffer.from(name)))));
const ECDSA_SHA256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
const YES = der(0x01, Buffer.of(0xff));
const BASIC_CONSTRAINTS = oid(0x55, 0x1d, 0x13);
const SUBJECT_ALT_NAME = oid(0x55, 0x1d, 0x11);

/** A certificate with its key, both PEM. */
export interface Certified {
  readonly certPem: string;
  readonly keyPem: string;
}
interface Asked {
  readonly name: string;
  /** Names and IPv4 addresses that a server has; left out: it is an authority. */
  readonly hosts?: readonly string[];
  readonly by?: Authority;
  readonly untilMs?: number;
  /** Somebody else's key, PEM, and the serial in hex. */
  readonly holder?: { readonly publicKeyPem: string; readonly serial: string };
}
/** One that signs others. */
export interface Authority extends Certified {
  readonly name: string;
  readonly key: KeyObject;
}
let serial = 1;
const DAY = 86_400_000;

function certify({ name, hosts, by, untilMs = Date.now() + 90 * DAY, holder }: Asked): Authority {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const extension =
    hosts === undefined
      ? sequence(BASIC_CONSTRAINTS, YES, der(0x04, sequence(YES)))
      : sequence(
          SUBJECT_ALT_NAME,
          der(
            0x04,
            sequence(
              ...hosts.map((h) =>
                /^[\d.]+$/.test(h)
                  ? der(0x87, Buffer.from(h.split('.').map(Number)))
                  : der(0x82, Buffer.from(h)),
              ),
            ),
          ),
        );
  const body = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, holder === undefined ? Buffer.of(serial++) : positive(holder.serial)),
    ECDSA_SHA256,
    commonName(by?.name ?? name),
    sequence(utcTime(Math.min(Date.now(), untilMs) - 60 * DAY), utcTime(untilMs)),
    commonName(name),
    createPublicKey(holder?.publicKeyPem ?? privateKey).export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extension)),
  );
  const cert = sequence(body, ECDSA_SHA256, bits(sign('sha256', body, by?.key ?? privateKey)));
  return {
    name,
    key: privateKey,
    certPem: `-----BEGIN CERTIFICATE-----\n${(cert.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END CERTIFICATE-----\n`,
    keyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

/** A private network's own authority. */
export const authority = (name: string): Authority => certify({ name });
/** A server's certificate for these names and addresses. */
export const serverCertificate = (
  by: Authority,
  hosts: readonly string[],
  untilMs?: number,
): Certified =>
  certify({
    name: hosts[0] ?? '',
    hosts,
    by,
    ...(untilMs === undefined ? {} : { untilMs }),
  });
/** A wallet's or a merchant's certificate, over an RSA key that exists. */
export const holderCertificate = (
  name: string,
  holder: NonNullable<Asked['holder']>,
  untilMs?: number,
): string =>
  certify({ name, hosts: [], holder, ...(untilMs === undefined ? {} : { untilMs }) }).certPem;
