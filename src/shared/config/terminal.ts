import { z } from 'zod';
import { MAINTENANCE_ROLES } from '../contract/maintenance.ts';
import { NEAR_SITES, keypadSchema, nearSiteSchema, panelSchema } from '../contract/base.ts';
import { kindOf, path, text, url } from './base.ts';
import {
  layoutSchema,
  psamProfileSchema,
  psamReaderSchema,
  purseSchema,
  readerSchema,
} from './devices.ts';
import { paymentSchema } from './payments.ts';
import { printerSchema, scannerSchema } from './peripherals.ts';
import { modbusSchema, speakerSchema, upsSchema } from './sensors.ts';

export type { PsamProfile } from './devices.ts';
export type { WechatConfig } from './payments.ts';

/** `npx pilotlight pin --name NAME` prints one of these. Without any there is no maintenance mode. */
const maintenanceUserSchema = z.strictObject({
  name: z.string().min(1).max(20),
  /**
   * His technician's card (docs/layouts/pl-technician.md): inserting it asks for his PIN. Left out:
   * he comes in by the corner only.
   */
  card: z
    .string()
    .regex(/^\d{10}$/, 'the card number, ten digits')
    .optional(),
  /** What he is (docs/operating-engineer.zh.md, “维护模式”). Left out: technician. */
  role: z.enum(MAINTENANCE_ROLES).optional(),
  salt: z
    .string()
    .regex(/^([0-9a-f]{2}){16,64}$/, 'hex of at least 16 bytes, as `npx pilotlight pin` prints it'),
  hash: z.string().regex(/^[0-9a-f]{64}$/, 'hex of 32 bytes, as `npx pilotlight pin` prints it'),
});

/** The hash of the demo's published PIN: production refuses a line with it. */
export const PUBLISHED_PIN_HASH =
  'd8d685677d5f9a76be3b4e6770d0b59d29794ee96475689328342403aff247c2';

/**
 * `terminal.json`: identity, hardware, keys by path, addresses. Limits, notices and hotlines are
 * policy and come from central. Unknown keys are refused, and so is every kind that is not built,
 * by name. `resources/terminal.schema.json` is made from this.
 */
