import { z } from 'zod';
import { path, url } from '../../../shared/config/base.ts';

/** Every alarm that there is; a code is stable, and never means something else. */
export const ALARM_CODES = [
  'TERMINAL-SILENT',
  'TERMINAL-OUT-OF-SERVICE',
  'TERMINAL-PAPER-OUT',
  'TERMINAL-UNSENT',
  'TERMINAL-ALARM',
  'TERMINAL-ASKS-EPOCH',
  'FACTS-QUARANTINED',
  'MONEY-PARKED',
  'REFUNDS-WAIT',
  'CROSS-CHECK',
  'LOG-INS-FAILED',
] as const;
export type AlarmCode = (typeof ALARM_CODES)[number];

const address = z.email();
const rule = z.strictObject({
  /** Nobody is told of it. */
  off: z.boolean().optional(),
  /** From this measure on, in the rule's own unit (docs/central-staff.md). */
  threshold: z.number().int().min(1).max(1_000_000).optional(),
  /** Instead of `mail.to`. */
  to: z.array(address).min(1).max(20).optional(),
});

/** Alarms, as `central.json` has them under `alarms`. Unknown keys are refused. */
export const alarmsConfigSchema = z.strictObject({
  /** How often central looks, ms; left out: a minute. */
  everyMs: z.number().int().min(5_000).max(3_600_000).optional(),
  mail: z
    .strictObject({
      host: z.string().min(1).max(253),
      port: z.number().int().min(1).max(65_535),
      /** `implicit`: TLS from the first byte (465) · `starttls`: or nothing is sent · `none`. */
      tls: z.enum(['implicit', 'starttls', 'none']),
      /** Who certifies the server, PEM; left out: the authorities that this system knows. */
      caFile: path.optional(),
      user: z.string().min(1).max(200).optional(),
      passwordFile: path.optional(),
      from: address,
      to: z.array(address).min(1).max(20),
    })
    .refine((m) => (m.user === undefined) === (m.passwordFile === undefined), {
      message: 'user and passwordFile go together',
    })
    .refine((m) => m.user === undefined || m.tls !== 'none', {
      message: 'a password is not sent without TLS',
    })
    .optional(),
  webhook: z
    .strictObject({
      url,
      /** What each message is signed with: HMAC-SHA256, alone in its file. */
      secretFile: path,
    })
    .optional(),
  /** By code; what is left out has its own figures. */
  rules: z.partialRecord(z.enum(ALARM_CODES), rule).optional(),
});
/** As it was checked. */
export type AlarmsConfig = z.infer<typeof alarmsConfigSchema>;
