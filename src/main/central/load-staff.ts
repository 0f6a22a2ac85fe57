import type { CentralOptions } from '../../central/central.ts';
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { staffOrigin } from '../../central/console/gate.ts';
import { isPlainOutside } from './private-line.ts';
import type { CentralConfig } from './config.ts';
import type { Clock, Random } from '../../shared/ports.ts';
import type { Result } from '../../shared/result.ts';

/**
 * Who logs in, and who is told of alarms, as the configuration has them.
 *
 * @param secretOf what a file holds, where its owner alone reads it
 * @param problems takes a sentence for each key that is wrong
 */
export function loadStaff(
  { config, path }: { readonly config: CentralConfig; readonly path: (file: string) => string },
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  secretOf: (file: string) => Result<string, string>,
  problems: string[],
): Pick<CentralOptions, 'staff' | 'alarms'> {
  const { staff, alarms } = config;
  if (staff !== undefined)
    try {
      staffOrigin(staff.publicOrigin);
    } catch (cause) {
      problems.push(
        `staff.publicOrigin: ${cause instanceof Error ? cause.message : String(cause)}`,
      );
    }
  const held = (key: string, file: string | undefined): string | undefined => {
    if (file === undefined) return undefined;
    const read = secretOf(path(file));
    if (!read.ok) problems.push(`${key}: ${read.error}`);
    return read.ok ? read.value : undefined;
  };
  // Everybody may know a certificate: it need not be its owner's alone.
  const certificates = (file: string | undefined): string | undefined => {
    if (file === undefined) return undefined;
    try {
      const pem = readFileSync(path(file), 'utf8');
      void new X509Certificate(pem);
      return pem;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      problems.push(`alarms.mail.caFile: ${path(file)} is no certificate (PEM): ${why}`);
      return undefined;
    }
  };
  if (config.mode === 'production' && isPlainOutside(alarms?.webhook?.url))
    problems.push('alarms.webhook.url: https is needed, but for this machine itself');
  const mailPassword = held('alarms.mail.passwordFile', alarms?.mail?.passwordFile);
  const mailCaPem = certificates(alarms?.mail?.caFile);
  const webhookSecret = held('alarms.webhook.secretFile', alarms?.webhook?.secretFile);
  return {
    ...(staff === undefined ? {} : { staff: { publicOrigin: staff.publicOrigin, random } }),
    ...(alarms === undefined
      ? {}
      : {
          alarms: {
            config: alarms,
            clock,
            ...(mailPassword === undefined ? {} : { mailPassword }),
            ...(mailCaPem === undefined ? {} : { mailCaPem }),
            ...(webhookSecret === undefined ? {} : { webhookSecret }),
          },
        }),
  };
}