export const terminalConfigSchema = z.strictObject({
  $schema: z.string().optional(),
  mode: z.enum(['demo', 'production']),
  terminalId: z
    .string()
    .regex(/^\d{12}$/, 'twelve digits: they go into the card’s transaction data'),
  /** The site's name; or that with the company's name and the machine's own. */
  site: z.union([
    text,
    z.strictObject({ name: text, terminalName: text.optional(), brand: text.optional() }),
  ]),
  /** The touch panel as it is mounted: sizes on the screen and low reach are measured by it. */
  panel: z.strictObject(panelSchema.shape).optional(),
  /**
   * Where the machine sends people while it is out of service and policy's `sites` tell nothing:
   * the nearest first.
   */
  nearestSites: z.array(z.strictObject(nearSiteSchema.shape)).max(NEAR_SITES).optional(),
  dataDir: path,
  /** Folder of the second log; on another disk in production. */
  secondPath: path,
  readers: z.array(readerSchema).min(1),
  /**
   * Meter makers' own programs, beside the layouts that are built in
   * (docs/adding-a-meter-maker.md).
   */
  layouts: z.array(layoutSchema).max(20).optional(),
  /** How the company's purse cards (PL-PURSE) differ from the reference (docs/layouts/pl-purse.md). */
  purse: purseSchema.optional(),
  keys: z.discriminatedUnion(
    'kind',
    [
      z.strictObject({ kind: z.literal('sample') }),
      /**
       * `npx pilotlight keys seal` makes the file; both files are readable by the kiosk's user
       * only.
       */
      z.strictObject({
        kind: z.literal('sealed'),
        file: path,
        secretFile: path,
        /** The operator's word that the disk opens by this machine's TPM only; production wants it. */
        diskKey: z.literal('tpm').optional(),
      }),
      /** A PSAM in a reader of its own, or in a slot of the customer's motor reader. */
      z.strictObject({
        kind: z.literal('psam'),
        reader: psamReaderSchema,
        profile: psamProfileSchema.optional(),
      }),
      /**
       * No key in this machine: central computes, for sales that it knows of. Offline nothing is
       * sold.
       */
      z.strictObject({ kind: z.literal('central') }),
    ],
    {
      error: (issue) =>
        `key provider kind "${String((issue.input as { kind?: unknown } | undefined)?.kind)}" is not built; available: sample, sealed, psam, central`,
    },
  ),
  /**
   * Whose money the merchant of this terminal's own wallets collects, by payees of the policy's
   * `credit`; the gateway's merchants are central's. Left out: `house` only.
   */
  collectsFor: z.array(z.string().min(1).max(32)).min(1).max(10).optional(),
  /** In the order in which they are offered; one of each kind. */
  payments: z
    .array(paymentSchema)
    .min(1)
    .refine((all) => new Set(all.map((p) => p.kind)).size === all.length, 'one of each kind'),
  central: z.strictObject({
    baseUrl: url,
    /** The terminal's own Ed25519 private key, PEM (PKCS#8). */
    keyFile: path,
    /**
     * Central's Ed25519 public key, PEM (SPKI); signs the policy. Left out: `policy.pub.pem` beside
     * `keyFile`. Like the two below the file holds the current key, and behind it, while it is
     * being changed, the next one.
     */
    policyKeyFile: path.optional(),
    /** Signs central's answers and grants. Left out: `answers.pub.pem` beside `keyFile`. */
    answerKeyFile: path.optional(),
    /** Signs what the payment gateway says. Left out: `gateway.pub.pem` beside `keyFile`. */
    gatewayKeyFile: path.optional(),
    /**
     * Certificates (PEM) of the authorities that are believed for central and the gateway, instead
     * of the public ones: those of a private network. A gateway elsewhere needs its own in the same
     * file.
     */
    caFile: path.optional(),
    /**
     * A proxy on the way to central and the gateway, `http://[USER:PASSWORD@]HOST:PORT`. It gets
     * CONNECT only, so central must speak HTTPS.
     */
    proxy: z.url({ protocol: /^http$/ }).optional(),
    /** Nothing is sold by a policy of before this version. Left out: whichever central signed. */
    minPolicyVersion: z.number().int().min(1).optional(),
  }),
  printer: printerSchema.optional(),
  scanner: scannerSchema.optional(),
  /**
   * Which keys of the keypad do what (docs/install.md); each left out: the usual ones. `plugged`
   * and `unplugged`: what a keypad's own jack sends.
   */
  keypad: keypadSchema.optional(),
  /**
   * A jack of the machine's sound card. `evdev`: `path` is its input device, e.g.
   * `/dev/input/by-path/…`. Left out: none.
   */
  headphones: z
    .strictObject({
      kind: kindOf('headphone jack kind', ['evdev', 'none']),
      path: path.optional(),
    })
    .refine((h) => h.kind !== 'evdev' || h.path !== undefined, 'evdev needs a path')
    .optional(),
  ups: upsSchema.optional(),
  modbus: modbusSchema.optional(),
  speaker: speakerSchema.optional(),
  /**
   * What leaves on a USB stick (docs/operating-engineer.zh.md). Left out: maintenance mode exports
   * nothing.
   */
  export: z
    .strictObject({
      /** Written to instead of the stick that is in: a mount point of the operator's own. */
      folder: path.optional(),
      /** The company's age keys, `age1…`; none: the settlements only, without a name in them. */
      recipients: z
        .array(z.string().regex(/^age1[0-9a-z]{10,4000}$/, 'an age recipient, age1…'))
        .max(10)
        .optional(),
    })
    .optional(),
  /** Who may enter maintenance mode. */
  maintenance: z
    .strictObject({
      users: z
        .array(maintenanceUserSchema)
        .max(50)
        .refine(
          (all) =>
            all.every(
              (u) =>
                u.card === undefined ||
                all.filter((o) => o.card === u.card || o.name === u.name).length === 1,
            ),
          'a user with a card has it, and his name, for himself',
        )
        .refine(
          (all) => all.every((u) => all.every((o) => o.name !== u.name || o.role === u.role)),
          'one name has one role',
        ),
    })
    .optional(),
});
/** The file as it may be written. */
export type TerminalConfigFile = z.infer<typeof terminalConfigSchema>;

