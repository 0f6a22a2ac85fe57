import { z } from 'zod';
import { announcedSchema } from './central-api/accounts.ts';
import { creditPolicySchema } from './policy-credit.ts';
import { infoSchema } from './policy-info.ts';
import { myAccountPolicySchema } from './policy-my-account.ts';
import { requestsSchema } from './policy-requests.ts';
import { receiptsPolicySchema } from './policy-receipts.ts';
import { voicePolicySchema } from './policy-voice.ts';
import { DAY_MS } from './time.ts';

/**
 * Nothing that an operator means is outside of these: a slip of the hand at central, or whoever got
 * at its policy key for an hour, does not make a kiosk sell without an end.
 */
const MAX_FEN = 10_000_000;
/** Below it a second question would be asked of nearly everybody, and be read by nobody. */
const MIN_CONFIRM_FEN = 5_000;
const MAX_UNSYNCED_FEN = 100_000_000;
const MAX_EVENTS = 1_000_000;
/** No cached account is sold to for longer. */
export const MAX_AGE_MS = 31 * DAY_MS;
const MAX_WINDOW_MS = 30 * 60_000;
/** More announced versions than any company has within two months. */
export const MAX_TARIFFS = 200;

const natural = z.number().int().nonnegative();
const fen = z.number().int().positive().max(MAX_FEN);
const age = natural.max(MAX_AGE_MS);
const line = z.string().max(200);
/** `08:30`, of a day's 24 hours; `24:00` is its end. */
const hourMinute = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/);
const text = z.object({ zh: z.string().max(2_000), en: z.string().max(2_000) });

/**
 * Limits, notices, hotlines and switches, as the operator sets them at central. Every value has
 * bounds: a kiosk refuses a policy outside of them, and keeps the one it has.
 */
export const policySchema = z
  .object({
    version: natural.max(2_147_483_647),
    hotline: z.string().max(40),
    presetsFen: z.array(fen).min(1).max(12),
    minFen: fen,
    maxFen: fen,
    /**
     * Above this sum the customer is asked once more before money is asked for, whatever it pays;
     * null: never. A policy of before says nothing of it, and means 500 yuan.
     */
    confirmAboveFen: fen.min(MIN_CONFIRM_FEN).nullable().default(50_000),
    /** How long a QR code waits for the customer. */
    payWindowMs: z.number().int().min(10_000).max(MAX_WINDOW_MS),
    /**
     * With which wallets the gateway's code is paid, by payee, `house` for what is the hall's own:
     * what the screens name. Told by central itself.
     */
    wallets: z
      .record(z.string().max(32), z.array(z.enum(['wechat', 'alipay', 'unionpay'])).max(3))
      .optional(),
    /** A card that nobody takes after its visit is taken in after so long; left out: 10 minutes. */
    captureAfterMs: z.number().int().min(60_000).max(DAY_MS).optional(),
    offline: z.object({
      /** A cached account older than this is not sold to while central is away. */
      accountMaxAgeMs: age,
      /** The most that may be sold from the cache and not yet uploaded, in fen. */
      capFen: natural.max(MAX_FEN),
    }),
    /** Selling stops when more than this is not uploaded. */
    unsynced: z.object({
      maxEvents: natural.max(MAX_EVENTS),
      maxFen: natural.max(MAX_UNSYNCED_FEN),
      maxAgeMs: age,
    }),
    /** Facts that central holds are kept on the machine for so long. */
    retentionDays: z.number().int().min(30).max(4_000).default(400),
    /** A clock further from central's than this stops selling. */
    maxClockSkewMs: z.number().int().min(1_000).max(DAY_MS),
    /**
     * Whose a customer's payment code is, by its first digits and their number; the first line that
     * fits decides. No patterns: a table from outside must not make the core hang. Left out: the
     * table of payment/codes.ts.
     */
    paymentCodes: z
      .array(
        z.object({
          /** What it begins with, any of these. */
          prefixes: z
            .array(z.string().regex(/^\d{1,6}$/))
            .min(1)
            .max(100),
          /** How many digits it has, from and to. */
          digits: z.tuple([natural, natural]).refine(([from, to]) => from <= to && to <= 32),
          wallet: z.enum(['wechat', 'alipay', 'unionpay']),
        }),
      )
      .max(100)
      .optional(),
    notices: z.array(z.object({ title: text, body: text })).max(50),
    /** Where else one is served: said where a machine is out of service. */
    sites: z
      .array(
        z.object({
          /** As the site's own machines call it in Chinese, so that they leave it out. */
          name: line,
          detail: line,
          /** The same for who reads English. Left out: as it stands in Chinese. */
          en: z.object({ name: line, detail: line }).optional(),
          /** When it is open, each day, by China's clock; `to` before `from` is past midnight. */
          hours: z.object({ from: hourMinute, to: hourMinute }).optional(),
          /** How far it is, by the site (in Chinese) from which one goes; metres. */
          metresFrom: z.record(line, natural).optional(),
        }),
      )
      .max(500),
    /** Left out: central says nothing of it, and the start screen has no tile for it. */
    info: infoSchema.optional(),
    /** What can be asked for at the machine. Left out: nothing, and there is no tile for it. */
    requests: requestsSchema.optional(),
    /** Left out: nothing is sold without a card. */
    credit: creditPolicySchema.optional(),
    /** Left out: slips and the thanks screen have no code of a receipt page. */
    receipts: receiptsPolicySchema.optional(),
    /** Left out: a card tells what is on it, and nothing more. */
    myAccount: myAccountPolicySchema.optional(),
    /** Left out: the machine speaks as DEFAULT_VOICE has it. */
    voice: voicePolicySchema.optional(),
    /**
     * A start screen that nobody has touched for so many seconds shows what it offers, how it
     * stands and what to do when gas is smelt. Left out: 90.
     */
    attractAfterSeconds: z.number().int().min(30).max(3_600).optional(),
  })
  .refine((p) => p.minFen <= p.maxFen, { path: ['maxFen'], error: 'less than minFen' });
export type Policy = z.infer<typeof policySchema>;

/**
 * The body that central signs: what the operator set, and until when it counts. Central renews it
 * long before. A kiosk whose policy is over sells nothing, and goes on with all that was begun:
 * else whoever keeps the line cut, or answers with what central said once, would choose for how
 * long an old offline cap counts.
 */
export const issuedPolicySchema = policySchema.and(
  z.object({
    expiresAtMs: natural,
    /**
     * Versions of tariffs that begin, or began within the greatest age of a cached account: every
     * kiosk that is heard knows of them, whenever a card was last put in. Left out: none.
     */
    tariffs: announcedSchema.max(MAX_TARIFFS).optional(),
    /**
     * Central's public key that requests' telephone numbers are sealed to (base64 of an X25519
     * key's SPKI). Left out: this central takes none.
     */
    sealTo: z
      .string()
      .regex(/^[0-9A-Za-z+/]{40,200}={0,2}$/)
      .optional(),
  }),
);
export type IssuedPolicy = z.infer<typeof issuedPolicySchema>;
/** What a kiosk goes by: the operator's policy, and what central announced with it. */
export type HeldPolicy = Policy & Pick<IssuedPolicy, 'tariffs' | 'sealTo'>;

/**
 * The policy as sent: `body` is the exact JSON text that `signature` (base64, Ed25519 by central's
 * policy key) covers; `keyId` names that key, and is left out by a central of before key ids.
 */
export const signedPolicySchema = z.object({
  body: z.string(),
  signature: z.string(),
  keyId: z.string().optional(),
});
export type SignedPolicy = z.infer<typeof signedPolicySchema>;
