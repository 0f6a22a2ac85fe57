import { z } from 'zod';
import { invoicesConfigSchema } from '../../central/invoices/config.ts';
import { alarmsConfigSchema } from '../../central/staff/alarms/config.ts';
import { externalAccountsSchema } from '../../central/sale/company-accounts-http.ts';
import { kindOf, path, url } from '../../shared/config/base.ts';
import { paymentSchema } from '../../shared/config/payments.ts';

const natural = z.number().int().nonnegative();
/** A name or an address to listen on. */
const host = z.string().min(1).max(253);
const port = z.number().int().min(1).max(65_535);
const door = z.strictObject({
  port,
  /** Left out: loopback only, for a front server on this machine. */
  host: host.optional(),
  /**
   * The header in which the one front server before this door names who asks; its last entry
   * counts. Left out: the socket's other end is whom central speaks to, and no header is believed.
   */
  proxyHeader: z
    .string()
    .regex(/^[A-Za-z][A-Za-z-]{0,40}$/, 'the name of a header')
    .optional(),
});
/** Another company's system behind HTTP. */
const outside = z.strictObject({
  baseUrl: url,
  /** Alone in its file; sent as `Authorization: Bearer …`. */
  secretFile: path,
  timeoutMs: z.number().int().min(100).max(60_000).default(10_000),
});
const MERCHANT = /^[a-z0-9][a-z0-9-]{0,31}$/;
const wallets = z
  .array(
    z.strictObject({
      /** Whose account it is; left out: the house's own. */
      merchant: z.string().regex(MERCHANT).optional(),
      wallet: paymentSchema,
    }),
  )
  .min(1)
  .max(60);
const budget = z.strictObject({
  /** Refunds of one terminal on one day of China's calendar. */
  refunds: natural,
  fen: natural,
});

/**
 * `central.json`: where central keeps its books, where it listens, its keys by path, and who stands
 * behind it. Prices, terminals, accounts and policy are not in it: they are in the database and are
 * changed by commands and at the console. Unknown keys are refused.
 * `resources/central.schema.json` is made from this.
 */
export const centralConfigSchema = z.strictObject({
  $schema: z.string().optional(),
  mode: z.enum(['demo', 'production']),
  /** For the embedded database, and for the door of the commands. */
  dataDir: path,
  database: z.discriminatedUnion(
    'kind',
    [
      /** PGlite in `dataDir`: one process, one small operator. */
      z.strictObject({ kind: z.literal('embedded') }),
      z.strictObject({
        kind: z.literal('postgres'),
        /** `postgres://user@host:port/database?…`; the password stands in `passwordFile`. */
        url: z.string().regex(/^postgres(ql)?:\/\//, 'postgres://…'),
        passwordFile: path.optional(),
        /** Of the pool; one more keeps turns. */
        connections: z.number().int().min(2).max(100).optional(),
      }),
    ],
    {
      error: (issue) =>
        `database.kind "${String((issue.input as { kind?: unknown } | undefined)?.kind)}" is not built; available: embedded, postgres`,
    },
  ),
  /** Ed25519 private keys (PEM, PKCS#8); `pilotlight central init` makes those that are missing. */
  keys: z.strictObject({
    policy: path,
    answers: path,
    gateway: path,
    /** X25519: open what identifies the customers of requests; the first one is sealed to. */
    requests: z.array(path).max(10).optional(),
    /** Public keys that signed before, believed on. */
    earlier: z
      .strictObject({
        answers: z.array(path).max(20).optional(),
        gateway: z.array(path).max(20).optional(),
      })
      .optional(),
  }),
  listen: z.strictObject({
    terminals: door,
    pages: door,
    staff: door,
  }),
  /** Staff log in (docs/central-staff.md); left out: nobody does, and the door is on loopback only. */
  staff: z
    .strictObject({
      /** By which address browsers reach the staff's door: `https://host[:port]`, nothing behind it. */
      publicOrigin: url,
    })
    .optional(),
  /** Who is told by mail and webhook that somebody has to look (docs/central-staff.md). */
  alarms: alarmsConfigSchema.optional(),
  /** How long a kiosk sells by the policy without hearing it anew, days; left out: 30. */
  policyValidDays: z.number().int().min(1).max(365).optional(),
  /**
   * The company's card keys, for terminals that have none. `sealed`: as on a kiosk
   * (docs/install.md, `pilotlight keys seal`) · `sample`: the published ones, in demo mode. Left
   * out: none are here.
   */
  cardKeys: z
    .union([
      z.strictObject({ kind: z.literal('sample') }),
      z.strictObject({
        kind: kindOf('card keys', ['sealed']),
        file: path,
        secretFile: path,
        /** The operator's word that the disk opens by this machine's TPM only; production wants it. */
        diskKey: z.literal('tpm').optional(),
      }),
    ])
    .optional(),
  /** The payment gateway; left out: this central takes no payments. */
  payments: z
    .strictObject({
      /** Where customers' phones reach the pages, without a slash at the end. */
      publicUrl: url,
      wallets,
      /** Payees with a merchant account of their own. */
      payees: z.record(z.string().min(1).max(32), z.string().regex(MERCHANT)).optional(),
      /** Left out: the gateway's own figures (docs/payment-gateway.md). */
      refundBudget: budget.optional(),
    })
    .optional(),
  /**
   * Wallets that terminals collect by themselves (kinds `wechat` and `alipay` in terminal.json):
   * central believes a payment there by the wallet's own signed answer.
   */
  terminalWallets: wallets.optional(),
  /** What may go back on a card reader's word (docs/decisions/0032); left out: its own figures. */
  refundBudget: z
    .strictObject({
      accountFen: natural,
      accountOrders: natural,
      terminalDayFen: natural,
      dayFen: natural,
    })
    .optional(),
  /** E-invoices (docs/invoices.md). */
  invoices: z.strictObject({ provider: outside, config: invoicesConfigSchema }).optional(),
  /** Messages of interruptions (docs/services.md). */
  smsPlatform: outside.optional(),
  /** Who tells IoT meters of top-ups (docs/credit.md). */
  meterPlatform: outside.optional(),
  /** The company's own book of credit accounts (docs/credit.md). */
  accountBook: outside.optional(),
  /** The company's own billing system keeps the accounts (docs/external-accounts.md). */
  accounts: externalAccountsSchema.optional(),
  /** How long an orderly stop waits for what is under way, ms; left out: 10 s. */
  stopMs: z.number().int().min(0).max(120_000).optional(),
});
/** As it was checked. */
export type CentralConfig = z.infer<typeof centralConfigSchema>;