interface BothLanguages {
  readonly zh: string;
  readonly en: string;
}
/** The configuration with everything that may be left out filled in. */
export type TerminalConfig = Omit<
  TerminalConfigFile,
  'site' | 'central' | 'printer' | 'scanner' | 'headphones' | 'maintenance'
> & {
  readonly site: {
    readonly name: BothLanguages;
    readonly terminalName: BothLanguages;
    readonly brand: BothLanguages;
  };
  readonly central: TerminalConfigFile['central'] & {
    readonly policyKeyFile: string;
    readonly answerKeyFile: string;
    readonly gatewayKeyFile: string;
  };
  readonly printer: NonNullable<TerminalConfigFile['printer']>;
  readonly scanner: NonNullable<TerminalConfigFile['scanner']>;
  readonly headphones: NonNullable<TerminalConfigFile['headphones']>;
  readonly maintenance: NonNullable<TerminalConfigFile['maintenance']>;
};

/**
 * Where a virtual reader or printer is when the file does not say: the demo hall's places at its
 * usual ports.
 */
const VIRTUAL_READER = 'tcp://127.0.0.1:8464';
const VIRTUAL_PRINTER = 'tcp://127.0.0.1:8465';

/** Fills in what the file leaves out. */
export function completeConfig(file: TerminalConfigFile): TerminalConfig {
  const both = (t: string | BothLanguages): BothLanguages =>
    typeof t === 'string' ? { zh: t, en: t } : t;
  const site = typeof file.site === 'string' || 'zh' in file.site ? { name: file.site } : file.site;
  const folder = /^(.*[\\/])?[^\\/]*$/.exec(file.central.keyFile)?.[1] ?? '';
  const printer = file.printer ?? { kind: 'none' };
  return {
    ...file,
    site: {
      name: both(site.name),
      terminalName: both(
        ('terminalName' in site ? site.terminalName : undefined) ?? {
          zh: `${file.terminalId.slice(-4)}号机`,
          en: `No. ${file.terminalId.slice(-4)}`,
        },
      ),
      brand: both(
        ('brand' in site ? site.brand : undefined) ?? { zh: '自助服务', en: 'Self-service' },
      ),
    },
    readers: file.readers.map((r) =>
      r.kind === 'virtual' ? { ...r, path: r.path ?? VIRTUAL_READER } : r,
    ),
    central: {
      ...file.central,
      policyKeyFile: file.central.policyKeyFile ?? `${folder}policy.pub.pem`,
      answerKeyFile: file.central.answerKeyFile ?? `${folder}answers.pub.pem`,
      gatewayKeyFile: file.central.gatewayKeyFile ?? `${folder}gateway.pub.pem`,
    },
    printer:
      printer.kind === 'virtual' ? { ...printer, path: printer.path ?? VIRTUAL_PRINTER } : printer,
    scanner: file.scanner ?? { kind: 'none' },
    headphones: file.headphones ?? { kind: 'none' },
    maintenance: file.maintenance ?? { users: [] },
  };
}
/** One line per problem, each naming the key: `payments[0].mchid: …`. */
export function configProblems(error: z.ZodError): string[] {
  return error.issues.map((issue) => {
    const where = issue.path.reduce<string>(
      (s, p) => (typeof p === 'number' ? `${s}[${p}]` : s === '' ? String(p) : `${s}.${String(p)}`),
      '',
    );
    return `${where === '' ? '(root)' : where}: ${issue.message}`;
  });
}
