import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { chinaDate, DAY_MS } from '../../shared/time.ts';
import type { LoadedConfig } from '../config.ts';
import { found } from './finding.ts';
import type { Finding } from './finding.ts';

/** A certificate with less time left is said: a new one has to be asked for and brought here. */
const NEAR_DAYS = 30;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * How long the certificates among the configured files hold. Public keys have no end, and files
 * that cannot be read are `key-files`' matter: neither is said here.
 */
export function checkCertificates({ config, path }: LoadedConfig, nowMs: number): Finding[] {
  const files = [
    ...(config.central.caFile === undefined
      ? []
      : [{ key: 'central.caFile', file: config.central.caFile }]),
    ...config.payments.flatMap((p, i) =>
      p.kind === 'wechat'
        ? Object.entries(p.platformKeys).map(([id, file]) => ({
            key: `payments[${i}].platformKeys.${id}`,
            file,
          }))
        : p.kind === 'alipay'
          ? [{ key: `payments[${i}].alipayKeyFile`, file: p.alipayKeyFile }]
          : [],
    ),
  ];
  return files.flatMap(({ key, file }) =>
    certificatesIn(path(file)).map((cert) => {
      const until = cert.validToDate.getTime();
      const day = chinaDate(until);
      const zh = `${key}：证书 ${cert.serialNumber} 有效到 ${day}`;
      const en = `${key}: the certificate ${cert.serialNumber} holds until ${day}`;
      if (until <= nowMs)
        return found(
          'FAIL',
          'certificates',
          { zh: `${zh}：已过期`, en: `${en}: it is over` },
          {
            zh: '换上新证书：它签的不再算数，或线路打不开',
            en: 'put the new one in; what it signs is not believed, or the line does not open',
          },
          'CONF-0101',
        );
      return until - nowMs <= NEAR_DAYS * DAY_MS
        ? found(
            'WARN',
            'certificates',
            { zh, en },
            {
              zh: '在那天之前取来下一张，与这一张并列配置',
              en: 'fetch the next one and configure it beside this one before that day',
            },
          )
        : found('OK', 'certificates', { zh, en });
    }),
  );
}

function certificatesIn(file: string): X509Certificate[] {
  try {
    return (readFileSync(file, 'utf8').match(CERTIFICATE) ?? []).map(
      (pem) => new X509Certificate(pem),
    );
  } catch {
    return [];
  }
}
